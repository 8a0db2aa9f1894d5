//! What sends to audiences cost is given back once they are numbered and put to the shards.

use hubplane_proto_link::{
    Audience, CALLER_CREDIT_BYTES, Caller, Delivery, LINK_CREDIT_BYTES, Send, ToGateway, ToHubHost,
};

use crate::node::{Node, arguments, cluster, hub};

fn send(caller: &Caller) -> Send {
    let mut text = vec![0x91, 0xda, 0x10, 0x00];
    text.resize(4 + 4096, b'x');
    Send {
        caller: caller.clone(),
        delivery: Delivery {
            hub: hub(),
            audience: Audience::Groups(["nobody".parse().unwrap()].into_iter().collect()),
            except: [].into_iter().collect(),
            target: "Said".to_owned(),
            arguments: arguments(&text),
        },
    }
}

/// Takes one credit from the link.
async fn credit(node: &mut Node) -> (Caller, u32) {
    match node.next().await {
        ToHubHost::Credit { caller, bytes } => (caller, bytes),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_caller_that_keeps_to_its_credit_never_stalls() {
    let [mut node, _other] = cluster().await;
    let mut left = i64::from(CALLER_CREDIT_BYTES);
    for _ in 0..1000 {
        while left <= 0 {
            let (caller, bytes) = credit(&mut node).await;
            assert_eq!(caller, Caller::HubHost);
            left += i64::from(bytes);
        }
        let send = send(&Caller::HubHost);
        left -= i64::from(send.credit_bytes());
        node.say(ToGateway::Send(send)).await;
    }
}

#[tokio::test]
async fn a_link_with_many_callers_that_keep_to_its_credit_never_stalls() {
    let [mut node, _other] = cluster().await;
    let mut left = i64::from(LINK_CREDIT_BYTES);
    for n in 0..1000 {
        while left <= 0 {
            left += i64::from(credit(&mut node).await.1);
        }
        let send = send(&Caller::Connection(format!("c{n}").parse().unwrap()));
        left -= i64::from(send.credit_bytes());
        node.say(ToGateway::Send(send)).await;
    }
}
