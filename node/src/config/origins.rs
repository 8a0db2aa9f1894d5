//! Origins of web pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Origins of pages (RFC 6454): one as browsers write it, `https://app.example.com`; all below a name,
/// `https://*.example.com`; one on any port, `http://localhost:*`; or all of them, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Any,
    Exactly,
    Parts {
        scheme: String,
        /// With the dot before it, if the name itself is not meant.
        host: String,
        port: Port,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    Any,
    /// As it is written, which is not at all where it is the scheme's usual one.
    Exactly(Option<String>),
}

/// The text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin such as `https://app.example.com`")]
pub struct InvalidOrigin(String);

impl OriginPattern {
    /// Whether a page of this origin is meant; `origin` is the header that its browser sent.
    pub fn matches(&self, origin: &str) -> bool {
        match &self.kind {
            Kind::Any => true,
            Kind::Exactly => self.text.eq_ignore_ascii_case(origin),
            Kind::Parts { scheme, host, port } => {
                parts(origin).is_some_and(|(of_scheme, of_host, of_port)| {
                    let of_host = of_host.to_ascii_lowercase();
                    let host_fits = if host.starts_with('.') {
                        of_host.len() > host.len() && of_host.ends_with(host)
                    } else {
                        of_host == *host
                    };
                    let port_fits = match port {
                        Port::Any => true,
                        Port::Exactly(port) => port.as_deref() == of_port,
                    };
                    scheme.eq_ignore_ascii_case(of_scheme) && host_fits && port_fits
                })
            }
        }
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let kind = match text {
            "*" => Kind::Any,
            // Of a page out of a file or a sandbox.
            "null" => Kind::Exactly,
            _ => of_parts(text).ok_or_else(|| InvalidOrigin(text.to_owned()))?,
        };
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }
}

fn of_parts(text: &str) -> Option<Kind> {
    let (scheme, host, port) = parts(text)?;
    let (below, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['*', '/', '?', '#', '@', ' ']);
    let port = match port {
        Some("*") => Port::Any,
        Some(port) => {
            let _number: u16 = port.parse().ok()?;
            Port::Exactly(Some(port.to_owned()).filter(|port| !is_usual(scheme, port)))
        }
        None => Port::Exactly(None),
    };
    let host = if below {
        format!(".{}", name.to_ascii_lowercase())
    } else {
        name.to_ascii_lowercase()
    };
    (is_plain(scheme) && is_plain(name)).then(|| Kind::Parts {
        scheme: scheme.to_owned(),
        host,
        port,
    })
}

/// Scheme, host and port.
fn parts(origin: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, authority) = origin.split_once("://")?;
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside of brackets.
        Some((host, port)) if !port.ends_with(']') => Some((scheme, host, Some(port))),
        _ => Some((scheme, authority, None)),
    }
}

/// Browsers leave out the usual port.
fn is_usual(scheme: &str, port: &str) -> bool {
    matches!((scheme, port), ("http", "80") | ("https", "443"))
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for OriginPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OriginPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fits: &[&str], fits_not: &[&str]) {
        let pattern: OriginPattern = pattern.parse().unwrap();
        for origin in fits {
            assert!(pattern.matches(origin), "{origin}");
        }
        for origin in fits_not {
            assert!(!pattern.matches(origin), "{origin}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        check(
            "https://app.example.com",
            &["https://app.example.com", "https://APP.example.com"],
            &[
                "http://app.example.com",
                "https://example.com",
                "https://app.example.com:8443",
                "https://app.example.com.evil.test",
                "https://evil.test/https://app.example.com",
                "null",
                "",
            ],
        );
        check(
            "https://a.test:443",
            &["https://a.test"],
            &["https://a.test:8443"],
        );
        check("http://[::1]:80", &["http://[::1]"], &["http://[::1]:81"]);
        check("null", &["null"], &["https://null"]);
        check("*", &["https://a.test", "null"], &[]);
    }

    #[test]
    fn a_star_is_a_label_or_more_or_any_port() {
        check(
            "https://*.example.com",
            &["https://a.example.com", "https://a.b.example.com"],
            &[
                "https://example.com",
                "https://.example.com",
                "https://evilexample.com",
                "https://a.example.com:1",
                "https://a.example.com.evil.test",
            ],
        );
        check(
            "http://localhost:*",
            &["http://localhost", "http://localhost:3000"],
            &[
                "http://localhost.evil.test",
                "https://localhost:3000",
                "http://evil.test:3000",
            ],
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.com",
            "https://",
            "https://a.test/",
            "https://a.test/path",
            "https://user@a.test",
            "https://a.*.test",
            "https://*",
            "https://a.test:port",
        ] {
            let error = text.parse::<OriginPattern>().unwrap_err();
            assert!(error.to_string().contains("is no origin"), "{text}");
        }
    }
}
