use hubplane_proto_link::Claim;

use crate::Request;

/// Names under which tokens say roles: ours, and that of the reference's claims.
const ROLE_CLAIMS: [&str; 3] = [
    "role",
    "roles",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
];

/// Who may invoke: what `authorize`, `roles`, `claim` and `anonymous` say in `#[hub]` and `#[method]`.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Only who brought a valid token.
    pub authorize: bool,
    /// Only who has one of these roles; none for all.
    pub roles: &'static [&'static str],
    /// Only who has all of these claims: `name`, or `name=value`.
    pub claims: &'static [&'static str],
    /// Everybody, whatever the hub says.
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
        if !self.authorize {
            return true;
        }
        let claims = request.claims();
        let in_role = || {
            let mut roles = claims
                .iter()
                .filter(|claim| ROLE_CLAIMS.contains(&&*claim.name));
            roles.any(|role| self.roles.contains(&&*role.value))
        };
        request.is_authenticated()
            && (self.roles.is_empty() || in_role())
            && self.claims.iter().all(|rule| has(claims, rule))
    }
}

fn has(claims: &[Claim], rule: &str) -> bool {
    let (name, value) = match rule.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rule, None),
    };
    claims
        .iter()
        .any(|claim| claim.name == name && value.is_none_or(|value| claim.value == value))
}
