//! `[drain]`.

use std::time::Duration;

options! {
    /// How a node ends after `SIGTERM` or `SIGINT`. A second signal ends it at once.
    pub struct Drain in "drain" {
        /// How long new connections are still served while readiness fails already: the time that load
        /// balancers take to notice. `hubplane dev` has none: `0s`.
        #[serde(with = "humantime_serde")]
        pub load_balancer_wait: Duration = Duration::from_secs(10),
        /// The time over which open connections are then asked to come back elsewhere, and in which
        /// invocations finish. What outlasts it is closed. `hubplane dev` takes `1s`.
        #[serde(with = "humantime_serde")]
        pub window: Duration = Duration::from_secs(15),
    }
}
