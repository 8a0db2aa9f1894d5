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
//!    | -- Closed -----------------------------------------------> |   on_disconnected runs
//!    | <------------------------------------- Done { Closing } -- |   the last frame about this connection
//! ```
//!
//! Order: the frames of one [`Caller`] arrive in the order in which they were sent; nothing is promised between callers.

pub mod codec;
mod connection;
mod frame;
mod payload;

#[cfg(test)]
mod tests;

pub use connection::{Claim, CloseReason, ConnectionInfo, Header, Transport};
pub use frame::{
    AckId, AckOutcome, Caller, CloseRequest, Completion, Done, GatewayHello, GroupChange,
    GroupOperation, HubDeclaration, HubHostHello, Identified, Invocation, InvocationKind, Outcome,
    Send, Stage, ToGateway, ToHubHost, UserIdSource,
};
pub use payload::{Arguments, Audience, Delivery, Encoding, Payload};
