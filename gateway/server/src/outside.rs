//! What lies between a client and this server: proxies that speak for it, and the path that they put before everything.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use http::header::{FORWARDED, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, Uri};
use hubplane_node::config::{ForwardedBy, Network};

use crate::forwarded::{self, Hop};

const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// What is between clients and a listener.
#[derive(Debug, Clone)]
pub struct Outside {
    /// What public paths begin with, such as `/app`; empty: nothing.
    pub path_base: String,
    /// Who is believed.
    pub trusted_proxies: Vec<Network>,
    /// Where they say whom they speak for.
    pub forwarded_by: ForwardedBy,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            path_base: String::new(),
            trusted_proxies: Vec::new(),
            forwarded_by: ForwardedBy::XForwarded,
        }
    }
}

/// Both ends of the socket that a request came over, the far one as trusted proxies name it; an extension of every
/// request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peers {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// How a client has addressed this server, as far as that is known: an extension of every request. A request's own path
/// is without the path base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether the client speaks TLS, with this server or with a trusted proxy.
    pub is_secure: bool,
    /// The host and port, as the client wrote them.
    pub host: Option<String>,
    /// What stood before the request's path, without a slash at its end.
    pub path_base: String,
}

impl PublicUrl {
    /// Scheme, host and path base: a path of this server is appended to it. Without a host, the path base alone.
    pub fn base(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        match &self.host {
            Some(host) => format!("{scheme}://{host}{}", self.path_base),
            None => self.path_base.clone(),
        }
    }

    /// Whether a page of this origin was served by the host that was addressed. The scheme does not count: not every
    /// proxy says which one it was.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let usual = if scheme == "https" { ":443" } else { ":80" };
        self.host.as_deref().is_some_and(|host| {
            let host = host.strip_suffix(usual).unwrap_or(host);
            host.eq_ignore_ascii_case(authority)
        })
    }
}

/// Where a request goes once what is outside is taken off it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    Here,
    /// The path base without the slash behind it: relative links of a page would lead out of it.
    At(String),
}

impl Outside {
    /// Believes what is to be believed of a request: from now on its extensions say who asked and how, and its path is
    /// one of this server.
    pub(crate) fn arrive(&self, request: &mut Request, peers: Peers, over_tls: bool) -> Arrived {
        let headers = request.headers();
        let hop = self.hop(headers, peers.remote);
        let host = hop.host.or_else(|| own_host(request.uri(), headers));
        let prefix = hop.prefix.unwrap_or_default();
        let path = request.uri().path();
        let under = under(path, &self.path_base).map(str::to_owned);
        let arrived = match under.as_deref() {
            Some("") => {
                let query = request.uri().query().map(|query| format!("?{query}"));
                let query = query.unwrap_or_default();
                Arrived::At(format!("{prefix}{}/{query}", self.path_base))
            }
            _ => Arrived::Here,
        };
        let path_base = match &under {
            Some(_) => format!("{prefix}{}", self.path_base),
            None => prefix,
        };
        if let Some(path) = under.filter(|path| path.starts_with('/')) {
            replace_path(request.uri_mut(), &path);
        }
        request.extensions_mut().insert(Peers {
            remote: hop.address,
            ..peers
        });
        request.extensions_mut().insert(PublicUrl {
            is_secure: hop.is_secure.unwrap_or(over_tls),
            host,
            path_base,
        });
        arrived
    }

    /// The client, as the last of the proxies that are believed describes it.
    fn hop(&self, headers: &HeaderMap, remote: SocketAddr) -> Hop {
        if !self.trusts(remote.ip()) {
            return Hop::direct(remote);
        }
        let hops = match self.forwarded_by {
            ForwardedBy::Forwarded => forwarded::hops(headers.get_all(FORWARDED)),
            ForwardedBy::XForwarded => forwarded::x_hops(headers),
        };
        let mut hop = hops.last_client(remote, |address| self.trusts(address));
        hop.prefix = headers
            .get_all(X_FORWARDED_PREFIX)
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(prefix);
        hop
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    }
}

/// A prefix that can stand before a path. The last one counts: it is what the nearest proxy wrote.
fn prefix(value: &str) -> Option<String> {
    let last = value.rsplit(',').next()?.trim();
    let prefix = last.trim_end_matches('/');
    let is_path = prefix.starts_with('/')
        && !prefix.starts_with("//")
        && PathAndQuery::try_from(prefix).is_ok_and(|path| path.path() == prefix);
    is_path.then(|| prefix.to_owned())
}

fn own_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = uri.authority().map(Authority::as_str);
    let host = || headers.get(HOST)?.to_str().ok();
    authority.or_else(host).map(str::to_owned)
}

/// What of a path is behind `base`, whose letter case does not count; `None` if the path is not below it. Such a path is
/// served as it is, as by the reference's server.
fn under<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    if base.is_empty() {
        return None;
    }
    let (start, rest) = path.split_at_checked(base.len())?;
    let is_below = start.eq_ignore_ascii_case(base) && (rest.is_empty() || rest.starts_with('/'));
    is_below.then_some(rest)
}

fn replace_path(uri: &mut Uri, path: &str) {
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = std::mem::take(uri).into_parts();
    // It is the end of what was one.
    if let Ok(path_and_query) = path_and_query {
        parts.path_and_query = Some(path_and_query);
    }
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

#[cfg(test)]
mod tests;
