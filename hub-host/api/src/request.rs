use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::{Claim, ConnectionInfo, Encoding, Transport, permits};

/// What a connection brought when it came: who it says that it is, and the request that opened its transport.
///
/// Fixed for the life of the connection. Cloning one is cheap.
#[derive(Clone)]
#[doc(alias = "HttpContext")]
pub struct Request(Arc<ConnectionInfo>);

impl Request {
    pub(crate) fn new(info: Arc<ConnectionInfo>) -> Self {
        Self(info)
    }

    /// The connection's public name.
    pub fn connection_id(&self) -> &ConnectionId {
        &self.0.connection
    }

    /// Whether it brought a valid token.
    pub fn is_authenticated(&self) -> bool {
        self.0.authenticated
    }

    /// What the token says of its bearer, in its order; an array is several claims of one name.
    pub fn claims(&self) -> &[Claim] {
        &self.0.claims
    }

    /// The first claim of this name.
    pub fn claim(&self, name: &str) -> Option<&str> {
        let claim = self.0.claims.iter().find(|claim| claim.name == name)?;
        Some(&claim.value)
    }

    /// Whether the token gives its bearer this role: by a claim `role` or `roles`, or the one that .NET's tokens have.
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Shop;
    /// #[hub]
    /// impl Shop {
    ///     fn discount(&self, ctx: &Context) -> u32 {
    ///         if ctx.is_in_role("keeper") { 20 } else { 0 }
    ///     }
    /// }
    ///
    /// let hub = testing::TestHub::new(Shop);
    /// let keeper = hub.connection().claim("roles", "keeper").open().unwrap();
    /// assert_eq!(keeper.invoke("discount", ()), Ok(20));
    /// assert_eq!(hub.connect("ana").invoke("discount", ()), Ok(0));
    /// ```
    pub fn is_in_role(&self, role: &str) -> bool {
        permits(&[role], &[""; 0], &self.0.claims)
    }

    /// The headers as (name in lower case, value), in their order; `authorization` is not among them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .headers
            .iter()
            .map(|header| (&*header.name, &*header.value))
    }

    /// The first header of this name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The cookie of this name, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers()
            .filter(|(header, _)| *header == "cookie")
            .flat_map(|(_, cookies)| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The path of the request.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The query as it came, without the leading `?`, the token and the connection token.
    pub fn query_string(&self) -> &str {
        &self.0.query
    }

    /// The first value of this name in the query, unescaped. A name without a value has the empty one.
    pub fn query(&self, name: &str) -> Option<String> {
        self.0
            .query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(other, _)| unescape(other) == name)
            .map(|(_, value)| unescape(value).into_owned())
    }

    /// All of the query, unescaped, in its order. A name may be there several times.
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Tags;
    /// #[hub]
    /// impl Tags {
    ///     fn tags(&self, ctx: &Context) -> Vec<String> {
    ///         let tags = ctx.query_pairs().filter(|(name, _)| name == "tag");
    ///         tags.map(|(_, tag)| tag.into_owned()).collect()
    ///     }
    /// }
    ///
    /// let hub = testing::TestHub::new(Tags);
    /// let ana = hub.connection().query("tag=a%20b&x&tag=c").open().unwrap();
    /// assert_eq!(ana.invoke::<Vec<String>>("tags", ()).unwrap(), ["a b", "c"]);
    /// ```
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let pairs = self.0.query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(name, value)| (unescape(name), unescape(value)))
    }

    /// Where the client is. In a test that is `None`, unless the test says it.
    #[doc(alias = "RemoteIpAddress")]
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.0.remote
    }

    /// The address of ours that it came to.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.0.local
    }

    /// How its bytes travel.
    pub fn transport(&self) -> Transport {
        self.0.transport
    }

    /// The hub protocol that it speaks, by its encoding.
    pub fn protocol(&self) -> Encoding {
        self.0.protocol
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Claims, headers and the query are not for logs.
        f.debug_struct("Request")
            .field("connection_id", &self.0.connection)
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

/// A part of a query with `+` and `%xx` replaced; what is no escape stays as it is, what is no UTF-8 is replaced.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, hex_pair(after)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
