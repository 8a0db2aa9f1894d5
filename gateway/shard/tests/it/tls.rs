//! Connections whose sockets came through TLS: the shard goes on where the front's handshake ended.

use std::sync::Arc;

use hubplane_gateway_connection::{Options, QueueLimits};
use hubplane_gateway_shard::{ClientSocket, UserSource};
use hubplane_proto_link::{Audience, CloseReason, Stage};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::client::{Client, DEADLINE, JSON, Seen, call, frame};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    an_invocation_is_answered_through_tls,
    what_tls_has_read_ahead_is_not_lost,
    a_client_that_reads_late_gets_everything_and_an_end_in_order,
    a_large_message_of_a_client_comes_whole,
    what_is_no_tls_ends_its_own_connection,
);

fn file(name: &str) -> String {
    format!(
        "{}/../../testkit/certificates/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(file("first.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("first.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    Arc::new(config).into()
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(file("root.pem")).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

/// Both ends of a TLS connection; the client's has room for little. The client has said `first` in one record, of which
/// the server has read a byte.
async fn ends(first: &[u8]) -> (Client<TlsStream<TcpStream>>, ClientSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let client = async {
        let socket = socket.connect(listener.local_addr().unwrap()).await;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector().connect(name, socket.unwrap()).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let server = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = acceptor().accept(socket).await.unwrap();
        let _one = stream.read_u8().await.unwrap();
        let (socket, connection) = stream.into_inner();
        ClientSocket::Tls(socket.into_std().unwrap(), Box::new(connection))
    };
    let (client, server) = tokio::join!(client, server);
    (Client::new(client), server)
}

async fn connect(node: &mut Node, id: &str, options: &Options) -> Client<TlsStream<TcpStream>> {
    let (mut client, socket) = ends(b"-").await;
    node.attach_socket(id, "chat", socket, UserSource::Known(None), options)
        .await;
    client.text(JSON).await;
    opened(node, id, &mut client).await;
    client
}

async fn opened(node: &mut Node, id: &str, client: &mut Client<TlsStream<TcpStream>>) {
    node.expect_opened(id).await;
    node.done(id, Stage::Opening, None).await;
    client.expect_text("{}<RS>").await;
}

async fn an_invocation_is_answered_through_tls(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = connect(&mut node, "c", &Options::default()).await;
    for n in 0..20 {
        let id = n.to_string();
        client.text(call(&id)).await;
        node.expect_call(&id).await;
        node.complete("c", &id, "\"x\"").await;
        client
            .expect_text(&format!(
                "{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"x\"}}<RS>"
            ))
            .await;
    }
}

async fn what_tls_has_read_ahead_is_not_lost(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut first = b"-".to_vec();
    first.extend_from_slice(&frame(0x81, JSON.as_bytes()));
    first.extend_from_slice(&frame(0x81, call("1").as_bytes()));
    let (mut client, socket) = ends(&first).await;
    let user = UserSource::Known(None);
    node.attach_socket("c", "chat", socket, user, &Options::default())
        .await;
    opened(&mut node, "c", &mut client).await;
    node.expect_call("1").await;
}

async fn a_client_that_reads_late_gets_everything_and_an_end_in_order(shards: u8) {
    const MESSAGES: u32 = 120;
    const BYTES: u32 = 100_000;
    let options = Options {
        queue: QueueLimits {
            bytes_max: 64 << 20,
            ..QueueLimits::default()
        },
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut client = connect(&mut node, "c", &options).await;
    for n in 0..MESSAGES {
        // An array of a number and a text.
        let mut arguments = vec![0x92, 0xce];
        arguments.extend_from_slice(&n.to_be_bytes());
        arguments.push(0xdb);
        arguments.extend_from_slice(&BYTES.to_be_bytes());
        arguments.resize(arguments.len() + BYTES as usize, b'x');
        node.send(Audience::All, &[], "Much", &arguments).await;
    }
    node.until("the socket takes no more", |metrics| {
        metrics.deliveries == u64::from(MESSAGES) && metrics.bytes_out > 100_000
    })
    .await;
    client.close(&1000_u16.to_be_bytes()).await;
    for n in 0..MESSAGES {
        let Seen::Text(text) = client.next().await else {
            panic!("message {n} is missing");
        };
        let start = format!("{{\"type\":1,\"target\":\"Much\",\"arguments\":[{n},\"xxx");
        assert!(text.starts_with(&start), "{}", &text[..100]);
        assert!(text.len() > BYTES as usize);
    }
    assert_eq!(client.next().await, Seen::Close(1000));
    assert_eq!(node.expect_closed("c").await, CloseReason::ClientClosed);
    let end = timeout(DEADLINE, client.stream.read(&mut [0; 16])).await;
    // An error would be an end that TLS was not told of.
    assert_eq!(end.unwrap().unwrap(), 0);
}

async fn a_large_message_of_a_client_comes_whole(shards: u8) {
    let options = Options {
        message_bytes_max: Some(4 << 20),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut client = connect(&mut node, "c", &options).await;
    let long = "y".repeat(3 << 20);
    client
        .text(call("1").replace("\"x\"", &format!("\"{long}\"")))
        .await;
    let call = node.expect_call("1").await;
    assert_eq!(call.arguments.bytes.len(), long.len() + 4);
}

async fn what_is_no_tls_ends_its_own_connection(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut other = connect(&mut node, "other", &Options::default()).await;
    let mut client = connect(&mut node, "c", &Options::default()).await;
    let (socket, _) = client.stream.get_mut();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(matches!(
        node.expect_closed("c").await,
        CloseReason::TransportLost
    ));
    other.text(call("1")).await;
    node.expect_call("1").await;
}
