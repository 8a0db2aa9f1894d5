//! `[conformance]`.

options! {
    /// The hub `conformance` and the applications of the official functional tests of SignalR's clients.
    pub struct Conformance in "conformance" {
        /// Whether they are served: the hub, `/testhub`, `/testhub-nowebsockets`, `/authorizedhub`, `/uncreatable`,
        /// `/generateJwtToken` (only where `[auth]` names no key of your own: it gives a token to everybody) and the
        /// other paths of the tests. `hubplane dev` does so.
        pub enabled: bool = false,
    }
}
