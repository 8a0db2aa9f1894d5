//! What methods and types are in TypeScript: the code that says so when the program is asked.

mod derive;
mod serde;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PathArguments, PathSegment, ReturnType, Signature, Type,
};

pub(crate) use derive::expand;

/// A method of a hub; its answer is a stream if the hub's macro found one.
pub(crate) fn of_hub(
    signature: &Signature,
    docs: &str,
    name: &str,
    streams: bool,
    api: &TokenStream,
) -> TokenStream {
    let gives = match (&signature.output, streams) {
        (ReturnType::Default, _) => quote!(Value(::std::string::String::from("null"))),
        (ReturnType::Type(_, ty), false) => {
            let ty = typed(ty, api);
            quote!(Value(#ty))
        }
        (ReturnType::Type(_, ty), true) => {
            let item = item(ty).map_or_else(unknown, |ty| typed(ty, api));
            let stream = stream(&item);
            quote!(Stream(#stream))
        }
    };
    declared(signature, docs, name, &gives, api)
}

/// A method of clients, before the macro gives it the type that it returns.
pub(crate) fn of_client(
    signature: &Signature,
    docs: &str,
    name: &str,
    api: &TokenStream,
) -> TokenStream {
    let gives = match &signature.output {
        ReturnType::Default => quote!(Nothing),
        ReturnType::Type(_, ty) => {
            let ty = typed(ty, api);
            quote!(Answer(#ty))
        }
    };
    declared(signature, docs, name, &gives, api)
}

fn declared(
    signature: &Signature,
    docs: &str,
    name: &str,
    gives: &TokenStream,
    api: &TokenStream,
) -> TokenStream {
    let parameters = signature.inputs.iter().filter_map(|input| {
        let FnArg::Typed(parameter) = input else {
            return None;
        };
        let ty = match &*parameter.ty {
            Type::Reference(reference) if crate::hub::is_named(&reference.elem, "Context") => {
                return None;
            }
            ty => upload(ty).map_or_else(|| typed(ty, api), |item| stream(&typed(item, api))),
        };
        let name = match &*parameter.pat {
            Pat::Ident(pat) => syn::ext::IdentExt::unraw(&pat.ident).to_string(),
            _ => String::new(),
        };
        Some(quote!((#name, #ty)))
    });
    quote! {{
        #[allow(unused_imports)]
        use #api::private::Untyped as _;
        #api::private::Declared {
            docs: #docs,
            name: #name,
            parameters: ::std::vec![#(#parameters),*],
            gives: #api::private::Gives::#gives,
        }
    }}
}

/// What the type is where the code runs: `unknown` if it does not say so itself.
fn typed(ty: &Type, api: &TokenStream) -> TokenStream {
    match portable(ty.to_token_stream()) {
        Some(ty) => quote! {
            #api::private::Typed::<#ty>(::core::marker::PhantomData).typescript(declarations)
        },
        None => unknown(),
    }
}

fn unknown() -> TokenStream {
    quote!(::std::string::String::from("unknown"))
}

fn stream(item: &TokenStream) -> TokenStream {
    quote!({ let item = #item; declarations.stream(&item) })
}

/// A type as it can be written outside of the function's signature: without the names of its lifetimes. None if it
/// cannot be written elsewhere.
fn portable(ty: TokenStream) -> Option<TokenStream> {
    let mut lifetime = false;
    let mut portable = TokenStream::new();
    for token in ty {
        let token = match token {
            TokenTree::Group(group) => {
                let inner = portable_group(&group)?;
                TokenTree::Group(inner)
            }
            TokenTree::Ident(ident) if lifetime && ident != "static" => {
                TokenTree::Ident(Ident::new("_", ident.span()))
            }
            TokenTree::Ident(ident) if ident == "impl" || ident == "for" => return None,
            token => token,
        };
        lifetime = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        portable.extend([token]);
    }
    Some(portable)
}

fn portable_group(group: &Group) -> Option<Group> {
    let mut inner = Group::new(group.delimiter(), portable(group.stream())?);
    inner.set_span(group.span());
    Some(inner)
}

/// The items of a stream: of `Items<T>`, of `impl Stream<Item = T>`, or of a `Result` of one.
fn item(ty: &Type) -> Option<&Type> {
    if let Type::ImplTrait(bounds) = ty {
        return bounds.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => associated(bound.path.segments.last()?),
            _ => None,
        });
    }
    let last = last_segment(ty)?;
    match () {
        () if last.ident == "Items" => first_argument(last),
        () if last.ident == "Result" => item(first_argument(last)?),
        () => None,
    }
}

fn upload(ty: &Type) -> Option<&Type> {
    first_argument(last_segment(ty).filter(|last| last.ident == "Upload")?)
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn first_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn associated(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Item" => Some(&assoc.ty),
        _ => None,
    })
}

/// The text of the documentation.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        let syn::Meta::NameValue(value) = &attribute.meta else {
            continue;
        };
        if !value.path.is_ident("doc") {
            continue;
        }
        if let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) = &value.value
        {
            lines.push(text.value());
        }
    }
    lines.join("\n")
}

/// The function of a `#[client]` trait that declares it.
pub(crate) fn declare_client(
    name: &Ident,
    docs: &str,
    methods: &[TokenStream],
    api: &TokenStream,
) -> TokenStream {
    let text = syn::ext::IdentExt::unraw(name).to_string();
    let declare = declare_name();
    quote! {
        #[doc(hidden)]
        #[allow(clippy::all, clippy::pedantic, dead_code, deprecated, unused_qualifications)]
        fn #declare(declarations: &mut #api::Declarations)
        where
            Self: ::core::marker::Sized,
        {
            let key = ::core::concat!("client ", ::core::module_path!(), "::", #text);
            declarations.declare(key, #text, #docs, |declarations| {
                let _ = &declarations;
                #[allow(unused_mut)]
                let mut methods = ::std::vec::Vec::new();
                #(#methods)*
                #api::private::Body::methods(&methods)
            });
        }
    }
}

/// The name of that function.
pub(crate) fn declare_name() -> Ident {
    Ident::new("__declare_typescript", Span::call_site())
}
