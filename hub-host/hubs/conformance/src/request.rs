//! What the hub sees of the request that the transport came by.

use std::net::SocketAddr;

use hubplane_hub::{ConnectionId, Context, HubError, TypeScript, hub};
use serde::Serialize;

use crate::Conformance;

/// Both ends of the socket, in the answer to `GetConnectionFeature`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TypeScript)]
#[serde(rename_all = "PascalCase")]
pub struct Ends {
    /// Where the client connected.
    pub local_address: String,
    /// The same.
    pub local_port: u16,
    /// Where it connected from.
    pub remote_address: String,
    /// The same.
    pub remote_port: u16,
}

/// An empty text is null, as in the reference's answers about the request.
fn present(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

fn end(address: Option<SocketAddr>) -> (String, u16) {
    address.map_or_else(Default::default, |address| {
        (address.ip().to_string(), address.port())
    })
}

#[hub(part = request)]
impl Conformance {
    fn get_caller_connection_id(&self, ctx: &Context) -> ConnectionId {
        ctx.connection_id().clone()
    }

    fn get_active_transport_name(&self, ctx: &Context) -> &'static str {
        ctx.transport().name()
    }

    fn get_user_identifier(&self, ctx: &Context) -> Option<String> {
        ctx.user_id().map(ToString::to_string)
    }

    fn get_num_redirects(&self, ctx: &Context) -> Result<i32, HubError> {
        Ok(ctx.query("numRedirects").unwrap_or_default().parse()?)
    }

    fn get_query(&self, ctx: &Context, name: String) -> String {
        ctx.query(&name).unwrap_or_default()
    }

    fn get_content_type_header(&self, ctx: &Context) -> Option<String> {
        present(ctx.header("content-type"))
    }

    fn get_header(&self, ctx: &Context, name: String) -> Option<String> {
        present(ctx.header(&name))
    }

    fn get_cookie(&self, ctx: &Context, name: String) -> Option<String> {
        ctx.cookie(&name).map(ToOwned::to_owned)
    }

    fn get_request_line(&self, ctx: &Context) -> String {
        format!("GET {}", ctx.path())
    }

    fn get_connection_feature(&self, ctx: &Context) -> Ends {
        let (local_address, local_port) = end(ctx.local_address());
        let (remote_address, remote_port) = end(ctx.remote_address());
        Ends {
            local_address,
            local_port,
            remote_address,
            remote_port,
        }
    }
}
