//! A hub with the methods that the official functional tests call.
//!
//! [`Conformance`] is served as `conformance`: the methods of the test applications A and B of reference signalr-core
//! 18.1, under their names and with their texts, so that the same calls can be compared with the real server; and for
//! each type of 11.4 a method that gives back what it was given.
//!
//! # What the reference has no like of
//! `kind` and `names` are an audience: `all` with no names, or `connections`, `groups` or `users` with their names.
//!
//! | Invoke | Answers |
//! | --- | --- |
//! | `Exists(kind, names)` | a boolean |
//! | `Count(kind, names)` | how many connections |
//! | `Connections(kind, names, after, limit)` | a list of `{Connection, User}`, a [`Found`]; `after` an id or null, `User` may be null |
//! | `Users(kind, names, after, limit)` | a list of texts, each user once; `after` a user or null |
//! | `GroupAddUser(user, group)`, `GroupRemoveUser(user, group)` | how many connections that were |
//! | `SendExcept(kind, names, message, excluded)` | nothing; the audience but the connections `excluded` gets `Send`(message) |
//! | `SendTyped(kind, names, message, number)` | nothing; the audience gets `Typed`(message, number), sent by a trait |
//! | `SetItem(key, value)`, `GetItem(key)`, `RemoveItem(key)` | nothing; a text or null; nothing |
//! | `CloseConnection(connection, allowReconnect)` | nothing; that connection gets a Close message without an error |
//! | `CloseWithReason(connection, reason, allowReconnect)` | nothing; the error of that Close message is `reason`, and `GetEvents` has `disconnected <reason>` |
//! | `ObservePresence()` | nothing; from now on this connection gets `Presence`(kind, group, connection, user), where kind is `joined` or `left` with all of them, or `online` or `offline` with a user alone; what is left out is null, and so is the user of a connection that has none |
//! | `TimeLeft()` | how many milliseconds the invocation may still run, or null: under `invocation_timeout` |
//! | `Deadline()` | the moment at which it is over, or null |
//! | `FilteredEcho(text)` | `x` becomes `x>outer>inner<inner<outer`: two filters around the method, on the way in and out |
//! | `FilterRefuses()` | the error `HubException: a filter refused` |
//! | `FilterReplaces()` | 43, a filter's answer; the method's is 42 |
//! | `AdminMethod()` | nothing, for who has a claim `role` or `roles` that is `admin` or `owner` |
//! | `TenantMethod()` | nothing, for who has a claim `tenant` that is `7` |
//! | `ClosedMethod()` | never: the hub's own function refuses everybody |
//! | `OpenMethod()` | nothing, for everybody: it is `anonymous` |
//!
//! Who is not allowed reads `Failed to invoke '…' because user is unauthorized`.

mod guarded;
mod hub;
mod kinds;
mod questions;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod values;

pub use questions::{ConformanceClient, Found};
pub use state::{Conformance, Outside};
pub use values::{Colour, ComplexObject, CustomObject, Empty};
