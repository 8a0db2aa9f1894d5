//! Streams where none belong, and streams that fail.

use super::*;

#[test]
fn streaming_invocations_and_uploads_of_ordinary_methods_are_refused() {
    let service = service(true);
    let streaming = |target: &str, arguments: &str| Invocation {
        kind: InvocationKind::Stream,
        takes_slot: false,
        ..call(target, arguments)
    };
    let text = |invocation| match outcome(run(&service, invocation)) {
        Outcome::Error(text) => text,
        other => panic!("no error but {other:?}"),
    };
    assert_eq!(
        text(streaming("ECHO", r#"["x"]"#)),
        "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation."
    );
    // What does not bind is told first.
    assert!(text(streaming("echo", "[]")).starts_with("Failed to invoke 'Echo'"));
    assert!(text(streaming("Nope", "[]")).ends_with("HubException: Method does not exist."));
    // MessagePack shows the client's spelling here, as in the reference.
    let mut packed = streaming("ECHO", "");
    packed.arguments = Arguments {
        encoding: Encoding::MessagePack,
        bytes: vec![0x91, 0xa1, b'x'].into(),
    };
    assert_eq!(
        text(packed),
        "The client attempted to invoke the non-streaming 'ECHO' method with a streaming invocation."
    );
    assert_eq!(
        text(call("sTREAM", r#"["x"]"#)),
        "The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation."
    );
    let upload = Invocation {
        stream_ids: smallvec!["7".parse().unwrap()],
        ..call("Echo", r#"["x"]"#)
    };
    assert_eq!(
        text(upload),
        "An unexpected error occurred invoking 'Echo' on the server. HubException: Client sent 1 stream(s), Hub method expects 0."
    );
}

#[test]
fn a_stream_that_fails_says_so_behind_its_items() {
    let ended = |detailed, kind: &str| {
        let invocation = Invocation {
            kind: InvocationKind::Stream,
            takes_slot: false,
            ..call("stream", &format!("[\"{kind}\"]"))
        };
        outcome(run(&service(detailed), invocation))
    };
    let base = "An error occurred on the server while streaming results.";
    for (kind, plain, detailed) in [
        (
            "hidden",
            "",
            " InvalidOperationException: Exception from stream",
        ),
        (
            "unwritable",
            "",
            " ValueError: NaN and infinities have no place in JSON",
        ),
        ("panic", "", " Panic: in a stream"),
        (
            "shown",
            " HubException: This is a hub exception",
            " HubException: This is a hub exception",
        ),
    ] {
        assert_eq!(ended(false, kind), Outcome::Error(format!("{base}{plain}")));
        assert_eq!(
            ended(true, kind),
            Outcome::Error(format!("{base}{detailed}"))
        );
    }
    assert_eq!(ended(false, "nothing"), Outcome::Void);
    let before = "An unexpected error occurred invoking 'Stream' on the server.";
    assert_eq!(ended(false, "before"), Outcome::Error(before.to_owned()));
}
