use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One shared key that signs tokens with HS256.
#[derive(Clone)]
pub struct SigningKey {
    /// The `kid` that a token names it by; a key without one is tried on every token.
    pub id: Option<String>,
    /// The secret.
    pub secret: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, redacted)", self.id)
    }
}

/// Where keys come from beside the configuration, each a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file, which may hold shared keys too. Read again when it changes.
    File(PathBuf),
    /// An address, `https`, of public keys.
    Address(String),
    /// An issuer that says by OpenID discovery where its public keys are. They are believed for its own tokens alone.
    Issuer(String),
}

impl KeySource {
    /// For logs: what stands in a query may be secret.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Address(address) | Self::Issuer(address) => {
                address.split('?').next().unwrap_or_default().to_owned()
            }
        }
    }
}

/// A cookie that carries the token, for browsers that bring it by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieOptions {
    /// Its name.
    pub name: String,
    /// The origins whose pages may use it, such as `https://app.example`. A request of any other page could be forged
    /// by that page, so its cookie counts as none.
    pub origins: Vec<String>,
}

/// When keys are looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshOptions {
    /// From one look at an address to the next.
    pub interval: Duration,
    /// The same for files.
    pub file_interval: Duration,
    /// Between two looks at an address that tokens with an unknown key bring about, at least.
    pub unknown_key_interval: Duration,
    /// How long the request with such a token waits for it, at most.
    pub wait_max: Duration,
}

impl Default for RefreshOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(600),
            file_interval: Duration::from_secs(2),
            unknown_key_interval: Duration::from_secs(30),
            wait_max: Duration::from_secs(2),
        }
    }
}

/// Which tokens are believed.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// Shared keys; without these and without sources no token is believed.
    pub keys: Vec<SigningKey>,
    /// Where further keys come from.
    pub sources: Vec<KeySource>,
    /// When those are looked at again.
    pub refresh: RefreshOptions,
    /// Whether keys may come by plain HTTP from elsewhere than this machine.
    pub allow_http: bool,
    /// The `iss` that a token must have one of; none for any.
    pub issuers: Vec<String>,
    /// The `aud` that a token must have one of; none for any.
    pub audiences: Vec<String>,
    /// How far clocks may differ.
    pub clock_skew: Duration,
    /// Whether a token without an end (`exp`) is refused, as by the reference.
    pub require_expiry: bool,
    /// The cookie that may carry the token.
    pub cookie: Option<CookieOptions>,
}

impl Default for AuthOptions {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            sources: Vec::new(),
            refresh: RefreshOptions::default(),
            allow_http: false,
            issuers: Vec::new(),
            audiences: Vec::new(),
            clock_skew: Duration::ZERO,
            require_expiry: true,
            cookie: None,
        }
    }
}
