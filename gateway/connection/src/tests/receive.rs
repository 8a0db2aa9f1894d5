use hubplane_proto_ids::ConnectionId;
use proptest::prelude::*;

use super::*;

#[test]
fn one_invocation_runs_at_a_time_and_completions_keep_the_order() {
    let mut rig = Rig::open(Options::default());
    assert_eq!(
        rig.client(call("1") + &call("2") + &call("3")),
        ["hub Call 1 Echo"]
    );
    assert_eq!(
        rig.complete("1", json("\"a\"")),
        [
            "text {\"type\":3,\"invocationId\":\"1\",\"result\":\"a\"}<RS>",
            "hub Call 2 Echo"
        ]
    );
    let error = Outcome::Error("no".into());
    assert_eq!(
        rig.complete("2", error),
        [
            "text {\"type\":3,\"invocationId\":\"2\",\"error\":\"no\"}<RS>",
            "hub Call 3 Echo"
        ]
    );
    assert_eq!(
        rig.complete("3", json("null")),
        ["text {\"type\":3,\"invocationId\":\"3\",\"result\":null}<RS>"]
    );
}

#[test]
fn more_slots_run_more_at_a_time() {
    let mut rig = Rig::open(parallel(2));
    assert_eq!(
        rig.client(call("1") + &call("2") + &call("3")),
        ["hub Call 1 Echo", "hub Call 2 Echo"]
    );
    assert_eq!(
        rig.complete("2", json("1")),
        [
            "text {\"type\":3,\"invocationId\":\"2\",\"result\":1}<RS>",
            "hub Call 3 Echo"
        ]
    );
}

#[test]
fn streams_and_uploads_take_no_slot_but_wait_behind_who_waits_for_one() {
    let upload = "{\"type\":1,\"invocationId\":\"u\",\"target\":\"Up\",\"arguments\":[],\"streamIds\":[\"7\"]}\x1e";
    let mut rig = Rig::open(Options::default());
    assert_eq!(
        rig.client(call("1") + &stream("s") + upload),
        [
            "hub Call 1 Echo",
            "hub Stream s Count without slot",
            "hub Call u Up without slot"
        ]
    );
    assert_eq!(rig.client(call("2") + &stream("t")), none());
    assert_eq!(
        rig.complete("1", Outcome::Void)[1..],
        ["hub Call 2 Echo", "hub Stream t Count without slot"]
    );
    assert_eq!(
        rig.complete_slotless("s", Outcome::Void),
        ["text {\"type\":3,\"invocationId\":\"s\"}<RS>"]
    );
}

#[test]
fn an_invocation_without_an_id_takes_a_slot_and_gives_it_back_in_silence() {
    let quiet = "{\"type\":1,\"target\":\"Log\",\"arguments\":[]}\x1e";
    let mut rig = Rig::open(Options::default());
    assert_eq!(rig.client(format!("{quiet}{quiet}")), ["hub Call - Log"]);
    rig.connection.handle_slot_released(rig.now);
    assert_eq!(rig.outputs(), ["hub Call - Log"]);
}

#[test]
fn a_method_that_awaits_a_client_result_gives_its_slot_back_once() {
    let mut rig = Rig::open(Options::default());
    assert_eq!(
        rig.client(call("1") + &call("2") + &call("3")),
        ["hub Call 1 Echo"]
    );
    rig.connection.handle_slot_released(rig.now);
    assert_eq!(rig.outputs(), ["hub Call 2 Echo"]);
    let completion = Completion {
        connection: id(),
        invocation_id: InvocationId::new("1").unwrap(),
        outcome: json("1"),
        releases_slot: false,
    };
    rig.connection.handle_completion(completion, 0, rig.now);
    assert_eq!(
        rig.outputs(),
        ["text {\"type\":3,\"invocationId\":\"1\",\"result\":1}<RS>"]
    );
}

#[test]
fn a_value_in_the_other_encoding_is_transcoded() {
    let mut rig = Rig::open_with(Options::default(), MESSAGEPACK);
    rig.client(b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90");
    assert_eq!(
        rig.complete("1", json("\"x\"")),
        ["binary 08950380a13103a178"]
    );
}

#[test]
fn arguments_reach_the_link_as_they_came() {
    let mut rig = Rig::open(Options::default());
    let call = "{\"type\":1,\"target\":\"M\",\"arguments\":[ 1.0, {\"a\" :[]} ]}\x1e";
    rig.connection.handle_bytes(call.as_bytes());
    let Some(Output::ToHubHost(ToHubHost::Invocation(invocation))) =
        rig.connection.poll_output(rig.now)
    else {
        panic!("no invocation");
    };
    assert_eq!(&*invocation.arguments.bytes, b"[ 1.0, {\"a\" :[]} ]");
    assert_eq!(invocation.connection, ConnectionId::new("c1").unwrap());
}

#[test]
fn a_binding_failure_is_the_hubs_to_answer() {
    let mut rig = Rig::open(Options::default());
    let unreadable =
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"M\",\"arguments\":[\"\\ud800\"]}\x1e";
    rig.connection.handle_bytes(unreadable.as_bytes());
    let Some(Output::ToHubHost(ToHubHost::Invocation(invocation))) =
        rig.connection.poll_output(rig.now)
    else {
        panic!("no invocation");
    };
    assert!(invocation.arguments.bytes.is_empty());
}

#[test]
fn what_nobody_waits_for_is_ignored() {
    let mut rig = Rig::open(Options::default());
    for message in [
        "{\"type\":2,\"invocationId\":\"9\",\"item\":1}\x1e",
        "{\"type\":3,\"invocationId\":\"9\",\"result\":1}\x1e",
        "{\"type\":8,\"sequenceId\":1}\x1e",
        "{\"type\":9,\"sequenceId\":1}\x1e",
        "{\"type\":99}\x1e",
        PING,
    ] {
        assert_eq!(rig.client(message), none(), "{message}");
    }
    assert_eq!(rig.client(call("1")), ["hub Call 1 Echo"]);
}

#[test]
fn reading_stops_when_a_waiting_invocation_has_a_buffer_behind_it() {
    let mut rig = Rig::open(Options::default());
    rig.client(call("1") + &call("2"));
    assert!(rig.connection.wants_read());
    while rig.connection.wants_read() {
        assert_eq!(rig.client(call("n")), none());
    }
    let read_ahead = rig.connection.input.len();
    assert!((64 * 1024..65 * 1024).contains(&read_ahead), "{read_ahead}");
    rig.complete("1", json("1"));
    for _ in 0..2000 {
        rig.connection.handle_slot_released(rig.now);
        rig.outputs();
    }
    assert!(rig.connection.wants_read());
    assert_eq!(
        rig.connection.input.capacity(),
        0,
        "an idle connection keeps no buffer"
    );
}

#[test]
fn a_pause_stops_the_very_next_message() {
    let mut rig = Rig::open(Options::default());
    rig.connection
        .handle_bytes((stream("1") + &stream("2")).as_bytes());
    assert!(rig.connection.poll_output(rig.now).is_some());
    rig.connection.pause(true, rig.now);
    assert_eq!(rig.outputs(), none());
    rig.connection.pause(false, rig.now);
    assert_eq!(rig.outputs(), ["hub Stream 2 Count without slot"]);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Call,
    Stream,
    Complete,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Call),
        Just(Step::Call),
        Just(Step::Stream),
        Just(Step::Complete),
        Just(Step::Release)
    ];
    proptest::collection::vec(step, 0..100)
}

proptest! {
    /// A naive model: a line of messages, whose head is taken as soon as nothing is in its way.
    #[test]
    fn slots_are_what_a_naive_model_says(steps in steps(), slots in 1_u32..4) {
        let mut rig = Rig::open(parallel(slots));
        let (mut line, mut running, mut seen, mut expected) = (std::collections::VecDeque::new(), 0, none(), none());
        for (n, step) in steps.into_iter().enumerate() {
            let name = n.to_string();
            match step {
                Step::Call => {
                    seen.extend(rig.client(call(&name)));
                    line.push_back((name, true));
                }
                Step::Stream => {
                    seen.extend(rig.client(stream(&name)));
                    line.push_back((name, false));
                }
                Step::Complete if running > 0 => {
                    running -= 1;
                    expected.push("text {\"type\":3,\"invocationId\":\"x\"}<RS>".to_owned());
                    seen.extend(rig.complete("x", Outcome::Void));
                }
                Step::Release if running > 0 => {
                    running -= 1;
                    rig.connection.handle_slot_released(rig.now);
                    seen.extend(rig.outputs());
                }
                Step::Complete | Step::Release => {}
            }
            while let Some((name, takes_slot)) = line.pop_front() {
                if takes_slot && running == slots {
                    line.push_front((name, takes_slot));
                    break;
                }
                running += u32::from(takes_slot);
                expected.push(match takes_slot {
                    true => format!("hub Call {name} Echo"),
                    false => format!("hub Stream {name} Count without slot"),
                });
            }
            prop_assert_eq!(&seen, &expected);
        }
    }
}
