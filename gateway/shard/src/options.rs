use std::time::Duration;

/// What bounds the work of one turn, and of what waits for one. The defaults suit every size of machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardOptions {
    /// How many commands may wait for a shard before their senders do.
    pub inbox_max: usize,
    /// How many commands one turn carries out at most.
    pub commands_per_turn_max: usize,
    /// How long a turn goes on with commands; the others stay in line for the next one, behind which nothing overtakes
    /// them. One command, a send to the largest audience for instance, is never interrupted.
    pub command_time_max: Duration,
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
            command_time_max: Duration::from_millis(5),
            reads_per_turn_max: 256,
            writes_per_turn_max: 256,
        }
    }
}
