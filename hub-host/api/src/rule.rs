use hubplane_proto_link::{Access, AccessRule, permits};

use crate::Request;

/// Who may connect or invoke: what `authorize`, `roles`, `claim` and `anonymous` say in `#[hub]` and `#[method]`.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Only who brought a valid token.
    pub authorize: bool,
    /// Only who has one of these roles; none for all.
    pub roles: &'static [&'static str],
    /// Only who has all of these claims: `name`, or `name=value`.
    pub claims: &'static [&'static str],
    /// Everybody who is connected, whatever the hub's own function says.
    pub anonymous: bool,
}

impl Rule {
    /// Everybody, unless the hub says something else.
    pub const OPEN: Self = Self {
        authorize: false,
        roles: &[],
        claims: &[],
        anonymous: false,
    };

    pub(crate) fn allows(&self, request: &Request) -> bool {
        !self.authorize
            || request.is_authenticated() && permits(self.roles, self.claims, request.claims())
    }

    /// The same for who wants to connect, as gateways judge it.
    pub(crate) fn access(&self) -> AccessRule {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        AccessRule {
            authenticated: self.authorize,
            roles: owned(self.roles),
            claims: owned(self.claims),
        }
    }
}

/// How HTTP says that somebody may not connect, for tests without HTTP; `None` who may.
pub(crate) fn refusal(access: Access) -> Option<&'static str> {
    match access {
        Access::Allowed => None,
        Access::Unauthenticated => Some("401 Unauthorized"),
        Access::Forbidden => Some("403 Forbidden"),
    }
}
