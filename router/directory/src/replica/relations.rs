use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::Key;
use crate::table::{KeyTable, Row};

#[cfg(test)]
mod tests;

/// Which keys are held by which gateways, and watched by which streams. A row exists while somebody holds or watches its
/// key; both directions are found without a search.
#[derive(Debug, Default)]
pub(super) struct Relations {
    table: KeyTable<Links>,
    held: Owned,
    watched: Owned,
}

/// A gateway where keys are held, a watch stream where they are watched.
pub(super) type Owner = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Holders,
    Watchers,
}

#[derive(Debug, Default)]
struct Links {
    holders: LinkList,
    watchers: LinkList,
}

type LinkList = SmallVec<[Link; 2]>;

#[derive(Debug, Clone, Copy)]
struct Link {
    owner: Owner,
    /// The row's place in the list of the owner's rows.
    place: u32,
}

#[derive(Debug, Default)]
struct Owned {
    rows: BTreeMap<Owner, Vec<Row>>,
    total: u64,
}

impl Links {
    fn side(&self, side: Side) -> &LinkList {
        match side {
            Side::Holders => &self.holders,
            Side::Watchers => &self.watchers,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut LinkList {
        match side {
            Side::Holders => &mut self.holders,
            Side::Watchers => &mut self.watchers,
        }
    }
}

impl Relations {
    pub(super) fn keys(&self) -> u64 {
        self.table.len() as u64
    }

    /// How many pairs there are.
    pub(super) fn total(&self, side: Side) -> u64 {
        self.owned(side).total
    }

    pub(super) fn find(&self, key: &Key) -> Option<Row> {
        self.table.find(key)
    }

    /// Who holds or watches the row's key.
    pub(super) fn owners(&self, row: Row, side: Side) -> impl Iterator<Item = Owner> + '_ {
        let links = self.table.get(row).map(|links| links.side(side));
        links.into_iter().flatten().map(|link| link.owner)
    }

    pub(super) fn add(&mut self, key: Key, owner: Owner, side: Side) -> Row {
        let found = self.table.find(&key);
        let row = found.unwrap_or_else(|| self.table.insert(key, Links::default()));
        let (links, owned) = match side {
            Side::Holders => (self.table.get_mut(row), &mut self.held),
            Side::Watchers => (self.table.get_mut(row), &mut self.watched),
        };
        let Some(links) = links.map(|it| it.side_mut(side)) else {
            return row;
        };
        if links.iter().all(|link| link.owner != owner) {
            let rows = owned.rows.entry(owner).or_default();
            // As many rows as a table has.
            let place = rows.len() as u32;
            links.push(Link { owner, place });
            rows.push(row);
            owned.total += 1;
        }
        row
    }

    /// Ends one relation. Gives back the key if there was one; the row may be gone then.
    pub(super) fn remove(&mut self, row: Row, owner: Owner, side: Side) -> bool {
        let Some(links) = self.table.get_mut(row) else {
            return false;
        };
        let list = links.side_mut(side);
        let Some(at) = list.iter().position(|link| link.owner == owner) else {
            return false;
        };
        let place = list.swap_remove(at).place;
        if links.holders.is_empty() && links.watchers.is_empty() {
            self.table.remove(row);
        }
        let owned = self.owned_mut(side);
        owned.total -= 1;
        let Some(rows) = owned.rows.get_mut(&owner) else {
            return true;
        };
        rows.swap_remove(place as usize);
        let moved = rows.get(place as usize).copied();
        if rows.is_empty() {
            owned.rows.remove(&owner);
        }
        if let Some(moved) = moved {
            self.set_place(moved, owner, side, place);
        }
        true
    }

    /// Some row of the owner, for as long as it has one.
    pub(super) fn last_of(&self, owner: Owner, side: Side) -> Option<Row> {
        self.owned(side).rows.get(&owner)?.last().copied()
    }

    pub(super) fn key(&self, row: Row) -> Option<&Key> {
        self.table.key(row)
    }

    fn set_place(&mut self, row: Row, owner: Owner, side: Side, place: u32) {
        let Some(links) = self.table.get_mut(row) else {
            return;
        };
        let mut links = links.side_mut(side).iter_mut();
        if let Some(link) = links.find(|link| link.owner == owner) {
            link.place = place;
        }
    }

    fn owned(&self, side: Side) -> &Owned {
        match side {
            Side::Holders => &self.held,
            Side::Watchers => &self.watched,
        }
    }

    fn owned_mut(&mut self, side: Side) -> &mut Owned {
        match side {
            Side::Holders => &mut self.held,
            Side::Watchers => &mut self.watched,
        }
    }
}
