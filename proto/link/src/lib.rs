//! Gateway to hub-host: the frames of the link as plain types (DESIGN 3.1).
//!
//! One contract, whatever carries it: a channel inside one process hands these values over as they are, a socket carries
//! the bytes of [`codec`]. This crate has no IO, no clock and no tasks.
//!
//! ```text
//! gateway                                                    hub-host
//!    | -- Hello ------------------------------------------------> |   once, first
//!    | <------------------------------------------------ Hello -- |   the hubs that are served here
//!    | -- Identify (only hubs that name their users themselves) ->|
//!    | <------------------------------------------- Identified -- |
//!    | -- Opened -----------------------------------------------> |   on_connected runs
//!    | <------------------------------------- Done { Opening } -- |
//!    | -- Invocation -------------------------------------------> |   as many at once as the connection has slots
//!    | <------------------ Send*, Group*, Close*, Completion ---- |   in the program order of the method
//!    | <--------------------------------- StreamItem*, Completion |   an invocation that is answered by a stream
//!    | -- UploadItem*, UploadEnd -------------------------------> |   an invocation that brings streams
//!    | <------------------------------------------- ClientResult -|   a client is asked, and
//!    | -- ClientResult -----------------------------------------> |   has answered
//!    | -- Presence ---------------------------------------------> |   who is there changed, for hubs that hear of it
//!    | -- Closed -----------------------------------------------> |   on_disconnected runs
//!    | <------------------------------------- Done { Closing } -- |   the last frame about this connection
//! ```
//!
//! Credit: what a hub-host sends to one connection of the gateway has a window of [`WINDOW_BYTES`] that the gateway gives
//! back ([`ToHubHost::Window`]) as the client takes it; what it sends to audiences has the credit of its caller and of the
//! link, given back ([`ToHubHost::Credit`]) once the message is numbered and put to the shards; an upload stream has
//! [`UPLOAD_CREDIT_ITEMS`], given back by the hub-host as the method takes them. Both ends of a link always read it.
//!
//! Order: the frames of one [`Caller`] arrive in the order in which they were sent; nothing is promised between callers.

mod access;
pub mod codec;
mod connection;
mod frame;
mod payload;
mod presence;
mod query;
mod to_gateway;
mod to_hub_host;

#[cfg(test)]
mod tests;

pub use access::{Access, AccessRule, permits};
pub use connection::{Claim, CloseReason, ConnectionInfo, Header, Transport};
pub use frame::{
    AckId, AckOutcome, CALLER_CREDIT_BYTES, Caller, GatewayHello, HubDeclaration, HubHostHello,
    LINK_CREDIT_BYTES, RequestId, UPLOAD_CREDIT_ITEMS, UserIdSource, WINDOW_BYTES,
};
pub use payload::{Arguments, Audience, Delivery, Encoding, Payload};
pub use presence::{PRESENCE_CHANGES_MAX, PresenceChange, PresenceChanges};
pub use query::{Answer, Member, Query, Question};
pub use to_gateway::{
    ClientResultRequest, CloseRequest, Completion, ConnectionSend, Done, GroupChange,
    GroupOperation, Identified, Outcome, Send, Stage, ToGateway,
};
pub use to_hub_host::{ClientOutcome, Invocation, InvocationKind, ToHubHost};
