//! The names of things: hubs, connections, users, groups, nodes.
