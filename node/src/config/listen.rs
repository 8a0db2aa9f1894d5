//! `[listen]`.

use std::net::{Ipv4Addr, SocketAddr};

options! {
    /// The public listener: where clients connect.
    pub struct Listen in "listen" {
        /// The address and port to listen on. Port 0 takes any free port.
        pub address: SocketAddr = (Ipv4Addr::LOCALHOST, 8080).into(),
    }
}
