//! The attributes `#[hub]` and `#[client]`. Their documentation is where authors look for it: at `hubplane_hub::Hub`
//! and in the text of each attribute.

mod attributes;
mod client;
mod hub;
mod method;
mod names;
mod typescript;

use proc_macro::TokenStream;

/// Makes the `impl` block of a type a hub: its methods are what clients invoke. `hubplane_hub::Hub` says which
/// functions are methods, what they may take and return, and under which names clients know them.
///
/// `#[hub(name = "chat")]` names the hub, `#[hub(crate = "path")]` says where the hub API is if it is under neither
/// of its own names.
#[proc_macro_attribute]
pub fn hub(attributes: TokenStream, item: TokenStream) -> TokenStream {
    hub::expand(attributes.into(), item.into()).into()
}

/// Makes a trait the typed methods of clients: everything that a hub can send to gets them.
///
/// ```ignore
/// #[client]
/// pub trait ChatClient {
///     fn said(&self, from: &str, text: &str);
///     #[method(name = "userLeft")]
///     fn left(&self, user: &str);
/// }
///
/// ctx.group("room").said("ana", "hello").await?; // sends `Said`
/// ```
///
/// An `async` method with a result asks one client, and waits for its answer:
///
/// ```ignore
/// #[client]
/// pub trait PlayerClient {
///     async fn choose(&self, cards: &[u8]) -> u8;
/// }
///
/// let card = ctx.caller().choose(&[7, 9]).timeout(Duration::from_secs(30)).await?;
/// ```
///
/// A method is sent in PascalCase, or under the name that `#[method(name = "…")]` gives it. The trait has to be in scope
/// where it is used. `#[client(crate = "path")]` says where the hub API is if it is under neither of its own names.
#[proc_macro_attribute]
pub fn client(attributes: TokenStream, item: TokenStream) -> TokenStream {
    client::expand(attributes.into(), item.into()).into()
}

/// Says what a struct or an enum is in TypeScript: see the trait `hubplane_hub::TypeScript`.
///
/// `#[typescript(type = "string")]` above a field says what it is, `#[typescript(crate = "path")]` above the type where
/// the hub API is.
#[proc_macro_derive(TypeScript, attributes(serde, typescript))]
pub fn typescript(item: TokenStream) -> TokenStream {
    typescript::expand(item.into()).into()
}
