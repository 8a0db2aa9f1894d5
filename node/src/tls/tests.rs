use std::fs;
use std::path::Path;
use std::time::Instant;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConnection};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

fn shipped(name: &str) -> String {
    format!(
        "{}/../testkit/certificates/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A folder that holds a copy of one pair.
struct Pair(tempfile::TempDir);

impl Pair {
    fn new(name: &str) -> Self {
        let pair = Self(tempfile::tempdir().unwrap());
        pair.copy(name, "pem");
        pair.copy(name, "key");
        pair
    }

    fn path(&self, kind: &str) -> PathBuf {
        self.0.path().join(format!("tls.{kind}"))
    }

    fn copy(&self, name: &str, kind: &str) {
        fs::copy(shipped(&format!("{name}.{kind}")), self.path(kind)).unwrap();
    }

    fn options(&self) -> TlsOptions {
        TlsOptions {
            certificate: self.path("pem"),
            key: self.path("key"),
            min_version: TlsVersion::Tls12,
        }
    }

    fn load(&self) -> Result<ServerTls, String> {
        ServerTls::load(self.options(), &[b"h2", b"http/1.1"])
            .map_err(|error| error.to_string().replace(&self.folder(), ""))
    }

    fn folder(&self) -> String {
        format!("{}/", self.0.path().display())
    }
}

/// A handshake with a client that trusts the shipped root: the server's first certificate, the protocol, the version.
fn shake(
    tls: &ServerTls,
    protocols: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> Result<(CertificateDer<'static>, Option<Vec<u8>>, ProtocolVersion), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(shipped("root.pem")).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(tls.config()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut &*bytes).unwrap();
        server.process_new_packets()?;
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &*bytes;
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok((
        client.peer_certificates().unwrap()[0].clone().into_owned(),
        client.alpn_protocol().map(<[u8]>::to_vec),
        client.protocol_version().unwrap(),
    ))
}

fn served(tls: &ServerTls) -> CertificateDer<'static> {
    shake(tls, &[], rustls::ALL_VERSIONS).unwrap().0
}

fn first_of(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(shipped(&format!("{name}.pem"))).unwrap()
}

#[test]
fn a_chain_is_served_with_a_key_in_either_format() {
    for name in ["first", "second"] {
        assert_eq!(served(&Pair::new(name).load().unwrap()), first_of(name));
    }
}

#[test]
fn the_protocol_is_agreed_on_in_the_handshake() {
    let tls = Pair::new("first").load().unwrap();
    let agreed = |protocols: &[&[u8]]| shake(&tls, protocols, rustls::ALL_VERSIONS).unwrap().1;
    assert_eq!(agreed(&[b"http/1.1", b"h2"]).as_deref(), Some(&b"h2"[..]));
    assert_eq!(agreed(&[b"http/1.1"]).as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(agreed(&[]), None);
    assert!(shake(&tls, &[b"spdy/3"], rustls::ALL_VERSIONS).is_err());
}

#[test]
fn a_version_below_the_minimum_is_refused() {
    let pair = Pair::new("first");
    let tls = pair.load().unwrap();
    let old = shake(&tls, &[], &[&version::TLS12]).unwrap();
    assert_eq!(old.2, ProtocolVersion::TLSv1_2);
    let options = TlsOptions {
        min_version: TlsVersion::Tls13,
        ..pair.options()
    };
    let tls = ServerTls::load(options, &[]).unwrap();
    assert!(shake(&tls, &[], &[&version::TLS12]).is_err());
    assert_eq!(served(&tls), first_of("first"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let error = |change: &dyn Fn(&Pair)| {
        let pair = Pair::new("first");
        change(&pair);
        pair.load().unwrap_err()
    };
    let write = |path: &Path, text: &str| fs::write(path, text).unwrap();

    assert_eq!(
        error(&|pair| fs::remove_file(pair.path("key")).unwrap()),
        "tls.key cannot be read"
    );
    assert_eq!(
        error(&|pair| write(&pair.path("pem"), "what is this")),
        "tls.pem holds no certificate"
    );
    assert_eq!(
        error(&|pair| write(&pair.path("pem"), "-----BEGIN CERTIFICATE-----\nMII")),
        "tls.pem is no PEM file"
    );
    assert_eq!(
        error(&|pair| {
            let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
            write(&pair.path("pem"), text);
        }),
        "the certificate in tls.pem cannot be used"
    );
    assert_eq!(
        error(&|pair| {
            fs::copy(pair.path("pem"), pair.path("key")).unwrap();
        }),
        "tls.key holds no private key"
    );
    assert_eq!(
        error(&|pair| {
            let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
            write(&pair.path("key"), text);
        }),
        "the key in tls.key is encrypted; a key without a passphrase is needed"
    );
    assert_eq!(
        error(&|pair| {
            let text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
            write(&pair.path("key"), text);
        }),
        "the key in tls.key cannot be used"
    );
    assert_eq!(
        error(&|pair| pair.copy("second", "key")),
        "the key in tls.key is not that of the first certificate in tls.pem"
    );
}

/// Waits until the files are watched by a task that has looked at them so often since.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_new_pair_is_served_and_a_bad_one_is_not() {
    let pair = Pair::new("first");
    let tls = pair.load().unwrap();
    let tasks = Tasks::current();
    tls.watch_every(Duration::from_millis(1), &tasks);
    assert_eq!(served(&tls), first_of("first"));

    // One file after the other, as whoever renews certificates writes them.
    pair.copy("second", "pem");
    pair.copy("second", "key");
    until("the second pair is served", || {
        served(&tls) == first_of("second")
    })
    .await;

    // A key without its certificate, and then no certificate at all: the pair before stays.
    pair.copy("first", "key");
    let mut watch = Watch {
        current: Arc::clone(&tls.certificate),
        seen: None,
        is_settled: false,
    };
    watch.look();
    watch.look();
    assert!(watch.is_settled);
    assert_eq!(served(&tls), first_of("second"));
    fs::remove_file(pair.path("pem")).unwrap();
    watch.look();
    watch.look();
    assert_eq!(served(&tls), first_of("second"));

    pair.copy("first", "pem");
    until("the first pair is served again", || {
        served(&tls) == first_of("first")
    })
    .await;
    tasks.shutdown(DEADLINE).await.unwrap();
}
