//! A hub backplane: write a hub, run one command, scale it by adding processes.
//!
//! A hub author depends on this crate alone. [`App`] takes hubs and is a whole program; what a hub is made of
//! ([`hub`](macro@hub), [`client`](macro@client), [`Context`], …) is at the root; [`mod@test`] runs a hub without a socket. [`cluster`] joins the
//! parts in one process, as `dev` does.
//!
//! ```no_run
//! use hubplane::*;
//!
//! #[derive(Default)]
//! struct Greeter;
//!
//! #[hub]
//! impl Greeter {
//!     async fn greet(&self, name: String) -> String {
//!         format!("hello {name}")
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     App::new().hub(Greeter).run()
//! }
//! ```

mod app;
mod cli;
pub mod cluster;
pub mod config;
pub mod conformance;
mod dev;
mod settings;
pub mod test;
mod token;

pub use app::App;
pub use axum;
pub use hubplane_hub::*;

/// The guide's blocks are doc tests of this item, which is nowhere else.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/write-a-hub.md")]
pub struct WriteAHub;

/// The same of the guide to who may connect.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/authentication.md")]
pub struct Authentication;

/// The same of the guide to types for front ends.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/typescript.md")]
pub struct TypesForAFrontEnd;
