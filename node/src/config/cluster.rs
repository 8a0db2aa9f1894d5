//! `[cluster]`.

use super::auth::secret_is_long_enough;
use super::problems::Problems;
use super::values::Secret;

/// Long names make long subjects.
const NAME_BYTES_MAX: usize = 64;

options! {
    /// What the nodes of one cluster share.
    pub struct Cluster in "cluster" {
        /// The cluster's name: at most 64 of `a`–`z`, `0`–`9`, `-` and `_`. Clusters of different names do not
        /// hear each other.
        pub name: String = "hubplane".to_owned(),
        /// Signs connection tokens, so that every node knows them; at least 32 bytes. Not set: each process
        /// makes its own, which is enough for one process.
        pub key: Option<Secret> = None,
    }
}

impl Cluster {
    pub(super) fn validate(&self, problems: &mut Problems) {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if self.name.is_empty()
            || self.name.len() > NAME_BYTES_MAX
            || !self.name.bytes().all(allowed)
        {
            problems.add("cluster.name", "is not 1 to 64 of a-z, 0-9, - and _");
        }
        if let Some(key) = &self.key {
            secret_is_long_enough("cluster.key", key, problems);
        }
    }
}
