//! Public keys: what they may check, and how they are replaced.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hubplane_node::tasks::Tasks;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

use super::super::keys::{Key, Trust};
use super::super::{KeySource, KeySourceError, RefreshOptions};
use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

/// Keys that were made for these tests, and protect nothing.
const RSA_ONE: &str = include_str!("rsa_one.txt");
const RSA_TWO: &str = include_str!("rsa_two.txt");
const RSA_SHORT: &str = include_str!("rsa_short.txt");
const P256: &str = include_str!("ec_p256.txt");
const P384: &str = include_str!("ec_p384.txt");

/// A key that signs, and how a set shows it.
struct Pair {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Pair {
    fn new(id: &'static str, algorithm: Algorithm, der: &str) -> Self {
        let der = STANDARD.decode(der.trim()).unwrap();
        let private = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_der(&der),
            _ => EncodingKey::from_rsa_der(&der),
        };
        Self {
            id,
            algorithm,
            private,
        }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk.common.key_algorithm = None;
        serde_json::to_value(jwk).unwrap()
    }

    fn token(&self, claims: Value) -> String {
        self.token_as(self.algorithm, Some(self.id), claims)
    }

    fn token_as(&self, algorithm: Algorithm, id: Option<&str>, claims: Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = id.map(str::to_owned);
        encode(&header, &lasting(claims), &self.private).unwrap()
    }
}

fn one() -> Pair {
    Pair::new("one", Algorithm::RS256, RSA_ONE)
}

fn two() -> Pair {
    Pair::new("two", Algorithm::RS256, RSA_TWO)
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Options with one file that holds these keys.
fn in_file(text: &str) -> (AuthOptions, tempfile::TempPath) {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&path, text).unwrap();
    let options = AuthOptions {
        sources: vec![KeySource::File(path.to_path_buf())],
        refresh: quick(),
        ..AuthOptions::default()
    };
    (options, path)
}

fn quick() -> RefreshOptions {
    RefreshOptions {
        interval: Duration::from_secs(3600),
        file_interval: Duration::from_millis(10),
        unknown_key_interval: Duration::ZERO,
        wait_max: Duration::from_secs(10),
    }
}

async fn until_believed(authenticator: &Authenticator, token: &str, believed: bool) {
    let seen = timeout(DEADLINE, async {
        while authenticator
            .identify(&headers(token), None)
            .await
            .authenticated
            != believed
        {
            sleep(Duration::from_millis(5)).await;
        }
    });
    seen.await.unwrap();
}

/// For as long as some looks at a file take.
async fn stays_believed(authenticator: &Authenticator, token: &str) {
    for _ in 0..10 {
        until_believed(authenticator, token, true).await;
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn each_algorithm_is_checked_by_a_key_of_its_type() {
    let curves = [
        Pair::new("p256", Algorithm::ES256, P256),
        Pair::new("p384", Algorithm::ES384, P384),
    ];
    let mut jwks: Vec<_> = curves.iter().map(Pair::jwk).collect();
    jwks.push(one().jwk());
    let (options, _path) = in_file(&set(&jwks));
    let rsa = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
    ];
    let claims = || json!({ "sub": "ana" });
    let by_rsa = rsa.map(|algorithm| one().token_as(algorithm, Some("one"), claims()));
    let by_curves = curves.iter().map(|pair| pair.token(claims()));
    for token in by_rsa.into_iter().chain(by_curves) {
        let identity = by_header(&options, &token).await;
        assert_eq!(identity.user().unwrap().as_str(), "ana", "{token}");
    }
    let nameless = curves[0].token_as(Algorithm::ES256, None, claims());
    assert!(by_header(&options, &nameless).await.authenticated);
    let misnamed = one().token_as(Algorithm::RS256, Some("two"), claims());
    assert!(!by_header(&options, &misnamed).await.authenticated);
    let foreign = two().token_as(Algorithm::RS256, Some("one"), claims());
    assert!(!by_header(&options, &foreign).await.authenticated);
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let jwk: Jwk = serde_json::from_value(one().jwk()).unwrap();
    let AlgorithmParameters::RSA(public) = &jwk.algorithm else {
        panic!("{jwk:?}");
    };
    let (options, _path) = in_file(&set(&[one().jwk()]));
    // Whatever of the public key an attacker takes for a secret.
    let modulus = URL_SAFE_NO_PAD.decode(&public.n).unwrap();
    let whole = one().jwk().to_string();
    for secret in [modulus.as_slice(), public.n.as_bytes(), whole.as_bytes()] {
        for id in [Some("one"), None] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = id.map(str::to_owned);
            let key = EncodingKey::from_secret(secret);
            let forged = encode(&header, &lasting(json!({ "sub": "ana" })), &key).unwrap();
            let identity = by_header(&options, &forged).await;
            assert!(!identity.authenticated && identity.disbelieved);
        }
    }
}

#[test]
fn keys_that_are_for_something_else_or_too_short_are_left_out() {
    let with = |name: &str, value: Value| {
        let mut jwk = one().jwk();
        jwk[name] = value;
        jwk
    };
    let short = Pair::new("short", Algorithm::RS256, RSA_SHORT).jwk();
    let secret =
        |bytes: usize| json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(vec![7; bytes]) });
    let off_curve = json!({
        "kty": "EC", "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([1; 32]),
    });
    let unusable = [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("RSA-OAEP")),
        with("alg", json!("HS256")),
        with("n", json!("not base64!")),
        with("kty", json!("unheard of")),
        short,
        secret(31),
        off_curve,
        json!(7),
    ];
    let files = Trust {
        secrets: true,
        issuer: None,
    };
    for jwk in unusable {
        let read = Key::read_set(set(std::slice::from_ref(&jwk)).as_bytes(), &files);
        assert!(read.is_err(), "{jwk}");
        let beside = set(&[jwk.clone(), one().jwk()]);
        let read = Key::read_set(beside.as_bytes(), &files).unwrap();
        assert_eq!(read.len(), 1, "the other one is taken: {jwk}");
    }
    let shared = set(&[secret(32)]);
    assert_eq!(Key::read_set(shared.as_bytes(), &files).unwrap().len(), 1);
    let remote = Key::read_set(shared.as_bytes(), &Trust::default());
    assert!(remote.is_err(), "what is public is no secret");
    assert!(Key::read_set(br#"{"keys":[]}"#, &files).unwrap().is_empty());
    assert!(Key::read_set(b"<html>", &files).is_err());
}

#[tokio::test]
async fn a_key_file_is_read_again_when_it_changes() {
    let secret = |id: &str, secret: &[u8]| json!({ "kty": "oct", "kid": id, "k": URL_SAFE_NO_PAD.encode(secret) });
    let second = b"another secret of thirty-two bytes!!";
    let (options, path) = in_file(&set(&[secret("k1", SECRET)]));
    let authenticator = authenticator(&options);
    let tasks = Tasks::current();
    authenticator.watch(&tasks);
    let (old, new) = (
        token(json!({ "sub": "a" })),
        signed(json!({ "sub": "a" }), second),
    );
    until_believed(&authenticator, &old, true).await;
    until_believed(&authenticator, &new, false).await;
    std::fs::write(&path, set(&[secret("k1", SECRET), secret("k2", second)])).unwrap();
    until_believed(&authenticator, &new, true).await;
    assert!(
        authenticator
            .identify(&headers(&old), None)
            .await
            .authenticated
    );
    // What is no key set leaves the old keys, and so does a file that has gone.
    std::fs::write(&path, "half a fi").unwrap();
    stays_believed(&authenticator, &old).await;
    std::fs::remove_file(&path).unwrap();
    stays_believed(&authenticator, &old).await;
    assert!(
        authenticator
            .identify(&headers(&old), None)
            .await
            .authenticated
    );
    std::fs::write(&path, set(&[secret("k2", second)])).unwrap();
    until_believed(&authenticator, &old, false).await;
    assert!(
        authenticator
            .identify(&headers(&new), None)
            .await
            .authenticated
    );
    tasks.shutdown(DEADLINE).await.unwrap();
}

#[test]
fn a_key_file_that_is_not_there_is_told_at_the_start() {
    let options = AuthOptions {
        sources: vec![KeySource::File("/nowhere/keys.json".into())],
        ..AuthOptions::default()
    };
    let error = Authenticator::new(&options).map(drop).unwrap_err();
    assert!(matches!(error, KeySourceError::File { .. }), "{error}");
}

/// An issuer with an address of its own, which may be broken.
#[derive(Clone, Default)]
struct Issuer {
    keys: Arc<Mutex<Option<Vec<Value>>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn publish(&self, keys: Option<&[&Pair]>) {
        *self.keys.lock().unwrap() = keys.map(|keys| keys.iter().map(|pair| pair.jwk()).collect());
    }

    /// Where it is.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (issuer, this) = (base.clone(), self.clone());
        let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let routes = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async move || discovery.to_string()),
            )
            .route(
                "/keys",
                get(async move || {
                    this.asked.fetch_add(1, Ordering::Relaxed);
                    match &*this.keys.lock().unwrap() {
                        Some(keys) => Ok(set(keys)),
                        None => Err(http::StatusCode::BAD_GATEWAY),
                    }
                }),
            );
        tokio::task::spawn_local(async move { axum::serve(listener, routes).await });
        base
    }
}

/// Runs a test with an issuer and who believes it.
async fn with_issuer(
    source: impl Fn(String) -> KeySource,
    refresh: RefreshOptions,
    published: Option<&[&Pair]>,
    test: impl AsyncFnOnce(&Issuer, &Authenticator, String),
) {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let issuer = Issuer::default();
            issuer.publish(published);
            let base = issuer.serve().await;
            let options = AuthOptions {
                sources: vec![source(base.clone())],
                refresh,
                ..AuthOptions::default()
            };
            let (authenticator, tasks) = (authenticator(&options), Tasks::current());
            authenticator.watch(&tasks);
            test(&issuer, &authenticator, base).await;
            tasks.shutdown(DEADLINE).await.unwrap();
        })
        .await;
}

fn address(base: String) -> KeySource {
    KeySource::Address(format!("{base}/keys"))
}

#[tokio::test]
async fn the_first_token_waits_for_the_keys_and_a_new_key_is_fetched_when_it_is_named() {
    let (one, two) = (one(), two());
    with_issuer(
        address,
        quick(),
        Some(&[&one]),
        async |issuer, authenticator, _| {
            let believed = async |token: &str| {
                authenticator
                    .identify(&headers(token), None)
                    .await
                    .authenticated
            };
            assert!(believed(&one.token(json!({ "sub": "ana" }))).await);
            issuer.publish(Some(&[&two]));
            assert!(believed(&two.token(json!({ "sub": "ana" }))).await);
            assert!(
                !believed(&one.token(json!({ "sub": "ana" }))).await,
                "it is withdrawn"
            );
            issuer.publish(None);
            assert!(!believed(&one.token(json!({ "sub": "ana" }))).await);
            assert!(
                believed(&two.token(json!({ "sub": "ana" }))).await,
                "old keys stay"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn tokens_with_unknown_keys_cause_few_questions_and_short_waits() {
    let refresh = RefreshOptions {
        unknown_key_interval: Duration::from_secs(3600),
        wait_max: Duration::from_millis(200),
        ..quick()
    };
    let (one, two) = (one(), two());
    with_issuer(
        address,
        refresh,
        Some(&[&one]),
        async |issuer, authenticator, _| {
            until_believed(authenticator, &one.token(json!({})), true).await;
            let asked = issuer.asked.load(Ordering::Relaxed);
            let began = Instant::now();
            for _ in 0..100 {
                until_believed(authenticator, &two.token(json!({})), false).await;
                until_believed(authenticator, "garbage", false).await;
            }
            assert_eq!(issuer.asked.load(Ordering::Relaxed), asked);
            assert!(began.elapsed() < DEADLINE);
        },
    )
    .await;
}

#[tokio::test]
async fn an_issuer_that_is_down_at_first_is_asked_until_it_answers() {
    let one = one();
    with_issuer(address, quick(), None, async |issuer, authenticator, _| {
        until_believed(authenticator, &one.token(json!({})), false).await;
        issuer.publish(Some(&[&one]));
        until_believed(authenticator, &one.token(json!({})), true).await;
    })
    .await;
}

#[tokio::test]
async fn keys_found_by_discovery_are_believed_for_the_tokens_of_their_issuer_alone() {
    let one = one();
    let published: &[&Pair] = &[&one];
    with_issuer(
        KeySource::Issuer,
        quick(),
        Some(published),
        async |_, authenticator, base| {
            let believed = async |token: &str| {
                authenticator
                    .identify(&headers(token), None)
                    .await
                    .authenticated
            };
            assert!(believed(&one.token(json!({ "iss": base }))).await);
            assert!(!believed(&one.token(json!({ "iss": "https://other.example" }))).await);
            assert!(!believed(&one.token(json!({ "sub": "ana" }))).await);
        },
    )
    .await;
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    use super::super::fetch::allowed;
    for address in [
        "https://idp.example/keys?a=b",
        "http://localhost:1/keys",
        "http://127.0.0.1/keys",
        "http://[::1]:1/keys",
    ] {
        assert!(allowed(address, false).is_ok(), "{address}");
    }
    for address in [
        "http://idp.example/keys",
        "ftp://idp.example",
        "/keys",
        "",
        "https://",
    ] {
        assert!(allowed(address, false).is_err(), "{address}");
    }
    assert!(allowed("http://idp.example/keys", true).is_ok());
    assert!(allowed("ftp://idp.example", true).is_err());
}
