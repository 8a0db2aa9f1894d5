//! Anything may come, in any order: nothing panics, and what is promised whatever happens holds.

use hubplane_proto_link::{CloseReason, Identified};
use proptest::prelude::*;

use super::*;
use crate::{AskedId, End};

#[derive(Debug, Clone)]
enum Step {
    Bytes(Vec<u8>),
    Identified,
    Visible,
    Done(bool, bool),
    Completion(bool),
    SlotReleased,
    Ask(u64),
    Forgotten(u64),
    UploadCredit(u32),
    UploadClosed,
    Pause(bool),
    Close,
    Overflow,
    LinkLost,
    End(u8),
    Detach,
    Resume,
    Pass(f64),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(JSON.as_bytes().to_vec()),
        2 => Just(b"{\"protocol\":\"json\",\"version\":2}\x1e".to_vec()),
        2 => Just(MESSAGEPACK.as_bytes().to_vec()),
        3 => Just(call("1").into_bytes()),
        2 => Just(stream("2").into_bytes()),
        2 => Just(b"{\"type\":1,\"invocationId\":\"1\",\"target\":\"Up\",\"arguments\":[],\"streamIds\":[\"7\"]}\x1e".to_vec()),
        2 => Just(b"{\"type\":2,\"invocationId\":\"7\",\"item\":1}\x1e".repeat(11)),
        1 => Just(b"{\"type\":3,\"invocationId\":\"7\"}\x1e".to_vec()),
        2 => Just(b"{\"type\":3,\"invocationId\":\"s1\"}\x1e".to_vec()),
        2 => Just(PING.as_bytes().to_vec()),
        1 => (-1_i64..4).prop_map(|number| format!("{{\"type\":8,\"sequenceId\":{number}}}\x1e").into_bytes()),
        1 => (-1_i64..4).prop_map(|number| format!("{{\"type\":9,\"sequenceId\":{number}}}\x1e").into_bytes()),
        1 => Just(b"{\"type\":7}\x1e".to_vec()),
        2 => Just(b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90".to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(vec![b'x'; 40_000]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => bytes().prop_map(Step::Bytes),
        1 => Just(Step::Identified),
        4 => Just(Step::Visible),
        4 => any::<(bool, bool)>().prop_map(|(opening, failed)| Step::Done(opening, failed && !opening)),
        3 => any::<bool>().prop_map(Step::Completion),
        2 => Just(Step::SlotReleased),
        2 => (1_u64..3).prop_map(Step::Ask),
        1 => (1_u64..3).prop_map(Step::Forgotten),
        2 => (0_u32..3).prop_map(Step::UploadCredit),
        1 => Just(Step::UploadClosed),
        2 => any::<bool>().prop_map(Step::Pause),
        1 => Just(Step::Close),
        1 => Just(Step::Overflow),
        1 => Just(Step::LinkLost),
        1 => (0_u8..3).prop_map(Step::End),
        2 => Just(Step::Detach),
        2 => Just(Step::Resume),
        2 => (0.0_f64..40.0).prop_map(Step::Pass),
    ]
}

fn take(rig: &mut Rig, step: Step) -> Vec<String> {
    match step {
        Step::Bytes(bytes) => return rig.client(bytes),
        Step::Pass(seconds) => return rig.pass(seconds).into_iter().map(without_time).collect(),
        Step::Done(true, failed) => return rig.done(Stage::Opening, failed.then_some("x")),
        Step::Done(false, failed) => return rig.done(Stage::Closing, failed.then_some("x")),
        Step::Completion(true) => return rig.complete("1", json("1")),
        Step::Completion(false) => return rig.complete("1", json("not json")),
        Step::Identified => rig.connection.handle_identified(Identified {
            connection: id(),
            user: None,
            error: None,
        }),
        Step::Visible => rig.connection.handle_visible(rig.now),
        Step::Ask(number) => {
            let arguments = hubplane_proto_link::Arguments {
                encoding: link::Encoding::MessagePack,
                bytes: b"\x90".as_slice().into(),
            };
            rig.connection
                .handle_ask(AskedId(number), "Sum", &arguments, rig.now);
        }
        Step::Forgotten(number) => rig.connection.handle_forgotten(AskedId(number)),
        Step::UploadCredit(items) => {
            rig.connection
                .handle_upload_credit(&"7".parse().unwrap(), items, rig.now)
        }
        Step::UploadClosed => rig
            .connection
            .handle_upload_closed(&"7".parse().unwrap(), rig.now),
        Step::SlotReleased => rig.connection.handle_slot_released(rig.now),
        Step::Pause(paused) => rig.connection.pause(paused, rig.now),
        Step::Close => rig
            .connection
            .handle_close(CloseReason::Aborted, false, rig.now),
        Step::Overflow => rig.connection.handle_overflow(rig.now),
        Step::LinkLost => rig.connection.handle_link_lost(rig.now),
        Step::Detach => drop(rig.connection.handle_detached(rig.now)),
        Step::Resume => {
            let sequence = rig.connection.handle_resumed(3, rig.now);
            assert!(sequence.is_none() || !rig.connection.is_detached());
        }
        Step::End(0) => rig.connection.handle_end(End::Closed, rig.now),
        Step::End(1) => rig.connection.handle_end(End::Lost, rig.now),
        Step::End(_) => rig
            .connection
            .handle_end(End::Violation("x".into()), rig.now),
    }
    rig.outputs()
}

fn without_time(seen: String) -> String {
    seen.split_once(": ")
        .map_or(seen.clone(), |(_, output)| output.to_owned())
}

/// What holds for every connection, whatever happens to it.
fn check(seen: &[String]) -> Result<(), TestCaseError> {
    let position = |start: &str| seen.iter().position(|output| output.starts_with(start));
    let count = |start: &str| {
        seen.iter()
            .filter(|output| output.starts_with(start))
            .count()
    };
    for once in [
        "appear",
        "hub opened",
        "hub closed",
        "close",
        "keep",
        "forget",
        "ended",
        "text {}<RS>",
        "text {\"type\":7",
        "binary 7b7d1e",
    ] {
        prop_assert!(count(once) <= 1, "{once} twice: {seen:?}");
    }
    if let Some(ended) = position("ended") {
        let only_answers = seen[ended + 1..]
            .iter()
            .all(|output| output.starts_with("answered"));
        prop_assert!(only_answers, "nothing else comes behind the end: {seen:?}");
        prop_assert_eq!(position("close"), Some(ended - 1));
    }
    if let Some(closed) = position("hub closed") {
        prop_assert!(position("hub opened").is_some_and(|opened| opened < closed));
    }
    if let Some(first_call) = position("hub Call") {
        prop_assert!(position("hub opened").is_some_and(|opened| opened < first_call));
        prop_assert!(position("hub closed").is_none_or(|closed| first_call < closed));
    }
    if let Some(close) = position("text {\"type\":7").or_else(|| position("binary 049307")) {
        let later = seen[close + 1..]
            .iter()
            .any(|output| output.starts_with("text") || output.starts_with("binary"));
        prop_assert!(!later, "nothing is sent behind a Close: {seen:?}");
    }
    if let Some(opened) = position("hub opened") {
        let is_response = |output: &String| output == "text {}<RS>" || output == "binary 7b7d1e";
        let answered = seen[..opened].iter().any(is_response);
        prop_assert!(
            answered,
            "the hub hears of a connection that is not answered"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn promises_hold_whatever_happens(
        steps in proptest::collection::vec(step(), 0..60), asks_hub: bool, starts_open: bool, stateful: bool,
    ) {
        let user = if asks_hub { UserSource::AskHub } else { UserSource::Known(None) };
        let options = Options {
            stateful_reconnect: Some(crate::StatefulOptions::default()),
            ..Options::default()
        };
        let (mut rig, mut seen) = (Rig::with_user(options, user), none());
        let mut handshake = JSON.to_owned();
        if stateful {
            rig.connection.grant_stateful_reconnect();
            handshake = handshake.replace("1}", "2}");
        }
        let opening = [Step::Bytes(handshake.into()), Step::Identified, Step::Visible, Step::Done(true, false)];
        for step in opening.into_iter().filter(|_| starts_open).chain(steps) {
            seen.extend(take(&mut rig, step));
            check(&seen)?;
        }
    }

    #[test]
    fn any_split_of_the_input_means_the_same(
        messages in proptest::collection::vec(bytes(), 0..8), pieces in proptest::collection::vec(1_usize..50, 1..5),
    ) {
        let input = messages.concat();
        let mut whole = Rig::open(parallel(100));
        let expected = whole.client(&input);
        let (mut split, mut seen, mut rest) = (Rig::open(parallel(100)), none(), &input[..]);
        for len in pieces.iter().cycle() {
            let (piece, behind) = rest.split_at((*len).min(rest.len()));
            seen.extend(split.client(piece));
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen, expected);
    }
}
