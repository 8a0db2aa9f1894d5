use hubplane_hub::{Context, Items, SendError, hub};
use hubplane_proto_link::{CALLER_CREDIT_BYTES, Caller, LINK_CREDIT_BYTES, WINDOW_BYTES};

use super::*;

/// Sends without an end.
#[derive(Default)]
struct Fast;

#[hub(name = "waiting")]
impl Fast {
    async fn on_connected(&self, ctx: &Context) -> Result<(), SendError> {
        let count = ctx.query("send").unwrap_or_default().parse().unwrap_or(0);
        for _ in 0..count {
            ctx.caller().send("x", ("x".repeat(1000),)).await?;
        }
        Ok(())
    }

    fn stream(&self) -> Items<String> {
        Items::of(std::iter::repeat_with(|| "x".repeat(1000)))
    }

    async fn group(&self, ctx: &Context) -> Result<(), SendError> {
        loop {
            ctx.group("g").send("x", ("x".repeat(1000),)).await?;
        }
    }

    async fn to(&self, ctx: &Context, connection: String) -> Result<(), SendError> {
        ctx.client(&connection).send("x", ()).await?;
        ctx.hub().client(connection).send("x", ()).await
    }

    fn echo(&self, text: String) -> String {
        text
    }
}

#[derive(Default)]
struct Other;

#[hub(name = "other")]
impl Other {}

async fn linked() -> (HubHost, Gateway) {
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
    let hubs = vec![service(Fast), service(Other)];
    let host = HubHost::start(node("hub-host-0"), hubs, &tasks, &telemetry.meter("test"));
    let (hello, to_host, frames) = host.accept(GatewayHello {
        node: node("gateway-0"),
    });
    let gateway = Gateway {
        hello,
        to_host,
        frames,
    };
    (host, gateway)
}

impl Gateway {
    async fn stream_to(&self, connection: &str) {
        self.tell(ToHubHost::Invocation(Invocation {
            connection: connection.parse().unwrap(),
            invocation_id: Some("1".parse().unwrap()),
            kind: InvocationKind::Stream,
            target: "stream".into(),
            arguments: Arguments {
                encoding: Encoding::Json,
                bytes: "[]".into(),
            },
            stream_ids: SmallVec::new(),
            takes_slot: false,
        }))
        .await;
    }

    async fn end(&self, connection: &str) {
        self.close(connection, CloseReason::ClientClosed).await;
    }

    /// Takes frames while they come, as far as these bytes go.
    async fn take_until(&mut self, bytes: u32, of: impl Fn(&ToGateway) -> u32) -> u32 {
        let mut taken = 0;
        while taken < bytes {
            taken += of(&self.take().await);
        }
        taken
    }
}

/// Nothing follows but what somebody else asks for: an echo of another connection is the next frame.
async fn is_quiet(gateway: &mut Gateway) {
    gateway.invoke("c-2", "9", "Echo", "[\"quiet\"]").await;
    assert_eq!(gateway.answer().await.0, "9");
}

#[tokio::test]
async fn a_stream_waits_for_its_window_and_nobody_else_does() {
    let (_host, mut gateway) = linked().await;
    for id in ["c-1", "c-2"] {
        gateway.open(id, "").await;
        gateway.take().await;
    }
    gateway.stream_to("c-1").await;
    let taken = gateway
        .take_until(WINDOW_BYTES, ToGateway::window_bytes)
        .await;
    is_quiet(&mut gateway).await;
    let connection = "c-1".parse().unwrap();
    let bytes = WINDOW_BYTES / 2;
    gateway.tell(ToHubHost::Window { connection, bytes }).await;
    let more = gateway
        .take_until(
            WINDOW_BYTES / 2 - (taken - WINDOW_BYTES),
            ToGateway::window_bytes,
        )
        .await;
    assert!(more <= bytes + 2000, "{more}");
    is_quiet(&mut gateway).await;
    gateway.end("c-1").await;
    // The end of the stream and that of the connection, in any order.
    for _ in 0..2 {
        let frame = gateway.take().await;
        assert!(
            matches!(frame, ToGateway::Done(_) | ToGateway::Completion(_)),
            "{frame:?}"
        );
    }
}

#[tokio::test]
async fn on_connected_may_send_more_than_a_window() {
    let (_host, mut gateway) = linked().await;
    gateway.open("c-1", "send=1000").await;
    for _ in 0..1000 {
        assert!(matches!(gateway.next().await, ToGateway::ToConnection(_)));
    }
    assert_eq!(gateway.next().await, done("c-1", Stage::Opening, None));
    gateway.open("c-3", "send=1000").await;
    gateway
        .take_until(WINDOW_BYTES, ToGateway::window_bytes)
        .await;
    gateway.end("c-3").await;
    loop {
        // What it sends now is for nobody, and waits for nobody.
        match gateway.next().await {
            ToGateway::Done(done) if done.stage == Stage::Closing => return,
            ToGateway::Done(_) | ToGateway::Send(_) | ToGateway::ToConnection(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_callers_sends_to_audiences_wait_for_its_credit_and_those_of_all_for_the_links() {
    let (_host, mut gateway) = linked().await;
    let callers = LINK_CREDIT_BYTES / CALLER_CREDIT_BYTES;
    for number in 0..callers + 4 {
        gateway.open(&format!("c-{number}"), "").await;
        gateway.take().await;
    }
    gateway.invoke("c-1", "1", "Group", "[]").await;
    let taken = gateway
        .take_until(CALLER_CREDIT_BYTES, ToGateway::credit_bytes)
        .await;
    is_quiet(&mut gateway).await;
    let caller = Caller::Connection("c-1".parse().unwrap());
    gateway
        .tell(ToHubHost::Credit {
            caller,
            bytes: taken,
        })
        .await;
    let under_way = gateway
        .take_until(CALLER_CREDIT_BYTES, ToGateway::credit_bytes)
        .await;
    for number in 3..callers + 4 {
        gateway
            .invoke(&format!("c-{number}"), "1", "Group", "[]")
            .await;
    }
    let rest = LINK_CREDIT_BYTES - under_way;
    gateway.take_until(rest, ToGateway::credit_bytes).await;
    is_quiet(&mut gateway).await;
    drop(gateway.frames);
}

#[tokio::test]
async fn only_a_connection_of_the_same_hub_is_sent_to_in_its_window() {
    let (_host, mut gateway) = linked().await;
    for id in ["c-1", "c-2"] {
        gateway.open(id, "").await;
        gateway.next().await;
    }
    let mut other = (*info("c-9", "")).clone();
    other.hub = "other".parse().unwrap();
    let user = None;
    let info = Arc::new(other);
    gateway.tell(ToHubHost::Opened { info, user }).await;
    gateway.next().await;
    for (id, here) in [("c-2", true), ("c-9", false), ("elsewhere", false)] {
        gateway
            .invoke("c-1", "1", "To", &format!("[\"{id}\"]"))
            .await;
        for _ in 0..2 {
            match gateway.next().await {
                ToGateway::ToConnection(send) => assert!(here && send.connection.as_str() == id),
                ToGateway::Send(_) => assert!(!here, "{id}"),
                other => panic!("no send but {other:?}"),
            }
        }
        gateway.answer().await.1.unwrap();
    }
}
