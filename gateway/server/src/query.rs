//! The query of a request, as the reference reads it.

use std::borrow::Cow;
use std::fmt;

/// The keys that are for us, and what is left for the hub.
///
/// Keys match in any letter case, and a key given twice counts as its values joined by a comma
/// (reference signalr-core 2).
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The connection token; empty counts as absent on WebSockets.
    pub(crate) id: Option<String>,
    /// A bearer token, where a browser cannot send headers.
    pub(crate) access_token: Option<String>,
    /// The version of negotiate that the client asks for.
    pub(crate) negotiate_version: Option<String>,
    /// Whether the client asks for stateful reconnect.
    pub(crate) stateful_reconnect: Option<String>,
    /// What the hub may see: everything but `id` and `access_token`, still escaped.
    pub(crate) visible: String,
}

/// Without its two tokens, which reach no log (DESIGN 6).
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("negotiate_version", &self.negotiate_version)
            .field("stateful_reconnect", &self.stateful_reconnect)
            .field("visible", &self.visible)
            .finish_non_exhaustive()
    }
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let mut query = Self::default();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = form_urlencoded::parse(pair.as_bytes())
                .next()
                .unwrap_or((Cow::Borrowed(""), Cow::Borrowed("")));
            let secret = if key.eq_ignore_ascii_case("id") {
                join(&mut query.id, &value);
                true
            } else if key.eq_ignore_ascii_case("access_token") {
                join(&mut query.access_token, &value);
                true
            } else {
                if key.eq_ignore_ascii_case("negotiateVersion") {
                    join(&mut query.negotiate_version, &value);
                } else if key.eq_ignore_ascii_case("useStatefulReconnect") {
                    join(&mut query.stateful_reconnect, &value);
                }
                false
            };
            if !secret {
                if !query.visible.is_empty() {
                    query.visible.push('&');
                }
                query.visible.push_str(pair);
            }
        }
        query
    }
}

impl Query {
    /// A URL to negotiate at instead, with what is left for the hub appended to its own query: clients forget theirs.
    pub(crate) fn carried_to(&self, url: &str) -> String {
        let mut url = url.to_owned();
        let of_negotiate = ["negotiateVersion", "useStatefulReconnect"];
        for pair in self.visible.split('&').filter(|pair| !pair.is_empty()) {
            let key = pair.split_once('=').map_or(pair, |(key, _)| key);
            if of_negotiate.iter().any(|of| of.eq_ignore_ascii_case(key)) {
                continue;
            }
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(pair);
        }
        url
    }
}

fn join(slot: &mut Option<String>, value: &str) {
    match slot {
        Some(joined) => {
            joined.push(',');
            joined.push_str(value);
        }
        None => *slot = Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn keys_match_in_any_case_and_repeated_ones_are_joined() {
        let query = Query::parse("ID=a&negotiateversion=1&Id=b&room=x%20y");
        assert_eq!(query.id.as_deref(), Some("a,b"));
        assert_eq!(query.negotiate_version.as_deref(), Some("1"));
        assert_eq!(query.visible, "negotiateversion=1&room=x%20y");
    }

    #[test]
    fn secrets_are_not_visible_to_the_hub() {
        let query = Query::parse("access_token=s3cret%2B&_=17&id=t");
        assert_eq!(query.access_token.as_deref(), Some("s3cret+"));
        assert_eq!(query.visible, "_=17");
    }

    #[test]
    fn what_is_for_the_hub_goes_along_with_a_redirection() {
        let query = Query::parse(
            "room=a%26b&negotiateVersion=1&access_token=s&usestatefulreconnect=true&x",
        );
        assert_eq!(
            query.carried_to("https://a.test/hub"),
            "https://a.test/hub?room=a%26b&x"
        );
        assert_eq!(
            query.carried_to("https://a.test/hub?k=v"),
            "https://a.test/hub?k=v&room=a%26b&x"
        );
        let none = Query::parse("negotiateVersion=1");
        assert_eq!(none.carried_to("https://a.test/hub"), "https://a.test/hub");
    }

    #[test]
    fn an_empty_id_is_an_id_and_no_query_is_none() {
        assert_eq!(Query::parse("id=").id.as_deref(), Some(""));
        assert_eq!(Query::parse(""), Query::default());
    }

    #[test]
    fn tokens_are_not_shown() {
        let shown = format!("{:?}", Query::parse("id=secret1&access_token=secret2&a=b"));
        assert!(shown.contains("a=b"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
