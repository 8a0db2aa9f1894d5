//! Questions about the connections of an audience, to every gateway that may know.

use std::sync::Arc;

use futures_util::future::join_all;
use hubplane_gateway_shard::Command;
use hubplane_proto_ids::UserId;
use hubplane_proto_link::{Answer, Member, Query, Question};
use tokio::sync::oneshot;

use crate::core::Core;
use crate::egress::keys;

impl Core {
    /// What this gateway and the others that may hold somebody of the audience know. Waits for all of them.
    pub(crate) async fn answer(&self, query: Query) -> Answer {
        let query = Arc::new(query);
        let here = self.look_up_here(&query).await;
        if here == Answer::Exists(true) {
            return here;
        }
        let targets = self
            .targets(&keys(&query.hub, &query.audience))
            .known()
            .await;
        let asked = targets
            .iter()
            .map(|node| self.relay.look_up(node, Query::clone(&query)));
        let others = join_all(asked).await;
        let others = others
            .into_iter()
            .map(|answer| answer.unwrap_or(Answer::Unavailable));
        merged(&query.question, others.chain([here]))
    }

    /// What the shards of this gateway know.
    pub(crate) async fn look_up_here(&self, query: &Arc<Query>) -> Answer {
        let shards = self.local_shards(&keys(&query.hub, &query.audience));
        let mut answers = Vec::new();
        for shard in (0..self.shards.count()).filter(|shard| shards & (1 << shard) != 0) {
            let (reply, answer) = oneshot::channel();
            let command = Command::LookUp(Arc::clone(query), reply);
            self.shards.send(shard, command).await;
            answers.push(answer);
        }
        let answers = join_all(answers).await;
        let answers = answers
            .into_iter()
            .map(|answer| answer.unwrap_or(Answer::Unavailable));
        merged(&query.question, answers)
    }
}

/// One answer out of those of several parts of the cluster, which have no connection in common, but users.
fn merged(question: &Question, answers: impl Iterator<Item = Answer>) -> Answer {
    let (mut count, mut is_complete) = (0, true);
    let (mut members, mut users) = (Vec::<Member>::new(), Vec::<UserId>::new());
    for answer in answers {
        match answer {
            Answer::Exists(exists) => count += u64::from(exists),
            Answer::Count(some) => count += some,
            Answer::Connections(some) => members.extend(some),
            Answer::Users(some) => users.extend(some),
            Answer::Unavailable => is_complete = false,
        }
    }
    match question {
        Question::Exists if count > 0 => Answer::Exists(true),
        _ if !is_complete => Answer::Unavailable,
        Question::Exists => Answer::Exists(false),
        Question::Count => Answer::Count(count),
        Question::Connections { limit, .. } => {
            members.sort_unstable_by(|one, other| one.connection.cmp(&other.connection));
            members.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
            Answer::Connections(members)
        }
        // Each part has given its first ones behind `after`: the first of all are among them.
        Question::Users { limit, .. } => {
            users.sort_unstable();
            users.dedup();
            users.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
            Answer::Users(users)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str) -> Member {
        Member {
            connection: id.parse().unwrap(),
            user: None,
        }
    }

    #[test]
    fn answers_of_several_parts_are_one() {
        let merged = |question, answers: Vec<Answer>| merged(&question, answers.into_iter());
        let (yes, no) = (Answer::Exists(true), Answer::Exists(false));
        assert_eq!(merged(Question::Exists, vec![no.clone(), yes.clone()]), yes);
        assert_eq!(merged(Question::Exists, vec![]), no);
        assert_eq!(
            merged(Question::Count, vec![Answer::Count(2), Answer::Count(3)]),
            Answer::Count(5)
        );
        let page = Question::Connections {
            after: None,
            limit: 3,
        };
        let parts = [
            vec![member("b"), member("d")],
            vec![member("a"), member("c")],
        ];
        let parts = parts.map(Answer::Connections).to_vec();
        let first = vec![member("a"), member("b"), member("c")];
        assert_eq!(merged(page, parts), Answer::Connections(first));
        let users =
            |ids: &str| -> Vec<UserId> { ids.split(' ').map(|id| id.parse().unwrap()).collect() };
        let page = Question::Users {
            after: None,
            limit: 3,
        };
        let parts = [users("b c d"), users("a c e")].map(Answer::Users).to_vec();
        assert_eq!(merged(page, parts), Answer::Users(users("a b c")));
    }

    #[test]
    fn a_part_that_could_not_be_asked_makes_the_rest_worthless_unless_it_says_yes() {
        let merged = |question, answers: Vec<Answer>| merged(&question, answers.into_iter());
        let silent = || Answer::Unavailable;
        assert_eq!(
            merged(Question::Count, vec![Answer::Count(2), silent()]),
            silent()
        );
        assert_eq!(
            merged(Question::Exists, vec![Answer::Exists(false), silent()]),
            silent()
        );
        assert_eq!(
            merged(Question::Exists, vec![silent(), Answer::Exists(true)]),
            Answer::Exists(true)
        );
    }
}
