//! The same server over TLS: https and wss, HTTP/2 by ALPN, certificates that change, clients that do not speak.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use hubplane::Encoding;
use hubplane_client::http::{request, request_trusting};
use hubplane_client::{ConnectError, Connection, Options, Socket, TransportEnd, Trust, upgrade};
use hubplane_gateway_server::ALPN_PROTOCOLS;
use hubplane_node::config::TlsVersion;
use hubplane_node::tls::{ServerTls, TlsOptions};
use hubplane_testkit::{TestCluster, within};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{options, shapes};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certificates")
        .join(name)
}

fn tls() -> ServerTls {
    let options = TlsOptions {
        certificate: shipped("first.pem"),
        key: shipped("first.key"),
        min_version: TlsVersion::Tls12,
    };
    ServerTls::load(options, &ALPN_PROTOCOLS).unwrap()
}

fn trust() -> Trust {
    Trust::root_file(shipped("root.pem")).unwrap()
}

fn trusting(encoding: hubplane_client::Encoding) -> Options {
    Options {
        trust: Some(trust()),
        ..Options::with_encoding(encoding)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_served_over_https_and_wss() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let address = cluster.serve_tls(0, tls()).await.unwrap();
        let url = format!("https://{address}/hubs/test");
        let mut plain = cluster.connect(1, "ana", Encoding::Json).await;
        for encoding in [
            hubplane_client::Encoding::Json,
            hubplane_client::Encoding::MessagePack,
        ] {
            let options = trusting(encoding);
            let connecting = Connection::connect(&url, &options);
            let mut client = within("a client", connecting).await.unwrap();
            for length in [1, 20_000, 30_000] {
                let text = "x".repeat(length);
                let echo: String = within("an echo", client.invoke("Echo", (&text,)))
                    .await
                    .unwrap();
                assert_eq!(echo, text);
            }
            client.send("ToAll", ("hello",)).await.unwrap();
            for client in [&mut client, &mut plain] {
                let (said,): (String,) = within("hello", client.receive("said")).await.unwrap();
                assert_eq!(said, "hello");
            }
            let end = within("the end", client.stop()).await;
            assert_eq!(end.transport, TransportEnd::CloseFrame(Some(1000)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_over_wss_arrives_whole_and_in_order() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let address = cluster.serve_tls(0, tls()).await.unwrap();
    let options = Options {
        headers: vec![("x-flood".to_owned(), "5000".to_owned())],
        inbox_max: 1,
        ..trusting(hubplane_client::Encoding::MessagePack)
    };
    let url = format!("https://{address}/hubs/test");
    let mut client = within("a client", Connection::connect(&url, &options))
        .await
        .unwrap();
    for number in 0..5000_u32 {
        let (sent, text): (u32, String) = within("a text", client.receive("flood")).await.unwrap();
        assert_eq!((sent, text.len()), (number, 1024));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nobody_vouches_for_is_not_spoken_to() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let address = cluster.serve_tls(0, tls()).await.unwrap();
    let url = format!("https://{address}/hubs/test");
    let nobody = Connection::connect(&url, &Options::default()).await;
    assert!(matches!(nobody, Err(ConnectError::Untrusted)));
    // Another root.
    let other = Options {
        trust: Some(Trust::root_file(shipped("second.pem")).unwrap()),
        ..Options::default()
    };
    let refused = within("a refusal", Connection::connect(&url, &other)).await;
    assert!(matches!(refused, Err(ConnectError::Unreachable { .. })));
    // And without TLS there is no answer at all.
    let plain = format!("http://{address}/hubs/test/negotiate");
    let plain = within("an end", request(Method::POST, &plain, &[])).await;
    assert!(plain.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_where_the_client_offers_it() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let address = cluster.serve_tls(0, tls()).await.unwrap();
    let url = format!("https://{address}/hubs/test/negotiate?negotiateVersion=1");

    let socket = TcpStream::connect(address).await.unwrap();
    let offered = trust().protocols(&[b"h2", b"http/1.1"]);
    let socket = within("TLS", offered.connect("127.0.0.1", socket))
        .await
        .unwrap();
    assert_eq!(socket.protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .unwrap();
    let exchange = async {
        let request = http::Request::post(&url).body(String::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
    };
    tokio::select! {
        () = within("an answer", exchange) => {}
        ended = connection => panic!("{ended:?}"),
    }

    let offered = trust().protocols(&[b"http/1.1"]);
    let asking = request_trusting(&offered, Method::POST, &url, &[]);
    let response = within("an answer", asking).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert_eq!(response.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_while_connections_go_on() {
    let folder = std::env::temp_dir().join(format!("hubplane-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let install = |name: &str| {
        for kind in ["pem", "key"] {
            fs::copy(
                shipped(&format!("{name}.{kind}")),
                folder.join(format!("tls.{kind}")),
            )
            .unwrap();
        }
    };
    install("first");
    let tls = ServerTls::load(
        TlsOptions {
            certificate: folder.join("tls.pem"),
            key: folder.join("tls.key"),
            min_version: TlsVersion::Tls13,
        },
        &ALPN_PROTOCOLS,
    )
    .unwrap();
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    tls.watch(cluster.tasks());
    let address = cluster.serve_tls(0, tls).await.unwrap();
    let url = format!("https://{address}/hubs/test");
    // A trust of its own for each: a resumed session shows no certificate.
    let served = async || {
        let options = trusting(hubplane_client::Encoding::Json);
        let socket: Socket = within("a socket", upgrade(&url, &options)).await.unwrap();
        socket.certificate().unwrap().to_vec()
    };
    let before = served().await;
    let options = trusting(hubplane_client::Encoding::Json);
    let client = within("a client", Connection::connect(&url, &options))
        .await
        .unwrap();
    install("second");
    within("the second certificate", async {
        while served().await == before {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let echo: String = within("an echo", client.invoke("Echo", ("x",)))
        .await
        .unwrap();
    assert_eq!(echo, "x");
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_handshake_delays_nobody_and_ends_with_its_socket() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let address = cluster.serve_tls(0, tls()).await.unwrap();
    let mut begun = Vec::new();
    for said in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(said).await.unwrap();
        begun.push(socket);
    }
    let url = format!("https://{address}/hubs/test");
    let options = trusting(hubplane_client::Encoding::Json);
    within("a client", Connection::connect(&url, &options))
        .await
        .unwrap();
    for mut socket in begun {
        socket.shutdown().await.unwrap();
        // The end, or the alert and the end.
        let mut rest = Vec::new();
        let _ = within("its end", socket.read_to_end(&mut rest)).await;
    }
}
