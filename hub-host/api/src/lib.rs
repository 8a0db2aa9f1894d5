//! What a hub author depends on.
//!
//! A hub is a plain struct. Its methods are what clients invoke; they run at the same time, on one value that all
//! connections share, so what changes is kept behind atomics or locks.
//!
//! ```
//! use std::sync::atomic::{AtomicI64, Ordering};
//!
//! use hubplane_hub::*;
//!
//! #[derive(Default)]
//! pub struct Counter {
//!     value: AtomicI64,
//! }
//!
//! #[client]
//! pub trait CounterClient {
//!     fn changed(&self, value: i64);
//! }
//!
//! #[hub]
//! impl Counter {
//!     async fn add(&self, ctx: &Context, amount: i64) -> Result<i64, HubError> {
//!         let value = self.value.fetch_add(amount, Ordering::Relaxed) + amount;
//!         ctx.others().changed(value).await?;
//!         Ok(value)
//!     }
//! }
//!
//! let hub = testing::TestHub::new(Counter::default());
//! let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
//! assert_eq!(ana.invoke::<i64>("add", (5,)), Ok(5));
//! assert_eq!(ben.next::<(i64,)>("changed"), (5,));
//! ```
//!
//! Everything that a hub does to the outside goes through its [`Context`]. This crate has no IO, no clock and no
//! tasks: [`host`] is what a server that runs hubs builds on, [`testing`] runs a hub without one.
//!
//! # Re-exporting
//! `#[hub]` and `#[client]` name this crate by the dependency of the crate that they are used in: `hubplane_hub` where
//! it depends on `hubplane-hub`, else `hubplane`. For that, the root of `hubplane` has `pub use hubplane_hub::*;`.

// The macros name this crate from outside; its own tests use them too.
extern crate self as hubplane_hub;

mod audience;
mod bag;
mod call;
mod client;
mod closing;
mod context;
mod error;
mod filter;
mod groups;
pub mod host;
mod hub;
mod hub_context;
mod items;
mod name;
mod presence;
#[doc(hidden)]
pub mod private;
mod question;
mod request;
mod returned;
mod rule;
mod running;
mod signal;
pub mod testing;
mod typescript;
mod upload;
mod value;

pub use audience::{ArgumentList, Audience, ClientArguments, Sending};
pub use bag::ItemBag;
pub use bytes::Bytes;
pub use call::Call;
pub use client::{Asking, Client, OneClient, Receiver};
pub use closing::Closing;
pub use context::{Context, Disconnect};
pub use error::{HubError, InvokeError, QuestionError, SendError};
pub use filter::{Filter, Filtered, Filters, Next, NextStage};
pub use futures_util::stream::Stream;
pub use groups::{Changing, Membership};
#[doc(hidden)]
pub use hub::Shape;
pub use hub::{Definition, Hub, Method};
pub use hub_context::HubContext;
pub use hubplane_hub_host_macros::{TypeScript, client, hub};
pub use hubplane_proto_ids::{ConnectionId, GroupName, HubName, UserId};
pub use hubplane_proto_link::{Claim, Encoding, Transport};
pub use items::{Giving, Items};
pub use presence::Presence;
pub use question::Listed;
pub use request::Request;
pub use returned::Returned;
pub use typescript::{Declarations, TypeScript};
pub use upload::Upload;
pub use value::{AnyValue, Timestamp, ValueError};

#[doc(hidden)]
pub use serde;
