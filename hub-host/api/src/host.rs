//! For those who run hubs: a server, or a test.
//!
//! A [`Service`] is a hub whose type is not known any more; it turns the frames of the link into calls of the hub's
//! methods. A [`Connection`] is what is known of one connection while it is there. Both leave waiting and moving bytes
//! to whoever implements [`Port`].

mod connection;
mod erased;
mod invocation;
mod port;
mod service;
#[cfg(test)]
mod tests;
mod text;

pub use connection::Connection;
pub(crate) use port::post;
pub use port::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};
pub use service::{Ended, InvalidHub, Options, Run, Service};
