use std::sync::Arc;

use futures_util::future::BoxFuture;
use hubplane_proto_link::{AccessRule, Arguments};

use crate::hub::Shape;
use crate::returned::Returned;
use crate::upload::Uploads;
use crate::value::BindError;
use crate::{
    Call, Context, Definition, Disconnect, Hub, HubContext, HubError, Presence, Request, name,
};

pub(super) type Run = BoxFuture<'static, Result<Returned, HubError>>;

/// A method that was found, and its run if the arguments fit.
pub(super) struct Found<'a> {
    /// As it was declared.
    pub(super) name: &'a str,
    pub(super) shape: Shape,
    /// Whether the rule of the method allows it.
    pub(super) allowed: bool,
    pub(super) run: Result<Run, BindError>,
}

/// A hub of any type. The seam for hubs that are not Rust values in this process.
pub(super) trait Erased: Send + Sync {
    /// The method that `target` means, in any letter case.
    fn bind(
        &self,
        target: &str,
        ctx: Context,
        arguments: &Arguments,
        uploads: Uploads,
    ) -> Option<Found<'_>>;
    fn connected(&self, ctx: Context) -> BoxFuture<'static, Result<(), HubError>>;
    fn disconnected(
        &self,
        ctx: Context,
        reason: Disconnect,
    ) -> BoxFuture<'static, Result<(), HubError>>;
    /// Who may connect.
    fn access(&self) -> AccessRule;
    /// Whether the hub hears of presence.
    fn hears_presence(&self) -> bool;
    fn presence(
        &self,
        hub: HubContext,
        change: Presence,
    ) -> BoxFuture<'static, Result<(), HubError>>;
    /// Whether the hub has something to say about calls itself.
    fn authorizes(&self) -> bool;
    fn authorize(&self, call: Call) -> BoxFuture<'static, bool>;
    fn names_users(&self) -> bool;
    fn user_id(&self, request: &Request) -> Option<String>;
}

pub(super) struct Native<H> {
    pub(super) hub: Arc<H>,
    /// Its methods are sorted by name.
    pub(super) definition: Definition<H>,
}

impl<H: Hub> Erased for Native<H> {
    fn bind(
        &self,
        target: &str,
        ctx: Context,
        arguments: &Arguments,
        uploads: Uploads,
    ) -> Option<Found<'_>> {
        let methods = &self.definition.methods;
        let at = methods
            .binary_search_by(|method| name::compare(method.name, target))
            .ok()?;
        let method = methods.get(at)?;
        // The rule of the hub is about connections: a gateway has judged it.
        let allowed = method.shape.rule.allows(ctx.request());
        Some(Found {
            name: method.name,
            shape: method.shape,
            allowed,
            run: (method.invoke)(Arc::clone(&self.hub), ctx, arguments, uploads),
        })
    }

    fn connected(&self, ctx: Context) -> BoxFuture<'static, Result<(), HubError>> {
        match self.definition.connected {
            Some(run) => run(Arc::clone(&self.hub), ctx),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn disconnected(
        &self,
        ctx: Context,
        reason: Disconnect,
    ) -> BoxFuture<'static, Result<(), HubError>> {
        match self.definition.disconnected {
            Some(run) => run(Arc::clone(&self.hub), ctx, reason),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn access(&self) -> AccessRule {
        self.definition.rule.access()
    }

    fn hears_presence(&self) -> bool {
        self.definition.presence.is_some()
    }

    fn presence(
        &self,
        hub: HubContext,
        change: Presence,
    ) -> BoxFuture<'static, Result<(), HubError>> {
        match self.definition.presence {
            Some(run) => run(Arc::clone(&self.hub), hub, change),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn authorizes(&self) -> bool {
        self.definition.authorize.is_some()
    }

    fn authorize(&self, call: Call) -> BoxFuture<'static, bool> {
        match self.definition.authorize {
            Some(authorize) => authorize(Arc::clone(&self.hub), call),
            None => Box::pin(std::future::ready(true)),
        }
    }

    fn names_users(&self) -> bool {
        self.definition.user_id.is_some()
    }

    fn user_id(&self, request: &Request) -> Option<String> {
        self.definition
            .user_id
            .and_then(|name| name(&self.hub, request))
    }
}
