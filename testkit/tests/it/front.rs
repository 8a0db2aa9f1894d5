//! The front's answers: negotiate and the WebSocket rows of the status matrix (reference signalr-core 3, 9).

use http::{Method, Response};
use hubplane_client::http::request;
use hubplane_client::{Connection, Options};
use hubplane_gateway_server::{SigningKey, Transports};
use hubplane_testkit::{TestCluster, within};

use crate::{options, shapes};

const UPGRADE: &[(&str, &str)] = &[
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A request whose method is the first word of `what`; the rest is what comes behind the hub's address.
async fn ask(
    cluster: &TestCluster,
    what: &str,
    headers: &[(&str, &str)],
) -> Response<bytes::Bytes> {
    let (method, rest) = what.split_once(' ').unwrap_or((what, ""));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let url = format!("{}{rest}", cluster.url(0, "test"));
    let method: Method = method.parse().unwrap();
    within(what, request(method, &url, &headers)).await.unwrap()
}

/// Status, content type and body, as one text.
fn shown(response: &Response<bytes::Bytes>) -> String {
    let content_type = response
        .headers()
        .get("content-type")
        .map_or("-", |value| value.to_str().unwrap());
    let cached = if response.headers().contains_key("pragma") {
        " uncached"
    } else {
        ""
    };
    let body = String::from_utf8_lossy(response.body());
    format!(
        "{} {content_type}{cached} {body}",
        response.status().as_u16()
    )
}

async fn negotiate(cluster: &TestCluster, query: &str) -> serde_json::Value {
    let response = ask(cluster, &format!("POST /negotiate{query}"), &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.headers().contains_key("content-length"));
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn negotiate_answers_each_version_as_the_reference_does() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    for (query, version) in [
        ("", 0),
        ("?negotiateVersion=0", 0),
        ("?negotiateVersion=1", 1),
        ("?negotiateVersion=2", 1),
    ] {
        let answer = negotiate(&cluster, query).await;
        assert_eq!(answer["negotiateVersion"], version, "{query}");
        assert_eq!(
            answer["connectionToken"].is_string(),
            version == 1,
            "{query}"
        );
        assert_eq!(answer["connectionId"].as_str().unwrap().len(), 22);
        let transports = r#"[{"transport":"WebSockets","transferFormats":["Text","Binary"]},{"transport":"ServerSentEvents","transferFormats":["Text"]},{"transport":"LongPolling","transferFormats":["Text","Binary"]}]"#;
        assert_eq!(
            answer["availableTransports"].to_string(),
            sorted(transports)
        );
    }
    for (query, error) in [
        (
            "?negotiateVersion=abc",
            "The client requested a non-integer protocol version.",
        ),
        (
            "?negotiateVersion=0&negotiateVersion=1",
            "The client requested a non-integer protocol version.",
        ),
        (
            "?negotiateVersion=-1",
            "The client requested version '-1', but the server does not support this version.",
        ),
    ] {
        assert_eq!(
            negotiate(&cluster, query).await,
            serde_json::json!({ "error": error }),
            "{query}"
        );
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(
            shown(&ask(&cluster, &format!("{method} /negotiate"), &[]).await),
            "405 text/plain "
        );
    }
    cluster.stop().await.unwrap();
}

fn sorted(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json)
        .unwrap()
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_attach_nothing_are_answered_as_the_reference_does() {
    let mut options = options(1, false);
    options.gateway.default_hub.transports = Transports {
        server_sent_events: false,
        long_polling: false,
        ..Transports::default()
    };
    let cluster = TestCluster::start(options).await.unwrap();
    let events: &[_] = &[("Accept", "text/event-stream")];
    let token = negotiate(&cluster, "?negotiateVersion=1").await["connectionToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let rows = [
        (
            "GET".to_owned(),
            &[][..],
            "400 text/plain uncached Connection ID required",
        ),
        (
            "GET ?id=".to_owned(),
            &[],
            "400 text/plain uncached Connection ID required",
        ),
        (
            "GET".to_owned(),
            events,
            "400 text/plain Connection ID required",
        ),
        (
            "GET ?id=unknown".to_owned(),
            &[],
            "404 text/plain uncached No Connection with that ID",
        ),
        (
            "GET ?id=unknown".to_owned(),
            events,
            "404 text/plain No Connection with that ID",
        ),
        (
            "GET ?id=unknown".to_owned(),
            UPGRADE,
            "404 - No Connection with that ID",
        ),
        (
            format!("GET ?id={token}&id={token}"),
            UPGRADE,
            "404 - No Connection with that ID",
        ),
        (
            "POST".to_owned(),
            &[],
            "400 text/plain Connection ID required",
        ),
        (
            "POST ?id=unknown".to_owned(),
            &[],
            "404 text/plain No Connection with that ID",
        ),
        (
            "DELETE".to_owned(),
            &[],
            "400 text/plain Connection ID required",
        ),
        (
            "DELETE ?id=unknown".to_owned(),
            &[],
            "404 text/plain No Connection with that ID",
        ),
        (
            format!("DELETE ?id={token}"),
            &[],
            "400 text/plain Cannot terminate this connection using the DELETE endpoint.",
        ),
        (
            format!("GET ?id={token}"),
            &[],
            "404 text/plain uncached LongPolling transport not supported by this end point type",
        ),
        (
            format!("GET ?ID={token}"),
            events,
            "404 text/plain ServerSentEvents transport not supported by this end point type",
        ),
        (format!("PUT ?id={token}"), &[], "405 text/plain "),
        (format!("OPTIONS ?id={token}"), &[], "405 text/plain "),
    ];
    for (what, headers, expected) in rows {
        assert_eq!(
            shown(&ask(&cluster, &what, headers).await),
            expected,
            "{what} {headers:?}"
        );
    }
    let elsewhere = request(Method::GET, &cluster.url(0, "nobody"), &[])
        .await
        .unwrap();
    assert_eq!(shown(&elsewhere), "404 - ");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_takes_one_websocket() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let token = negotiate(&cluster, "?negotiateVersion=1").await["connectionToken"]
            .as_str()
            .unwrap()
            .to_owned();
        let url = format!("{}?id={token}", cluster.url(0, "test"));
        let direct = Options {
            skip_negotiation: true,
            ..Options::default()
        };
        let first = Connection::connect(&url, &direct).await.unwrap();
        let rows = [
            (format!("GET ?id={token}"), UPGRADE, "409 text/plain "),
            (
                format!("GET ?id={token}"),
                &[],
                "400 text/plain uncached Cannot change transports mid-connection",
            ),
            (
                format!("POST ?id={token}"),
                &[],
                "405 text/plain POST requests are not allowed for WebSocket connections.",
            ),
        ];
        for (what, headers, expected) in rows {
            assert_eq!(
                shown(&ask(&cluster, &what, headers).await),
                expected,
                "{what}"
            );
        }
        first.stop().await;
        let again = within("the token is gone", async {
            loop {
                let answer = ask(&cluster, &format!("GET ?id={token}"), UPGRADE).await;
                if answer.status() != 409 {
                    return shown(&answer);
                }
            }
        })
        .await;
        assert_eq!(again, "404 - No Connection with that ID");
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_connect_works() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let ways = [
            Options {
                negotiate_version: None,
                handshake_version: 0,
                ..Options::default()
            },
            Options {
                negotiate_version: Some(1),
                ..Options::with_encoding(hubplane_client::Encoding::MessagePack)
            },
            Options {
                skip_negotiation: true,
                handshake_version: 2,
                ..Options::default()
            },
        ];
        for way in ways {
            let client = Connection::connect(&cluster.url(0, "TEST"), &way)
                .await
                .unwrap();
            let id: String = within("an id", client.invoke("iD", ())).await.unwrap();
            assert!(client.id().is_none_or(|known| known == id), "{way:?}");
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_wants_to_know_its_callers_answers_401_to_others() {
    let key = b"a secret of at least thirty-two bytes".to_vec();
    let mut options = options(1, false);
    options.gateway.default_hub.access.authenticated = true;
    options.gateway.auth.keys = vec![SigningKey {
        id: None,
        secret: key.clone(),
    }];
    let cluster = TestCluster::start(options).await.unwrap();
    for what in ["POST /negotiate", "GET", "POST", "DELETE", "PUT"] {
        let answer = ask(&cluster, what, &[]).await;
        assert_eq!(shown(&answer), "401 - ", "{what}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let refused = ask(
        &cluster,
        "POST /negotiate",
        &[("authorization", "Bearer x")],
    )
    .await;
    assert_eq!(shown(&refused), "401 - ");
    assert_eq!(
        refused.headers()["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    let claims = serde_json::json!({ "sub": "ana", "exp": 10_000_000_000_u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(&key);
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    for token_in_query in [false, true] {
        let options = Options {
            access_token: Some(token.clone()),
            token_in_query,
            ..Options::default()
        };
        let client = Connection::connect(&cluster.url(0, "test"), &options)
            .await
            .unwrap();
        let echo: String = within("an echo", client.invoke("Echo", ("x",)))
            .await
            .unwrap();
        assert_eq!(echo, "x");
    }
    // A token in the query of a request that can send headers counts as none.
    let answer = ask(
        &cluster,
        &format!("POST /negotiate?access_token={token}"),
        &[],
    )
    .await;
    assert_eq!(answer.status(), 401);
    cluster.stop().await.unwrap();
}
