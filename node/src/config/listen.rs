//! `[listen]`.

use std::net::{Ipv4Addr, SocketAddr};

use super::list::List;
use super::networks::Network;
use super::problems::Problems;
use super::tls::Tls;

options! {
    /// The public listener: where clients connect.
    pub struct Listen in "listen" {
        /// The address and port to listen on. Port 0 takes any free port.
        pub address: SocketAddr = (Ipv4Addr::LOCALHOST, 8080).into(),
        /// What public paths begin with, such as `/app`, when this server is one part of a site. Everything is then found
        /// below it too: `/app/hubs/chat` is `/hubs/chat`.
        pub path_base: String = String::new(), shown as "none",
        /// The networks of the proxies in front of this server, such as `["10.0.0.0/8", "127.0.0.1"]`. What they say of
        /// a client is believed: its address, and how it addressed this server. Nobody else is believed.
        pub trusted_proxies: List<Network> = List::default(), shown as "none",
        /// Where trusted proxies say so: `x-forwarded` for `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix`, or
        /// `forwarded` for `Forwarded` (RFC 7239). The other one is not read: a proxy passes on what clients write there.
        pub forwarded_by: ForwardedBy = ForwardedBy::XForwarded,
        /// `[listen.tls]`: certificates. Without them clients are not encrypted.
        pub tls: Tls = Tls::default(), shown as "none",
    }
}

/// The headers in which proxies say whom they speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For` and its kin.
    XForwarded,
    /// `Forwarded`.
    Forwarded,
}

impl Listen {
    pub(super) fn validate(&self, problems: &mut Problems) {
        let base = &self.path_base;
        if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/')) {
            problems.add("listen.path_base", "does not begin with / or ends with it");
        }
        self.tls.validate(self.address, problems);
    }
}
