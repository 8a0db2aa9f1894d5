/// What bounds the work of one turn, and of what waits for one. The defaults suit every size of machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardOptions {
    /// How many commands may wait for a shard before their senders do.
    pub inbox_max: usize,
    /// How many commands one turn carries out at most.
    pub commands_per_turn_max: usize,
    /// How many sockets one turn reads at most, once each.
    pub reads_per_turn_max: usize,
    /// How many sockets one turn writes to at most, once each: about 8 µs apiece (performance 3.2).
    pub writes_per_turn_max: usize,
}

impl Default for ShardOptions {
    fn default() -> Self {
        Self {
            inbox_max: 4096,
            commands_per_turn_max: 1024,
            reads_per_turn_max: 256,
            writes_per_turn_max: 256,
        }
    }
}
