//! Questions about audiences, over all gateways.

use hubplane_proto_link::{
    AckId, Answer, Audience, Caller, GroupChange, GroupOperation, Query, Question, ToGateway,
    ToHubHost,
};

use crate::node::{Node, cluster, hub};

async fn answer(node: &mut Node, audience: Audience, question: Question) -> Answer {
    let query = Query {
        ack: AckId(77),
        caller: Caller::HubHost,
        hub: hub(),
        audience,
        question,
    };
    node.say(ToGateway::Query(query)).await;
    match node.next().await {
        ToHubHost::Answer {
            id: AckId(77),
            answer,
        } => answer,
        other => panic!("{other:?}"),
    }
}

fn group(name: &str) -> Audience {
    Audience::Groups([name.parse().unwrap()].into_iter().collect())
}

#[tokio::test]
async fn all_gateways_that_may_know_are_asked_and_each_connection_is_told_once() {
    let [mut one, mut two] = cluster().await;
    let (mut clients, mut ids) = (Vec::new(), Vec::new());
    for n in 0..6 {
        let node = if n % 3 == 0 { &mut one } else { &mut two };
        let (client, id) = node.connect().await;
        clients.push(client);
        ids.push(id);
    }
    for id in &ids[1..] {
        for name in ["room", "again"] {
            one.say(ToGateway::Group(GroupChange {
                ack: AckId(1),
                caller: Caller::HubHost,
                operation: GroupOperation::Add,
                hub: hub(),
                group: name.parse().unwrap(),
                connection: id.clone(),
            }))
            .await;
            assert!(matches!(one.next().await, ToHubHost::Ack { .. }));
        }
    }
    let both = || {
        let names = ["room", "again"].iter();
        Audience::Groups(names.map(|name| name.parse().unwrap()).collect())
    };
    for node in [&mut one, &mut two] {
        let count = answer(node, Audience::All, Question::Count).await;
        assert_eq!(count, Answer::Count(6));
        assert_eq!(
            answer(node, both(), Question::Count).await,
            Answer::Count(5)
        );
        for (name, exists) in [("room", true), ("empty", false)] {
            let found = answer(node, group(name), Question::Exists).await;
            assert_eq!(found, Answer::Exists(exists));
        }
        let named = Audience::Connections(ids[..2].iter().cloned().collect());
        assert_eq!(answer(node, named, Question::Count).await, Answer::Count(2));
        let mut seen = Vec::new();
        loop {
            let page = Question::Connections {
                after: seen.last().cloned(),
                limit: 2,
            };
            let Answer::Connections(members) = answer(node, both(), page).await else {
                panic!("no list")
            };
            if members.is_empty() {
                break;
            }
            assert!(members.len() <= 2);
            seen.extend(members.into_iter().map(|member| member.connection));
        }
        let mut expected = ids[1..].to_vec();
        expected.sort();
        assert_eq!(seen, expected);
    }
}
