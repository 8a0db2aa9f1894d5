//! Tokens that are believed and those that are not.

mod key_sets;

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{AuthOptions, Authenticator, CookieOptions, Identity, SigningKey, since_epoch};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

fn options() -> AuthOptions {
    AuthOptions {
        keys: vec![SigningKey {
            id: Some("k1".into()),
            secret: SECRET.into(),
        }],
        ..AuthOptions::default()
    }
}

/// In so many seconds, or before.
fn at(seconds: f64) -> f64 {
    since_epoch().as_secs_f64() + seconds
}

/// A token that is valid for a minute, unless its claims say something else.
fn token(claims: Value) -> String {
    signed(claims, SECRET)
}

fn lasting(mut claims: Value) -> Value {
    if claims.get("exp").is_none() {
        claims["exp"] = json!(at(60.0));
    }
    claims
}

fn signed(claims: Value, secret: &[u8]) -> String {
    let key = EncodingKey::from_secret(secret);
    encode(&Header::default(), &lasting(claims), &key).unwrap()
}

fn headers(token: &str) -> HeaderMap {
    let value = HeaderValue::try_from(format!("bearer {token}")).unwrap();
    [(http::header::AUTHORIZATION, value)].into_iter().collect()
}

fn authenticator(options: &AuthOptions) -> Authenticator {
    Authenticator::new(options).unwrap()
}

async fn by_header(options: &AuthOptions, token: &str) -> Identity {
    authenticator(options).identify(&headers(token), None).await
}

#[tokio::test]
async fn a_token_names_its_user_by_header_and_by_query() {
    let token = token(json!({"sub": "ana", "role": ["a", "b"], "level": 3}));
    let identity = by_header(&options(), &token).await;
    assert!(identity.authenticated);
    assert_eq!(identity.user().unwrap().as_str(), "ana");
    let claims: Vec<_> = identity
        .claims
        .iter()
        .map(|c| (c.name.as_str(), c.value.as_str()))
        .collect();
    assert!(
        claims.contains(&("role", "a"))
            && claims.contains(&("role", "b"))
            && claims.contains(&("level", "3"))
    );
    let by_query = authenticator(&options())
        .identify(&HeaderMap::new(), Some(&token))
        .await;
    assert_eq!(by_query, identity);
}

#[tokio::test]
async fn the_name_identifier_comes_before_sub() {
    let token = token(json!({"sub": "ana", super::NAME_IDENTIFIER: "bea"}));
    assert_eq!(
        by_header(&options(), &token).await.user().unwrap().as_str(),
        "bea"
    );
}

#[tokio::test]
async fn what_is_not_signed_by_our_key_is_nobody() {
    let foreign = signed(
        json!({"sub": "ana"}),
        b"another secret of thirty-two bytes!!",
    );
    let nobody = Identity {
        disbelieved: true,
        ..Identity::default()
    };
    assert_eq!(by_header(&options(), &foreign).await, nobody);
    // alg "none", with an empty signature
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbmEifQ.";
    assert_eq!(by_header(&options(), none).await, nobody);
    assert_eq!(by_header(&options(), "garbage").await, nobody);
    assert_eq!(
        by_header(&AuthOptions::default(), &token(json!({"sub": "ana"}))).await,
        nobody
    );
}

#[tokio::test]
async fn expired_and_early_tokens_are_nobody_beyond_the_skew_to_the_fraction() {
    let mut options = options();
    options.clock_skew = Duration::from_millis(1500);
    let rows = [
        (json!({ "exp": at(-1.2) }), true),
        (json!({ "exp": at(-1.8) }), false),
        (json!({ "nbf": at(1.2) }), true),
        (json!({ "nbf": at(1.8) }), false),
        (json!({ "exp": 1e300 }), true),
        (json!({ "exp": "tomorrow" }), false),
        (json!({ "exp": -1 }), false),
    ];
    for (claims, believed) in rows {
        let identity = by_header(&options, &token(claims.clone())).await;
        assert_eq!(identity.authenticated, believed, "{claims}");
    }
}

#[tokio::test]
async fn a_token_without_an_end_is_nobody_unless_that_is_allowed() {
    let endless = {
        let key = EncodingKey::from_secret(SECRET);
        encode(&Header::default(), &json!({ "sub": "ana" }), &key).unwrap()
    };
    let mut options = options();
    assert!(!by_header(&options, &endless).await.authenticated);
    options.require_expiry = false;
    let identity = by_header(&options, &endless).await;
    assert!(identity.authenticated);
    assert_eq!(identity.expires_at(), None);
}

#[tokio::test]
async fn a_token_is_over_when_it_says_so_or_when_the_skew_is() {
    let mut options = options();
    options.clock_skew = Duration::from_secs(30);
    for (claims, seconds) in [
        (json!({ "exp": at(60.0) }), 60.0),
        (json!({ "exp": at(-10.0) }), 20.0),
    ] {
        let identity = by_header(&options, &token(claims)).await;
        let left = identity.expires_at().unwrap() - std::time::Instant::now();
        let off = (left.as_secs_f64() - seconds).abs();
        assert!(off < 5.0, "{left:?} instead of {seconds} s");
    }
}

#[tokio::test]
async fn a_cookie_counts_for_the_pages_of_allowed_origins_alone() {
    let mut options = options();
    let token = token(json!({ "sub": "ana" }));
    let cookie = format!("a=b; session={token}; c=d");
    let rows: [(&[(&str, &str)], bool); 6] = [
        (&[("origin", "https://app.example")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            false,
        ),
    ];
    for configured in [false, true] {
        options.cookie = configured.then(|| CookieOptions {
            name: "session".to_owned(),
            origins: vec!["https://app.example".to_owned()],
        });
        for (more, believed) in rows {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookie.parse().unwrap());
            for &(name, value) in more {
                headers.insert(name, value.parse().unwrap());
            }
            let identity = authenticator(&options).identify(&headers, None).await;
            assert_eq!(identity.authenticated, believed && configured, "{more:?}");
            assert!(!identity.disbelieved, "{more:?}");
        }
    }
}

#[test]
fn a_hub_does_not_see_the_cookie_that_carries_tokens() {
    let without = |cookies| super::without_cookie(cookies, "session");
    assert_eq!(without("a=b; session=x; c=d").as_deref(), Some("a=b; c=d"));
    assert_eq!(without("sessions=x").as_deref(), Some("sessions=x"));
    assert_eq!(without("session=x"), None);
}

#[tokio::test]
async fn issuer_and_audience_are_required_where_they_are_configured() {
    let mut options = options();
    options.issuers = vec!["other".into(), "us".into()];
    options.audiences = vec!["hub".into()];
    assert!(
        by_header(
            &options,
            &token(json!({"sub": "a", "iss": "us", "aud": "hub"}))
        )
        .await
        .authenticated
    );
    assert!(
        !by_header(&options, &token(json!({"sub": "a", "iss": "us"})))
            .await
            .authenticated
    );
    assert!(
        !by_header(&options, &token(json!({"sub": "a", "aud": "hub"})))
            .await
            .authenticated
    );
    assert!(
        !by_header(
            &options,
            &token(json!({"sub": "a", "iss": "them", "aud": "hub"}))
        )
        .await
        .authenticated
    );
}

#[tokio::test]
async fn a_secret_is_not_printed() {
    assert!(!format!("{:?}", options()).contains("115"));
}
