//! From the configuration to what each part takes.

use std::num::NonZeroU32;
use std::sync::Arc;

use hubplane_gateway_server::{
    AccessRule, AuthOptions, ConnectionOptions, CookieOptions, GatewayOptions, HubOptions,
    KeySource, Outside, QueueLimits, Redirect, RefreshOptions, SigningKey, StatefulOptions,
    Transports,
};
use hubplane_node::config::{self, Config};
use hubplane_node::tls::TlsOptions;
use hubplane_proto_ids::HubName;

/// How the gateway of this process behaves towards the hubs that are served.
pub(crate) fn gateway(config: &Config, served: &[HubName]) -> GatewayOptions {
    let options = |name: &HubName| {
        let options = hub(config.hubs.of(name.as_str()), &config.auth);
        (name.clone(), options)
    };
    GatewayOptions {
        shards: u8::try_from(config.shards.threads).unwrap_or(u8::MAX),
        auth: auth(&config.auth),
        outside: Outside {
            path_base: config.listen.path_base.clone(),
            trusted_proxies: config.listen.trusted_proxies.to_vec(),
            forwarded_by: config.listen.forwarded_by,
        },
        default_hub: hub(&config.hubs.defaults, &config.auth),
        hubs: served.iter().map(options).collect(),
        negotiate_timeout: config.hubs.defaults.negotiate_timeout,
        ..GatewayOptions::default()
    }
}

/// What listeners speak TLS with, if they do.
pub(crate) fn tls(config: &config::Tls) -> Option<TlsOptions> {
    Some(TlsOptions {
        certificate: config.certificate.clone()?,
        key: config.key.clone()?,
        min_version: config.min_version,
    })
}

fn auth(auth: &config::Auth) -> AuthOptions {
    let key = |(id, secret): (&String, &config::Secret)| SigningKey {
        id: Some(id.clone()),
        secret: secret.expose().as_bytes().to_vec(),
    };
    let files = auth.key_files.iter();
    let files = files.map(|path| KeySource::File(path.into()));
    let addresses = auth.key_addresses.iter().cloned().map(KeySource::Address);
    let issuers = auth.discover.iter().cloned().map(KeySource::Issuer);
    AuthOptions {
        keys: auth.keys.iter().map(key).collect(),
        sources: files.chain(addresses).chain(issuers).collect(),
        refresh: RefreshOptions {
            interval: auth.key_refresh,
            ..RefreshOptions::default()
        },
        allow_http: auth.allow_http,
        issuers: auth.issuers.clone(),
        audiences: auth.audiences.clone(),
        clock_skew: auth.clock_skew,
        require_expiry: auth.require_expiry,
        cookie: auth.cookie.clone().map(|name| CookieOptions {
            name,
            origins: auth.cookie_origins.clone(),
        }),
    }
}

fn hub(options: &config::HubOptions, auth: &config::Auth) -> HubOptions {
    let parallel = u32::try_from(options.max_parallel_invocations).unwrap_or(u32::MAX);
    let defaults = ConnectionOptions::default();
    let connection = ConnectionOptions {
        handshake_timeout: options.handshake_timeout,
        keep_alive_interval: options.keep_alive_interval,
        client_timeout: options.client_timeout,
        message_bytes_max: options
            .max_message_bytes
            .bytes()
            .and_then(|bytes| usize::try_from(bytes).ok()),
        detailed_errors: options.detailed_errors,
        parallel_invocations_max: NonZeroU32::new(parallel).unwrap_or(NonZeroU32::MIN),
        stateful_reconnect: options.stateful_reconnect.then(|| StatefulOptions {
            buffer_bytes: options.stateful_reconnect_buffer_bytes.as_usize(),
            detached_timeout: options.stateful_reconnect_timeout,
        }),
        queue: QueueLimits {
            bytes_max: options.outbound_queue_bytes.as_usize(),
            age_max: options.outbound_queue_age,
            ..defaults.queue
        },
        poll_timeout: options.long_polling_timeout,
        disconnect_timeout: options.disconnect_timeout,
        ..defaults
    };
    let offers = |transport| options.transports.contains(&transport);
    HubOptions {
        connection: Arc::new(connection),
        transports: Transports {
            web_sockets: offers(config::Transport::WebSockets),
            server_sent_events: offers(config::Transport::ServerSentEvents),
            long_polling: offers(config::Transport::LongPolling),
        },
        access: AccessRule {
            authenticated: options.authorize.unwrap_or(auth.required),
            roles: options.roles.clone(),
            claims: options.claims.clone(),
        },
        close_on_authentication_expiration: options.close_on_authentication_expiration,
        paths: options.paths.clone(),
        allowed_origins: options.allowed_origins.to_vec(),
        redirect: options.redirect.as_ref().map(|url| Redirect {
            url: url.clone(),
            access_token: options
                .redirect_access_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
        }),
        negotiate_version_min: options.min_negotiate_version,
        ..HubOptions::default()
    }
}
