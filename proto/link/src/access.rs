use serde::{Deserialize, Serialize};

use crate::Claim;

/// Names under which tokens say roles: ours, and that of the reference's claims.
const ROLE_CLAIMS: [&str; 3] = [
    "role",
    "roles",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
];

/// Who may connect to a hub (reference signalr-core 4.1, 12.5). The default is everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// Only who brought a valid token. Roles and claims ask for one by themselves.
    pub authenticated: bool,
    /// Only who has one of these roles, by a claim `role` or `roles`; none for all.
    pub roles: Vec<String>,
    /// Only who has all of these claims: `name`, or `name=value`.
    pub claims: Vec<String>,
}

/// What a rule says of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// May.
    Allowed,
    /// Has to show first who it is: HTTP 401.
    Unauthenticated,
    /// Is known, and may not: HTTP 403.
    Forbidden,
}

impl Access {
    /// What two rules say together: both have to allow it, and who is not known hears that first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unauthenticated, _) | (_, Self::Unauthenticated) => Self::Unauthenticated,
            (Self::Forbidden, _) | (_, Self::Forbidden) => Self::Forbidden,
            (Self::Allowed, Self::Allowed) => Self::Allowed,
        }
    }
}

impl AccessRule {
    /// What it says of somebody who has brought a valid token or none, with these claims.
    pub fn judge(&self, authenticated: bool, claims: &[Claim]) -> Access {
        let Self {
            authenticated: asked,
            roles,
            claims: needed,
        } = self;
        if !asked && roles.is_empty() && needed.is_empty() {
            Access::Allowed
        } else if !authenticated {
            Access::Unauthenticated
        } else if permits(roles, needed, claims) {
            Access::Allowed
        } else {
            Access::Forbidden
        }
    }
}

/// Whether these claims hold one of the roles, if any is asked for, and all of the claims that are needed: `name`, or
/// `name=value`.
pub fn permits<T: AsRef<str>>(roles: &[T], needed: &[T], claims: &[Claim]) -> bool {
    let is_role = |claim: &&Claim| ROLE_CLAIMS.contains(&&*claim.name);
    let in_role = || {
        let mut said = claims.iter().filter(is_role);
        said.any(|said| roles.iter().any(|role| role.as_ref() == said.value))
    };
    (roles.is_empty() || in_role()) && needed.iter().all(|rule| has(claims, rule.as_ref()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(authenticated: bool, roles: &[&str], claims: &[&str]) -> AccessRule {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        AccessRule {
            authenticated,
            roles: owned(roles),
            claims: owned(claims),
        }
    }

    fn claims(claims: &[(&str, &str)]) -> Vec<Claim> {
        let claim = |&(name, value): &(&str, &str)| Claim {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        claims.iter().map(claim).collect()
    }

    #[test]
    fn who_is_not_known_is_told_apart_from_who_may_not() {
        let owner = claims(&[("sub", "ana"), ("role", "owner"), ("tenant", "7")]);
        let long_name = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
        let of_reference = claims(&[(long_name, "owner")]);
        let rows = [
            (rule(false, &[], &[]), Access::Allowed, Access::Allowed),
            (
                rule(true, &[], &[]),
                Access::Unauthenticated,
                Access::Allowed,
            ),
            (
                rule(false, &["a", "owner"], &[]),
                Access::Unauthenticated,
                Access::Allowed,
            ),
            (
                rule(true, &["a"], &[]),
                Access::Unauthenticated,
                Access::Forbidden,
            ),
            (
                rule(true, &["owner"], &["tenant"]),
                Access::Unauthenticated,
                Access::Allowed,
            ),
            (
                rule(true, &[], &["tenant=7", "sub"]),
                Access::Unauthenticated,
                Access::Allowed,
            ),
            (
                rule(true, &[], &["tenant=8"]),
                Access::Unauthenticated,
                Access::Forbidden,
            ),
            (
                rule(false, &[], &["email"]),
                Access::Unauthenticated,
                Access::Forbidden,
            ),
        ];
        for (rule, stranger, known) in rows {
            assert_eq!(rule.judge(false, &owner), stranger, "{rule:?}");
            assert_eq!(rule.judge(true, &owner), known, "{rule:?}");
        }
        assert_eq!(
            rule(true, &["owner"], &[]).judge(true, &of_reference),
            Access::Allowed
        );
    }

    #[test]
    fn two_rules_have_to_allow_it_both() {
        use Access::{Allowed, Forbidden, Unauthenticated};
        assert_eq!(Allowed.and(Allowed), Allowed);
        assert_eq!(Allowed.and(Forbidden), Forbidden);
        assert_eq!(Forbidden.and(Unauthenticated), Unauthenticated);
        assert_eq!(Unauthenticated.and(Allowed), Unauthenticated);
    }
}
