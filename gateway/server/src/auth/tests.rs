use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;

use super::{AuthOptions, Authenticator, Identity, SigningKey};

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

fn token(claims: serde_json::Value) -> String {
    signed(claims, SECRET)
}

fn signed(claims: serde_json::Value, secret: &[u8]) -> String {
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(secret),
    )
    .unwrap()
}

fn by_header(options: &AuthOptions, token: &str) -> Identity {
    let mut headers = HeaderMap::new();
    headers.insert(
        "authorization",
        HeaderValue::try_from(format!("bearer {token}")).unwrap(),
    );
    Authenticator::new(options).identify(&headers, None)
}

#[test]
fn a_token_names_its_user_by_header_and_by_query() {
    let token = token(json!({"sub": "ana", "role": ["a", "b"], "level": 3}));
    let identity = by_header(&options(), &token);
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
    let by_query = Authenticator::new(&options()).identify(&HeaderMap::new(), Some(&token));
    assert_eq!(by_query, identity);
}

#[test]
fn the_name_identifier_comes_before_sub() {
    let token = token(json!({"sub": "ana", super::NAME_IDENTIFIER: "bea"}));
    assert_eq!(
        by_header(&options(), &token).user().unwrap().as_str(),
        "bea"
    );
}

#[test]
fn what_is_not_signed_by_our_key_is_nobody() {
    let foreign = signed(
        json!({"sub": "ana"}),
        b"another secret of thirty-two bytes!!",
    );
    let nobody = Identity {
        disbelieved: true,
        ..Identity::default()
    };
    assert_eq!(by_header(&options(), &foreign), nobody);
    // alg "none", with an empty signature
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbmEifQ.";
    assert_eq!(by_header(&options(), none), nobody);
    assert_eq!(by_header(&options(), "garbage"), nobody);
    assert_eq!(
        by_header(&AuthOptions::default(), &token(json!({"sub": "ana"}))),
        nobody
    );
}

#[test]
fn expired_and_early_tokens_are_nobody_beyond_the_skew() {
    let now = get_current_timestamp();
    let mut options = options();
    let expired = token(json!({"sub": "ana", "exp": now - 10}));
    let early = token(json!({"sub": "ana", "nbf": now + 10}));
    assert!(!by_header(&options, &expired).authenticated);
    assert!(!by_header(&options, &early).authenticated);
    options.clock_skew = std::time::Duration::from_secs(60);
    assert!(by_header(&options, &expired).authenticated);
    assert!(by_header(&options, &early).authenticated);
}

#[test]
fn issuer_and_audience_are_required_where_they_are_configured() {
    let mut options = options();
    options.issuer = Some("us".into());
    options.audience = Some("hub".into());
    assert!(
        by_header(
            &options,
            &token(json!({"sub": "a", "iss": "us", "aud": "hub"}))
        )
        .authenticated
    );
    assert!(!by_header(&options, &token(json!({"sub": "a", "iss": "us"}))).authenticated);
    assert!(!by_header(&options, &token(json!({"sub": "a", "aud": "hub"}))).authenticated);
    assert!(
        !by_header(
            &options,
            &token(json!({"sub": "a", "iss": "them", "aud": "hub"}))
        )
        .authenticated
    );
}

#[test]
fn a_secret_is_not_printed() {
    assert!(!format!("{:?}", options()).contains("115"));
}
