//! One client connection as a state machine: bytes in, events out.
