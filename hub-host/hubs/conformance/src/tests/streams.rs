//! The recordings of streams, uploads and client results.

use std::time::Duration;

use super::*;

fn each(test: impl Fn(&TestHub, TestClient)) {
    for encoding in ENCODINGS {
        let hub = TestHub::new(Conformance::default());
        let client = hub.connection().protocol(encoding).open().unwrap();
        test(&hub, client);
    }
}

fn events(client: &TestClient) -> Vec<String> {
    client.invoke("GetEvents", (client.id(),)).unwrap()
}

#[test]
fn streams_are_those_of_the_reference() {
    each(|_, client| {
        for target in [
            "CounterChannel",
            "CounterChannelAsync",
            "CounterChannelValueTaskAsync",
            "CounterAsyncEnumerable",
            "CounterAsyncEnumerableAsync",
        ] {
            let items = client.stream::<String>(target, (2,)).collect();
            assert_eq!(items, (vec!["0".to_owned(), "1".to_owned()], Ok(())));
        }
        assert_eq!(
            client.stream::<String>("Stream", ()).collect().0,
            ["a", "b", "c"]
        );
        let nullable = client.stream::<Option<i32>>("StreamNullableParameter", (5, None::<i32>));
        assert_eq!(nullable.collect(), (vec![Some(5), None], Ok(())));
        let large = client.stream::<String>("StreamLarge", (300, 10)).collect();
        assert_eq!(large.0.len(), 300);
        let error = "An error occurred on the server while streaming results.";
        for (target, text) in [
            ("ExceptionStream", error),
            ("ChannelClosedExceptionStream", error),
            (
                "NullStream",
                "The value returned by the streaming method 'NullStream' is not a ChannelReader<> or IAsyncEnumerable<>.",
            ),
            (
                "ThrowStream",
                "An unexpected error occurred invoking 'ThrowStream' on the server.",
            ),
        ] {
            assert_eq!(
                client.stream::<String>(target, ()).collect().1.unwrap_err(),
                text
            );
        }
        let failed = client
            .stream::<String>("CounterThenException", (1, true))
            .collect();
        let text = format!("{error} HubException: after the items");
        assert_eq!(failed, (vec!["0".to_owned()], Err(text)));
    });
}

#[test]
fn cancelling_is_that_of_the_reference() {
    each(|hub, client| {
        let stream = client.stream::<i32>("CancelableStreamMiddle", (1, 2));
        stream.cancel();
        assert_eq!(stream.collect(), (vec![], Ok(())));
        assert_eq!(events(&client), ["connected user=null", "stream canceled"]);
        let mut counting = client.stream::<i32>("CountingCancelableStream", (1000,));
        hub.advance(Duration::from_millis(10));
        assert_eq!(counting.next_item(), Some(0));
        counting.cancel();
        assert_eq!(counting.collect().1, Ok(()));
        let infinite = client.stream::<i32>("InfiniteStream", ());
        infinite.cancel();
        client.next::<()>("StreamCanceled");
        let blocking = client.stream::<String>("BlockingStream", ());
        assert_eq!(client.invoke("Echo", ("alive",)), Ok("alive".to_owned()));
        blocking.cancel();
        assert_eq!(blocking.collect().1, Ok(()));
    });
}

#[test]
fn uploads_are_those_of_the_reference() {
    each(|hub, client| {
        let (text, [source]) = client.start_with_uploads::<String, 1>("StreamingConcat", ());
        for part in ["Hello ", "world", "!"] {
            source.send(part);
        }
        source.complete();
        assert_eq!(text.result(), Ok("Hello world!".to_owned()));
        let (two, [a, b]) = client.start_with_uploads::<String, 2>("UploadTwo", ("-",));
        b.send("two");
        a.send("one");
        b.complete();
        a.complete();
        assert_eq!(two.result(), Ok("one-two".to_owned()));
        let (caught, [source]) =
            client.start_with_uploads::<String, 1>("TestTypeCastingErrors", ());
        source.send("not a number");
        assert_eq!(caught.result(), Ok("caught".to_owned()));
        let (passed, [source]) =
            client.start_with_uploads::<String, 1>("TestCustomErrorPassing", ());
        source.fail("Something bad");
        assert_eq!(
            passed.result(),
            Ok("HubException: Something bad".to_owned())
        );
        let (unread, [_source]) = client.start_with_uploads::<(), 1>("StreamDontRead", ());
        let other = hub.connect("ben");
        other.invoke::<()>("Release", (client.id(),)).unwrap();
        assert_eq!(unread.result(), Ok(()));
        let (_gone, [source]) = other.start_with_uploads::<(), 1>("UploadDoesWorkOnComplete", ());
        source.send("x");
        other.disconnect();
        let seen: Vec<String> = client.invoke("GetEvents", (other.id(),)).unwrap();
        let lost = "UploadDoesWorkOnComplete OperationCanceledException: The underlying connection was closed.";
        assert!(seen.iter().any(|event| event == lost), "{seen:?}");
    });
}

#[test]
fn client_results_are_those_of_the_reference() {
    each(|hub, client| {
        client.answer("Sum", |(number,): (i32,)| Ok(number * 10));
        client.answer("GetResult", |(number,): (i32,)| Ok(number + 9));
        assert_eq!(client.invoke("GetClientResult", (5,)), Ok(50));
        assert_eq!(client.invoke("GetClientResultTwoWays", (1, 2)), Ok(30));
        assert_eq!(
            client
                .stream::<i32>("StreamWithClientResult", ())
                .collect()
                .0,
            [10]
        );
        client.invoke::<()>("BackgroundClientResult", ()).unwrap();
        assert_eq!(client.next::<(i32,)>("BackgroundClientResult"), (10,));
        let (sum, [source]) = client.start_with_uploads::<i32, 1>("GetClientResultWithStream", ());
        source.send(5);
        source.complete();
        assert_eq!(sum.result(), Ok(15));
        let silent = hub.connect("ben");
        let given_up = silent.start::<String>("GetCanceledClientResult", ());
        hub.advance(Duration::from_millis(100));
        let text = "HubException: Invocation canceled by the server.";
        assert_eq!(given_up.result(), Ok(text.to_owned()));
        assert_eq!(
            client.invoke("AskConnection", ("unknown",)),
            Ok("IOException: Connection 'unknown' does not exist.".to_owned())
        );
    });
}

#[test]
fn authorization_is_that_of_the_reference() {
    each(|hub, client| {
        let denied =
            |method: &str| format!("Failed to invoke '{method}' because user is unauthorized");
        let user = hub.connect("ana");
        assert_eq!(
            client.invoke::<()>("AuthMethod", ()),
            Err(denied("AuthMethod"))
        );
        assert_eq!(user.invoke("AuthMethod", ()), Ok(()));
        let text = user.invoke("MultiParamAuthMethod", ("text", 1));
        assert_eq!(text, Ok("text".to_owned()));
        let text = user.invoke::<String>("MultiParamAuthMethod", ("denied", 1));
        assert_eq!(text, Err(denied("MultiParamAuthMethod")));
        let (all, [source]) = client.start_with_uploads::<AnyValue, 1>("UploadArrayAuth", ());
        assert_eq!(all.result(), Err(denied("UploadArrayAuth")));
        assert!(source.is_closed());
        let (all, [source]) = user.start_with_uploads::<Vec<i32>, 1>("UploadArrayAuth", ());
        source.send(1);
        source.complete();
        assert_eq!(all.result(), Ok(vec![1]));
    });
}
