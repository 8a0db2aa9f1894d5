use std::time::Duration;

/// The timers of the directory. The promise of visible adds rests on how they relate, which [`check`](Self::check) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Between two pings on a stream, from both its ends. 0.3 s.
    pub ping: Duration,
    /// How long after a ping was sent a gateway goes on using what it cached from the replica that answered it. 1 s.
    pub cache_lease: Duration,
    /// How long after a ping was sent a replica goes on counting the gateway that answered it as synced. 1.5 s.
    pub sync_lease: Duration,
    /// How long after it last answered a replica's ping a gateway waits for that replica's `visible`; also the silence
    /// after which it closes a stream and dials again. 3 s.
    pub silent_replica: Duration,
    /// How long a gateway is live after it was last heard, and how long a replica keeps what a silent gateway reported.
    /// 10 s.
    pub lease: Duration,
    /// How long a send waits for the answer to its lookup before it goes to every live gateway. 50 ms.
    pub lookup: Duration,
    /// How long after its last member left a group or a hub is still announced. 1 s.
    pub linger: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            ping: Duration::from_millis(300),
            cache_lease: Duration::from_millis(1000),
            sync_lease: Duration::from_millis(1500),
            silent_replica: Duration::from_millis(3000),
            lease: Duration::from_millis(10_000),
            lookup: Duration::from_millis(50),
            linger: Duration::from_millis(1000),
        }
    }
}

impl Timers {
    /// Checks that these timers keep the promises of the directory.
    ///
    /// # Errors
    /// The first inequality that does not hold.
    pub fn check(&self) -> Result<(), UnsoundTimers> {
        let inequalities = [
            (
                "lookup < cache lease: an answer is used while its replica is heard",
                self.lookup < self.cache_lease,
            ),
            (
                "2 pings < cache lease: one late ping loses no cache",
                2 * self.ping < self.cache_lease,
            ),
            (
                "cache lease < sync lease: a cache ends before what it was made from",
                self.cache_lease < self.sync_lease,
            ),
            (
                "sync lease + cache lease < silent replica: who is no longer waited for is no longer believed",
                self.sync_lease + self.cache_lease < self.silent_replica,
            ),
            (
                "2 cache leases < silent replica: a watcher that does not acknowledge delays no add longer than a lost replica",
                2 * self.cache_lease < self.silent_replica,
            ),
            (
                "silent replica + lookup < lease: a stream is dialled again while the replica still has its report",
                self.silent_replica + self.lookup < self.lease,
            ),
            (
                "linger < lease: interest does not outlive its gateway",
                self.linger < self.lease,
            ),
        ];
        match inequalities.into_iter().find(|(_, holds)| !holds) {
            Some((broken, _)) => Err(UnsoundTimers { broken }),
            None => Ok(()),
        }
    }
}

/// Timers under which the directory would break a promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the directory's timers do not satisfy {broken}")]
pub struct UnsoundTimers {
    /// The inequality that does not hold, and why it has to.
    pub broken: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_design_and_sound() {
        let timers = Timers::default();
        timers.check().unwrap();
        assert_eq!(timers.ping, Duration::from_millis(300));
        assert!(timers.ping < timers.cache_lease);
        assert!(timers.cache_lease < timers.sync_lease);
        assert!(timers.sync_lease + timers.cache_lease < timers.silent_replica);
        assert!(timers.silent_replica < timers.lease);
    }

    #[test]
    fn timers_that_break_a_promise_are_named() {
        let second = Duration::from_secs(1);
        let defaults = Timers::default();
        let broken = [
            Timers {
                ping: second / 2,
                ..defaults
            },
            Timers {
                cache_lease: 2 * second,
                ..defaults
            },
            Timers {
                sync_lease: 2 * second,
                ..defaults
            },
            Timers {
                silent_replica: 2 * second,
                ..defaults
            },
            Timers {
                lease: 3 * second,
                ..defaults
            },
            Timers {
                lookup: second,
                ..defaults
            },
            Timers {
                linger: 10 * second,
                ..defaults
            },
        ];
        for timers in broken {
            assert!(timers.check().is_err(), "{timers:?}");
        }
        let error = Timers {
            sync_lease: 2 * second,
            ..defaults
        }
        .check()
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("sync lease + cache lease < silent replica")
        );
    }
}
