//! The close matrix: reference signalr-core 13.3, and closing.txt of the recordings.

use hubplane_proto_link::CloseReason;

use super::*;
use crate::End;

const CLOSE: &str = "text {\"type\":7}<RS>";
const CLOSE_RECONNECT: &str = "text {\"type\":7,\"allowReconnect\":true}<RS>";

fn close_with(error: &str) -> String {
    format!(
        "text {{\"type\":7,\"error\":\"Connection closed with an error.{error}\",\"allowReconnect\":true}}<RS>"
    )
}

#[test]
fn who_closes_the_transport_gets_no_close_message() {
    for (end, reason) in [
        (End::Closed, "client_closed"),
        (End::Lost, "transport_lost"),
    ] {
        let mut rig = Rig::open(Options::default());
        rig.connection.handle_end(end, rig.now);
        assert_eq!(rig.outputs(), ["hub closed None"]);
        assert_eq!(
            rig.closed(),
            ["close".to_owned(), format!("ended {reason}")]
        );
    }
}

#[test]
fn a_poll_that_waits_hears_of_a_delete() {
    let mut rig = Rig::open(Options::default());
    rig.connection.handle_end(End::Deleted, rig.now);
    assert_eq!(rig.outputs(), [CLOSE_RECONNECT, "hub closed None"]);
    assert_eq!(rig.closed(), ["close", "ended client_closed"]);
}

#[test]
fn a_close_message_of_the_client_is_answered_with_one() {
    for (message, error) in [
        ("{\"type\":7}\x1e", "None"),
        ("{\"type\":7,\"allowReconnect\":true}\x1e", "None"),
        (
            "{\"type\":7,\"error\":\"client failed\"}\x1e",
            "Some(\"HubException: client failed\")",
        ),
    ] {
        let mut rig = Rig::open(Options::default());
        let behind = call("1");
        assert_eq!(
            rig.client(format!("{message}{behind}")),
            [CLOSE.to_owned(), format!("hub closed {error}")]
        );
        assert!(!rig.connection.hears(), "nothing is sent behind a Close");
        assert_eq!(rig.closed()[0], "close");
    }
}

#[test]
fn an_abort_closes_without_reconnect_and_a_requested_close_or_drain_with_it() {
    for (reason, allow_reconnect, message) in [
        (CloseReason::Aborted, false, CLOSE),
        (CloseReason::Aborted, true, CLOSE_RECONNECT),
        (CloseReason::Draining, true, CLOSE_RECONNECT),
    ] {
        let mut rig = Rig::open(Options::default());
        let name = reason.name();
        rig.connection
            .handle_close(reason.clone(), allow_reconnect, rig.now);
        rig.connection
            .handle_close(reason, allow_reconnect, rig.now);
        assert_eq!(rig.outputs(), [message, "hub closed None"]);
        assert_eq!(
            rig.complete("1", json("1")),
            none(),
            "late completions are dropped"
        );
        assert_eq!(rig.client(call("2")), none());
        assert_eq!(rig.closed(), ["close".to_owned(), format!("ended {name}")]);
    }
}

#[test]
fn a_close_with_a_reason_tells_the_client_that_reason_and_nothing_else() {
    for detailed_errors in [false, true] {
        let mut rig = Rig::open(Options {
            detailed_errors,
            ..Options::default()
        });
        let reason = CloseReason::ByHub("too loud".to_owned());
        rig.connection.handle_close(reason, false, rig.now);
        let close = "text {\"type\":7,\"error\":\"too loud\"}<RS>";
        assert_eq!(rig.outputs(), [close, "hub closed None"]);
        assert_eq!(rig.closed(), ["close", "ended closed_by_hub"]);
    }
}

#[test]
fn an_abort_in_on_connected_lets_it_finish_before_on_disconnected() {
    let mut rig = Rig::opening(Options::default(), MESSAGEPACK);
    rig.connection
        .handle_close(CloseReason::Aborted, false, rig.now);
    assert_eq!(rig.outputs(), ["binary 049307c0c2"]);
    assert_eq!(rig.opened(), ["hub closed None"]);
    assert_eq!(rig.closed(), ["close", "ended aborted"]);
}

#[test]
fn a_failed_on_connected_closes_and_on_disconnected_does_not_run() {
    let mut rig = Rig::opening(Options::default(), JSON);
    rig.client(call("1"));
    assert_eq!(
        rig.done(Stage::Opening, Some("Connection closed with an error.")),
        [
            "text {\"type\":7,\"error\":\"Connection closed with an error.\"}<RS>",
            "close",
            "ended opening_failed"
        ]
    );
    let mut rig = Rig::opening(Options::default(), JSON);
    rig.connection.handle_end(End::Lost, rig.now);
    assert_eq!(rig.outputs(), none());
    assert_eq!(
        rig.done(Stage::Opening, Some("x")),
        ["close", "ended opening_failed"]
    );
}

#[test]
fn a_failed_on_disconnected_closes_as_failed() {
    let mut rig = Rig::open(Options::default());
    rig.client("{\"type\":7}\x1e");
    assert_eq!(
        rig.done(Stage::Closing, Some("x")),
        ["close failed", "ended client_closed"]
    );
}

#[test]
fn fatal_messages_close_with_their_text_after_what_was_in_front_of_them() {
    let deep = format!(
        "{{\"type\":1,\"target\":\"a\",\"arguments\":[{}{}]}}\x1e",
        "[".repeat(64),
        "]".repeat(64)
    );
    for (message, detail) in [
        (
            "nonsense\x1e".to_owned(),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "\x1e".to_owned(),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "{\"type\":1,\"arguments\":[]}\x1e".to_owned(),
            "InvalidDataException: Missing required property 'target'.",
        ),
        (deep, "InvalidDataException: Error reading JSON."),
        (
            "x".repeat(32_769),
            "InvalidDataException: The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.",
        ),
    ] {
        let mut rig = Rig::open(detailed());
        let seen = rig.client(stream("1") + &message + &call("2"));
        let expected = [
            "hub Stream 1 Count without slot".to_owned(),
            close_with(&format!(" {detail}")),
            format!("hub closed {:?}", Some(detail)),
        ];
        assert_eq!(seen, expected, "{message:.60}");
        assert_eq!(rig.closed(), ["close", "ended protocol_error"]);
        let mut rig = Rig::open(Options::default());
        assert_eq!(rig.client(message)[0], close_with(""));
    }
}

#[test]
fn a_message_cut_off_by_the_end_is_an_error_of_the_client() {
    let cut_off =
        "hub closed Some(\"InvalidDataException: Connection terminated while reading a message.\")";
    for end in [End::Closed, End::Lost] {
        let mut rig = Rig::open(Options::default());
        rig.client("{\"type\":1,\"inv");
        rig.connection.handle_end(end, rig.now);
        assert_eq!(rig.outputs(), [cut_off]);
        assert_eq!(rig.closed(), ["close", "ended protocol_error"]);
    }
}

#[test]
fn a_violation_of_the_transport_ends_at_once_without_a_close_message() {
    let mut rig = Rig::open(Options::default());
    rig.client(call("1") + &call("2"));
    rig.connection.handle_end(
        End::Violation("WebSocketException: text that is not UTF-8".into()),
        rig.now,
    );
    assert_eq!(
        rig.outputs(),
        ["hub closed Some(\"WebSocketException: text that is not UTF-8\")"]
    );
}

#[test]
fn what_a_client_sent_before_it_left_is_carried_out_for_a_while() {
    let mut rig = Rig::open(Options::default());
    rig.client(call("1") + &call("2") + &call("3"));
    rig.connection.handle_end(End::Closed, rig.now);
    assert!(!rig.connection.hears());
    assert_eq!(rig.outputs(), none());
    assert_eq!(
        rig.complete("1", json("1")),
        ["hub Call 2 Echo"],
        "nobody is there to be told"
    );
    assert_eq!(
        rig.complete("2", json("1")),
        ["hub Call 3 Echo", "hub closed None"]
    );

    let mut rig = Rig::open(Options::default());
    rig.client(call("1") + &call("2"));
    rig.connection.handle_end(End::Lost, rig.now);
    assert_eq!(
        rig.pass(60.0)[..1],
        ["5: hub closed None"],
        "a method that waits for the end sees it"
    );
}

#[test]
fn a_client_that_leaves_while_opening_is_told_to_the_hub_when_it_is_open() {
    let mut rig = Rig::opening(Options::default(), JSON);
    rig.client(call("1"));
    rig.connection.handle_end(End::Closed, rig.now);
    assert_eq!(rig.outputs(), none());
    assert_eq!(rig.opened(), ["hub Call 1 Echo", "hub closed None"]);
}

#[test]
fn a_slow_reader_is_told_to_come_back() {
    let mut rig = Rig::open(Options::default());
    rig.connection.handle_overflow(rig.now);
    assert_eq!(rig.outputs()[0], close_with(""));
    assert_eq!(rig.closed(), ["close", "ended slow_consumer"]);
}

#[test]
fn a_result_that_cannot_be_written_closes() {
    let mut rig = Rig::open(detailed());
    rig.client(call("1"));
    let nan = Payload {
        encoding: link::Encoding::MessagePack,
        bytes: vec![0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0].into(),
    };
    let seen = rig.complete("1", Outcome::Value(nan));
    assert_eq!(
        seen[0],
        close_with(" InvalidDataException: number that is not finite")
    );
    assert_eq!(rig.closed(), ["close", "ended unserializable"]);
}

#[test]
fn a_lifecycle_that_nobody_answers_is_forgotten() {
    let mut rig = Rig::open(Options::default());
    rig.connection.handle_end(End::Lost, rig.now);
    rig.outputs();
    assert_eq!(rig.pass(61.0), ["60: close", "60: ended transport_lost"]);
    let mut rig = Rig::open(Options::default());
    rig.connection.handle_link_lost(rig.now);
    assert_eq!(
        rig.outputs(),
        [
            CLOSE_RECONNECT,
            "hub closed None",
            "close",
            "ended draining"
        ]
    );
}

#[test]
fn what_was_invoked_in_front_of_the_end_is_answered_before_the_close() {
    // Recorded: the third of three messages is too long (HH-11).
    let mut rig = Rig::open(Options {
        message_bytes_max: Some(1000),
        ..Options::default()
    });
    assert_eq!(
        rig.client(call("1") + &call("2") + &"x".repeat(1001)),
        ["hub Call 1 Echo"]
    );
    let result = |n: u32| format!("text {{\"type\":3,\"invocationId\":\"{n}\",\"result\":1}}<RS>");
    assert_eq!(
        rig.complete("1", json("1")),
        [result(1), "hub Call 2 Echo".into()]
    );
    assert!(rig.connection.hears());
    assert_eq!(
        rig.complete("2", json("1"))[..2],
        [result(2), close_with("")]
    );
    assert_eq!(rig.closed(), ["close", "ended protocol_error"]);
}

#[test]
fn a_method_that_takes_longer_is_not_waited_for() {
    let mut rig = Rig::open(Options::default());
    assert_eq!(
        rig.client(call("1") + "{\"type\":7}\x1e"),
        ["hub Call 1 Echo"]
    );
    assert_eq!(rig.client(call("2")), none());
    assert_eq!(
        rig.pass(0.2),
        [format!("0.1: {CLOSE}"), "0.1: hub closed None".into()]
    );
    assert_eq!(rig.complete("1", json("1")), none());

    let mut rig = Rig::open(Options::default());
    rig.client(call("1") + "{\"type\":7,\"error\":\"x\"}\x1e");
    rig.connection.handle_end(End::Closed, rig.now);
    assert_eq!(
        rig.outputs(),
        ["hub closed Some(\"HubException: x\")"],
        "nobody is there to be told"
    );
}

#[test]
fn an_on_connected_that_never_ends_keeps_no_connection_for_ever() {
    let mut rig = Rig::opening(Options::default(), JSON);
    rig.connection
        .handle_close(CloseReason::Aborted, false, rig.now);
    assert_eq!(rig.outputs(), [CLOSE]);
    assert_eq!(
        rig.pass(121.0),
        ["60: hub closed None", "120: close", "120: ended aborted"]
    );
}
