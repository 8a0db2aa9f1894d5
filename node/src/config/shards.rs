//! `[shards]`.

use super::problems::Problems;

/// The most shards that a node has.
const THREADS_MAX: usize = 64;

options! {
    /// The threads that own connections.
    pub struct Shards in "shards" {
        /// How many threads, 1 to 64.
        pub threads: usize = cores(), shown as "one per core, at most 64",
    }
}

impl Shards {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if !(1..=THREADS_MAX).contains(&self.threads) {
            problems.add("shards.threads", format!("is not 1 to {THREADS_MAX}"));
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX))
}
