//! `[listen.tls]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::problems::Problems;

options! {
    /// TLS for clients. The files are read again when they change; a pair that cannot be used is logged, and the one before
    /// goes on.
    pub struct Tls in "listen.tls" {
        /// The file with the certificate in PEM, the server's own first, then those of the authorities between it and
        /// the root.
        pub certificate: Option<PathBuf> = None,
        /// The file with its private key in PEM.
        pub key: Option<PathBuf> = None,
        /// The oldest version of TLS that is spoken: `1.2` or `1.3`.
        pub min_version: TlsVersion = TlsVersion::Tls12,
        /// An address and port for TLS alone, beside `listen.address`, which then stays without it. Not set:
        /// `listen.address` speaks TLS.
        pub address: Option<SocketAddr> = None,
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TlsVersion {
    /// 1.2.
    #[serde(rename = "1.2")]
    Tls12,
    /// 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Tls {
    pub(super) fn validate(&self, plain: SocketAddr, problems: &mut Problems) {
        match (&self.certificate, &self.key) {
            (Some(_), None) => problems.add("listen.tls.key", "is missing beside the certificate"),
            (None, Some(_)) => problems.add("listen.tls.certificate", "is missing beside the key"),
            (None, None) if self.address.is_some() => {
                problems.add("listen.tls.certificate", "is missing");
            }
            _ => {}
        }
        if self.address == Some(plain) && plain.port() != 0 {
            problems.add(
                "listen.tls.address",
                "is the address of the listener without TLS",
            );
        }
    }
}
