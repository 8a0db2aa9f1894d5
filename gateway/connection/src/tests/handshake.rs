use hubplane_proto_link::Identified;
use hubplane_proto_signalr::Encoding;

use super::*;
use crate::End;

#[test]
fn the_response_is_written_when_all_is_visible_and_before_the_hub_hears() {
    let mut rig = Rig::with_user(
        Options::default(),
        UserSource::Known(Some("ana".parse().unwrap())),
    );
    assert_eq!(rig.client(JSON), ["appear Some(UserId(\"ana\"))"]);
    assert!(!rig.connection.hears());
    rig.connection.handle_visible(rig.now);
    assert!(rig.connection.hears());
    assert_eq!(
        rig.outputs(),
        ["text {}<RS>", "hub opened Json Some(UserId(\"ana\"))"]
    );
}

#[test]
fn a_hub_that_names_its_users_is_asked_before_anything_is_visible() {
    let mut rig = Rig::with_user(Options::default(), UserSource::AskHub);
    assert_eq!(rig.client(MESSAGEPACK), ["hub identify MessagePack"]);
    let user = Some("bo".parse().unwrap());
    rig.connection.handle_identified(Identified {
        connection: id(),
        user,
        error: None,
    });
    assert_eq!(rig.outputs(), ["appear Some(UserId(\"bo\"))"]);
    rig.connection.handle_visible(rig.now);
    assert_eq!(
        rig.outputs(),
        [
            "binary 7b7d1e",
            "hub opened MessagePack Some(UserId(\"bo\"))"
        ]
    );
}

#[test]
fn a_hub_that_fails_to_name_the_user_fails_the_handshake_in_the_protocols_format() {
    for (handshake, response) in [
        (JSON, "text {\"error\":\"no\"}<RS>"),
        (MESSAGEPACK, "binary 7b226572726f72223a226e6f227d1e"),
    ] {
        let mut rig = Rig::with_user(Options::default(), UserSource::AskHub);
        rig.client(handshake);
        rig.connection.handle_identified(Identified {
            connection: id(),
            user: None,
            error: Some("no".to_owned()),
        });
        let expected = [response, "close", "ended protocol_error"];
        assert_eq!(rig.outputs(), expected, "the hub hears nothing of it");
    }
}

#[test]
fn a_handshake_may_come_in_pieces_and_with_messages_behind_it() {
    let mut rig = Rig::new(Options::default());
    let bytes = format!("{JSON}{}", call("1"));
    let mut seen = none();
    for byte in bytes.as_bytes() {
        seen.extend(rig.client([*byte]));
    }
    assert_eq!(seen, ["appear None"]);
    rig.connection.handle_visible(rig.now);
    assert_eq!(rig.outputs(), ["text {}<RS>", "hub opened Json None"]);
    assert_eq!(rig.opened(), ["hub Call 1 Echo"]);
}

#[test]
fn refusals_are_text_and_end_without_the_hub() {
    let cases = [
        (
            "{\"protocol\":\"xyz\",\"version\":1}\x1e",
            "The protocol 'xyz' is not supported.",
        ),
        (
            "{\"protocol\":\"messagepack\",\"version\":9}\x1e",
            "The server does not support version 9 of the 'messagepack' protocol.",
        ),
        (
            "{\"version\":1}\x1e",
            "An unexpected error occurred during connection handshake.",
        ),
        (
            "\x1e",
            "An unexpected error occurred during connection handshake.",
        ),
    ];
    for (request, text) in cases {
        let mut rig = Rig::new(Options::default());
        let expected = [
            format!("text {{\"error\":\"{text}\"}}<RS>"),
            "close".into(),
            "ended protocol_error".into(),
        ];
        assert_eq!(rig.client(request), expected, "{request}");
        assert_eq!(rig.connection.poll_timeout(), None);
    }
}

#[test]
fn detailed_errors_say_what_was_wrong_with_the_request() {
    let mut rig = Rig::new(detailed());
    let seen = rig.client("{\"protocol\":1,\"version\":1}\x1e");
    let text = "An unexpected error occurred during connection handshake. InvalidDataException: Expected 'protocol' to be of type String.";
    assert_eq!(seen[0], format!("text {{\"error\":\"{text}\"}}<RS>"));
}

#[test]
fn only_the_protocols_of_the_hub_are_spoken() {
    let mut rig = Rig::new(Options {
        encodings: vec![Encoding::Json],
        ..Options::default()
    });
    assert_eq!(
        rig.client(MESSAGEPACK)[0],
        "text {\"error\":\"The protocol 'messagepack' is not supported.\"}<RS>"
    );
    let mut rig = Rig::new(Options {
        encodings: Vec::new(),
        ..Options::default()
    });
    assert_eq!(rig.client(JSON), ["close failed", "ended protocol_error"]);
}

#[test]
fn an_unfinished_handshake_is_canceled_after_its_time() {
    let canceled = [
        "15: text {\"error\":\"Handshake was canceled.\"}<RS>",
        "15: close",
        "15: ended protocol_error",
    ];
    let mut rig = Rig::new(Options::default());
    rig.client("{\"protocol\"");
    assert_eq!(rig.pass(14.9), none());
    assert_eq!(rig.pass(1.0), canceled);
    // Also when it is the hub or the directory that does not answer.
    let mut rig = Rig::with_user(Options::default(), UserSource::AskHub);
    rig.client(JSON);
    assert_eq!(rig.pass(20.0), canceled);
    rig.connection.handle_visible(rig.now);
    assert_eq!(rig.outputs(), none());
}

#[test]
fn the_size_limit_counts_the_separator() {
    let limited = || {
        Rig::new(Options {
            message_bytes_max: Some(100),
            ..Options::default()
        })
    };
    let request = |len: usize| {
        format!(
            "{{\"protocol\":\"json\",\"version\":1,\"p\":\"{}\"}}\x1e",
            "x".repeat(len - 39)
        )
    };
    assert_eq!(request(100).len(), 100);
    assert_eq!(limited().client(request(100)), ["appear None"]);
    let canceled = [
        "text {\"error\":\"Handshake was canceled.\"}<RS>",
        "close",
        "ended protocol_error",
    ];
    assert_eq!(limited().client(request(101)), canceled);
    assert_eq!(limited().client(&request(150)[..101]), canceled);
}

#[test]
fn a_client_that_leaves_before_its_handshake_leaves_no_trace() {
    let mut rig = Rig::new(Options::default());
    rig.client("{\"protocol\":\"js");
    rig.connection.handle_end(End::Closed, rig.now);
    assert_eq!(rig.outputs(), ["close", "ended client_closed"]);
    let mut rig = Rig::new(Options::default());
    assert_eq!(rig.client(JSON), ["appear None"]);
    rig.connection.handle_end(End::Lost, rig.now);
    assert_eq!(rig.outputs(), ["close", "ended transport_lost"]);
    rig.connection.handle_visible(rig.now);
    assert_eq!(rig.outputs(), none());
}
