//! The client against a server that says what the test wants it to say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;

use std::time::Duration;

use http::{Method, StatusCode};
use hubplane_client::message::{CompletionResult, Message};
use hubplane_client::{
    CloseMessage, ConnectError, Connection, Encoding, End, Frame, InvokeError, Options,
    TransportEnd, upgrade,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use server::{Answer, Peer, Server};

const LIMIT: Duration = Duration::from_secs(5);

/// Runs both ends; neither may take long.
async fn both<A, B>(server: impl Future<Output = A>, client: impl Future<Output = B>) -> (A, B) {
    timeout(LIMIT, async { tokio::join!(server, client) })
        .await
        .expect("in time")
}

async fn connected(options: &Options) -> (Peer, Connection) {
    let server = Server::start().await;
    let url = server.url();
    both(server.accept(options.encoding), async move {
        Connection::connect(&url, options).await.unwrap()
    })
    .await
}

#[tokio::test]
async fn an_invocation_resolves_with_its_completion_in_either_encoding() {
    for encoding in Encoding::ALL {
        let (mut peer, connection) = connected(&Options::with_encoding(encoding)).await;
        assert_eq!(connection.id(), Some("public"));
        let (_, sum) = both(
            async {
                let (id, target, arguments) = peer.invocation().await;
                assert_eq!((target.as_str(), arguments.as_str()), ("Add", "[40,2]"));
                peer.complete(&id, "42").await;
            },
            connection.invoke::<i64>("Add", (40, 2)),
        )
        .await;
        assert_eq!(sum.unwrap(), 42);
    }
}

#[tokio::test]
async fn an_error_completion_is_the_servers_text_verbatim() {
    let (mut peer, connection) = connected(&Options::default()).await;
    let (_, result) = both(
        async {
            let (id, _, arguments) = peer.invocation().await;
            assert_eq!(arguments, "[]");
            peer.fail(&id, "Failed. HubException: no").await;
        },
        connection.invoke::<()>("M", ()),
    )
    .await;
    assert!(matches!(result, Err(InvokeError::Hub(text)) if text == "Failed. HubException: no"));
}

#[tokio::test]
async fn messages_that_nobody_claims_come_in_the_order_of_the_wire() {
    let (mut peer, mut connection) = connected(&Options::default()).await;
    peer.say(r#"{"type":1,"target":"A","arguments":[1]}"#).await;
    peer.say(r#"{"type":6}"#).await;
    peer.say(r#"{"type":3,"invocationId":"mine","result":5}"#)
        .await;
    peer.say(r#"{"type":1,"target":"B","arguments":["x",2]}"#)
        .await;
    let ordered = async {
        assert_eq!(connection.receive::<(i64,)>("a").await.unwrap(), (1,));
        let Some(Message::Completion(completion)) = connection.next().await else {
            panic!("a completion");
        };
        assert_eq!(completion.result, CompletionResult::Value("5".into()));
        let b: (String, i64) = connection.receive("B").await.unwrap();
        assert_eq!(b, ("x".to_owned(), 2));
    };
    timeout(LIMIT, ordered).await.unwrap();
}

#[tokio::test]
async fn the_first_ping_leaves_at_once_unless_switched_off() {
    let (mut peer, _connection) = connected(&Options::default()).await;
    assert_eq!(peer.heard().await.unwrap(), "{\"type\":6}\u{1e}");

    let silent = Options {
        keep_alive: None,
        ..Options::default()
    };
    let (mut peer, connection) = connected(&silent).await;
    connection.send("First", ()).await.unwrap();
    assert_eq!(peer.invocation().await.1, "First");
}

#[tokio::test]
async fn stopping_sends_close_then_a_close_frame_without_a_status() {
    let (mut peer, connection) = connected(&Options::default()).await;
    let (_, end) = both(
        async {
            while peer.heard().await.unwrap() != "{\"type\":7}\u{1e}" {}
            assert_eq!(peer.heard().await, Err(None));
            peer.close(Some(1000)).await;
        },
        connection.stop(),
    )
    .await;
    assert_eq!(end.close, None);
    assert!(
        matches!(end.transport, TransportEnd::CloseFrame(_)),
        "{end:?}"
    );
}

#[tokio::test]
async fn the_servers_close_and_status_are_told_and_end_what_waits() {
    let (mut peer, mut connection) = connected(&Options::default()).await;
    let invoker = connection.invoker();
    let (_, (result, end)) = both(
        async {
            let _ = peer.invocation().await;
            peer.say(
                r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#,
            )
            .await;
            peer.close(Some(1000)).await;
        },
        async { tokio::join!(invoker.invoke::<()>("Wait", ()), connection.ended()) },
    )
    .await;
    assert!(matches!(result, Err(InvokeError::Ended)));
    let expected = End {
        close: Some(CloseMessage {
            error: Some("Connection closed with an error.".to_owned()),
            allow_reconnect: true,
        }),
        transport: TransportEnd::CloseFrame(Some(1000)),
    };
    assert_eq!(end, expected);
    assert_eq!(connection.ended().await, expected);
    assert!(matches!(
        invoker.invoke::<()>("Late", ()).await,
        Err(InvokeError::Ended)
    ));
}

#[tokio::test]
async fn a_killed_connection_leaves_without_a_close_frame() {
    let (mut peer, connection) = connected(&Options::default()).await;
    let (last, ()) = both(peer.rest(), connection.kill()).await;
    assert!(!last.contains("{\"type\":7}"));
    assert!(last.ends_with("lost"), "{last}");
}

#[tokio::test]
async fn a_silent_server_ends_the_connection() {
    let options = Options {
        server_timeout: Duration::from_millis(30),
        ..Options::default()
    };
    let (_peer, mut connection) = connected(&options).await;
    let end = timeout(LIMIT, connection.ended()).await.unwrap();
    assert_eq!(end.transport, TransportEnd::Silent);
}

#[tokio::test]
async fn frames_leave_as_they_are() {
    let quiet = Options {
        keep_alive: None,
        ..Options::default()
    };
    let (mut peer, connection) = connected(&quiet).await;
    connection
        .send_frame(Frame::Text("{gar".to_owned()))
        .await
        .unwrap();
    assert_eq!(peer.heard().await.unwrap(), "{gar");
    for (continues, last) in [(false, false), (true, true)] {
        let data = "half".into();
        connection
            .send_frame(Frame::Fragment {
                continues,
                last,
                data,
            })
            .await
            .unwrap();
    }
    assert_eq!(peer.heard().await.unwrap(), "halfhalf");
    connection
        .send_frame(Frame::Close(Some(4000)))
        .await
        .unwrap();
    assert_eq!(peer.heard().await, Err(Some(4000)));
}

#[tokio::test]
async fn negotiate_carries_the_version_the_token_and_the_query() {
    let server = Server::start().await;
    let options = Options {
        access_token: Some("t0k".to_owned()),
        headers: vec![("x-header".to_owned(), "value".to_owned())],
        ..Options::default()
    };
    let url = format!("{}?tenant=1", server.url());
    let (peer, connection) = both(
        server.accept(Encoding::Json),
        Connection::connect(&url, &options),
    )
    .await;
    connection.unwrap();
    let [negotiate, attach] = &peer.requests[..] else {
        panic!("two requests: {:?}", peer.requests);
    };
    assert!(
        negotiate.starts_with("POST /hub/negotiate?tenant=1&negotiateVersion=1 "),
        "{negotiate}"
    );
    assert!(
        attach.starts_with("GET /hub?tenant=1&id=secret "),
        "{attach}"
    );
    for request in [negotiate, attach] {
        assert!(request.contains("authorization: bearer t0k"), "{request}");
        assert!(request.contains("x-header: value"), "{request}");
    }
}

#[tokio::test]
async fn an_old_client_attaches_by_the_connection_id_and_browsers_put_the_token_into_the_query() {
    let mut server = Server::start().await;
    server.answers = vec![Answer::json(
        r#"{"negotiateVersion":0,"connectionId":"only","availableTransports":[]}"#,
    )];
    let options = Options {
        negotiate_version: None,
        access_token: Some("t0k".to_owned()),
        token_in_query: true,
        ..Options::default()
    };
    let url = server.url();
    let (peer, connection) = both(
        server.accept(Encoding::Json),
        Connection::connect(&url, &options),
    )
    .await;
    assert_eq!(connection.unwrap().id(), Some("only"));
    assert!(peer.requests[0].starts_with("POST /hub/negotiate "));
    assert!(peer.requests[1].starts_with("GET /hub?id=only&access_token=t0k "));
    assert!(!peer.requests[1].contains("authorization"));
}

#[tokio::test]
async fn it_comes_from_the_address_that_it_is_told() {
    let local = "127.0.0.2".parse().unwrap();
    let options = Options {
        local_address: Some(local),
        ..Options::default()
    };
    let (peer, _connection) = connected(&options).await;
    assert_eq!(peer.from, local);
}

#[tokio::test]
async fn without_negotiation_the_websocket_is_the_only_request() {
    let server = Server::start().await;
    let options = Options {
        skip_negotiation: true,
        ..Options::default()
    };
    let url = server.url();
    let (peer, connection) = both(
        server.accept(Encoding::Json),
        Connection::connect(&url, &options),
    )
    .await;
    assert_eq!(connection.unwrap().id(), None);
    assert_eq!(peer.requests.len(), 1);
}

#[tokio::test]
async fn a_redirection_is_followed_with_its_token() {
    let mut server = Server::start().await;
    let url = server.url();
    let redirect = format!(r#"{{"url":"{url}/elsewhere","accessToken":"new"}}"#);
    server.answers.insert(0, Answer::json(&redirect));
    let (peer, connection) = both(
        server.accept(Encoding::Json),
        Connection::connect(&url, &Options::default()),
    )
    .await;
    connection.unwrap();
    assert!(peer.requests[1].starts_with("POST /hub/elsewhere/negotiate?negotiateVersion=1 "));
    assert!(peer.requests[2].contains("authorization: bearer new"));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    async fn refused(answer: Answer) -> ConnectError {
        let mut server = Server::start().await;
        server.answers = vec![answer];
        let url = server.url();
        let (_, result) = both(
            server.answer_all(),
            Connection::connect(&url, &Options::default()),
        )
        .await;
        result.unwrap_err()
    }
    let status = refused(Answer::new(401, "Unauthorized")).await;
    assert!(matches!(status, ConnectError::Status { status: 401, body } if body == "Unauthorized"));
    let text = refused(Answer::json(r#"{"error":"no"}"#)).await;
    assert!(matches!(text, ConnectError::Negotiate { text } if text == "no"));
    let malformed = refused(Answer::json("[]")).await;
    assert!(matches!(malformed, ConnectError::MalformedNegotiation));
    let url = Connection::connect("gopher://x", &Options::default()).await;
    assert!(matches!(url, Err(ConnectError::Url { .. })));
}

#[tokio::test]
async fn a_refused_handshake_is_the_servers_text() {
    let server = Server::start().await;
    let url = server.url();
    let (_, result) = both(
        server.refuse_handshake("The protocol 'json' is not supported."),
        Connection::connect(&url, &Options::default()),
    )
    .await;
    let error = result.unwrap_err();
    assert!(
        matches!(error, ConnectError::Handshake { text } if text == "The protocol 'json' is not supported.")
    );
}

#[tokio::test]
async fn an_upgraded_socket_says_anything() {
    let server = Server::start().await;
    let url = server.url();
    let options = Options::default();
    let (mut peer, socket) = both(server.accept_bare(), upgrade(&url, &options)).await;
    let mut socket = socket.unwrap();
    for len in [3, 126, 70_000] {
        let payload = vec![b'x'; len];
        let frame = hubplane_client::frame::masked(0x81, &payload);
        let (heard, written) = both(peer.heard(), socket.write_all(&frame)).await;
        written.unwrap();
        assert_eq!(heard.unwrap().len(), len);
    }
    socket.write_all(&[0xff; 16]).await.unwrap();
    peer.rest().await;
    drop(peer);
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
}

#[tokio::test]
async fn other_endpoints_can_be_asked() {
    let mut server = Server::start().await;
    server.answers = vec![Answer::new(404, "nothing here")];
    let url = server.url();
    let (_, response) = both(
        server.answer_all(),
        hubplane_client::http::request(Method::GET, &url, &[]),
    )
    .await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.body(), "nothing here");
}
