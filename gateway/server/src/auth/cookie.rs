//! A token that a browser brings by itself, and when it counts.

use http::HeaderMap;
use http::header::{COOKIE, ORIGIN};

use super::CookieOptions;

/// The token in the cookie, if the request is one of an allowed page. A browser sends its cookies whichever page asks;
/// it says with every WebSocket and POST which one that is, and with a GET unless the page is of this origin itself.
pub(super) fn token<'a>(headers: &'a HeaderMap, options: &CookieOptions) -> Option<&'a str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let allowed = match text(ORIGIN.as_str()) {
        Some(origin) => options
            .origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin)),
        None => text("sec-fetch-site") == Some("same-origin"),
    };
    let cookies = headers.get_all(COOKIE).iter().filter(|_| allowed);
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, token)| *name == options.name && !token.is_empty())
        .map(|(_, token)| token.trim_matches('"'))
}

/// The cookies of a header without one of them; `None` if nothing is left.
pub(crate) fn without(cookies: &str, name: &str) -> Option<String> {
    let is_other = |cookie: &&str| cookie.split('=').next() != Some(name);
    let others: Vec<_> = cookies.split(';').map(str::trim).filter(is_other).collect();
    (!others.is_empty()).then(|| others.join("; "))
}
