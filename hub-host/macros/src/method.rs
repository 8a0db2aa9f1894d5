//! A function that clients invoke.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, ImplItemFn, Pat, ReturnType, Type};

use crate::attributes::{Method, Rule};
use crate::hub::{awaited, conditions, is_named, is_reference_to, parameters};
use crate::typescript::{docs, of_hub};

/// As many parameters as the hub API has tuples for.
const PARAMETERS_MAX: usize = 12;

/// Who may invoke, as the hub API has it.
pub(crate) fn rule(said: &Rule, anonymous: bool, api: &TokenStream) -> TokenStream {
    let Rule {
        authorize,
        roles,
        claims,
    } = said;
    quote! {
        #api::private::Rule {
            authorize: #authorize,
            roles: &[#(#roles),*],
            claims: &[#(#claims),*],
            anonymous: #anonymous,
        }
    }
}

/// Where the compiler should point if what a function returns does not fit.
pub(crate) fn returned_span(function: &ImplItemFn) -> Span {
    match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

pub(crate) fn invoked(
    function: &ImplItemFn,
    name: &str,
    said: &Method,
    api: &TokenStream,
) -> Result<TokenStream, Error> {
    let ident = &function.sig.ident;
    let mut context = None;
    let mut types = Vec::new();
    // What is passed to the function, and which of it are streams of the client.
    let mut passed = Vec::new();
    let mut uploads = Vec::new();
    for (at, parameter) in parameters(function).enumerate() {
        if is_reference_to(&parameter.ty, "Context") {
            if at > 0 {
                return Err(Error::new(
                    parameter.span(),
                    "`&Context` is the first parameter, right behind `&self`",
                ));
            }
            context = Some(quote!(&ctx,));
            continue;
        }
        check_parameter(parameter)?;
        if last_segment(&parameter.ty).is_some_and(|last| last.ident == "Upload") {
            let upload = format_ident!("upload_{}", uploads.len());
            let ty = &parameter.ty;
            passed.push(upload.clone());
            uploads.push(quote_spanned!(ty.span()=> let #upload: #ty = uploads.take();));
            continue;
        }
        passed.push(format_ident!("argument_{}", types.len()));
        types.push(&*parameter.ty);
    }
    if types.len() > PARAMETERS_MAX {
        return Err(Error::new(
            ident.span(),
            format!(
                "a method takes at most {PARAMETERS_MAX} arguments: put what belongs together into a struct"
            ),
        ));
    }
    let arguments: Vec<_> = (0..types.len())
        .map(|at| format_ident!("argument_{at}"))
        .collect();
    let conditions: Vec<_> = conditions(&function.attrs).collect();
    let awaited = awaited(function);
    let bind = quote_spanned!(ident.span()=> #api::private::bind::<(#(#types,)*)>(arguments)?);
    let stream = stream(function)?;
    let reply = reply(function, stream, api);
    let rule = rule(&said.rule, said.anonymous, api);
    let (streams, count) = (stream.is_some(), uploads.len());
    let run = quote_spanned!(ident.span()=> ::core::result::Result::Ok(::std::boxed::Box::pin(async move {
        #(#uploads)*
        let returned = Self::#ident(&hub, #context #(#passed,)*) #awaited;
        #reply
    })));
    let declared = of_hub(&function.sig, &docs(&function.attrs), name, streams, api);
    Ok(quote! {
        #(#conditions)*
        let definition = definition.declared(|declarations: &mut #api::Declarations| #declared);
        #(#conditions)*
        let definition = definition.method(
            #name,
            #api::private::Shape { streams: #streams, uploads: #count, rule: #rule },
            |hub: #api::private::Arc<Self>, ctx: #api::Context, arguments: &#api::private::Arguments, uploads: #api::private::Uploads| {
                let _ = &uploads;
                let (#(#arguments,)*) = #bind;
                #run
            },
        );
    })
}

/// How a method gives the stream that it answers by.
#[derive(Clone, Copy)]
enum Stream {
    Plain,
    InResult,
}

/// Whether a method answers by a stream: `Items<T>`, `impl Stream<Item = T>`, or a `Result` of one.
fn stream(function: &ImplItemFn) -> Result<Option<Stream>, Error> {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return Ok(None);
    };
    if is_stream(ty)? {
        return Ok(Some(Stream::Plain));
    }
    let Some(result) = last_segment(ty).filter(|last| last.ident == "Result") else {
        return Ok(None);
    };
    let syn::PathArguments::AngleBracketed(arguments) = &result.arguments else {
        return Ok(None);
    };
    match arguments.args.first() {
        Some(syn::GenericArgument::Type(ty)) if is_stream(ty)? => Ok(Some(Stream::InResult)),
        _ => Ok(None),
    }
}

fn is_stream(ty: &Type) -> Result<bool, Error> {
    let Type::ImplTrait(bounds) = ty else {
        return Ok(last_segment(ty).is_some_and(|last| last.ident == "Items"));
    };
    let named = bounds.bounds.iter().any(|bound| {
        matches!(bound, syn::TypeParamBound::Trait(bound) if bound.path.segments.last().is_some_and(|last| last.ident == "Stream"))
    });
    if named {
        Ok(true)
    } else {
        Err(Error::new(
            ty.span(),
            "a method answers by one value, whose type is written here, or by a stream: write `impl Stream<Item = T>` or `Items<T>`",
        ))
    }
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// From what a method returned to its answer.
fn reply(function: &ImplItemFn, stream: Option<Stream>, api: &TokenStream) -> TokenStream {
    let span = returned_span(function);
    match stream {
        None => quote_spanned!(span=> (&returned).returned().reply(returned, &ctx)),
        Some(Stream::Plain) => quote_spanned!(span=> (&returned).items().stream(returned, &ctx)),
        Some(Stream::InResult) => quote_spanned! {span=>
            let returned = #api::private::begun(returned)?;
            (&returned).items().stream(returned, &ctx)
        },
    }
}

/// What a client sends becomes a value of this type.
fn check_parameter(parameter: &syn::PatType) -> Result<(), Error> {
    if !matches!(&*parameter.pat, Pat::Ident(_) | Pat::Wild(_)) {
        return Err(Error::new(
            parameter.pat.span(),
            "a parameter has a name: write `name: Type` and take it apart in the body",
        ));
    }
    match &*parameter.ty {
        ty if is_named(ty, "Context") => Err(Error::new(
            ty.span(),
            "the context is borrowed: write `&Context`",
        )),
        Type::Reference(reference) => {
            let owned = match &*reference.elem {
                Type::Slice(slice) => {
                    let element = &slice.elem;
                    quote!(Vec<#element>).to_string().replace(' ', "")
                }
                ty if is_named(ty, "str") => "String".to_owned(),
                ty => quote!(#ty).to_string().replace(' ', ""),
            };
            Err(Error::new(
                reference.span(),
                format!(
                    "a parameter owns what the client sent: write `{owned}`; only `&Context` is borrowed"
                ),
            ))
        }
        Type::ImplTrait(ty) => Err(Error::new(
            ty.span(),
            "a parameter has one type, which serde reads: write it instead of `impl`",
        )),
        _ => Ok(()),
    }
}
