//! The applications of the official functional tests (reference signalr-core 18.1), served beside a program's own hubs.
//!
//! The hub `conformance` under the paths and options that those tests expect, and the plain HTTP endpoints that they
//! call: [`TestApplications`] brings hubs, their options, routes, and what is around every answer. A program serves
//! them by [`App::conformance`](crate::App::conformance).

mod endpoints;
mod hubs;

use axum::Router;
use hubplane_gateway_server::{GatewayOptions, SigningKey};
use hubplane_hub::host::{InvalidHub, Options, Service};
use hubplane_hub::{Hub as _, HubContext};
use hubplane_hub_host_hubs_conformance::{Conformance, Outside};
use hubplane_proto_ids::{ConnectionToken, HubName, InvalidId};

use hubs::{Uncreatable, Variant};

/// The test applications. What they know of a process is the key that their tokens are signed with.
pub struct TestApplications {
    services: Vec<Service>,
    outside: Vec<Outside>,
    key: Option<Vec<u8>>,
}

impl TestApplications {
    /// The applications, without tokens: `/generateJwtToken` is not there, and nobody gets into `/authorizedhub` but by
    /// the keys of the configuration.
    ///
    /// # Errors
    /// [`InvalidHub`], which no built-in hub is.
    pub fn new() -> Result<Self, InvalidHub> {
        // Their errors say everything, as those of the tests' own server do.
        let options = Options {
            detailed_errors: true,
        };
        let mut services = vec![Service::named(hubs::UNCREATABLE, Uncreatable, options)?];
        let mut outside = Vec::new();
        for variant in Variant::ALL {
            let hub = Conformance::default();
            outside.push(hub.outside());
            services.push(Service::named(variant.name(), hub, options)?);
        }
        Ok(Self {
            services,
            outside,
            key: None,
        })
    }

    /// Gives a token to everybody who asks for one, signed with this key.
    #[must_use]
    pub fn tokens(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same with a key that nobody knows.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random_tokens(self) -> anyhow::Result<Self> {
        // 128 bits each; HS256 wants 256.
        let (one, two) = (ConnectionToken::random()?, ConnectionToken::random()?);
        Ok(self.tokens([one.expose(), two.expose()].concat()))
    }

    /// What the hubs noted, and how to let their methods go on.
    pub fn outside(&self) -> &[Outside] {
        &self.outside
    }

    /// The hubs.
    pub fn services(&self) -> Vec<Service> {
        self.services.clone()
    }

    /// How a gateway treats these hubs: their paths, transports and rules, over what `options` says of them already.
    /// Its tokens are believed from now on.
    ///
    /// # Errors
    /// When a hub's name is none, which no built-in name is.
    pub fn configure(&self, options: &mut GatewayOptions) -> Result<(), InvalidId> {
        for variant in Variant::ALL {
            let name = HubName::new(variant.name())?;
            let before = options.hub(&name).clone();
            options.hubs.insert(name, variant.options(before));
        }
        let name = HubName::new(hubs::UNCREATABLE)?;
        let before = options.hub(&name).clone();
        options.hubs.insert(name, hubs::uncreatable(before));
        // The hub under its own name, and the routes below.
        let own = options.hubs.get_mut(&HubName::new(Conformance::NAME)?);
        own.into_iter().for_each(hubs::for_local_pages);
        hubs::for_local_pages(&mut options.default_hub);
        let key = self.key.iter().map(|secret| SigningKey {
            id: None,
            secret: secret.clone(),
        });
        options.auth.keys.extend(key);
        Ok(())
    }

    /// The HTTP endpoints; `hubs` gives a hub as it is seen from outside.
    pub fn routes(&self, hubs: impl Fn(&str) -> Option<HubContext>) -> Router {
        let asked = Variant::ALL
            .iter()
            .filter_map(|variant| hubs(variant.name()))
            .collect();
        endpoints::routes(asked, self.key.as_deref())
    }

    /// Puts around every answer of the listener what the tests expect of some: the cookies of negotiate.
    pub fn around(everything: Router) -> Router {
        everything.layer(axum::middleware::from_fn(endpoints::cookies))
    }
}

impl std::fmt::Debug for TestApplications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApplications")
            .field("gives_tokens", &self.key.is_some())
            .finish_non_exhaustive()
    }
}
