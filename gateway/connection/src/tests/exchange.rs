//! Streams both ways, and results that a client is asked for.

use bytes::Bytes;
use hubplane_proto_link::{Arguments, CloseReason, UPLOAD_CREDIT_ITEMS};

use super::*;
use crate::{AskedId, End};

/// An invocation that brings streams.
fn upload(invocation: &str, streams: &[&str]) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{invocation}\",\"target\":\"Up\",\"arguments\":[],\"streamIds\":{streams:?}}}\x1e"
    )
}

fn item(stream: &str, item: impl std::fmt::Display) -> String {
    format!("{{\"type\":2,\"invocationId\":\"{stream}\",\"item\":{item}}}\x1e")
}

/// The client's completion with a further member, `"result":6` for instance.
fn completion(id: &str, member: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\"{member}}}\x1e")
}

fn stream_id(id: &str) -> InvocationId {
    InvocationId::new(id).unwrap()
}

fn arguments(bytes: &'static [u8]) -> Arguments {
    Arguments {
        encoding: link::Encoding::MessagePack,
        bytes: Bytes::from_static(bytes),
    }
}

impl Rig {
    fn ask(&mut self, number: u64) -> Vec<String> {
        let arguments = arguments(b"\x91\x05");
        self.connection
            .handle_ask(AskedId(number), "Sum", &arguments, self.now);
        self.outputs()
    }

    fn credit(&mut self, stream: &str, items: u32) -> Vec<String> {
        self.connection
            .handle_upload_credit(&stream_id(stream), items, self.now);
        self.outputs()
    }

    fn upload_closed(&mut self, stream: &str) -> Vec<String> {
        self.connection
            .handle_upload_closed(&stream_id(stream), self.now);
        self.outputs()
    }

    fn stream_item(&mut self, payload: Payload) -> Vec<String> {
        self.connection
            .handle_stream_item(&stream_id("s"), &payload, 66, self.now);
        self.outputs()
    }

    /// An open connection whose upload `7` has no credit any more, and one item too many.
    fn stalled() -> Self {
        let mut rig = Self::open(Options::default());
        rig.client(upload("u", &["7"]));
        for n in 0..UPLOAD_CREDIT_ITEMS {
            assert_eq!(rig.client(item("7", n)), [format!("hub item 7 {n}")]);
        }
        assert_eq!(rig.client(item("7", 10) + &call("1")), none());
        rig
    }
}

#[test]
fn items_of_a_stream_are_written_in_the_clients_encoding_and_its_end_has_no_result() {
    let seven = || Payload {
        encoding: link::Encoding::MessagePack,
        bytes: Bytes::from_static(b"\x07"),
    };
    let mut rig = Rig::open(Options::default());
    rig.client(stream("s"));
    assert_eq!(
        rig.stream_item(seven()),
        ["text {\"type\":2,\"invocationId\":\"s\",\"item\":7}<RS>"]
    );
    assert_eq!(
        rig.complete_slotless("s", Outcome::Void),
        ["text {\"type\":3,\"invocationId\":\"s\"}<RS>"]
    );
    let mut rig = Rig::open_with(Options::default(), MESSAGEPACK);
    assert_eq!(rig.stream_item(seven()), ["binary 06940280a17307"]);
    assert_eq!(
        rig.complete_slotless("s", Outcome::Void),
        ["binary 06940380a17302"]
    );
}

#[test]
fn what_a_leaving_client_is_not_sent_gives_its_window_back() {
    let mut rig = Rig::open(Options::default());
    rig.client(stream("s"));
    rig.connection
        .handle_close(CloseReason::Aborted, false, rig.now);
    rig.outputs();
    let one = Payload {
        encoding: link::Encoding::Json,
        bytes: Bytes::from_static(b"1"),
    };
    assert_eq!(rig.stream_item(one), none());
    assert_eq!(rig.complete_slotless("s", Outcome::Void), none());
    rig.connection
        .handle_send("Said", &arguments(b"\x90"), 68, rig.now);
    assert_eq!(rig.outputs(), none());
    assert_eq!(rig.connection.take_unsent_bytes(), 66 + 70 + 68);
    assert_eq!(rig.connection.take_unsent_bytes(), 0);
}

#[test]
fn a_send_to_one_connection_is_an_invocation_without_an_id() {
    let mut rig = Rig::open(Options::default());
    rig.connection
        .handle_send("Said", &arguments(b"\x91\xa1x"), 70, rig.now);
    assert_eq!(
        rig.outputs(),
        ["text {\"type\":1,\"target\":\"Said\",\"arguments\":[\"x\"]}<RS>"]
    );
}

#[test]
fn a_cancellation_goes_to_the_hub() {
    let mut rig = Rig::open(Options::default());
    rig.client(stream("s"));
    assert_eq!(
        rig.client("{\"type\":5,\"invocationId\":\"s\"}\x1e"),
        ["hub cancel s"]
    );
}

#[test]
fn uploads_take_their_items_and_their_ends_and_others_are_ignored() {
    let mut rig = Rig::open(Options::default());
    assert_eq!(rig.client(item("a", 0)), none(), "nobody has named it yet");
    rig.client(upload("u", &["a", "b"]));
    assert_eq!(
        rig.client(item("b", "{\"x\":1}") + &item("a", 1) + &item("c", 1)),
        ["hub item b {\"x\":1}", "hub item a 1"]
    );
    assert_eq!(rig.client(completion("b", "")), ["hub end b None"]);
    assert_eq!(rig.client(item("b", 2) + &completion("b", "")), none());
    assert_eq!(
        rig.client(completion("a", ",\"error\":\"Something bad\"")),
        ["hub end a Some(\"Something bad\")"]
    );
    let end = ",\"result\":{\"a\":[1]}";
    assert_eq!(rig.client(completion("99", end) + &call("1")).len(), 1);
}

#[test]
fn an_upload_without_credit_holds_up_the_whole_connection_until_the_hub_takes_items() {
    let mut rig = Rig::stalled();
    assert_eq!(rig.credit("8", 5), none());
    assert_eq!(rig.credit("7", 2), ["hub item 7 10", "hub Call 1 Echo"]);
    assert_eq!(
        rig.client(item("7", 11) + &item("7", 12) + PING),
        ["hub item 7 11"],
        "the second one of the credit"
    );
}

#[test]
fn a_stalled_client_is_not_silent_and_not_read_for_ever() {
    let mut rig = Rig::open(Options::default());
    rig.client(PING.to_owned() + &upload("u", &["7"]));
    for n in 0..=UPLOAD_CREDIT_ITEMS {
        rig.client(item("7", n));
    }
    let seen = rig.pass(100.0);
    assert!(seen.iter().all(|it| it.ends_with("ping")), "{seen:?}");
    assert!(rig.connection.wants_read());
    rig.client(vec![b' '; rig.connection.options().read_ahead_bytes_max]);
    assert!(!rig.connection.wants_read());
}

#[test]
fn an_item_that_waits_is_dropped_when_its_stream_ends_and_the_connection_goes_on() {
    let mut rig = Rig::stalled();
    assert_eq!(rig.upload_closed("7"), ["hub Call 1 Echo"]);
    assert_eq!(rig.client(item("7", 1)), none());

    let mut rig = Rig::stalled();
    assert_eq!(
        rig.complete_slotless("u", json("\"ignored\"")),
        [
            "text {\"type\":3,\"invocationId\":\"u\",\"result\":\"ignored\"}<RS>",
            "hub Call 1 Echo"
        ]
    );
    assert_eq!(rig.client(item("7", 1) + &completion("7", "")), none());

    let mut rig = Rig::stalled();
    rig.connection.handle_slot_released(rig.now);
    assert_eq!(rig.outputs(), none(), "a slot is not what it waits for");
}

#[test]
fn who_names_a_stream_again_takes_it_over() {
    let mut rig = Rig::open(Options::default());
    rig.client(upload("1", &["0"]) + &upload("2", &["0"]));
    rig.complete_slotless("1", json("null"));
    assert_eq!(rig.client(item("0", "\"x\"")), ["hub item 0 \"x\""]);
    rig.complete_slotless("2", json("null"));
    assert_eq!(rig.client(item("0", "\"x\"")), none());
}

#[test]
fn streams_beyond_the_bound_are_refused_and_the_others_go_on() {
    let mut rig = Rig::open(Options {
        streams_max: 2,
        ..Options::default()
    });
    assert_eq!(rig.client(stream("1") + &stream("2")).len(), 2);
    assert_eq!(
        rig.client(stream("3")),
        [
            "text {\"type\":3,\"invocationId\":\"3\",\"error\":\"An unexpected error occurred invoking 'Count' on the server. HubException: More than 2 streams at once.\"}<RS>"
        ]
    );
    rig.complete_slotless("1", Outcome::Void);
    assert_eq!(rig.client(upload("u", &["a", "b"])).len(), 1);
    assert_eq!(rig.client(stream("4")), ["hub Stream 4 Count without slot"]);
}

#[test]
fn a_client_is_asked_under_the_servers_id_and_its_answer_is_taken_once() {
    for (member, outcome) in [
        (
            ",\"result\":6",
            "Value(Payload { encoding: Json, bytes: b\"6\" })",
        ),
        (
            ",\"result\":null",
            "Value(Payload { encoding: Json, bytes: b\"null\" })",
        ),
        (",\"error\":\"Client error\"", "Error(\"Client error\")"),
        ("", "Void"),
    ] {
        let mut rig = Rig::open(Options::default());
        assert_eq!(
            rig.ask(17),
            ["text {\"type\":1,\"invocationId\":\"s17\",\"target\":\"Sum\",\"arguments\":[5]}<RS>"]
        );
        for other in ["17", "s017", "s+17", "s18", "S17"] {
            assert_eq!(rig.client(completion(other, member)), none());
        }
        assert_eq!(
            rig.client(completion("s17", member)),
            [format!("answered s17 {outcome}")]
        );
        assert_eq!(rig.client(completion("s17", member)), none());
    }
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_ignored() {
    let mut rig = Rig::open(Options::default());
    rig.ask(1);
    rig.connection.handle_forgotten(AskedId(1));
    assert_eq!(rig.client(completion("s1", ",\"result\":6")), none());
    assert_eq!(rig.client(call("1")), ["hub Call 1 Echo"]);
}

#[test]
fn whoever_waits_for_a_client_that_leaves_is_told_once() {
    let told = "answered s1 Disconnected".to_owned();
    type Leave = fn(&mut Rig) -> Vec<String>;
    let ways: [Leave; 4] = [
        |rig| rig.client("{\"type\":7}\x1e"),
        |rig| {
            rig.connection.handle_end(End::Lost, rig.now);
            rig.outputs()
        },
        |rig| {
            rig.connection
                .handle_close(CloseReason::Aborted, false, rig.now);
            rig.outputs()
        },
        |rig| {
            rig.connection.handle_link_lost(rig.now);
            rig.outputs()
        },
    ];
    for leave in ways {
        let mut rig = Rig::open(Options::default());
        rig.client(call("1"));
        rig.ask(1);
        let mut seen = leave(&mut rig);
        assert!(seen.contains(&told), "{seen:?}");
        seen.extend(rig.pass(10.0));
        seen.extend(rig.closed());
        assert_eq!(seen.iter().filter(|it| it.contains("s1")).count(), 1);
        assert_eq!(rig.ask(2), ["answered s2 Disconnected"]);
    }
    let mut rig = Rig::new(Options::default());
    assert_eq!(rig.ask(1), ["answered s1 UnknownConnection"]);
}

#[test]
fn an_invocation_that_waits_for_a_flooding_client_gets_its_answer() {
    const CALLS: usize = 50;
    let mut rig = Rig::open(Options::default());
    assert_eq!(rig.client(call("0")), ["hub Call 0 Echo"]);
    // The slot is given back in front of the question.
    rig.connection.handle_slot_released(rig.now);
    rig.ask(1);
    let flood: String = (1..=CALLS).map(|n| call(&n.to_string())).collect();
    let mut seen = rig.client(flood + &completion("s1", ",\"result\":6"));
    for n in 1..=CALLS {
        assert!(
            seen.contains(&format!("hub Call {n} Echo")),
            "{n}: {seen:?}"
        );
        seen.extend(rig.complete(&n.to_string(), json("1")));
    }
    assert!(seen.iter().any(|it| it.starts_with("answered s1 Value")));
    let completed = rig.complete_slotless("0", json("6"));
    assert_eq!(completed.len(), 1);
}

#[test]
fn what_the_hub_keeps_with_a_connection_outlives_its_end_and_has_a_bound() {
    let mut rig = Rig::open(Options::default());
    let room = "room".to_owned();
    let value = Some(Bytes::from_static(b"1"));
    rig.connection.handle_item(room.clone(), value).unwrap();
    let large = Some(Bytes::from(vec![0; crate::ItemBag::MAX_BYTES]));
    assert!(rig.connection.handle_item(room.clone(), large).is_err());
    rig.connection
        .handle_close(CloseReason::Aborted, false, rig.now);
    let kept = |rig: &Rig| {
        rig.connection
            .items()
            .and_then(|bag| bag.get("room").cloned())
    };
    assert_eq!(kept(&rig), Some(Bytes::from_static(b"1")));
    rig.connection.handle_item(room, None).unwrap();
    assert_eq!(rig.connection.items(), None);
}
