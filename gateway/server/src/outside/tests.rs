use axum::body::Body;
use http::HeaderValue;

use super::*;

const PROXY: &str = "10.0.0.1:5000";
const STRANGER: &str = "203.0.113.9:6000";

fn outside() -> Outside {
    Outside {
        path_base: "/app".to_owned(),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..Outside::default()
    }
}

fn request(uri: &str, headers: &[(&'static str, &'static str)]) -> Request {
    let mut request = Request::builder().uri(uri).body(Body::empty()).unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    request
}

/// What becomes of a request without TLS that came from there.
fn arrive(outside: &Outside, from: &str, mut request: Request) -> (Arrived, Request) {
    let peers = Peers {
        remote: from.parse().unwrap(),
        local: "127.0.0.1:8080".parse().unwrap(),
    };
    let arrived = outside.arrive(&mut request, peers, false);
    (arrived, request)
}

fn remote(request: &Request) -> String {
    let peers = request.extensions().get::<Peers>().unwrap();
    peers.remote.to_string()
}

fn public(request: &Request) -> &PublicUrl {
    request.extensions().get().unwrap()
}

const CLAIMS: [(&str, &str); 5] = [
    ("host", "inner.test"),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app.test"),
    ("x-forwarded-prefix", "/site/"),
];

#[test]
fn what_a_trusted_proxy_says_of_a_client_is_believed() {
    let (_, request) = arrive(&outside(), PROXY, request("/hubs/chat", &CLAIMS));
    assert_eq!(remote(&request), "192.0.2.7:0");
    assert_eq!(public(&request).base(), "https://app.test/site");
}

#[test]
fn nobody_else_is_believed() {
    let mut strict = outside();
    for trusted in [true, false] {
        if !trusted {
            strict.trusted_proxies.clear();
        }
        let from = if trusted { STRANGER } else { PROXY };
        let (_, request) = arrive(&strict, from, request("/hubs/chat", &CLAIMS));
        assert_eq!(remote(&request), from);
        assert_eq!(public(&request).base(), "http://inner.test");
    }
}

#[test]
fn a_client_cannot_hide_behind_addresses_of_its_own() {
    let (_, request) = arrive(
        &outside(),
        PROXY,
        request(
            "/",
            &[("x-forwarded-for", "127.0.0.1, 10.0.0.9, 203.0.113.9")],
        ),
    );
    assert_eq!(remote(&request), "203.0.113.9:0");
}

#[test]
fn only_the_configured_header_is_read() {
    let both = [
        ("x-forwarded-for", "192.0.2.7"),
        ("forwarded", "for=192.0.2.8;proto=https"),
    ];
    let (_, by_x) = arrive(&outside(), PROXY, request("/", &both));
    assert_eq!(
        (&*remote(&by_x), public(&by_x).is_secure),
        ("192.0.2.7:0", false)
    );
    let outside = Outside {
        forwarded_by: ForwardedBy::Forwarded,
        ..outside()
    };
    let (_, by_standard) = arrive(&outside, PROXY, request("/", &both));
    assert_eq!(
        (&*remote(&by_standard), public(&by_standard).is_secure),
        ("192.0.2.8:0", true)
    );
}

#[test]
fn the_path_base_is_taken_off_in_any_letter_case() {
    for (uri, path) in [
        ("/app/hubs/chat?id=1", "/hubs/chat?id=1"),
        ("/APP/hubs/chat", "/hubs/chat"),
        ("/app/", "/"),
        ("http://a.test/app/hubs", "/hubs"),
    ] {
        let (arrived, request) = arrive(&outside(), STRANGER, request(uri, &[]));
        assert_eq!(arrived, Arrived::Here);
        assert_eq!(request.uri().path_and_query().unwrap(), path);
        assert_eq!(public(&request).path_base, "/app");
    }
    for uri in ["/hubs/chat", "/application/hubs", "/ap", "/"] {
        let (arrived, request) = arrive(&outside(), STRANGER, request(uri, &[]));
        assert_eq!((arrived, request.uri().path()), (Arrived::Here, uri));
        assert_eq!(public(&request).path_base, "");
    }
}

#[test]
fn the_path_base_alone_is_not_a_page() {
    let (arrived, _) = arrive(&outside(), STRANGER, request("/app?x=1", &[]));
    assert_eq!(arrived, Arrived::At("/app/?x=1".to_owned()));
    let behind = [("x-forwarded-prefix", "/site")];
    let (arrived, _) = arrive(&outside(), PROXY, request("/app", &behind));
    assert_eq!(arrived, Arrived::At("/site/app/".to_owned()));
    let (arrived, _) = arrive(&Outside::default(), STRANGER, request("/", &[]));
    assert_eq!(arrived, Arrived::Here);
}

#[test]
fn a_prefix_that_is_no_path_is_none() {
    for value in [
        "site",
        "//evil.test",
        "/a?b",
        "/a b",
        "http://evil.test",
        "",
    ] {
        assert_eq!(prefix(value), None, "{value}");
    }
    assert_eq!(prefix("/first, /second/").as_deref(), Some("/second"));
    assert_eq!(prefix("/"), None);
}

#[test]
fn a_page_of_the_same_host_is_of_the_same_origin() {
    let url = |host: &str| PublicUrl {
        is_secure: false,
        host: Some(host.to_owned()),
        path_base: String::new(),
    };
    assert!(url("app.test").is_origin("https://app.test"));
    assert!(url("app.test:443").is_origin("https://APP.test"));
    assert!(url("localhost:8080").is_origin("http://localhost:8080"));
    for origin in [
        "https://app.test:444",
        "https://app.test.evil.test",
        "null",
        "",
    ] {
        assert!(!url("app.test").is_origin(origin), "{origin}");
    }
}
