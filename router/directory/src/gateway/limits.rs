/// Bounds of a [`GatewayDirectory`](crate::GatewayDirectory).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Entries of the watch cache; the least recently used one makes room, and its key costs a lookup again. 200,000.
    pub cache_entries_max: usize,
    /// Changes that are kept for a replica whose stream broke; one that missed more is sent a snapshot. 16,384.
    pub log_max: usize,
    /// The size of a chunk of a snapshot in bytes, about. 256 KiB.
    pub chunk_bytes_max: usize,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            cache_entries_max: 200_000,
            log_max: 16_384,
            chunk_bytes_max: 256 * 1024,
        }
    }
}
