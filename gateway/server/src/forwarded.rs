//! What proxies write about the clients that they speak for: `Forwarded` (RFC 7239), and `X-Forwarded-For` and its kin.
//!
//! Each proxy appends to what came to it, so that only the end of a header is written by proxies of one's own: it is read
//! from there, and only as far as whoever wrote it is believed.

use std::net::{IpAddr, SocketAddr};

use http::header::{GetAll, HeaderMap, HeaderName, HeaderValue};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// No chain of proxies is longer.
const HOPS_MAX: usize = 32;

/// A client, as whoever it connected to describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) address: SocketAddr,
    pub(crate) is_secure: Option<bool>,
    pub(crate) host: Option<String>,
    pub(crate) prefix: Option<String>,
}

impl Hop {
    pub(crate) fn direct(address: SocketAddr) -> Self {
        Self {
            address,
            is_secure: None,
            host: None,
            prefix: None,
        }
    }
}

/// What was appended, the last first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hops {
    /// `None` is somebody without an address: `unknown`, or a name of their own.
    addresses: Vec<Option<SocketAddr>>,
    schemes: Vec<String>,
    hosts: Vec<String>,
}

impl Hops {
    /// Goes from `remote` to the one that it spoke for, and on as long as each is trusted.
    pub(crate) fn last_client(self, remote: SocketAddr, trusts: impl Fn(IpAddr) -> bool) -> Hop {
        let mut address = remote;
        let mut passed = 0;
        for next in self.addresses {
            if !trusts(address.ip()) {
                break;
            }
            let Some(next) = next else {
                break;
            };
            address = next;
            passed += 1;
        }
        // Whoever wrote the last address that counts wrote these beside it, or passed on what came.
        let at = |values: &[String]| {
            let index = usize::min(usize::max(passed, 1), values.len()).checked_sub(1)?;
            values.get(index).cloned()
        };
        Hop {
            address,
            is_secure: at(&self.schemes).and_then(|scheme| match &*scheme.to_ascii_lowercase() {
                "https" | "wss" => Some(true),
                "http" | "ws" => Some(false),
                _ => None,
            }),
            host: at(&self.hosts).filter(|host| is_host(host)),
            prefix: None,
        }
    }
}

/// Of the headers `X-Forwarded-For`, `-Proto` and `-Host`.
pub(crate) fn x_hops(headers: &HeaderMap) -> Hops {
    let texts = |name: &HeaderName| {
        let entries = entries(headers.get_all(name));
        entries.into_iter().map(str::to_owned).collect()
    };
    let addresses = entries(headers.get_all(X_FORWARDED_FOR));
    Hops {
        addresses: addresses.into_iter().map(address).collect(),
        schemes: texts(&X_FORWARDED_PROTO),
        hosts: texts(&X_FORWARDED_HOST),
    }
}

/// Of the header `Forwarded`: a list of elements, each of pairs.
pub(crate) fn hops(headers: GetAll<'_, HeaderValue>) -> Hops {
    let mut hops = Hops::default();
    for element in entries(headers) {
        let mut client = None;
        for pair in split(element, ';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match &*name.trim().to_ascii_lowercase() {
                "for" => client = address(value),
                "proto" => hops.schemes.push(value.to_owned()),
                "host" => hops.hosts.push(value.to_owned()),
                _ => {}
            }
        }
        hops.addresses.push(client);
    }
    hops
}

/// The elements of all lines, the last first.
fn entries<'a>(headers: GetAll<'a, HeaderValue>) -> Vec<&'a str> {
    let lines = headers.iter().rev().map_while(|line| line.to_str().ok());
    let elements = lines.flat_map(|line| {
        let mut of_line = split(line, ',');
        of_line.reverse();
        of_line
    });
    elements.take(HOPS_MAX).collect()
}

/// Splits where the separator is not inside of quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|character| {
        quoted ^= character == '"';
        !quoted && character == separator
    });
    parts.map(str::trim).collect()
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`. Without one
/// the port is 0.
fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address: IpAddr = inner.unwrap_or(text).parse().ok()?;
    Some((address, 0).into())
}

fn is_host(text: &str) -> bool {
    text.parse::<http::uri::Authority>()
        .is_ok_and(|authority| !authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// Who is asked about: the proxies are those of 10.0.0.0/8.
    fn client(hops: Hops) -> Hop {
        hops.last_client(
            "10.0.0.1:443".parse().unwrap(),
            |address| matches!(address, IpAddr::V4(address) if address.octets()[0] == 10),
        )
    }

    fn x_client(lines: &[(&'static str, &'static str)]) -> Hop {
        client(x_hops(&headers(lines)))
    }

    #[track_caller]
    fn is_at(hop: &Hop, address: &str) {
        assert_eq!(hop.address.to_string(), address);
    }

    #[test]
    fn the_last_address_that_no_proxy_of_ones_own_has_is_the_client() {
        for (header, address) in [
            ("192.0.2.7", "192.0.2.7:0"),
            ("203.0.113.9, 192.0.2.7", "192.0.2.7:0"),
            ("203.0.113.9,192.0.2.7:4711 , 10.0.0.3", "192.0.2.7:4711"),
            ("10.9.9.9, 192.0.2.7, 10.0.0.3", "192.0.2.7:0"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80"),
            ("2001:db8::1", "[2001:db8::1]:0"),
            ("10.0.0.4, 10.0.0.3", "10.0.0.4:0"),
            // Whoever is behind a proxy that hides them is at that proxy.
            ("192.0.2.7, unknown, 10.0.0.3", "10.0.0.3:0"),
            ("192.0.2.7, ", "10.0.0.1:443"),
            ("", "10.0.0.1:443"),
        ] {
            is_at(&x_client(&[("x-forwarded-for", header)]), address);
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let hop = x_client(&[
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
        ]);
        is_at(&hop, "192.0.2.7:0");
    }

    #[test]
    fn scheme_and_host_are_those_beside_the_address() {
        let hop = x_client(&[
            ("x-forwarded-for", "203.0.113.9, 192.0.2.7, 10.0.0.2"),
            ("x-forwarded-proto", "http, https, http"),
            ("x-forwarded-host", "evil.test, app.test, inner.test"),
        ]);
        assert_eq!(
            (hop.is_secure, hop.host.as_deref()),
            (Some(true), Some("app.test"))
        );
        // One that is passed on by the proxies behind the first.
        let hop = x_client(&[
            ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
            ("x-forwarded-proto", "HTTPS"),
        ]);
        assert_eq!((hop.is_secure, hop.host), (Some(true), None));
        // Without an address.
        let hop = x_client(&[("x-forwarded-proto", "http, https")]);
        assert_eq!(hop.is_secure, Some(true));
        for host in ["user@evil.test", "a b", "a.test/path"] {
            assert_eq!(x_client(&[("x-forwarded-host", host)]).host, None, "{host}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let read = |line| client(hops(headers(&[("forwarded", line)]).get_all("forwarded")));
        let hop = read(
            r#"for=203.0.113.9;proto=http, For="[2001:db8::1]:4711";Proto=https;Host="app.test:8443";by=_x"#,
        );
        is_at(&hop, "[2001:db8::1]:4711");
        assert_eq!(
            (hop.is_secure, hop.host.as_deref()),
            (Some(true), Some("app.test:8443"))
        );
        is_at(&read("for=192.0.2.7, for=10.0.0.2"), "192.0.2.7:0");
        is_at(&read("for=_hidden"), "10.0.0.1:443");
        is_at(&read(r#"for="a,b", proto=https"#), "10.0.0.1:443");
        is_at(&read("nonsense"), "10.0.0.1:443");
    }
}
