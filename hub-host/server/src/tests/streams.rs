use super::*;
use hubplane_hub::Context;
use hubplane_hub::{HubError, Items, Upload, hub};
use hubplane_proto_link::{ClientOutcome, Payload, RequestId, UPLOAD_CREDIT_ITEMS};

/// Frames of the second part: streams, uploads, and results of clients.
#[derive(Default)]
struct Flows;

#[hub(name = "waiting")]
impl Flows {
    fn count(&self, to: u32) -> Items<u32> {
        Items::of(0..to)
    }

    fn silent(&self) -> Items<u32> {
        Items::generate(async |_| std::future::pending().await)
    }

    async fn sum(&self, mut numbers: Upload<i32>) -> Result<i32, HubError> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    async fn ask(&self, ctx: &Context) -> Result<i32, HubError> {
        Ok(ctx.caller().invoke("Sum", (1,)).await?)
    }

    async fn ask_briefly(&self, ctx: &Context) -> Result<i32, HubError> {
        let sum = ctx.caller().invoke("Sum", (1,));
        Ok(sum.timeout(Duration::from_millis(1)).await?)
    }
}

async fn connected() -> (HubHost, Gateway) {
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
    let host = HubHost::start(
        node("hub-host-0"),
        vec![service(Flows)],
        &tasks,
        &telemetry.meter("test"),
    );
    let (hello, to_host, frames) = host.accept(GatewayHello {
        node: node("gateway-0"),
    });
    let mut gateway = Gateway {
        hello,
        to_host,
        frames,
    };
    gateway.open("c-1", "").await;
    assert_eq!(gateway.next().await, done("c-1", Stage::Opening, None));
    (host, gateway)
}

fn json(text: &str) -> Payload {
    Payload {
        encoding: Encoding::Json,
        bytes: text.to_owned().into(),
    }
}

fn invocation(id: &str, target: &str, arguments: &str) -> Invocation {
    Invocation {
        connection: "c-1".parse().unwrap(),
        invocation_id: Some(id.parse().unwrap()),
        kind: InvocationKind::Call,
        target: target.into(),
        arguments: Arguments {
            encoding: Encoding::Json,
            bytes: arguments.to_owned().into(),
        },
        stream_ids: SmallVec::new(),
        takes_slot: false,
    }
}

impl Gateway {
    async fn stream(&self, id: &str, target: &str, arguments: &str) {
        self.tell(ToHubHost::Invocation(Invocation {
            kind: InvocationKind::Stream,
            ..invocation(id, target, arguments)
        }))
        .await;
    }

    async fn next_completion(&mut self, id: &str) -> Outcome {
        match self.next().await {
            ToGateway::Completion(completion) if completion.invocation_id.as_str() == id => {
                completion.outcome
            }
            other => panic!("no completion of {id} but {other:?}"),
        }
    }
}

#[tokio::test]
async fn items_come_in_order_and_the_end_behind_them() {
    let (_host, mut gateway) = connected().await;
    gateway.stream("1", "count", "[3]").await;
    for number in 0..3 {
        let expected = ToGateway::StreamItem {
            connection: "c-1".parse().unwrap(),
            invocation_id: "1".parse().unwrap(),
            item: json(&number.to_string()),
        };
        assert_eq!(gateway.next().await, expected);
    }
    assert_eq!(gateway.next_completion("1").await, Outcome::Void);
}

#[tokio::test]
async fn a_cancel_right_behind_its_invocation_is_not_lost() {
    let (_host, mut gateway) = connected().await;
    gateway.stream("1", "silent", "[]").await;
    gateway.stream("1", "silent", "[]").await;
    assert_eq!(
        gateway.next_completion("1").await,
        Outcome::Error("Invocation ID '1' is already in use.".to_owned())
    );
    gateway.stream("2", "silent", "[]").await;
    for id in ["1", "2"] {
        gateway
            .tell(ToHubHost::Cancel {
                connection: "c-1".parse().unwrap(),
                invocation_id: id.parse().unwrap(),
            })
            .await;
        assert_eq!(gateway.next_completion(id).await, Outcome::Void);
    }
}

#[tokio::test]
async fn items_right_behind_their_invocation_are_read_and_credited() {
    let (_host, mut gateway) = connected().await;
    let connection: hubplane_hub::ConnectionId = "c-1".parse().unwrap();
    let mut upload = invocation("1", "sum", "[]");
    upload.stream_ids.push("7".parse().unwrap());
    gateway.tell(ToHubHost::Invocation(upload)).await;
    let mut credit = UPLOAD_CREDIT_ITEMS;
    for _ in 0..100 {
        while credit == 0 {
            match gateway.next().await {
                ToGateway::UploadCredit { items, .. } => credit += items,
                other => panic!("no credit but {other:?}"),
            }
        }
        credit -= 1;
        gateway
            .tell(ToHubHost::UploadItem {
                connection: connection.clone(),
                stream_id: "7".parse().unwrap(),
                item: json("2"),
            })
            .await;
    }
    gateway
        .tell(ToHubHost::UploadEnd {
            connection,
            stream_id: "7".parse().unwrap(),
            error: None,
        })
        .await;
    loop {
        match gateway.next().await {
            ToGateway::UploadCredit { .. } => {}
            ToGateway::Completion(completion) => {
                assert_eq!(completion.outcome, Outcome::Value(json("200")));
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_is_asked_behind_the_slot_that_is_given_back() {
    let (_host, mut gateway) = connected().await;
    let ask = |id, target| Invocation {
        takes_slot: true,
        ..invocation(id, target, "[]")
    };
    gateway.tell(ToHubHost::Invocation(ask("1", "ask"))).await;
    assert!(matches!(
        gateway.next().await,
        ToGateway::SlotReleased { .. }
    ));
    let ToGateway::ClientResult(request) = gateway.next().await else {
        panic!("nobody was asked")
    };
    assert_eq!(request.target, "Sum");
    gateway
        .tell(ToHubHost::ClientResult {
            request: request.request,
            outcome: ClientOutcome::Value(json("6")),
        })
        .await;
    let ToGateway::Completion(completion) = gateway.next().await else {
        panic!("no completion")
    };
    assert!(!completion.releases_slot, "it was given back before");
    assert_eq!(completion.outcome, Outcome::Value(json("6")));

    gateway
        .tell(ToHubHost::Invocation(ask("2", "askBriefly")))
        .await;
    assert!(matches!(
        gateway.next().await,
        ToGateway::SlotReleased { .. }
    ));
    assert!(matches!(gateway.next().await, ToGateway::ClientResult(_)));
    match gateway.next().await {
        ToGateway::CancelClientResult { request, .. } => assert_eq!(request, RequestId(2)),
        other => panic!("not taken back but {other:?}"),
    }
    assert!(matches!(
        gateway.next_completion("2").await,
        Outcome::Error(_)
    ));
}
