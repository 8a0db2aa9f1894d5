//! TLS for listeners: a certificate and its key, read again when their files change.

mod certificate;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use crate::config::TlsVersion;
use crate::tasks::{OnFailure, Tasks};

use certificate::Files;
pub use certificate::TlsError;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What a listener speaks TLS with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The file with the certificate chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The file with its private key in PEM.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

/// The server's end of TLS. Cheap to clone; a certificate that is read again counts for every clone.
#[derive(Debug, Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificate: Arc<Current>,
}

/// What the next handshake is answered with, and where it came from.
#[derive(Debug)]
struct Current {
    options: TlsOptions,
    key: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
    }
}

impl ServerTls {
    /// Reads the files. `protocols` are offered by ALPN, the preferred one first.
    ///
    /// # Errors
    /// See [`TlsError`]: which file, and what is wrong with it.
    pub fn load(options: TlsOptions, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let key = Files::read(&options)?.certified_key(&options)?;
        let certificate = Arc::new(Current {
            key: RwLock::new(Arc::new(key)),
            options,
        });
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(certificate.options.min_version))
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&certificate));
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        // Clients that come back by the thousand resume without this server having kept anything of them.
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Setup)?;
        Ok(Self {
            config: Arc::new(config),
            certificate,
        })
    }

    /// What rustls takes.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Reads the files again whenever they have changed, until the node ends.
    pub fn watch(&self, tasks: &Tasks) {
        self.watch_every(LOOK_INTERVAL, tasks);
    }

    fn watch_every(&self, interval: Duration, tasks: &Tasks) {
        let mut watch = Watch {
            current: Arc::clone(&self.certificate),
            seen: Files::read(&self.certificate.options).ok(),
            is_settled: true,
        };
        tasks.spawn("tls certificate", OnFailure::Log, async move {
            let mut looks = tokio::time::interval(interval);
            loop {
                looks.tick().await;
                let looked = tokio::task::spawn_blocking(move || {
                    watch.look();
                    watch
                });
                match looked.await {
                    Ok(after) => watch = after,
                    // Only the end of the runtime comes here.
                    Err(_) => return,
                }
            }
        });
    }
}

static FROM_1_2: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::Tls12 => &FROM_1_2,
        TlsVersion::Tls13 => &FROM_1_2[..1],
    }
}

/// Looks at the files from time to time.
struct Watch {
    current: Arc<Current>,
    /// What was in them the last time.
    seen: Option<Files>,
    /// Whether that was acted upon.
    is_settled: bool,
}

impl Watch {
    /// Acts on what has changed once it has stayed the same for one interval: certificate and key are two files, and are
    /// not written in one moment.
    fn look(&mut self) {
        let options = &self.current.options;
        let now = match Files::read(options) {
            Ok(now) => now,
            Err(error) => {
                if self.seen.take().is_some() {
                    complain(&error);
                }
                self.is_settled = false;
                return;
            }
        };
        if self.seen.as_ref() != Some(&now) {
            self.seen = Some(now);
            self.is_settled = false;
            return;
        }
        if self.is_settled {
            return;
        }
        self.is_settled = true;
        match now.certified_key(options) {
            Ok(key) => {
                let current = self.current.key.write();
                *current.unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!(certificate = %options.certificate.display(), "a new certificate is in force");
            }
            Err(error) => complain(&error),
        }
    }
}

fn complain(error: &TlsError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(
        error,
        "the certificate cannot be read again; the one before stays in force"
    );
}
