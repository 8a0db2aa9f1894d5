//! Stateful reconnect: reference signalr-core 17, and stateful-reconnect.txt of the recordings.

mod handover;
mod model;
mod queue;

use hubplane_proto_link::CloseReason;

use super::*;
use crate::{End, OutboundQueue, QueueLimits, Resumption, StatefulOptions};

const VERSION_2: &str = "{\"protocol\":\"json\",\"version\":2}\x1e";

fn options(buffer_bytes: usize) -> Options {
    Options {
        stateful_reconnect: Some(StatefulOptions {
            buffer_bytes,
            ..StatefulOptions::default()
        }),
        ..Options::default()
    }
}

/// A connection that is open and may be resumed.
fn open() -> Rig {
    let mut rig = granted(VERSION_2);
    rig.opened();
    rig
}

fn granted(handshake: &str) -> Rig {
    let mut rig = Rig::new(Options {
        detailed_errors: true,
        ..options(100_000)
    });
    rig.connection.grant_stateful_reconnect();
    rig.client(handshake);
    rig.connection.handle_visible(rig.now);
    let outputs = rig.outputs();
    let keeps = outputs.iter().any(|output| output == "keep 100000");
    assert_eq!(keeps, handshake == VERSION_2, "{outputs:?}");
    rig
}

fn quiet(number: u32) -> String {
    format!("{{\"type\":1,\"target\":\"Say\",\"arguments\":[{number}]}}\x1e")
}

fn ack(number: i64) -> String {
    format!("{{\"type\":8,\"sequenceId\":{number}}}\x1e")
}

fn sequence(number: i64) -> String {
    format!("{{\"type\":9,\"sequenceId\":{number}}}\x1e")
}

fn text(message: &str) -> String {
    format!("text {}", message.replace('\x1e', "<RS>"))
}

#[test]
fn what_is_kept_is_kept_from_the_answer_to_the_handshake_on() {
    let mut rig = Rig::new(options(500));
    rig.connection.grant_stateful_reconnect();
    rig.client(VERSION_2);
    assert_eq!(rig.connection.resumption(), Resumption::Refused);
    rig.connection.handle_visible(rig.now);
    assert_eq!(
        rig.outputs(),
        ["keep 500", "text {}<RS>", "hub opened Json None"]
    );
    assert_eq!(rig.connection.resumption(), Resumption::Welcome);
}

#[test]
fn without_a_grant_or_version_2_the_loss_is_final_and_ack_and_sequence_say_nothing() {
    let mut ungranted = Rig::new(options(500));
    ungranted.client(VERSION_2);
    ungranted.connection.handle_visible(ungranted.now);
    ungranted.outputs();
    ungranted.opened();
    let mut old = granted(JSON);
    old.opened();
    for mut rig in [ungranted, old] {
        let outputs = rig.client(sequence(10) + &ack(234) + &call("1"));
        assert_eq!(outputs, ["hub Call 1 Echo"]);
        rig.complete("1", json("1"));
        assert_eq!(rig.pass(3.0), none(), "no acknowledgement");
        assert_eq!(rig.connection.resumption(), Resumption::Refused);
        assert!(!rig.connection.handle_detached(rig.now));
        assert_eq!(rig.connection.handle_resumed(1, rig.now), None);
    }
}

#[test]
fn an_ack_comes_a_second_after_the_first_message_and_none_while_nothing_is_new() {
    let mut rig = open();
    rig.client(quiet(1));
    assert_eq!(rig.pass(2.5), ["1: text {\"type\":8,\"sequenceId\":1}<RS>"]);
    assert_eq!(rig.pass(5.0), none());
    rig.connection.handle_slot_released(rig.now);
    rig.client(quiet(2) + PING);
    assert!(rig.pass(1.0)[0].ends_with("{\"type\":8,\"sequenceId\":2}<RS>"));
}

#[test]
fn invocations_items_completions_and_cancellations_have_numbers_and_nothing_else_has() {
    let mut rig = open();
    let numbered = [
        quiet(1),
        "{\"type\":5,\"invocationId\":\"77\"}\x1e".into(),
        "{\"type\":3,\"invocationId\":\"77\"}\x1e".into(),
        "{\"type\":2,\"invocationId\":\"77\",\"item\":1}\x1e".into(),
        stream("1"),
    ];
    rig.client(PING.to_owned() + &ack(0) + &sequence(1) + "{\"type\":99}\x1e" + &numbered.concat());
    assert!(rig.pass(1.0)[0].ends_with("{\"type\":8,\"sequenceId\":5}<RS>"));
}

#[test]
fn what_comes_again_after_a_resume_is_dropped_and_acknowledged_again() {
    let mut rig = open();
    assert_eq!(rig.client(call("one")), ["hub Call one Echo"]);
    rig.complete("one", json("1"));
    rig.pass(1.0);
    assert!(rig.connection.handle_detached(rig.now));
    assert!(rig.connection.is_detached());
    let first = rig.connection.handle_resumed(1, rig.now).unwrap();
    assert_eq!(first, sequence(1));
    assert_eq!(rig.client(sequence(1) + &call("one")), none());
    assert!(
        rig.pass(1.0)[0].ends_with("{\"type\":8,\"sequenceId\":1}<RS>"),
        "the last Ack may be lost"
    );
    assert_eq!(rig.client(call("two")), ["hub Call two Echo"]);
}

#[test]
fn messages_in_front_of_the_sequence_are_taken() {
    let mut rig = open();
    rig.client(call("1"));
    rig.complete("1", json("1"));
    rig.connection.handle_detached(rig.now);
    rig.connection.handle_resumed(1, rig.now).unwrap();
    assert_eq!(
        rig.client(PING.to_owned() + &call("2")),
        ["hub Call 2 Echo"]
    );
    rig.complete("2", json("1"));
    assert_eq!(
        rig.client(sequence(2) + &call("3")),
        none(),
        "number 2 again"
    );
    assert_eq!(rig.client(call("4")), ["hub Call 4 Echo"]);
}

#[test]
fn a_sequence_beyond_what_was_received_ends_the_connection() {
    let mut rig = open();
    assert_eq!(rig.client(sequence(1)), none());
    let outputs = rig.client(sequence(2));
    let detail =
        "InvalidOperationException: Sequence ID greater than amount of messages we've received.";
    assert_eq!(
        outputs,
        [
            "forget".to_owned(),
            text(&format!(
                "{{\"type\":7,\"error\":\"Connection closed with an error. {detail}\",\"allowReconnect\":true}}\x1e"
            )),
            format!("hub closed Some({detail:?})"),
        ]
    );
    assert_eq!(rig.connection.resumption(), Resumption::Closing);
}

#[test]
fn a_client_that_does_not_come_back_in_time_has_gone() {
    let mut rig = open();
    assert!(rig.connection.handle_detached(rig.now));
    rig.pass(10.0);
    assert!(rig.connection.handle_detached(rig.now), "told twice");
    assert_eq!(
        rig.pass(5.0),
        ["15: forget", "15: hub closed None"],
        "no pings, and no second delay"
    );
    assert_eq!(rig.connection.resumption(), Resumption::Closing);
    assert_eq!(rig.closed(), ["close", "ended transport_lost"]);
}

#[test]
fn the_client_timeout_runs_on_across_the_gap() {
    let mut rig = open();
    rig.client(PING);
    for _ in 0..2 {
        rig.pass(10.0);
        rig.connection.handle_detached(rig.now);
        rig.connection.handle_resumed(1, rig.now).unwrap();
    }
    let seen = rig.pass(10.0);
    assert!(seen.contains(&"30: hub closed Some(\"OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.\")".to_owned()), "{seen:?}");
}

#[test]
fn whoever_says_that_it_leaves_does_not_come_back() {
    type Leave = fn(&mut Rig);
    let ways: [Leave; 4] = [
        |rig| rig.connection.handle_end(End::Closed, rig.now),
        |rig| drop(rig.client("{\"type\":7}\x1e")),
        |rig| {
            rig.connection
                .handle_close(CloseReason::Aborted, false, rig.now)
        },
        |rig| {
            rig.connection
                .handle_end(End::Violation("x".into()), rig.now)
        },
    ];
    for (n, leave) in ways.into_iter().enumerate() {
        let mut rig = open();
        leave(&mut rig);
        assert_eq!(rig.connection.resumption(), Resumption::Closing, "{n}");
        assert!(!rig.connection.handle_detached(rig.now));
        assert!(rig.connection.handle_resumed(1, rig.now).is_none());
    }
}

#[test]
fn acknowledgements_are_taken_although_an_invocation_waits_for_its_slot() {
    for (handshake, acks) in [
        (VERSION_2, [ack(3), ack(5)].map(String::into_bytes)),
        (
            "{\"protocol\":\"messagepack\",\"version\":2}\x1e",
            [b"\x03\x92\x08\x03".to_vec(), b"\x03\x92\x08\x05".to_vec()],
        ),
    ] {
        let mut rig = Rig::new(options(500));
        rig.connection.grant_stateful_reconnect();
        rig.client(handshake);
        rig.connection.handle_visible(rig.now);
        rig.outputs();
        rig.opened();
        let invocation = match rig.connection.encoding() {
            hubplane_proto_signalr::Encoding::Json => call("x").into_bytes(),
            hubplane_proto_signalr::Encoding::MessagePack => {
                b"\x0e\x96\x01\x80\xa1x\xa4Echo\x91\xa1x\x90".to_vec()
            }
        };
        rig.client(invocation.repeat(3));
        let [early, late] = acks;
        assert_eq!(rig.client(&early[..2]), none());
        assert_eq!(rig.client(&early[2..]), ["acknowledged 3"]);
        assert_eq!(
            rig.client([&invocation[..], &late].concat()),
            ["acknowledged 5"]
        );
        assert_eq!(rig.client(&invocation[..4]), none(), "once");
        for _ in 0..3 {
            rig.complete("x", json("1"));
        }
        rig.client(&invocation[4..]);
        assert_eq!(rig.connection.stateful.as_ref().unwrap().latest, 5);
        rig.complete("x", json("1"));
        assert_eq!(rig.connection.stateful.as_ref().unwrap().looked_through, 0);
    }
}

#[test]
fn what_came_whole_is_carried_out_while_the_client_is_away_and_what_was_not_comes_again() {
    let mut rig = open();
    rig.client(quiet(1) + &quiet(2) + &quiet(3) + "{\"type\":1");
    assert!(rig.connection.handle_detached(rig.now));
    rig.connection.handle_slot_released(rig.now);
    assert_eq!(rig.outputs(), ["hub Call - Say"]);
    rig.connection.handle_resumed(1, rig.now).unwrap();
    // Number 3 waits for its slot; nothing was left.
    rig.connection.handle_slot_released(rig.now);
    rig.outputs();
    rig.connection.handle_slot_released(rig.now);
    assert_eq!(
        rig.client(sequence(2) + &quiet(2) + &quiet(3) + &quiet(4)),
        ["hub Call - Say"]
    );
}

#[test]
fn sockets_that_live_shortly_are_told_what_has_arrived_all_the_same() {
    let mut rig = open();
    rig.client(quiet(1));
    rig.pass(0.5);
    rig.connection.handle_detached(rig.now);
    assert_eq!(rig.pass(1.0), none(), "there is nobody to tell");
    rig.connection.handle_resumed(1, rig.now).unwrap();
    assert_eq!(
        rig.pass(0.0),
        ["1.5: text {\"type\":8,\"sequenceId\":1}<RS>"]
    );
}
