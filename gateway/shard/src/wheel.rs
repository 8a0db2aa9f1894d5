//! When to look at which connection again.

use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(100);
const BUCKETS: usize = 512;

/// A hashed timer wheel with ticks of 100 ms: what is due is reported up to a tick late and never early.
///
/// One look per connection is enough: it says when to look, and what is due then is found out by looking. A deadline
/// that moves away costs nothing until its old look fires.
#[derive(Debug)]
pub(crate) struct Wheel {
    start: Instant,
    /// Everything up to this tick has fired.
    fired: u64,
    buckets: Vec<Vec<Look>>,
    looks: usize,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    tick: u64,
    place: usize,
}

impl Wheel {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            start: now,
            fired: 0,
            buckets: vec![Vec::new(); BUCKETS],
            looks: 0,
        }
    }

    /// The tick that reports this deadline.
    pub(crate) fn tick_of(&self, at: Instant) -> u64 {
        let ticks = at
            .saturating_duration_since(self.start)
            .as_nanos()
            .div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX).max(self.fired + 1)
    }

    /// Reports the place at this tick, which is still to come.
    pub(crate) fn insert(&mut self, tick: u64, place: usize) {
        self.buckets[bucket(tick)].push(Look { tick, place });
        self.looks += 1;
    }

    /// When to call [`fire`](Self::fire) next: there may be something due then.
    pub(crate) fn next(&self) -> Option<Instant> {
        if self.looks == 0 {
            return None;
        }
        let ticks = self.fired + 1..=self.fired + BUCKETS as u64;
        let tick = ticks
            .into_iter()
            .find(|tick| !self.buckets[bucket(*tick)].is_empty())?;
        Some(self.start + TICK * u32::try_from(tick).unwrap_or(u32::MAX))
    }

    /// Moves what is due by `now` into `due`, with its tick.
    pub(crate) fn fire(&mut self, now: Instant, due: &mut Vec<(u64, usize)>) {
        let ticks = now.saturating_duration_since(self.start).as_nanos() / TICK.as_nanos();
        let until = u64::try_from(ticks).unwrap_or(u64::MAX);
        if until <= self.fired {
            return;
        }
        // Once around is everywhere.
        let first = (self.fired + 1).max(until.saturating_sub(BUCKETS as u64 - 1));
        for tick in first..=until {
            self.buckets[bucket(tick)].retain(|look| {
                let waits = look.tick > until;
                if !waits {
                    due.push((look.tick, look.place));
                }
                waits
            });
        }
        self.looks = self.buckets.iter().map(Vec::len).sum();
        self.fired = until;
    }
}

fn bucket(tick: u64) -> usize {
    (tick % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_due_fires_once_and_within_a_tick(
            deadlines in proptest::collection::vec(0_u64..200_000, 0..40),
            steps in proptest::collection::vec(1_u64..30_000, 1..40),
        ) {
            let start = Instant::now();
            let mut wheel = Wheel::new(start);
            for (place, millis) in deadlines.iter().enumerate() {
                wheel.insert(wheel.tick_of(start + Duration::from_millis(*millis)), place);
            }
            let (mut now, mut fired) = (start, vec![0; deadlines.len()]);
            for step in steps {
                now += Duration::from_millis(step);
                let mut due = Vec::new();
                wheel.fire(now, &mut due);
                for (_, place) in due {
                    fired[place] += 1;
                }
                for (place, millis) in deadlines.iter().enumerate() {
                    let at = start + Duration::from_millis(*millis);
                    prop_assert!(fired[place] == 0 || at <= now, "too early");
                    prop_assert!(fired[place] == 1 || at + TICK > now, "too late, or twice");
                }
                prop_assert_eq!(wheel.next().is_none(), fired.iter().all(|times| *times == 1));
            }
        }
    }

    #[test]
    fn the_next_look_is_not_before_anything_can_be_due() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        assert_eq!(wheel.next(), None);
        wheel.insert(wheel.tick_of(start + Duration::from_millis(250)), 1);
        assert_eq!(wheel.next(), Some(start + Duration::from_millis(300)));
    }
}
