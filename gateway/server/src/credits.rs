//! What is owed to a hub-host of the credit for its sends to audiences (DESIGN 3.1).

use std::collections::HashMap;

use hubplane_proto_link::{CALLER_CREDIT_BYTES, Caller, LINK_CREDIT_BYTES};

/// What is numbered and put to the shards, and not yet given back.
///
/// It is given back in halves: whoever sends while anything is left is never kept waiting by the other half. So most
/// sends cost no frame of their own.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    owed: HashMap<Caller, u32>,
    total_bytes: u32,
}

impl Credits {
    /// Something of this caller is done. Returns what is to be given back now.
    pub(crate) fn done(&mut self, caller: Caller, bytes: u32) -> Vec<(Caller, u32)> {
        self.total_bytes = self.total_bytes.saturating_add(bytes);
        let owed = self.owed.entry(caller.clone()).or_default();
        *owed = owed.saturating_add(bytes);
        if self.total_bytes >= LINK_CREDIT_BYTES / 2 {
            self.total_bytes = 0;
            return self.owed.drain().collect();
        }
        if *owed >= CALLER_CREDIT_BYTES / 2 {
            let bytes = *owed;
            self.total_bytes -= bytes;
            self.owed.remove(&caller);
            return vec![(caller, bytes)];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(n: u32) -> Caller {
        Caller::Connection(format!("c{n}").parse().unwrap())
    }

    #[test]
    fn a_caller_gets_its_credit_back_in_halves() {
        let (mut credits, half) = (Credits::default(), CALLER_CREDIT_BYTES / 2);
        assert_eq!(credits.done(caller(1), half - 1), []);
        assert_eq!(credits.done(caller(2), 1), []);
        assert_eq!(credits.done(caller(1), 5), [(caller(1), half + 4)]);
        assert_eq!(credits.done(caller(1), half), [(caller(1), half)]);
        assert_eq!(credits.done(caller(2), half), [(caller(2), half + 1)]);
        assert!(credits.owed.is_empty());
        assert_eq!(credits.total_bytes, 0);
    }

    #[test]
    fn a_link_with_many_callers_gets_its_credit_back_too() {
        let (mut credits, mut back, mut given) = (Credits::default(), 0, 0);
        for n in 0..10_000 {
            back += credits
                .done(caller(n), 1000)
                .iter()
                .map(|(_, bytes)| *bytes)
                .sum::<u32>();
            given += 1000;
            assert!(given - back < LINK_CREDIT_BYTES / 2);
        }
        assert!(credits.owed.len() <= 525);
    }
}
