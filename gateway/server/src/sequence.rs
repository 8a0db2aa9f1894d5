//! Keeps each caller's frames in order while one of them waits for something.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use hubplane_proto_link::Caller;

/// The frames that wait behind a frame of their own caller. No other caller waits (DESIGN 4).
#[derive(Debug)]
pub(crate) struct Sequence<F> {
    /// A caller is here while one of its frames is being carried out.
    held: HashMap<Caller, VecDeque<F>>,
    waiting: usize,
}

impl<F> Sequence<F> {
    pub(crate) fn new() -> Self {
        Self {
            held: HashMap::new(),
            waiting: 0,
        }
    }

    /// Gives the frame back if nothing of its caller is held; else keeps it behind.
    pub(crate) fn admit(&mut self, caller: &Caller, frame: F) -> Option<F> {
        match self.held.get_mut(caller) {
            None => Some(frame),
            Some(behind) => {
                behind.push_back(frame);
                self.waiting += 1;
                None
            }
        }
    }

    /// A frame of this caller waits: what comes behind it waits too.
    pub(crate) fn hold(&mut self, caller: Caller) {
        self.held.entry(caller).or_default();
    }

    /// The frame that held this caller is done: the next one, if any. The caller stays held while there is one;
    /// call this again when that one is done.
    pub(crate) fn next(&mut self, caller: &Caller) -> Option<F> {
        let Entry::Occupied(mut behind) = self.held.entry(caller.clone()) else {
            return None;
        };
        match behind.get_mut().pop_front() {
            Some(frame) => {
                self.waiting -= 1;
                Some(frame)
            }
            None => {
                behind.remove();
                None
            }
        }
    }

    /// How many frames wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(id: &str) -> Caller {
        Caller::Connection(id.parse().unwrap())
    }

    #[test]
    fn a_held_caller_keeps_its_order_and_holds_nobody_else() {
        let (a, b) = (caller("a"), caller("b"));
        let mut sequence = Sequence::new();
        assert_eq!(sequence.admit(&a, 1), Some(1));
        sequence.hold(a.clone());
        assert_eq!(sequence.admit(&a, 2), None);
        assert_eq!(sequence.admit(&a, 3), None);
        assert_eq!(sequence.admit(&b, 9), Some(9));
        assert_eq!(sequence.waiting(), 2);
        assert_eq!(sequence.next(&a), Some(2));
        assert_eq!(sequence.admit(&a, 4), None, "2 is still being carried out");
        assert_eq!(sequence.next(&a), Some(3));
        assert_eq!(sequence.next(&a), Some(4));
        assert_eq!(sequence.next(&a), None);
        assert_eq!(sequence.admit(&a, 5), Some(5));
        assert_eq!(sequence.waiting(), 0);
    }
}
