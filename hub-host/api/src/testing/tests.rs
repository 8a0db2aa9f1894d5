//! Exactly who receives (reference signalr-core 14.1 and the recordings of sending), and what a test can do.

mod ending;
mod guarding;
mod keeping;
mod presence;
mod results;
mod streams;

use std::sync::Mutex;

use super::*;
use crate::*;

#[derive(Default)]
struct Rooms {
    left: Mutex<Vec<String>>,
}

#[client]
trait RoomsClient {
    /// Said by somebody.
    fn said(&self, from: &str, text: &str);
    #[method(name = "userLeft")]
    fn left(&self, user: Option<String>);
    fn nothing(&self);
}

#[hub]
impl Rooms {
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        if ctx.query("door").as_deref() == Some("shut") {
            return Err(HubError::new("the door is shut"));
        }
        ctx.caller().send("Welcome", (ctx.connection_id(),)).await?;
        Ok(())
    }

    async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) -> Result<(), SendError> {
        let user = ctx.user_id().map(ToString::to_string);
        self.left
            .lock()
            .unwrap()
            .push(format!("{} {:?}", reason.name(), reason.error()));
        ctx.all().left(user).await
    }

    async fn to(&self, ctx: &Context, whom: String, names: Vec<String>) -> Result<(), SendError> {
        let first = || names.first().cloned().unwrap_or_default();
        let audience = match whom.as_str() {
            "all" => ctx.all(),
            "all but" => ctx.all().except(&names),
            "caller" => ctx.caller().into(),
            "others" => ctx.others(),
            "client" => ctx.client(first()).into(),
            "clients" => ctx.clients(&names),
            "group" => ctx.group(first()),
            "group but" => ctx.group(first()).except(&names[1..]),
            "groups" => ctx.groups(&names),
            "others in group" => ctx.others_in_group(first()),
            "user" => ctx.user(first()),
            "users" => ctx.users(&names),
            "outside" => ctx.hub().all(),
            other => panic!("{other}"),
        };
        audience.send("x", ()).await
    }

    async fn join(
        &self,
        ctx: &Context,
        connection: Option<String>,
        group: String,
    ) -> Result<bool, SendError> {
        let changed = match connection {
            None => ctx.join(group).await?,
            Some(connection) => ctx.add_to_group(connection, group).await?,
        };
        Ok(changed == Membership::Changed)
    }

    async fn leave(&self, ctx: &Context, group: String) -> Result<bool, SendError> {
        Ok(ctx.leave(group).await? == Membership::Changed)
    }

    async fn say(&self, ctx: &Context, text: String) -> Result<(), SendError> {
        ctx.all().said("ana", &text).await?;
        ctx.all().nothing().await
    }

    async fn until_disconnected(&self, ctx: &Context) -> bool {
        let (one, two) = (ctx.disconnected(), ctx.disconnected());
        one.await;
        two.await;
        ctx.others().send("x", ()).await.unwrap();
        ctx.is_disconnected()
    }

    async fn forever(&self) {
        std::future::pending::<()>().await;
    }

    async fn kick(&self, ctx: &Context) -> Result<(), SendError> {
        ctx.caller().send("Bye", ()).await?;
        ctx.abort().await?;
        ctx.caller().send("TooLate", ()).await
    }

    async fn misnamed(&self, ctx: &Context) -> Result<(), SendError> {
        ctx.group("x".repeat(2000)).send("x", ()).await
    }
}

/// A is anonymous; B and C are user ana; D is user ben.
struct Four {
    hub: TestHub,
    clients: [TestClient; 4],
}

impl Four {
    fn new() -> Self {
        let hub = TestHub::with_options(
            Rooms::default(),
            Options {
                detailed_errors: true,
            },
        );
        let clients = [
            hub.connect_anonymously(),
            hub.connect("ana"),
            hub.connect("ana"),
            hub.connect("ben"),
        ];
        let four = Self { hub, clients };
        four.received();
        four
    }

    fn id(&self, client: usize) -> String {
        self.clients[client].id().to_string()
    }

    /// Who received since the last time: a letter per message.
    fn received(&self) -> String {
        let letters = self.clients.iter().zip(["A", "B", "C", "D"]);
        letters
            .map(|(client, letter)| letter.repeat(client.messages().len()))
            .collect()
    }

    /// Who receives what A sends.
    fn to(&self, whom: &str, names: &[&str]) -> String {
        self.clients[0].invoke::<()>("To", (whom, names)).unwrap();
        self.received()
    }
}

#[test]
fn each_audience_is_exactly_its_connections() {
    let four = Four::new();
    let (b, c, d) = (&*four.id(1), &*four.id(2), &*four.id(3));
    assert_eq!(four.to("all", &[]), "ABCD");
    assert_eq!(four.to("all but", &[b, "unknown"]), "ACD");
    assert_eq!(four.to("caller", &[]), "A");
    assert_eq!(four.to("others", &[]), "BCD");
    assert_eq!(four.to("client", &[c]), "C");
    assert_eq!(four.to("client", &["unknown"]), "");
    assert_eq!(four.to("clients", &[b, d, b, "unknown"]), "BD");
    assert_eq!(four.to("user", &["ana"]), "BC");
    assert_eq!(four.to("user", &["ANA"]), "");
    assert_eq!(four.to("users", &["ana", "ben", "ana"]), "BCD");
    assert_eq!(four.to("outside", &[]), "ABCD");
}

#[test]
fn groups_are_their_members_while_these_are_there() {
    let four = Four::new();
    let [a, b, c, _] = &four.clients;
    for (client, group) in [(b, "g"), (b, "g"), (c, "g"), (c, "h")] {
        assert_eq!(client.invoke("Join", (None::<String>, group)), Ok(true));
    }
    assert_eq!(four.to("group", &["g"]), "BC");
    assert_eq!(four.to("group", &["G"]), "");
    assert_eq!(four.to("group but", &["g", &four.id(1)]), "C");
    assert_eq!(four.to("groups", &["g", "h"]), "BCC");
    assert_eq!(four.to("groups", &[]), "");
    b.invoke::<()>("To", ("others in group", ["g"])).unwrap();
    assert_eq!(four.received(), "C");
    // Anybody can be added by anybody, and an unknown connection is no error.
    assert_eq!(a.invoke("Join", (Some(four.id(3)), "g")), Ok(true));
    assert_eq!(a.invoke("Join", (Some("unknown"), "g")), Ok(false));
    assert_eq!(four.to("group", &["g"]), "BCD");
    assert_eq!(c.invoke("Leave", ("g",)), Ok(true));
    assert_eq!(a.invoke("Leave", ("never joined",)), Ok(true));
    assert_eq!(four.to("group", &["g"]), "BD");
    assert_eq!(
        four.hub.members("g"),
        [b.id().clone(), four.clients[3].id().clone()]
    );
    b.disconnect();
    four.received();
    assert_eq!(four.to("group", &["g"]), "D");
    assert_eq!(a.invoke("Join", (Some(four.id(1)), "g")), Ok(false));
}

#[test]
fn typed_clients_send_under_their_names() {
    let four = Four::new();
    let ana = &four.clients[1];
    ana.invoke::<()>("say", ("hello",)).unwrap();
    assert_eq!(
        ana.next::<(String, String)>("Said"),
        ("ana".into(), "hello".into())
    );
    let rest = ana.messages();
    assert_eq!(rest[0].target, "Nothing");
    rest[0].arguments::<()>().unwrap();
    assert!(rest[0].arguments::<(i32,)>().is_err());
}

#[test]
fn background_work_sends_too() {
    let four = Four::new();
    let hub = four.hub.context();
    assert_eq!(hub.name().as_str(), "rooms");
    four.hub.wait(hub.group("nobody").send("x", ())).unwrap();
    assert_eq!(four.received(), "");
    four.hub
        .wait(hub.user("ben").said("the clock", "twelve"))
        .unwrap();
    assert_eq!(four.received(), "D");
    let added = four.hub.wait(hub.add_to_group(four.id(0), "g"));
    assert_eq!(added.unwrap(), Membership::Changed);
    four.hub.wait(hub.group("g").send("x", ())).unwrap();
    assert_eq!(four.received(), "A");
    let closing = hub.close(four.id(3)).reason("late").allow_reconnect();
    four.hub.wait(closing.into_future()).unwrap();
    assert!(!four.clients[3].is_connected());
    let closed = Closed {
        error: Some("late".to_owned()),
        allow_reconnect: true,
    };
    assert_eq!(four.clients[3].closed(), Some(closed));
    let long = hub.close(four.id(2)).reason("x".repeat(1025));
    let refused = four.hub.wait(long.into_future());
    assert!(matches!(
        refused,
        Err(SendError::ReasonTooLong {
            len_bytes: 1025,
            ..
        })
    ));
    assert!(four.clients[2].is_connected());
}

#[test]
fn a_connection_ends_once_and_its_methods_see_it() {
    let four = Four::new();
    let ana = &four.clients[1];
    let waiting = ana.start::<bool>("UntilDisconnected", ());
    assert!(!waiting.is_finished());
    ana.disconnect_because(EndReason::ClientError("gone".into()));
    ana.disconnect();
    assert!(!ana.is_connected());
    let targets: Vec<_> = four.clients[0]
        .messages()
        .into_iter()
        .map(|message| message.target)
        .collect();
    assert_eq!(targets, ["x", "userLeft"], "once");
    assert_eq!(ana.messages().len(), 0, "who is gone receives nothing");
}

#[test]
fn invocations_of_one_connection_run_one_after_the_other() {
    let four = Four::new();
    let ana = &four.clients[1];
    let first = ana.start::<()>("Forever", ());
    let second = ana.start::<()>("Say", ("x",));
    assert!(!first.is_finished() && !second.is_finished());
    assert_eq!(four.received(), "");
    let other = four.clients[3].invoke::<()>("Say", ("y",));
    assert_eq!(other, Ok(()), "nobody else waits");
}

#[test]
fn the_hub_may_close_a_connection() {
    let four = Four::new();
    let ben = &four.clients[3];
    ben.send("kick", ());
    assert!(!ben.is_connected());
    let received: Vec<_> = ben
        .messages()
        .into_iter()
        .map(|message| message.target)
        .collect();
    assert_eq!(received, ["Bye"]);
}

#[test]
fn a_refused_connection_reads_why() {
    let hub = TestHub::new(Rooms::default());
    let refused = hub
        .connection()
        .user("ana")
        .query("door=shut")
        .open()
        .unwrap_err();
    assert_eq!(
        refused,
        "Connection closed with an error. HubException: the door is shut"
    );
    let there = hub
        .connection()
        .query("a=1&door=open+%26%20wide&b")
        .protocol(Encoding::MessagePack)
        .open()
        .unwrap();
    assert_eq!(there.next::<(String,)>("welcome").0, there.id().as_str());
    assert_eq!(
        hub.wait(hub.context().all().send("x", ())).is_ok(),
        there.messages().len() == 1
    );
}

#[test]
fn impossible_names_fail_the_send() {
    let four = Four::new();
    let error = four.clients[0].invoke::<()>("Misnamed", ()).unwrap_err();
    assert_eq!(
        error,
        "An unexpected error occurred invoking 'Misnamed' on the server. SendError: nobody can be named like this: a GroupName has 0 to 1024 bytes, this text has 2000"
    );
}

#[test]
fn values_that_not_every_client_could_read_fail_the_send() {
    let hub = TestHub::new(Rooms::default());
    let all = hub.context().all();
    let error = hub.wait(all.send("x", (f64::NAN,))).unwrap_err();
    assert!(matches!(error, SendError::Value { target, .. } if target == "x"));
    let error = hub
        .wait(all.send("x", ("x".repeat(1024 * 1024),)))
        .unwrap_err();
    assert!(matches!(error, SendError::TooLong { .. }));
}

#[test]
#[should_panic(expected = "waits for something that nothing in this test does")]
fn a_method_that_never_ends_fails_the_test() {
    let four = Four::new();
    let _ = four.clients[1].invoke::<()>("Forever", ());
}

#[test]
#[should_panic(expected = "`said` was not received, but [`Welcome`]")]
fn a_message_that_did_not_come_fails_the_test() {
    let hub = TestHub::new(Rooms::default());
    hub.connect("ana").next::<(String,)>("said");
}

#[test]
fn the_request_is_what_the_client_brought() {
    let hub = TestHub::new(Asked);
    let client = hub
        .connection()
        .user("ana")
        .claim("role", "admin")
        .claim("role", "owner")
        .header("Cookie", "a=1; testCookie=test=Value ;b")
        .header("X-Test", "yes")
        .query("n=4%2B1&x=%zz%4&flag&n=6")
        .path("/chatHub")
        .transport(Transport::LongPolling)
        .open()
        .unwrap();
    let answers: Vec<Option<String>> = client.invoke("Everything", ()).unwrap();
    let expected = [
        Some("ana"),
        Some("admin"),
        None,
        Some("yes"),
        Some("test=Value"),
        None,
        Some("4+1"),
        Some("%zz%4"),
        Some(""),
        None,
        Some("/chatHub"),
        Some("LongPolling"),
        Some("true"),
    ];
    assert_eq!(answers, expected.map(|text| text.map(ToOwned::to_owned)));
}

struct Asked;

#[hub]
impl Asked {
    fn everything(&self, ctx: &Context) -> Vec<Option<String>> {
        let own = |text: Option<&str>| text.map(ToOwned::to_owned);
        vec![
            ctx.user_id().map(ToString::to_string),
            own(ctx.claim("role")),
            own(ctx.claim("Role")),
            own(ctx.header("x-TEST")),
            own(ctx.cookie("testCookie")),
            own(ctx.cookie("b")),
            ctx.query("n"),
            ctx.query("x"),
            ctx.query("flag"),
            ctx.query("nope"),
            own(Some(ctx.path())),
            own(Some(ctx.transport().name())),
            Some(ctx.request().is_authenticated().to_string()),
        ]
    }
}
