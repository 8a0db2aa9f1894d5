//! What a shard knows about the connections of an audience.

use std::collections::{BTreeMap, BTreeSet};

use hubplane_proto_ids::UserId;
use hubplane_proto_link::{Answer, Audience, Member, Query, Question};
use smallvec::SmallVec;

use crate::entry::Entry;
use crate::sets::SetIndex;
use crate::shard::Shard;

impl Shard {
    /// Those that hear what is sent to the audience now, each once.
    pub(crate) fn look_up(&self, query: &Query) -> Answer {
        match &query.question {
            Question::Exists => Answer::Exists(self.audience(query).any(|_| true)),
            Question::Count => {
                let mut places: Vec<_> = self.audience(query).map(|(place, _)| place).collect();
                places.sort_unstable();
                places.dedup();
                Answer::Count(places.len() as u64)
            }
            Question::Connections { after, limit } => {
                let behind = self.audience(query).filter(|(_, entry)| {
                    let id = &entry.connection.info().connection;
                    after.as_ref().is_none_or(|after| id > after)
                });
                Answer::Connections(first(behind, *limit))
            }
            Question::Users { after, limit } => {
                let users = self
                    .audience(query)
                    .filter_map(|(_, entry)| entry.connection.user());
                let behind = users.filter(|user| after.as_ref().is_none_or(|after| *user > after));
                Answer::Users(first_users(behind, *limit))
            }
        }
    }

    /// Who is in two groups is there twice.
    fn audience<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = (usize, &'a Entry)> {
        let hub = &query.hub;
        let mut direct = SmallVec::<[usize; 1]>::new();
        let mut sets = SmallVec::<[SetIndex; 1]>::new();
        match &query.audience {
            Audience::All => sets.extend(self.sets.all(hub)),
            Audience::Groups(groups) => {
                sets.extend(groups.iter().filter_map(|it| self.sets.group(hub, it)));
            }
            Audience::Users(users) => {
                sets.extend(users.iter().filter_map(|it| self.sets.user(hub, it)));
            }
            Audience::Connections(ids) => {
                direct.extend(ids.iter().filter_map(|id| self.ids.get(id).copied()));
            }
        }
        let known = &self.sets;
        let of_sets = sets
            .into_iter()
            .flat_map(move |set| (0..known.len(set)).filter_map(move |n| known.member(set, n)));
        of_sets.chain(direct).filter_map(|place| {
            let entry = self.entries.get(place)?;
            let is_in = entry.connection.hears() && entry.connection.info().hub == *hub;
            is_in.then_some((place, entry))
        })
    }
}

/// The first users in the order of their ids, each once.
fn first_users<'a>(users: impl Iterator<Item = &'a UserId>, limit: u32) -> Vec<UserId> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut kept = BTreeSet::new();
    for user in users {
        if kept.len() < limit || kept.last().is_some_and(|last| user < *last) {
            kept.insert(user);
            if kept.len() > limit {
                kept.pop_last();
            }
        }
    }
    kept.into_iter().cloned().collect()
}

/// The first ones in the order of their ids, each once.
fn first<'a>(entries: impl Iterator<Item = (usize, &'a Entry)>, limit: u32) -> Vec<Member> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut kept = BTreeMap::new();
    for (_, entry) in entries {
        let id = &entry.connection.info().connection;
        let is_first =
            kept.len() < limit || kept.last_key_value().is_some_and(|(last, _)| id < *last);
        if is_first {
            kept.insert(id, entry);
            if kept.len() > limit {
                kept.pop_last();
            }
        }
    }
    kept.into_iter()
        .map(|(id, entry)| Member {
            connection: id.clone(),
            user: entry.connection.user().cloned(),
        })
        .collect()
}
