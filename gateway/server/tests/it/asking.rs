//! Clients are asked for results, here and elsewhere.

use bytes::Bytes;
use hubplane_client::Connection;
use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::{
    Audience, Caller, ClientOutcome, ClientResultRequest, Delivery, Done, Encoding, Payload,
    RequestId, Send, Stage, ToGateway, ToHubHost,
};
use hubplane_proto_signalr::{Completion, CompletionResult, Invocation, Message};
use tokio::time::timeout;

use crate::node::{DEADLINE, Node, arguments, cluster, hub};

impl Node {
    async fn ask(&self, request: u64, connection: &ConnectionId) {
        self.say(ToGateway::ClientResult(ClientResultRequest {
            request: RequestId(request),
            caller: Caller::HubHost,
            hub: hub(),
            connection: connection.clone(),
            target: "Sum".to_owned(),
            arguments: arguments(b"\x91\x05"),
        }))
        .await;
    }

    async fn cancel(&self, request: u64, connection: &ConnectionId) {
        self.say(ToGateway::CancelClientResult {
            request: RequestId(request),
            caller: Caller::HubHost,
            hub: hub(),
            connection: connection.clone(),
        })
        .await;
    }

    async fn outcome(&mut self, of: u64) -> ClientOutcome {
        match self.next().await {
            ToHubHost::ClientResult { request, outcome } if request == RequestId(of) => outcome,
            other => panic!("{other:?}"),
        }
    }
}

/// The id under which a client is asked.
async fn asked(client: &mut Connection) -> String {
    let Message::Invocation(Invocation {
        invocation_id: Some(id),
        target,
        ..
    }) = timeout(DEADLINE, client.next()).await.unwrap().unwrap()
    else {
        panic!("not asked")
    };
    assert_eq!(target, "Sum");
    assert!(id.starts_with('s'), "{id}");
    id
}

async fn answer(client: &Connection, id: String) {
    let result = CompletionResult::Value(Bytes::from_static(b"6"));
    let completion = Message::Completion(Completion {
        invocation_id: id,
        result,
    });
    client.send_message(&completion).await.unwrap();
}

fn six() -> ClientOutcome {
    ClientOutcome::Value(Payload {
        encoding: Encoding::Json,
        bytes: Bytes::from_static(b"6"),
    })
}

#[tokio::test]
async fn clients_of_any_gateway_are_asked_and_their_answers_are_brought_back() {
    let [mut one, mut two] = cluster().await;
    let (mut here, near) = one.connect().await;
    let (mut there, far) = two.connect().await;
    one.ask(1, &near).await;
    let id = asked(&mut here).await;
    answer(&here, id).await;
    assert_eq!(one.outcome(1).await, six());
    one.ask(2, &far).await;
    let id = asked(&mut there).await;
    answer(&there, id).await;
    assert_eq!(one.outcome(2).await, six());
    one.ask(3, &"nobody".parse().unwrap()).await;
    assert_eq!(one.outcome(3).await, ClientOutcome::UnknownConnection);
}

#[tokio::test]
async fn what_was_sent_before_a_question_arrives_before_it() {
    let [one, mut two] = cluster().await;
    let (mut there, far) = two.connect().await;
    for n in 0..100 {
        let delivery = Delivery {
            hub: hub(),
            audience: Audience::All,
            except: [].into_iter().collect(),
            target: "Said".to_owned(),
            arguments: arguments(&[0x91, n]),
        };
        let caller = Caller::HubHost;
        one.say(ToGateway::Send(Send { caller, delivery })).await;
    }
    one.ask(1, &far).await;
    for n in 0..100 {
        let said = timeout(DEADLINE, there.receive::<(u8,)>("Said")).await;
        assert_eq!(said.unwrap().unwrap(), (n,));
    }
    asked(&mut there).await;
}

#[tokio::test]
async fn a_late_answer_is_ignored_wherever_the_client_is() {
    let [mut one, mut two] = cluster().await;
    let (mut here, near) = one.connect().await;
    let (mut there, far) = two.connect().await;
    for (client, id) in [(&mut here, &near), (&mut there, &far)] {
        one.ask(1, id).await;
        let first = asked(client).await;
        one.cancel(1, id).await;
        one.ask(2, id).await;
        let second = asked(client).await;
        answer(client, first).await;
        answer(client, second).await;
        assert_eq!(one.outcome(2).await, six());
    }
}

#[tokio::test]
async fn whoever_waits_for_a_client_that_leaves_is_told_wherever_it_was() {
    let [mut one, mut two] = cluster().await;
    let (mut there, far) = two.connect().await;
    one.ask(1, &far).await;
    asked(&mut there).await;
    there.kill().await;
    assert_eq!(one.outcome(1).await, ClientOutcome::Disconnected);
    let ToHubHost::Closed { connection, .. } = two.next().await else {
        panic!("not closed")
    };
    let (stage, error) = (Stage::Closing, None);
    two.say(ToGateway::Done(Done {
        connection,
        stage,
        error,
    }))
    .await;
}

#[tokio::test]
async fn whoever_waits_for_a_client_of_a_gateway_that_goes_away_is_told() {
    let [mut one, mut two] = cluster().await;
    let (mut there, far) = two.connect().await;
    one.ask(1, &far).await;
    asked(&mut there).await;
    two.tasks.cancelled().cancel();
    let outcome = one.outcome(1).await;
    assert!(
        matches!(
            outcome,
            ClientOutcome::Unavailable | ClientOutcome::Disconnected
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn many_that_wait_for_ever_hold_up_nobody() {
    let [mut one, mut two] = cluster().await;
    let (_there, far) = two.connect().await;
    for request in 0..3000 {
        one.ask(request, &far).await;
    }
    let (mut here, near) = one.connect().await;
    one.ask(5000, &near).await;
    let id = asked(&mut here).await;
    answer(&here, id).await;
    assert_eq!(one.outcome(5000).await, six());
    for request in 0..3000 {
        one.cancel(request, &far).await;
    }
    one.ask(5001, &"nobody".parse().unwrap()).await;
    assert_eq!(one.outcome(5001).await, ClientOutcome::UnknownConnection);
}
