//! The front: listeners, transports, auth, links to hub-hosts, audiences to destinations.
