//! One thread and its connections: slab, queues, tables, local delivery, timers, the write path.
