use proc_macro_crate::FoundCrate;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Ident, Path};

/// What clients call a function of this name: `send_to_room` is `SendToRoom`.
pub(crate) fn pascal_case(ident: &Ident) -> String {
    use syn::ext::IdentExt as _;
    let mut name = String::new();
    for word in ident.unraw().to_string().split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
    }
    name
}

/// Names that are one for clients, which may write them in any letter case.
#[derive(Default)]
pub(crate) struct Taken(Vec<(String, String)>);

impl Taken {
    /// Fails if another function has this name already.
    pub(crate) fn take(&mut self, name: &str, function: &Ident) -> Result<(), Error> {
        let folded = name.to_uppercase();
        if let Some((_, other)) = self.0.iter().find(|(taken, _)| *taken == folded) {
            return Err(Error::new(
                function.span(),
                format!(
                    "clients cannot tell `{function}` from `{other}`: both are `{name}` to them, in any letter case; rename one with `#[method(name = \"…\")]`"
                ),
            ));
        }
        self.0.push((folded, function.to_string()));
        Ok(())
    }
}

/// The hub API as the crate that is being compiled knows it: as it says itself, else by its dependencies.
pub(crate) fn api(said: Option<&Path>) -> Result<TokenStream, Error> {
    if let Some(path) = said {
        return Ok(quote!(#path));
    }
    for name in ["hubplane-hub", "hubplane"] {
        let ident = match proc_macro_crate::crate_name(name) {
            Ok(FoundCrate::Itself) => Ident::new(&name.replace('-', "_"), Span::call_site()),
            Ok(FoundCrate::Name(name)) => Ident::new(&name, Span::call_site()),
            Err(_) => continue,
        };
        return Ok(quote!(::#ident));
    }
    Err(Error::new(
        Span::call_site(),
        "this crate depends on neither `hubplane` nor `hubplane-hub`; add one, or say where it is with `crate = \"path\"`",
    ))
}
