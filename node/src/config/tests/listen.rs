//! What clients, their pages and their proxies meet.

use super::{TlsVersion, from_environment, from_file};

#[test]
fn tls_needs_a_certificate_and_its_key() {
    let config = from_file(
        "[listen.tls]\ncertificate = 'a.pem'\nkey = 'a.key'\nmin_version = '1.3'\naddress = '[::]:8443'",
    )
    .unwrap();
    let tls = config.listen.tls;
    assert_eq!(tls.key.as_deref(), Some("a.key".as_ref()));
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    assert_eq!(tls.address.unwrap().port(), 8443);

    let problems = |text: &str| from_file(&format!("[listen.tls]\n{text}")).unwrap_err();
    assert_eq!(
        problems("certificate = 'a.pem'"),
        ["listen.tls.key (default): is missing beside the certificate"]
    );
    assert_eq!(
        problems("address = '127.0.0.1:8443'"),
        ["listen.tls.certificate (default): is missing"]
    );
    assert_eq!(
        problems("colour = 'red'"),
        [
            "listen.tls.colour (hubplane.toml): unknown key; known are certificate, key, min_version, address"
        ]
    );
}

#[test]
fn lists_of_networks_and_origins_come_from_a_file_and_from_the_environment() {
    let of_file = from_file(
        "[listen]\ntrusted_proxies = ['10.0.0.0/8', '::1']\n[hubs]\nallowed_origins = ['https://a.test', '*']",
    )
    .unwrap();
    let of_environment = from_environment(&[
        ("HUBPLANE_LISTEN__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("HUBPLANE_HUBS__ALLOWED_ORIGINS", "https://a.test,*"),
    ])
    .unwrap();
    assert_eq!(of_file, of_environment);
    assert_eq!(of_file.listen.trusted_proxies.len(), 2);
    assert_eq!(of_file.hubs.of("chat").allowed_origins.len(), 2);

    let problems = from_file(
        "[listen]\ntrusted_proxies = ['localhost']\n[hubs]\nallowed_origins = ['a.test']",
    )
    .unwrap_err();
    let expected = [
        "listen.trusted_proxies.0 (hubplane.toml): `localhost` is neither a network such as `10.0.0.0/8` nor an address",
        "hubs.allowed_origins.0 (hubplane.toml): `a.test` is no origin such as `https://app.example.com`",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_path_base_begins_with_a_slash_and_does_not_end_with_one() {
    for base in ["app", "/app/", "/"] {
        let problems = from_file(&format!("[listen]\npath_base = '{base}'")).unwrap_err();
        assert_eq!(
            problems,
            ["listen.path_base (hubplane.toml): does not begin with / or ends with it"]
        );
    }
}

#[test]
fn one_hub_is_redirected_to_a_url() {
    let config = from_file(
        "[hubs.chat]\nredirect = 'https://other.test/chat'\nredirect_access_token = 'secret'",
    )
    .unwrap();
    let chat = config.hubs.of("chat");
    assert_eq!(chat.redirect.as_deref(), Some("https://other.test/chat"));
    assert_eq!(
        chat.redirect_access_token.as_ref().unwrap().expose(),
        "secret"
    );

    let problems = from_file("[hubs]\nredirect = 'https://other.test/chat'").unwrap_err();
    assert_eq!(
        problems,
        ["hubs.redirect (hubplane.toml): belongs in the table of one hub, as in [hubs.chat]"]
    );
    let problems = from_file("[hubs.chat]\nredirect = '/chat'").unwrap_err();
    assert_eq!(
        problems,
        ["hubs.chat.redirect (hubplane.toml): is no URL that begins with https:// or http://"]
    );
    let problems = from_file("[hubs.chat]\nredirect_access_token = 'x'").unwrap_err();
    assert_eq!(
        problems,
        ["hubs.chat.redirect_access_token (hubplane.toml): needs redirect"]
    );
}
