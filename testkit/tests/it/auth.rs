//! Who may connect, and as whom (reference signalr-core 4, 12.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::{Method, Response};
use hubplane::cluster::ClusterOptions;
use hubplane::{Context, Request, hub};
use hubplane_client::http::request;
use hubplane_client::{Connection, End, Options};
use hubplane_gateway_server::{CookieOptions, KeySource, RefreshOptions, SigningKey};
use hubplane_testkit::{TestCluster, within};
use serde_json::{Value, json};

use crate::{options, shapes};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

pub(crate) const UPGRADE: &[(&str, &str)] = &[
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Owners of tenant 7 alone.
struct Guarded;

#[hub(name = "guarded", roles = "owner,keeper", claim = "tenant=7")]
impl Guarded {
    fn echo(&self, text: String) -> String {
        text
    }

    fn cookies(&self, ctx: &Context) -> Option<String> {
        ctx.header("cookie").map(str::to_owned)
    }
}

/// A hub that names its users, and may fail to.
#[derive(Clone, Default)]
struct Naming(Arc<AtomicBool>);

#[hub(name = "naming")]
impl Naming {
    fn user_id(&self, request: &Request) -> Option<String> {
        assert!(!self.0.load(Ordering::Relaxed), "on purpose");
        request.query("user")
    }
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

/// A token that is valid for a minute, with these claims besides.
fn token(claims: Value) -> String {
    let mut all = json!({ "exp": now() + 60 });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &key).unwrap()
}

/// A cluster with these hubs that believes our tokens.
fn believing(mut options: ClusterOptions) -> ClusterOptions {
    options.gateway.auth.keys = vec![SigningKey {
        id: None,
        secret: SECRET.to_vec(),
    }];
    options.hubs.push(TestCluster::service(Guarded));
    options
}

async fn ask(
    cluster: &TestCluster,
    what: &str,
    token: Option<&str>,
    upgrade: bool,
) -> Response<bytes::Bytes> {
    let (method, rest) = what.split_once(' ').unwrap_or((what, ""));
    let mut headers: Vec<_> = token
        .map(|token| ("authorization".to_owned(), format!("Bearer {token}")))
        .into_iter()
        .collect();
    if upgrade {
        headers.extend(
            UPGRADE
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        );
    }
    let url = format!("{}{rest}", cluster.url(0, "guarded"));
    let method: Method = method.parse().unwrap();
    within(what, request(method, &url, &headers)).await.unwrap()
}

/// Status, challenge, and whether there is any content, as one text.
fn shown(response: &Response<bytes::Bytes>) -> String {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    assert!(response.body().is_empty());
    assert_eq!(header("content-length"), "0");
    assert_eq!(header("content-type"), "-");
    format!(
        "{} {}",
        response.status().as_u16(),
        header("www-authenticate")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_of_a_hub_is_before_negotiate_and_every_transport() {
    for shape in shapes() {
        let cluster = TestCluster::start(believing(shape)).await.unwrap();
        let stranger = token(json!({ "sub": "ana", "role": "owner", "tenant": "8" }));
        let expired = token(json!({ "sub": "ana", "exp": now() - 3600 }));
        let requests = [
            ("POST /negotiate?negotiateVersion=1", false),
            ("GET /negotiate", false),
            ("GET ?id=x", false),
            ("POST ?id=x", false),
            ("DELETE ?id=x", false),
            ("PUT", false),
            ("GET", true),
        ];
        for (what, upgrade) in requests {
            let answer = ask(&cluster, what, None, upgrade).await;
            assert_eq!(shown(&answer), "401 Bearer", "{what}");
            let invalid = "401 Bearer error=\"invalid_token\"";
            let answer = ask(&cluster, what, Some(&expired), upgrade).await;
            assert_eq!(shown(&answer), invalid, "{what}");
            let answer = ask(&cluster, what, Some("garbage"), upgrade).await;
            assert_eq!(shown(&answer), invalid, "{what}");
            let answer = ask(&cluster, what, Some(&stranger), upgrade).await;
            assert_eq!(shown(&answer), "403 -", "{what}");
        }
        let keeper = token(json!({ "sub": "ana", "role": ["keeper", "x"], "tenant": 7 }));
        for token_in_query in [false, true] {
            let options = Options {
                access_token: Some(keeper.clone()),
                token_in_query,
                ..Options::default()
            };
            let client = Connection::connect(&cluster.url(1, "guarded"), &options)
                .await
                .unwrap();
            let echo: String = within("an echo", client.invoke("Echo", ("x",)))
                .await
                .unwrap();
            assert_eq!(echo, "x");
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_for_a_hub_holds_beside_what_it_says_itself() {
    let mut options = believing(options(1, false));
    let mut access = options.gateway.default_hub.access.clone();
    access.claims = vec!["invited".to_owned()];
    let hub = options.gateway.hubs.entry("guarded".parse().unwrap());
    hub.or_default().access = access;
    let cluster = TestCluster::start(options).await.unwrap();
    let negotiate = "POST /negotiate";
    let keeper = token(json!({ "sub": "ana", "role": "keeper", "tenant": 7 }));
    let refused = ask(&cluster, negotiate, Some(&keeper), false).await;
    assert_eq!(shown(&refused), "403 -");
    let refused = ask(
        &cluster,
        negotiate,
        Some(&token(json!({ "invited": 1 }))),
        false,
    )
    .await;
    assert_eq!(shown(&refused), "403 -");
    let both = token(json!({ "role": "keeper", "tenant": 7, "invited": 1 }));
    let allowed = ask(&cluster, negotiate, Some(&both), false).await;
    assert_eq!(allowed.status(), 200);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_panics_while_it_names_the_user_fails_the_handshake() {
    let naming = Naming::default();
    let mut options = options(1, false);
    options.hubs.push(TestCluster::service(naming.clone()));
    let cluster = TestCluster::start(options).await.unwrap();
    let url = cluster.url(0, "naming");
    let connect = async || Connection::connect(&url, &Options::default()).await;
    let first = connect().await.unwrap();
    naming.0.store(true, Ordering::Relaxed);
    let refused = connect().await.map(drop).unwrap_err();
    let text = format!("{refused:?}");
    assert!(
        text.contains(
            "An unexpected error occurred during connection handshake. Panic: on purpose"
        ),
        "{text}"
    );
    naming.0.store(false, Ordering::Relaxed);
    connect().await.unwrap().stop().await;
    first.stop().await;
    cluster.stop().await.unwrap();
}

/// A keeper of tenant 7, whose token lasts so many seconds.
fn keeper(seconds: u64) -> Options {
    let claims = json!({ "sub": "ana", "role": "keeper", "tenant": 7, "exp": now() + seconds });
    Options {
        access_token: Some(token(claims)),
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_its_token_where_its_hub_wants_that() {
    for shape in shapes() {
        let mut options = believing(shape);
        let hub = options.gateway.hubs.entry("guarded".parse().unwrap());
        hub.or_default().close_on_authentication_expiration = true;
        let cluster = TestCluster::start(options).await.unwrap();
        let url = cluster.url(0, "guarded");
        let lasting = Connection::connect(&url, &keeper(60)).await.unwrap();
        let mut ending = Connection::connect(&url, &keeper(2)).await.unwrap();
        let echo: String = ending.invoke("Echo", ("alive",)).await.unwrap();
        assert_eq!(echo, "alive");
        let End { close, .. } = within("the end of the token", ending.ended()).await;
        let close = close.expect("a Close message");
        assert_eq!((close.error, close.allow_reconnect), (None, true));
        let echo: String = lasting.invoke("Echo", ("alive",)).await.unwrap();
        assert_eq!(echo, "alive");
        lasting.stop().await;
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_under_running_connections() {
    use base64::Engine as _;
    let set = |secret: &[u8]| {
        let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
        json!({ "keys": [{ "kty": "oct", "k": secret }] }).to_string()
    };
    let file = std::env::temp_dir().join(format!("hubplane-keys-{}.json", std::process::id()));
    std::fs::write(&file, set(SECRET)).unwrap();
    let mut options = believing(options(1, false));
    options.gateway.auth.keys.clear();
    options.gateway.auth.sources = vec![KeySource::File(file.clone())];
    options.gateway.auth.refresh = RefreshOptions {
        file_interval: Duration::from_millis(10),
        ..RefreshOptions::default()
    };
    let cluster = TestCluster::start(options).await.unwrap();
    let url = cluster.url(0, "guarded");
    let client = Connection::connect(&url, &keeper(60)).await.unwrap();
    std::fs::write(&file, set(b"another secret of thirty-two bytes!!")).unwrap();
    within("the old key is gone", async {
        while Connection::connect(&url, &keeper(60)).await.is_ok() {}
    })
    .await;
    let echo: String = client.invoke("Echo", ("here",)).await.unwrap();
    assert_eq!(echo, "here", "who is connected stays");
    std::fs::write(&file, set(SECRET)).unwrap();
    within("it is back", async {
        while Connection::connect(&url, &keeper(60)).await.is_err() {}
    })
    .await;
    client.stop().await;
    cluster.stop().await.unwrap();
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_lets_in_the_pages_of_its_origins_and_is_not_shown_to_the_hub() {
    let mut options = believing(options(1, false));
    options.gateway.auth.cookie = Some(CookieOptions {
        name: "session".to_owned(),
        origins: vec!["https://app.example".to_owned()],
    });
    let cluster = TestCluster::start(options).await.unwrap();
    let url = cluster.url(0, "guarded");
    let token = keeper(60).access_token.unwrap();
    let with_origin = |origin: &str| Options {
        headers: vec![
            ("cookie".to_owned(), format!("theme=dark; session={token}")),
            ("origin".to_owned(), origin.to_owned()),
        ],
        ..Options::default()
    };
    let allowed = with_origin("https://app.example");
    let client = Connection::connect(&url, &allowed).await.unwrap();
    let cookies: Option<String> = client.invoke("Cookies", ()).await.unwrap();
    assert_eq!(cookies.as_deref(), Some("theme=dark"));
    client.stop().await;
    let foreign = with_origin("https://evil.example");
    let refused = Connection::connect(&url, &foreign).await.map(drop);
    assert!(format!("{refused:?}").contains("401"), "{refused:?}");
    cluster.stop().await.unwrap();
}
