//! Hosts hubs: the worker side of the link.
