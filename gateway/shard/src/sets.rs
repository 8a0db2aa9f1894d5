//! Who of this shard's connections is in which hub, user and group. Joining and leaving are O(1) at any size.

use hashbrown::HashMap;
use hubplane_proto_ids::{GroupName, HubName, UserId};
use slab::Slab;

/// A connection's place in the shard's slab.
pub(crate) type Place = usize;

/// A set of connections.
pub(crate) type SetIndex = usize;

/// What makes a set, within a hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SetName {
    /// Every connection of the hub.
    Hub,
    /// Every connection of the user.
    User(UserId),
    /// Every member of the group.
    Group(GroupName),
}

/// A set with members. One without any is removed.
#[derive(Debug)]
struct Set {
    hub: HubName,
    name: SetName,
    members: Vec<Member>,
}

/// A connection in a set, with where the set is among the connection's own memberships.
#[derive(Debug, Clone, Copy)]
struct Member {
    place: Place,
    membership: usize,
}

/// A set that a connection is in, with where the connection is among the set's members.
#[derive(Debug, Clone, Copy)]
struct Membership {
    set: SetIndex,
    member: usize,
}

#[derive(Debug, Default)]
struct Hub {
    all: Option<SetIndex>,
    users: HashMap<UserId, SetIndex>,
    groups: HashMap<GroupName, SetIndex>,
}

/// What became of a join or a leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The set has got its first member on this shard, or lost its last one.
    Edge,
    /// It had other members, or has.
    Inner,
    /// It was as asked already.
    None,
}

/// All sets of one shard.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    sets: Slab<Set>,
    hubs: HashMap<HubName, Hub>,
    /// By place.
    memberships: Vec<Vec<Membership>>,
    /// Where a set is among the memberships of a place.
    positions: HashMap<(Place, SetIndex), usize>,
}

impl Sets {
    /// The set, if it has members here.
    pub(crate) fn find(&self, hub: &HubName, name: &SetName) -> Option<SetIndex> {
        let hub = self.hubs.get(hub)?;
        match name {
            SetName::Hub => hub.all,
            SetName::User(user) => hub.users.get(user).copied(),
            SetName::Group(group) => hub.groups.get(group).copied(),
        }
    }

    /// Every connection of a hub.
    pub(crate) fn all(&self, hub: &HubName) -> Option<SetIndex> {
        self.hubs.get(hub)?.all
    }

    /// The connections of a user.
    pub(crate) fn user(&self, hub: &HubName, user: &UserId) -> Option<SetIndex> {
        self.hubs.get(hub)?.users.get(user).copied()
    }

    /// The members of a group.
    pub(crate) fn group(&self, hub: &HubName, group: &GroupName) -> Option<SetIndex> {
        self.hubs.get(hub)?.groups.get(group).copied()
    }

    /// How many are in a set.
    pub(crate) fn len(&self, set: SetIndex) -> usize {
        self.sets.get(set).map_or(0, |set| set.members.len())
    }

    /// Who is in a set, by a number below its length.
    pub(crate) fn member(&self, set: SetIndex, n: usize) -> Option<Place> {
        self.sets
            .get(set)?
            .members
            .get(n)
            .map(|member| member.place)
    }

    /// How many memberships there are, those of hubs and users included.
    pub(crate) fn memberships(&self) -> usize {
        self.positions.len()
    }

    /// The groups that a connection is in.
    pub(crate) fn groups_of(&self, place: Place) -> Vec<GroupName> {
        let memberships = self.memberships.get(place).into_iter().flatten();
        let sets = memberships.filter_map(|membership| self.sets.get(membership.set));
        sets.filter_map(|set| match &set.name {
            SetName::Group(group) => Some(group.clone()),
            SetName::Hub | SetName::User(_) => None,
        })
        .collect()
    }

    /// Adds a connection to a set.
    pub(crate) fn join(&mut self, place: Place, hub: &HubName, name: &SetName) -> Change {
        let set = self.find_or_insert(hub, name);
        if self.positions.contains_key(&(place, set)) {
            return Change::None;
        }
        if self.memberships.len() <= place {
            self.memberships.resize_with(place + 1, Vec::new);
        }
        let (memberships, members) = (&mut self.memberships[place], &mut self.sets[set].members);
        self.positions.insert((place, set), memberships.len());
        memberships.push(Membership {
            set,
            member: members.len(),
        });
        members.push(Member {
            place,
            membership: memberships.len() - 1,
        });
        if members.len() == 1 {
            Change::Edge
        } else {
            Change::Inner
        }
    }

    /// Removes a connection from a set.
    pub(crate) fn leave(&mut self, place: Place, hub: &HubName, name: &SetName) -> Change {
        match self.find(hub, name) {
            Some(set) if self.positions.contains_key(&(place, set)) => {
                if self.remove(place, set).is_some() {
                    Change::Edge
                } else {
                    Change::Inner
                }
            }
            _ => Change::None,
        }
    }

    /// Removes a connection from all of its sets; `emptied` gets those that it was the last member of.
    pub(crate) fn leave_all(&mut self, place: Place, emptied: &mut Vec<(HubName, SetName)>) {
        while let Some(membership) = self
            .memberships
            .get(place)
            .and_then(|memberships| memberships.last().copied())
        {
            emptied.extend(self.remove(place, membership.set));
        }
        if let Some(memberships) = self.memberships.get_mut(place) {
            *memberships = Vec::new();
        }
    }

    /// Removes a member that is there. The set too, and returns its name, if it was the last one.
    fn remove(&mut self, place: Place, set: SetIndex) -> Option<(HubName, SetName)> {
        let position = self.positions.remove(&(place, set))?;
        let memberships = &mut self.memberships[place];
        let Membership { member, .. } = memberships.swap_remove(position);
        // What was last has taken the empty place, on both sides; whoever points at it is told.
        if let Some(moved) = memberships.get(position).copied() {
            self.positions.insert((place, moved.set), position);
            self.sets[moved.set].members[moved.member].membership = position;
        }
        let members = &mut self.sets[set].members;
        members.swap_remove(member);
        if let Some(moved) = members.get(member).copied() {
            self.memberships[moved.place][moved.membership].member = member;
        }
        if self.sets[set].members.is_empty() {
            Some(self.forget(set))
        } else {
            None
        }
    }

    fn find_or_insert(&mut self, hub: &HubName, name: &SetName) -> SetIndex {
        if let Some(set) = self.find(hub, name) {
            return set;
        }
        let set = self.sets.insert(Set {
            hub: hub.clone(),
            name: name.clone(),
            members: Vec::new(),
        });
        let hub = self.hubs.entry_ref(hub).or_default();
        match name {
            SetName::Hub => hub.all = Some(set),
            SetName::User(user) => drop(hub.users.insert(user.clone(), set)),
            SetName::Group(group) => drop(hub.groups.insert(group.clone(), set)),
        }
        set
    }

    fn forget(&mut self, set: SetIndex) -> (HubName, SetName) {
        let Set { hub, name, .. } = self.sets.remove(set);
        if let Some(sets) = self.hubs.get_mut(&hub) {
            match &name {
                SetName::Hub => sets.all = None,
                SetName::User(user) => drop(sets.users.remove(user)),
                SetName::Group(group) => drop(sets.groups.remove(group)),
            }
            if sets.all.is_none() && sets.users.is_empty() && sets.groups.is_empty() {
                self.hubs.remove(&hub);
            }
        }
        (hub, name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn hub(n: u8) -> HubName {
        format!("hub-{n}").parse().unwrap()
    }

    fn set(n: u8) -> SetName {
        match n {
            0 => SetName::Hub,
            1 | 2 => SetName::User(format!("u{n}").parse().unwrap()),
            _ => SetName::Group(format!("g{n}").parse().unwrap()),
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Join(usize, u8, u8),
        Leave(usize, u8, u8),
        LeaveAll(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let place = (0_usize..6, 0_u8..2, 0_u8..5);
        let step = prop_oneof![
            5 => place.clone().prop_map(|(place, hub, name)| Step::Join(place, hub, name)),
            3 => place.prop_map(|(place, hub, name)| Step::Leave(place, hub, name)),
            1 => (0_usize..6).prop_map(Step::LeaveAll),
        ];
        proptest::collection::vec(step, 0..120)
    }

    type Model = BTreeMap<(u8, u8), BTreeSet<usize>>;

    fn change(was_there: bool, others: usize) -> Change {
        match (was_there, others) {
            (true, _) => Change::None,
            (false, 0) => Change::Edge,
            (false, _) => Change::Inner,
        }
    }

    proptest! {
        #[test]
        fn sets_are_what_a_naive_model_says(steps in steps()) {
            let (mut sets, mut model) = (Sets::default(), Model::new());
            for step in steps {
                match step {
                    Step::Join(place, h, n) => {
                        let members = model.entry((h, n)).or_default();
                        let expected = change(members.contains(&place), members.len());
                        members.insert(place);
                        prop_assert_eq!(sets.join(place, &hub(h), &set(n)), expected);
                    }
                    Step::Leave(place, h, n) => {
                        let members = model.entry((h, n)).or_default();
                        let was_there = members.remove(&place);
                        prop_assert_eq!(sets.leave(place, &hub(h), &set(n)), change(!was_there, members.len()));
                    }
                    Step::LeaveAll(place) => {
                        let mut emptied = Vec::new();
                        sets.leave_all(place, &mut emptied);
                        let before: usize = emptied.len();
                        let mut expected = 0;
                        for members in model.values_mut() {
                            expected += usize::from(members.remove(&place) && members.is_empty());
                        }
                        prop_assert_eq!(before, expected);
                    }
                }
                compare(&sets, &mut model)?;
            }
        }
    }

    fn compare(sets: &Sets, model: &mut Model) -> Result<(), TestCaseError> {
        model.retain(|_, members| !members.is_empty());
        for h in 0..2 {
            for n in 0..5 {
                let members = |set| {
                    (0..sets.len(set))
                        .filter_map(|n| sets.member(set, n))
                        .collect::<BTreeSet<_>>()
                };
                let found = sets.find(&hub(h), &set(n)).map(members);
                prop_assert_eq!(found.as_ref(), model.get(&(h, n)), "hub {} set {}", h, n);
            }
        }
        let memberships: usize = model.values().map(BTreeSet::len).sum();
        prop_assert_eq!(sets.memberships(), memberships);
        Ok(())
    }
}
