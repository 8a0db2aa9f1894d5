//! What clients are answered, word for word (reference signalr-core 12.4 and the recordings of invocations).

mod modes;
mod sink;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use hubplane_proto_link::{
    Arguments, CloseReason, Completion, ConnectionInfo, Encoding, Invocation, InvocationKind,
    Outcome, ToGateway, Transport,
};
use smallvec::{SmallVec, smallvec};

use crate::host::{Connection, Ended, InvalidHub, Options, Run, Service};
use crate::*;
use sink::Sink;

#[derive(Default)]
struct Texts {
    disconnected: AtomicUsize,
}

#[derive(serde::Deserialize)]
struct Panicking;

impl Panicking {
    fn read(_: String) -> Self {
        panic!("in Deserialize")
    }
}

#[derive(serde::Deserialize)]
#[serde(from = "String")]
struct Unreadable(#[allow(dead_code)] Panicking);

impl From<String> for Unreadable {
    fn from(text: String) -> Self {
        Self(Panicking::read(text))
    }
}

#[hub]
impl Texts {
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        match ctx.query("fail").as_deref() {
            Some("shown") => Err(HubError::new("not today")),
            Some("hidden") => Err(HubError::hidden(
                "InvalidOperationException",
                "Hub OnConnected failed.",
            )),
            Some("panic") => panic!("in on_connected"),
            _ => Ok(()),
        }
    }

    fn on_disconnected(&self) {
        self.disconnected.fetch_add(1, Ordering::Relaxed);
    }

    fn echo(&self, text: String) -> String {
        text
    }

    fn add(&self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn nothing(&self) {}

    fn shown(&self) -> Result<(), HubError> {
        Err(HubError::new("This is a hub exception"))
    }

    fn hidden(&self) -> Result<i32, HubError> {
        Err(HubError::hidden("InvalidOperationException", "BOOM!"))
    }

    fn foreign(&self) -> Result<i32, std::num::ParseIntError> {
        "x".parse()
    }

    async fn panics(&self) {
        panic!("at the disco");
    }

    fn unwritable(&self) -> f64 {
        f64::NAN
    }

    fn stream(&self, kind: String) -> Result<Items<f64>, HubError> {
        let error = || HubError::hidden("InvalidOperationException", "Exception from stream");
        let items: Vec<Result<f64, HubError>> = match kind.as_str() {
            "hidden" => vec![Ok(1.0), Err(error()), Ok(2.0)],
            "shown" => vec![Err(HubError::new("This is a hub exception"))],
            "unwritable" => vec![Ok(1.0), Ok(f64::NAN)],
            "before" => return Err(error()),
            "panic" => {
                let panics = (0..2).map(|number| match number {
                    0 => 1.0,
                    _ => panic!("in a stream"),
                });
                return Ok(Items::of(panics));
            }
            _ => Vec::new(),
        };
        Ok(Items::fallible(futures_util::stream::iter(items)))
    }

    fn too_long(&self) -> String {
        "x".repeat(1024 * 1024)
    }

    fn unreadable(&self, _value: Unreadable) {}

    fn user_id(&self, request: &Request) -> Option<String> {
        match request.claim("sub") {
            Some("panic") => panic!("in user_id"),
            Some("long") => Some("x".repeat(2000)),
            user => user.map(|user| format!("user-{user}")),
        }
    }
}

fn service(detailed_errors: bool) -> Service {
    Service::new(Texts::default(), Options { detailed_errors }).unwrap()
}

fn info(protocol: Encoding, query: &str) -> Arc<ConnectionInfo> {
    Arc::new(ConnectionInfo {
        connection: "c-1".parse().unwrap(),
        hub: "texts".parse().unwrap(),
        authenticated: false,
        claims: Vec::new(),
        headers: Vec::new(),
        path: "/hubs/texts".into(),
        query: query.into(),
        remote: None,
        local: None,
        transport: Transport::WebSockets,
        protocol,
    })
}

fn connection(protocol: Encoding, query: &str) -> Arc<Connection> {
    Connection::new(info(protocol, query), None, Arc::new(Sink), Arc::new(Sink))
}

fn call(target: &str, arguments: &str) -> Invocation {
    Invocation {
        connection: "c-1".parse().unwrap(),
        invocation_id: Some("1".parse().unwrap()),
        kind: InvocationKind::Call,
        target: target.into(),
        arguments: Arguments {
            encoding: Encoding::Json,
            bytes: arguments.to_owned().into(),
        },
        stream_ids: SmallVec::new(),
        takes_slot: true,
    }
}

fn run(service: &Service, invocation: Invocation) -> Ended {
    let connection = connection(invocation.arguments.encoding, "");
    service
        .invoke(&connection, invocation)
        .now_or_never()
        .unwrap()
}

fn outcome(ended: Ended) -> Outcome {
    match ended.frame {
        Some(ToGateway::Completion(Completion { outcome, .. })) => outcome,
        other => panic!("no completion but {other:?}"),
    }
}

#[track_caller]
fn answer(service: &Service, target: &str, arguments: &str) -> String {
    match outcome(run(service, call(target, arguments))) {
        Outcome::Value(payload) => String::from_utf8(payload.bytes.to_vec()).unwrap(),
        Outcome::Error(text) => format!("error: {text}"),
        Outcome::Void => panic!("a stream"),
    }
}

#[test]
fn results_and_errors_read_as_in_the_reference() {
    let cases = [
        ("Echo", r#"["a"]"#, r#""a""#),
        ("ECHO", r#"["any case"]"#, r#""any case""#),
        ("add", "[40,2]", "42"),
        ("Nothing", "[]", "null"),
        (
            "Shown",
            "[]",
            "error: An unexpected error occurred invoking 'Shown' on the server. HubException: This is a hub exception",
        ),
        (
            "sHOWN",
            "[]",
            "error: An unexpected error occurred invoking 'Shown' on the server. HubException: This is a hub exception",
        ),
        (
            "Hidden",
            "[]",
            "error: An unexpected error occurred invoking 'Hidden' on the server.",
        ),
        (
            "Foreign",
            "[]",
            "error: An unexpected error occurred invoking 'Foreign' on the server.",
        ),
        (
            "Panics",
            "[]",
            "error: An unexpected error occurred invoking 'Panics' on the server.",
        ),
        (
            "Unwritable",
            "[]",
            "error: An unexpected error occurred invoking 'Unwritable' on the server.",
        ),
        (
            "TooLong",
            "[]",
            "error: An unexpected error occurred invoking 'TooLong' on the server.",
        ),
        (
            "Unreadable",
            r#"["x"]"#,
            "error: Failed to invoke 'Unreadable' due to an error on the server.",
        ),
        (
            "NoSUCHmethod",
            "[]",
            "error: Failed to invoke 'NoSUCHmethod' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "",
            "[]",
            "error: Failed to invoke '' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "Echo ",
            "[]",
            "error: Failed to invoke 'Echo ' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "OnConnected",
            "[]",
            "error: Failed to invoke 'OnConnected' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "UserId",
            "[]",
            "error: Failed to invoke 'UserId' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "echo",
            "[]",
            "error: Failed to invoke 'Echo' due to an error on the server.",
        ),
        (
            "Echo",
            "[1]",
            "error: Failed to invoke 'Echo' due to an error on the server.",
        ),
        (
            "Echo",
            "",
            "error: Failed to invoke 'Echo' due to an error on the server.",
        ),
    ];
    for (target, arguments, expected) in cases {
        assert_eq!(answer(&service(false), target, arguments), expected);
    }
}

#[test]
fn detailed_errors_say_more() {
    let binding = "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.";
    let cases = [
        ("Hidden", "[]", "An unexpected error occurred invoking 'Hidden' on the server. InvalidOperationException: BOOM!".to_owned()),
        ("Foreign", "[]", "An unexpected error occurred invoking 'Foreign' on the server. ParseIntError: invalid digit found in string".to_owned()),
        ("Panics", "[]", "An unexpected error occurred invoking 'Panics' on the server. Panic: at the disco".to_owned()),
        ("Shown", "[]", "An unexpected error occurred invoking 'Shown' on the server. HubException: This is a hub exception".to_owned()),
        ("Unwritable", "[]", "An unexpected error occurred invoking 'Unwritable' on the server. ValueError: NaN and infinities have no place in JSON".to_owned()),
        ("echo", "[]", "Failed to invoke 'Echo' due to an error on the server. InvalidDataException: Invocation provides 0 argument(s) but target expects 1.".to_owned()),
        ("Add", "[1,2,3]", "Failed to invoke 'Add' due to an error on the server. InvalidDataException: Invocation provides 3 argument(s) but target expects 2.".to_owned()),
        ("Nothing", "[[1]]", "Failed to invoke 'Nothing' due to an error on the server. InvalidDataException: Invocation provides 1 argument(s) but target expects 0.".to_owned()),
        ("add", r#"["x",1]"#, format!("Failed to invoke 'Add' due to an error on the server. {binding}")),
        ("Add", "", format!("Failed to invoke 'Add' due to an error on the server. {binding}")),
    ];
    for (target, arguments, expected) in cases {
        assert_eq!(
            answer(&service(true), target, arguments),
            format!("error: {expected}")
        );
    }
}

#[test]
fn a_slot_is_given_back_exactly_where_one_was_taken() {
    let service = service(false);
    let frame = |id: bool, takes_slot: bool, target: &str| {
        let mut invocation = call(target, "[]");
        invocation.takes_slot = takes_slot;
        if !id {
            invocation.invocation_id = None;
        }
        run(&service, invocation).frame
    };
    for target in ["Nothing", "Hidden", "Panics", "Nope"] {
        for takes_slot in [true, false] {
            match frame(true, takes_slot, target) {
                Some(ToGateway::Completion(completion)) => {
                    assert_eq!(completion.releases_slot, takes_slot)
                }
                other => panic!("no completion but {other:?}"),
            }
        }
        assert!(matches!(
            frame(false, true, target),
            Some(ToGateway::SlotReleased { .. })
        ));
        assert!(frame(false, false, target).is_none());
    }
}

#[test]
fn what_became_of_a_run_is_one_word() {
    let service = service(false);
    let word = |target: &str| run(&service, call(target, "[]")).run;
    assert_eq!(word("Nothing"), Run::Returned);
    assert_eq!(word("Shown"), Run::Refused);
    assert_eq!(word("Hidden"), Run::Failed);
    assert_eq!(word("Panics"), Run::Panicked);
    assert_eq!(word("Echo"), Run::Unbound);
    let problem = run(&service, call("Hidden", "[]")).problem.unwrap();
    assert_eq!(
        problem, "InvalidOperationException: BOOM!",
        "the log knows what the client is not told"
    );
}

#[test]
fn a_failed_on_connected_is_told_in_the_close_message_and_has_no_on_disconnected() {
    let text = |detailed, query: &str| {
        let service = service(detailed);
        let ended = service
            .connected(&connection(Encoding::Json, query))
            .now_or_never()
            .unwrap();
        match ended.frame {
            Some(ToGateway::Done(done)) => done.error,
            other => panic!("not done but {other:?}"),
        }
    };
    assert_eq!(text(false, ""), None);
    assert_eq!(
        text(false, "fail=hidden").unwrap(),
        "Connection closed with an error."
    );
    assert_eq!(
        text(false, "fail=panic").unwrap(),
        "Connection closed with an error."
    );
    assert_eq!(
        text(false, "fail=shown").unwrap(),
        "Connection closed with an error. HubException: not today"
    );
    assert_eq!(
        text(true, "fail=hidden").unwrap(),
        "Connection closed with an error. InvalidOperationException: Hub OnConnected failed."
    );
    assert_eq!(
        text(true, "fail=panic").unwrap(),
        "Connection closed with an error. Panic: in on_connected"
    );
}

#[test]
fn on_disconnected_runs_unless_on_connected_failed() {
    let hub = Arc::new(AtomicUsize::new(0));
    struct Counting(Arc<AtomicUsize>);
    #[hub]
    impl Counting {
        async fn on_disconnected(&self, _ctx: &Context, reason: &Disconnect) {
            assert_eq!(reason.name(), "client_closed");
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let service = Service::named("texts", Counting(Arc::clone(&hub)), Options::default()).unwrap();
    let connection = connection(Encoding::Json, "");
    for (reason, count) in [
        (CloseReason::OpeningFailed, 0),
        (CloseReason::ClientClosed, 1),
    ] {
        let ended = service
            .disconnected(&connection, reason)
            .now_or_never()
            .unwrap();
        assert!(matches!(ended.frame, Some(ToGateway::Done(done)) if done.error.is_none()));
        assert_eq!(hub.load(Ordering::Relaxed), count);
    }
}

#[test]
fn the_hub_may_name_users_itself() {
    use hubplane_proto_link::{Claim, UserIdSource};
    let service = service(false);
    assert_eq!(service.declaration().user_id, UserIdSource::Hub);
    let named = |user: Option<&str>| {
        let mut info = (*info(Encoding::Json, "")).clone();
        info.claims.extend(user.map(|user| Claim {
            name: "sub".into(),
            value: user.into(),
        }));
        match service.identify(&Arc::new(info)).frame {
            Some(ToGateway::Identified(answer)) => {
                (answer.user.map(|user| user.to_string()), answer.error)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(named(Some("ana")), (Some("user-ana".into()), None));
    assert_eq!(named(None), (None, None));
    assert_eq!(named(Some("long")), (None, None), "no user has such a name");
    let failed = "An unexpected error occurred during connection handshake.";
    assert_eq!(named(Some("panic")), (None, Some(failed.into())));
}

#[test]
fn a_hub_that_clients_could_not_use_is_refused() {
    struct Twice;
    impl Hub for Twice {
        const NAME: &'static str = "twice";

        fn definition() -> Definition<Self> {
            Texts::definition();
            Definition::new()
                .method("Same", Shape::ORDINARY, |_, _, _, _| unreachable!())
                .method("Other", Shape::ORDINARY, |_, _, _, _| unreachable!())
                .method("SAME", Shape::ORDINARY, |_, _, _, _| unreachable!())
        }
    }
    let refused = Service::new(Twice, Options::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the hub 'twice' has two methods that clients cannot tell apart, 'Same' and 'SAME'"
    );
    assert!(matches!(
        Service::named("", Texts::default(), Options::default()),
        Err(InvalidHub::Name { .. })
    ));
}
