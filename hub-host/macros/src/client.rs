use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Error, FnArg, Ident, ItemTrait, Pat, ReturnType, TraitItem, TraitItemFn, Type, parse_quote,
};

use crate::attributes::{Item, Method};
use crate::hub::{Errors, conditions};
use crate::names::{Taken, api, pascal_case};
use crate::typescript::{declare_client, docs, of_client};

/// As many arguments as the hub API has tuples for.
const ARGUMENTS_MAX: usize = 12;

/// What an audience can do itself.
const RESERVED: [&str; 7] = [
    "send",
    "except",
    "clone",
    "invoke",
    "count",
    "exists",
    "connections",
];

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let mut methods: ItemTrait = match syn::parse2(item.clone()) {
        Ok(methods) => methods,
        Err(_) => {
            let error = Error::new(
                Span::call_site(),
                "`#[client]` is for a trait with the methods of clients: write it above `trait MyClient { … }`",
            );
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut wrong = Errors::default();
    let item = wrong
        .unless(Item::of_client(attributes))
        .unwrap_or_default();
    let api = match api(item.api.as_ref()) {
        Ok(api) => api,
        Err(error) => return error.into_compile_error(),
    };
    if !methods.generics.params.is_empty() {
        wrong.push(Error::new(
            methods.generics.span(),
            "a `#[client]` trait cannot be generic: write the types",
        ));
    }
    let (sends, declared) = sends(&mut methods, &api, &mut wrong);
    let (name, wrong) = (&methods.ident, wrong.into_compile_errors());
    if !wrong.is_empty() {
        return quote!(#methods #wrong);
    }
    let declare = declare_client(name, &docs(&methods.attrs), &declared, &api);
    let declare: TraitItem = parse_quote!(#declare);
    methods.items.push(declare);
    let name = &methods.ident;
    quote! {
        #methods

        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_qualifications)]
        impl<__Receiver: #api::Receiver> #name for __Receiver {
            #(#sends)*
        }
    }
}

/// The body of each method, and what it is in TypeScript. Gives the trait's methods the type that they return.
fn sends(
    methods: &mut ItemTrait,
    api: &TokenStream,
    wrong: &mut Errors,
) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let mut taken = Taken::default();
    let (mut sends, mut declared) = (Vec::new(), Vec::new());
    for item in &mut methods.items {
        let TraitItem::Fn(function) = item else {
            wrong.push(Error::new(
                item.span(),
                "a `#[client]` trait has methods and nothing else",
            ));
            continue;
        };
        let Some(method) = wrong.unless(Method::take(&mut function.attrs)) else {
            continue;
        };
        if method.skip {
            wrong.push(Error::new(
                function.sig.ident.span(),
                "every method of a `#[client]` trait is one of clients",
            ));
            continue;
        }
        let arguments = check(function).and_then(|arguments| {
            let name = match &method.name {
                Some(name) => name.value(),
                None => pascal_case(&function.sig.ident),
            };
            taken.take(&name, &function.sig.ident)?;
            Ok((name, arguments))
        });
        let Some((name, arguments)) = wrong.unless(arguments) else {
            continue;
        };
        let declaration = of_client(&function.sig, &docs(&function.attrs), &name, api);
        let send = body(function, &name, &arguments, api);
        let signature = &function.sig;
        let conditions: Vec<_> = conditions(&function.attrs).collect();
        declared.push(quote! {
            #(#conditions)*
            methods.push(#declaration);
        });
        sends.push(quote! {
            #(#conditions)*
            #signature {
                #send
            }
        });
    }
    (sends, declared)
}

/// The body of one method: a send, or a request where it gives a result. Gives the method the type that it returns.
fn body(
    function: &mut TraitItemFn,
    name: &str,
    arguments: &[Ident],
    api: &TokenStream,
) -> TokenStream {
    let signature = &mut function.sig;
    let span = signature.ident.span();
    if signature.asyncness.take().is_none() {
        signature.output = parse_quote!(-> #api::Sending);
        return quote_spanned! {span=>
            #api::Audience::send(#api::Receiver::audience(self), #name, (#(#arguments,)*))
        };
    }
    let result: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    signature.output = parse_quote!(-> #api::Asking<#result>);
    // Nobody but one connection has it.
    let bounds = signature.generics.make_where_clause();
    bounds.predicates.push(parse_quote!(Self: #api::OneClient));
    quote_spanned! {span=>
        #api::Client::invoke(#api::OneClient::client(self), #name, (#(#arguments,)*))
    }
}

/// The names of the arguments, if the method is one that can be sent.
fn check(function: &TraitItemFn) -> Result<Vec<Ident>, Error> {
    let signature = &function.sig;
    let name = &signature.ident;
    if RESERVED.iter().any(|reserved| name == reserved) {
        let wire = pascal_case(name);
        return Err(Error::new(
            name.span(),
            format!(
                "`{name}` is what every audience has already: rename the method and keep the clients' name with `#[method(name = \"{wire}\")]`"
            ),
        ));
    }
    match (&signature.asyncness, &signature.output) {
        (Some(asyncness), ReturnType::Default) => {
            return Err(Error::new(
                asyncness.span(),
                "write `fn` without `async` for a message; a client that is asked for a result returns one: write its type, `-> ()` for none",
            ));
        }
        (None, ReturnType::Type(_, ty)) => {
            return Err(Error::new(
                ty.span(),
                format!(
                    "a client that is asked for a result answers later: write `async fn {name}`"
                ),
            ));
        }
        _ => {}
    }
    if let Some(body) = &function.default {
        return Err(Error::new(
            body.span(),
            "a client's method has no body: write `;`",
        ));
    }
    let generic = signature
        .generics
        .params
        .iter()
        .find(|param| !matches!(param, syn::GenericParam::Lifetime(_)));
    if let Some(generic) = generic {
        return Err(Error::new(
            generic.span(),
            format!("`{name}` cannot be generic: write the types"),
        ));
    }
    let borrowed = signature.receiver().is_some_and(|receiver| {
        receiver.reference.is_some()
            && receiver.mutability.is_none()
            && receiver.colon_token.is_none()
    });
    if !borrowed {
        return Err(Error::new(
            name.span(),
            format!("`{name}` takes `&self`: write `fn {name}(&self, …)`"),
        ));
    }
    let arguments = arguments(function)?;
    if arguments.len() > ARGUMENTS_MAX {
        return Err(Error::new(
            name.span(),
            format!(
                "a method takes at most {ARGUMENTS_MAX} arguments: put what belongs together into a struct"
            ),
        ));
    }
    Ok(arguments)
}

fn arguments(function: &TraitItemFn) -> Result<Vec<Ident>, Error> {
    let typed = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    typed
        .map(|typed| match (&*typed.pat, &*typed.ty) {
            (_, Type::ImplTrait(ty)) => Err(Error::new(
                ty.span(),
                "an argument has one type, which serde writes: write it instead of `impl`",
            )),
            (Pat::Ident(pat), _) => Ok(pat.ident.clone()),
            (pat, _) => Err(Error::new(
                pat.span(),
                "an argument has a name: write `name: Type`",
            )),
        })
        .collect()
}
