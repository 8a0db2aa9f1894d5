//! The demo: rooms, names, who is here, what was said a moment ago.
//!
//! [`Chat`] is an ordinary hub, written as any author would write one; [`page()`] is the page that people talk through.
//!
//! # Methods
//! | Invoke | Answers |
//! | --- | --- |
//! | `Join(room, name, window)` | [`Welcome`]: the connection is in that room, and in no other one |
//! | `Say(text)` | nothing; everybody in the room gets `Said` |
//! | `Leave()` | nothing |
//!
//! | Clients get | When |
//! | --- | --- |
//! | `Said(`[`Line`]`)` | somebody in their room, they too, said something |
//! | `Here(`[`Here`]`)` | somebody came into their room or left it |
//!
//! What is refused has a text for people. `window` is any text that the client keeps to itself: who comes with the same
//! one is the same person, so that a reload, or a connection that comes back, does not find its own name taken.
//!
//! # What it keeps
//! Who is here and what was said is kept in this process and bounded in every direction (see [`limits`] and
//! [`ChatSettings`]). Where
//! several hub-hosts serve the hub, each knows the people that *it* serves; what is said still reaches the whole room,
//! as groups are the cluster's. A hub that is started again has forgotten: clients are asked to join again.

mod chat;
pub mod limits;
mod page;
mod rooms;
mod settings;
mod text;

pub use chat::{Chat, ChatClient};
pub use page::{Asset, page};
pub use rooms::{Here, Line, Welcome};
pub use settings::ChatSettings;
