//! What hubs take and give, as TypeScript has it.

mod text;
mod types;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::Hub;
pub use text::{Body, Declared, Field, Gives, inline, list, literal, name_of, tuple};

/// The names of others that declarations refer to.
const OTHERS: [&str; 9] = [
    "Array",
    "Date",
    "Extract",
    "IStreamResult",
    "Partial",
    "Promise",
    "PropertyKey",
    "Record",
    "Uint8Array",
];

/// A type whose values have a TypeScript type: for the declaration that the command `types` of an `App` prints.
///
/// The types of the standard library and of this crate have it. `#[derive(TypeScript)]` gives it to a struct or an enum,
/// under the names and in the form that its serde attributes say: `rename`, `rename_all`, `rename_all_fields`,
/// `transparent`, `from`, `into`, `skip…`, `flatten`, `tag`, `content`, `untagged`. A field that serde reads or writes by
/// a function of its own (`with`) is `unknown`, and so is everything whose type has no `TypeScript`:
/// `#[typescript(type = "string")]` above a field says what it is.
///
/// ```
/// use hubplane_hub::*;
///
/// /// One bid.
/// #[derive(serde::Serialize, serde::Deserialize, TypeScript)]
/// #[serde(rename_all = "camelCase")]
/// struct Bid {
///     /// In cents.
///     amount: u32,
///     bidden_by: Option<String>,
/// }
///
/// # struct Auction;
/// #[client]
/// trait Bidder {
///     fn outbid(&self, bid: &Bid);
/// }
///
/// #[hub(clients(Bidder))]
/// impl Auction {
///     /// Bids in a room.
///     async fn bid(&self, room_name: String, bid: Bid) -> Result<bool, HubError> {
/// #       let _ = (room_name, bid);
///         Ok(true)
///     }
///
///     fn history(&self) -> Items<Bid> {
///         Items::of([])
///     }
/// }
///
/// let mut declarations = Declarations::new();
/// declarations.hub::<Auction>();
/// assert_eq!(
///     declarations.to_string(),
///     r#"import type { IStreamResult } from "@microsoft/signalr";
///
/// /** The methods of the hub `auction`. */
/// export interface AuctionHub {
///   /** Bids in a room. */
///   Bid(roomName: string, bid: Bid): Promise<boolean>;
///   History(): IStreamResult<Bid>;
/// }
///
/// /** One bid. */
/// export interface Bid {
///   /** In cents. */
///   amount: number;
///   biddenBy: string | null;
/// }
///
/// export interface Bidder {
///   Outbid(bid: Bid): void;
/// }
/// "#
/// );
/// ```
pub trait TypeScript {
    /// The type, as it is written where it is used. What has a name of its own is put into the declarations.
    fn typescript(declarations: &mut Declarations) -> String;
}

/// A TypeScript declaration: an interface for each hub, for each `#[client]` trait that a hub names by
/// `#[hub(clients(…))]`, and for the types that these are made of. Its text is a module, the content of a `.d.ts` file.
///
/// A method of a hub answers by a `Promise`, or by an `IStreamResult` of the official client where it is a stream; so do
/// the streams that a client sends along. A method of clients that a hub asks for a result returns one, or a `Promise`
/// of one. Methods have the names that they were declared with.
#[derive(Debug, Default)]
pub struct Declarations {
    named: Vec<Named>,
    /// Whether something here is a stream.
    streams: bool,
}

/// What has a name.
#[derive(Debug)]
struct Named {
    /// Tells things of the same name apart.
    key: String,
    name: String,
    /// Empty while it is being written.
    text: String,
}

impl Declarations {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hub, with what it takes and gives.
    pub fn hub<H: Hub>(&mut self) {
        let path = std::any::type_name::<H>();
        let mut name = text::type_name(path);
        if !name.ends_with("Hub") {
            name.push_str("Hub");
        }
        let definition = H::definition();
        let docs = format!("The methods of the hub `{}`.", H::NAME);
        self.declare(&format!("hub {path}"), &name, &docs, |declarations| {
            let methods = definition.declared.iter();
            Body::methods(&methods.map(|of| of(declarations)).collect::<Vec<_>>())
        });
        for client in &definition.clients {
            client(self);
        }
    }

    /// Adds something with a name, unless it is there: what has the same key is the same thing. Returns its name, which is
    /// another one if something else has it already.
    #[doc(hidden)]
    pub fn declare(
        &mut self,
        key: &str,
        name: &str,
        docs: &str,
        body: impl FnOnce(&mut Self) -> Body,
    ) -> String {
        if let Some(named) = self.named.iter().find(|named| named.key == key) {
            return named.name.clone();
        }
        let name = self.free(name);
        let at = self.named.len();
        // It is there before its parts are, which may be made of it.
        self.named.push(Named {
            key: key.to_owned(),
            name: name.clone(),
            text: String::new(),
        });
        let text = body(self).declaration(&name, docs);
        if let Some(named) = self.named.get_mut(at) {
            named.text = text;
        }
        name
    }

    /// The stream of such items.
    #[doc(hidden)]
    pub fn stream(&mut self, item: &str) -> String {
        self.streams = true;
        format!("IStreamResult<{item}>")
    }

    fn free(&self, name: &str) -> String {
        let taken = |name: &str| {
            OTHERS.contains(&name) || self.named.iter().any(|named| named.name == name)
        };
        let mut free = name.to_owned();
        let mut number = 1_u32;
        while taken(&free) {
            number += 1;
            free = format!("{name}{number}");
        }
        free
    }
}

impl fmt::Display for Declarations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        if self.streams {
            writeln!(
                f,
                "import type {{ IStreamResult }} from \"@microsoft/signalr\";"
            )?;
            first = false;
        }
        for named in &self.named {
            if !first {
                writeln!(f)?;
            }
            first = false;
            f.write_str(&named.text)?;
        }
        Ok(())
    }
}
