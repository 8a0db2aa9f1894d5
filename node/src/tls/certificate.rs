//! From two files to what a handshake is answered with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsOptions;

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not for this process.
    #[error("{} cannot be read", .file.display())]
    Read {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is broken in its form.
    #[error("{} is no PEM file", .file.display())]
    Pem {
        /// Which one.
        file: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// Something else is in the file.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// Something else is in the file.
    #[error("{} holds no private key", .0.display())]
    NoKey(PathBuf),
    /// The key would have to be decrypted with a passphrase.
    #[error("the key in {} is encrypted; a key without a passphrase is needed", .0.display())]
    EncryptedKey(PathBuf),
    /// The key is of a kind that is not spoken, or is none.
    #[error("the key in {} cannot be used", .file.display())]
    Key {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The first certificate is none.
    #[error("the certificate in {} cannot be used", .file.display())]
    Certificate {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// They are not a pair.
    #[error("the key in {} is not that of the first certificate in {}", .key.display(), .certificate.display())]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// No randomness, or no common version.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// What was in the two files.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub(super) fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(&options.certificate)?,
            key: read(&options.key)?,
        })
    }

    pub(super) fn certified_key(&self, options: &TlsOptions) -> Result<CertifiedKey, TlsError> {
        let (certificate, key) = (&options.certificate, &options.key);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .map(|item| item.map(CertificateDer::into_owned))
            .collect::<Result<_, _>>()
            .map_err(|source| TlsError::Pem {
                file: certificate.clone(),
                source,
            })?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.clone()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| match source {
            pem::Error::NoItemsFound if is_encrypted(&self.key) => {
                TlsError::EncryptedKey(key.clone())
            }
            pem::Error::NoItemsFound => TlsError::NoKey(key.clone()),
            source => TlsError::Pem {
                file: key.clone(),
                source,
            },
        })?;
        let provider = ring::default_provider();
        let private = provider.key_provider.load_private_key(private);
        let private = private.map_err(|source| TlsError::Key {
            file: key.clone(),
            source,
        })?;
        let pair = CertifiedKey::new(chain, private);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            Err(source) => Err(TlsError::Certificate {
                file: certificate.clone(),
                source,
            }),
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|source| TlsError::Read {
        file: file.to_owned(),
        source,
    })
}

fn is_encrypted(key: &[u8]) -> bool {
    let text = String::from_utf8_lossy(key);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}
