//! What lies between a page or a client and its hub: origins, proxies, path bases, redirections (reference signalr-core
//! 3.4, 4.2).

use bytes::Bytes;
use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_client::http::request;
use hubplane_client::{ConnectError, Connection, Options};
use hubplane_gateway_server::{HubOptions, Outside, Redirect};
use hubplane_testkit::{TestCluster, within};

use crate::{options, shapes};

const PAGE: &str = "http://localhost:3000";
const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The status, and the headers about origins in their order.
async fn ask(url: &str, method: &str, headers: &[(&str, &str)]) -> (http::Response<Bytes>, String) {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let asking = request(method.parse().unwrap(), url, &headers);
    let response = within(url, asking).await.unwrap();
    let mut shown = vec![response.status().as_u16().to_string()];
    for (name, value) in response.headers() {
        if name.as_str().starts_with("access-control") || name == "vary" {
            shown.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    shown[1..].sort();
    let shown = shown.join("\n");
    (response, shown)
}

fn with_hub(mut options: ClusterOptions, change: impl Fn(&mut HubOptions)) -> ClusterOptions {
    let mut hub = HubOptions::default();
    change(&mut hub);
    options.gateway.hubs.insert("test".parse().unwrap(), hub);
    options
}

async fn for_pages() -> TestCluster {
    let options = with_hub(options(1, false), |hub| {
        hub.allowed_origins = vec!["http://localhost:*".parse().unwrap()];
    });
    TestCluster::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_with_what_it_asked_for_or_with_nothing() {
    let cluster = for_pages().await;
    let url = cluster.url(0, "test");
    let wanted = "x-requested-with,x-signalr-user-agent,authorization";
    for (path, method) in [
        ("?id=x", "POST"),
        ("?id=x", "DELETE"),
        ("/negotiate", "POST"),
    ] {
        let headers = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            ("access-control-request-headers", wanted),
        ];
        let (response, shown) = ask(&format!("{url}{path}"), "OPTIONS", &headers).await;
        assert_eq!(
            shown,
            format!(
                "204\naccess-control-allow-credentials: true\naccess-control-allow-headers: {wanted}\n\
                 access-control-allow-methods: {method}\naccess-control-allow-origin: {PAGE}\nvary: Origin"
            )
        );
        assert_eq!(response.body(), "");
    }
    let foreign = [
        ("origin", "http://elsewhere.test"),
        ("access-control-request-method", "POST"),
    ];
    assert_eq!(ask(&url, "OPTIONS", &foreign).await.1, "204");
    // Whoever asks for nothing is told that there is no such method.
    assert!(
        ask(&url, "OPTIONS", &[("origin", PAGE)])
            .await
            .1
            .starts_with("405")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_name_the_origin_of_an_allowed_page_errors_included() {
    let cluster = for_pages().await;
    let url = cluster.url(0, "test");
    let named = format!(
        "\naccess-control-allow-credentials: true\naccess-control-allow-origin: {PAGE}\nvary: Origin"
    );
    for (method, path, status) in [
        ("POST", "/negotiate?negotiateVersion=1", 200),
        ("GET", "?id=unknown", 404),
        ("PUT", "", 405),
    ] {
        let url = format!("{url}{path}");
        let (_, shown) = ask(&url, method, &[("origin", PAGE)]).await;
        assert_eq!(shown, format!("{status}{named}"));
        // A page of another origin is served; its browser keeps the answer from it.
        let (_, shown) = ask(&url, method, &[("origin", "http://elsewhere.test")]).await;
        assert_eq!(shown, status.to_string());
        assert_eq!(ask(&url, method, &[]).await.1, status.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_of_a_foreign_page_is_refused_where_origins_are_listed() {
    let listed = for_pages().await;
    let status = async |cluster: &TestCluster, origin: Option<&str>| {
        let mut headers = UPGRADE.to_vec();
        headers.extend(origin.map(|origin| ("Origin", origin)));
        let (response, _) = ask(&cluster.url(0, "test"), "GET", &headers).await;
        response.status().as_u16()
    };
    let own = format!("http://{}", listed.address(0));
    assert_eq!(status(&listed, Some("http://elsewhere.test")).await, 403);
    for origin in [Some(PAGE), Some(&*own), None] {
        assert_eq!(status(&listed, origin).await, 101, "{origin:?}");
    }
    let unlisted = TestCluster::start(options(1, false)).await.unwrap();
    assert_eq!(status(&unlisted, Some("http://elsewhere.test")).await, 101);
    let as_reference = with_hub(options(1, false), |hub| {
        hub.allowed_origins = vec![PAGE.parse().unwrap()];
        hub.web_sockets_of_any_origin = true;
    });
    let as_reference = TestCluster::start(as_reference).await.unwrap();
    assert_eq!(
        status(&as_reference, Some("http://elsewhere.test")).await,
        101
    );
}

fn behind(mut options: ClusterOptions, trusted: &str) -> ClusterOptions {
    options.gateway.outside = Outside {
        path_base: "/app".to_owned(),
        trusted_proxies: vec![trusted.parse().unwrap()],
        ..Outside::default()
    };
    options
}

async fn whence(url: &str, encoding: hubplane_client::Encoding) -> (String, String) {
    let options = Options {
        headers: vec![("x-forwarded-for".to_owned(), "192.0.2.7".to_owned())],
        ..Options::with_encoding(encoding)
    };
    let client = within(url, Connection::connect(url, &options))
        .await
        .unwrap();
    within("whence", client.invoke("Whence", ())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_sees_the_client_that_a_trusted_proxy_names_and_no_other() {
    let encoding = hubplane_client::Encoding::Json;
    for (trusted, is_believed) in [("127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        for shape in shapes() {
            let cluster = TestCluster::start(behind(shape, trusted)).await.unwrap();
            let (remote, _) = whence(&cluster.url(0, "test"), encoding).await;
            assert_eq!(remote == "192.0.2.7:0", is_believed, "{remote}");
            assert_eq!(remote.starts_with("127.0.0.1:"), !is_believed, "{remote}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_below_the_path_base_too() {
    let cluster = behind(options(1, false), "127.0.0.1");
    let cluster = TestCluster::start(cluster).await.unwrap();
    let address = cluster.address(0);
    for base in ["/app", "/APP", ""] {
        let url = format!("http://{address}{base}/hubs/test?room=a");
        let (_, asked) = whence(&url, hubplane_client::Encoding::MessagePack).await;
        assert!(asked.starts_with("/hubs/test?room=a"), "{asked}");
    }
    let (response, _) = ask(&format!("http://{address}/app?x=1"), "GET", &[]).await;
    assert_eq!(response.status(), 307);
    assert_eq!(response.headers()["location"], "/app/?x=1");
    let (response, _) = ask(
        &format!("http://{address}/application/hubs/test"),
        "POST",
        &[],
    )
    .await;
    assert_eq!(response.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirected_hub_sends_its_clients_elsewhere_with_their_query() {
    let target = TestCluster::start(options(1, false)).await.unwrap();
    let redirecting = with_hub(options(1, false), |hub| {
        hub.redirect = Some(Redirect {
            url: target.url(0, "test"),
            access_token: Some("a token".to_owned()),
        });
    });
    let redirecting = TestCluster::start(redirecting).await.unwrap();
    let url = format!(
        "{}/negotiate?negotiateVersion=1&room=a",
        redirecting.url(0, "test")
    );
    let (response, _) = ask(&url, "POST", &[]).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.body(),
        &format!(
            r#"{{"url":"{}?room=a","accessToken":"a token"}}"#,
            target.url(0, "test")
        )
    );
    let mut elsewhere = target.connect(0, "ana", Encoding::Json).await;
    let url = format!("{}?room=a", redirecting.url(0, "test"));
    // The token given with the redirection is used there: no key of that server made it.
    let options = Options::default();
    let connecting = Connection::connect(&url, &options);
    let redirected = within("the redirected client", connecting).await.unwrap();
    redirected.send("ToAll", ("hello",)).await.unwrap();
    let (said,): (String,) = within("hello", elsewhere.receive("said")).await.unwrap();
    assert_eq!(said, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_older_than_the_minimum_is_told_so() {
    let cluster = with_hub(options(1, false), |hub| hub.negotiate_version_min = 1);
    let cluster = TestCluster::start(cluster).await.unwrap();
    let old = Options {
        negotiate_version: None,
        ..Options::default()
    };
    let url = cluster.url(0, "test");
    let refused = within("an answer", Connection::connect(&url, &old)).await;
    let text = "The client requested version '0', but the server does not support this version.";
    assert!(matches!(refused, Err(ConnectError::Negotiate { text: told }) if told == text));
}
