//! `[admin]`.

use std::net::{Ipv4Addr, SocketAddr};

options! {
    /// The admin listener: `/healthz`, `/readyz`, `/metrics`. None of these is ever on the public listener.
    pub struct Admin in "admin" {
        /// The address and port to listen on. Port 0 takes any free port.
        pub address: SocketAddr = (Ipv4Addr::LOCALHOST, 8081).into(),
        /// Whether any free port is taken when that one is busy. `hubplane dev` does so.
        pub free_port_if_busy: bool = false,
    }
}
