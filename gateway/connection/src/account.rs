//! What connections hold in memory, counted where it is held.

use std::cell::Cell;
use std::rc::Rc;

/// What the buffers and queues of one thread's connections hold, in bytes. Clones are the same account.
///
/// A body that many connections share is not in here but once in the account of whoever made it: a queue is charged for
/// its place in the line, not for its length.
#[derive(Debug, Clone, Default)]
pub struct Account(Rc<Cell<usize>>);

impl Account {
    /// What is charged now, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.get()
    }
}

/// A holder's part of an [`Account`], given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Charge {
    /// `None`: nobody counts.
    account: Option<Account>,
    bytes: usize,
}

impl Charge {
    /// From now on this holder is counted there.
    pub(crate) fn move_to(&mut self, account: &Account) {
        let bytes = self.bytes;
        self.set(0);
        self.account = Some(account.clone());
        self.set(bytes);
    }

    /// One for another holder, in the same account.
    pub(crate) fn beside(&self) -> Self {
        let account = self.account.clone();
        Self { account, bytes: 0 }
    }

    /// The holder holds this much now.
    pub(crate) fn set(&mut self, bytes: usize) {
        if let Some(Account(total)) = &self.account {
            // Never below zero: what is taken away was added before.
            total.set(total.get().wrapping_sub(self.bytes).wrapping_add(bytes));
        }
        self.bytes = bytes;
    }

    /// The holder holds this much more.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.set(self.bytes + bytes);
    }

    /// The holder holds this much less.
    pub(crate) fn take_away(&mut self, bytes: usize) {
        self.set(self.bytes.saturating_sub(bytes));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_the_sum_of_what_is_held_and_forgets_who_has_gone() {
        let account = Account::default();
        let (mut one, mut two) = (Charge::default(), Charge::default());
        one.add(7);
        one.move_to(&account);
        two.move_to(&account);
        two.set(5);
        two.add(3);
        two.take_away(1);
        assert_eq!(account.bytes(), 14);
        drop(one);
        assert_eq!(account.bytes(), 7);
        drop(two);
        assert_eq!(account.bytes(), 0);
    }
}
