use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, ReturnType, Type};

use crate::attributes::{Item, Method};
use crate::names::{Taken, api, pascal_case};

/// As many parameters as the hub API has tuples for.
const PARAMETERS_MAX: usize = 12;

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(_) => {
            let error = Error::new(
                Span::call_site(),
                "`#[hub]` is for the `impl` block of a type: write it above `impl MyHub { … }`",
            );
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    // What was wrong is told once, and the rest of the block works on, so that one mistake is one message.
    let mut wrong = Errors::default();
    let item = wrong.unless(Item::of_hub(attributes)).unwrap_or_default();
    if let Some((_, path, _)) = &block.trait_ {
        wrong.push(Error::new(
            path.span(),
            "`#[hub]` is for an `impl` block without a trait: write `impl MyHub { … }`",
        ));
    }
    let api = match api(item.api.as_ref()) {
        Ok(api) => api,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#block #error);
        }
    };
    let parts = definition(&mut block, &api, &mut wrong);
    let hub = if block.trait_.is_none() {
        implementation(&block, &item, &api, &parts)
    } else {
        TokenStream::new()
    };
    let wrong = wrong.into_compile_errors();
    quote!(#block #hub #wrong)
}

fn implementation(
    block: &ItemImpl,
    item: &Item,
    api: &TokenStream,
    parts: &[TokenStream],
) -> TokenStream {
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let hub = &block.self_ty;
    let name = match &item.name {
        Some(name) => name.value(),
        None => type_name(hub).to_lowercase(),
    };
    let body = quote! {
        #[allow(unused_imports)]
        use #api::private::{
            PlainItems as _, PlainReturned as _, ResultItems as _, ResultReturned as _,
        };
        #(#parts)*
    };
    if let Some(part) = &item.part {
        let part = part_name(part);
        return quote! {
            #[automatically_derived]
            #[allow(clippy::all, clippy::pedantic, deprecated, unused_qualifications)]
            impl #impl_generics #hub #where_clause {
                #[doc(hidden)]
                pub(crate) fn #part(definition: #api::Definition<Self>) -> #api::Definition<Self> {
                    #body
                    definition
                }
            }
        };
    }
    let others = item.parts.iter().map(part_name);
    quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_qualifications)]
        impl #impl_generics #api::Hub for #hub #where_clause {
            const NAME: &'static str = #name;

            fn definition() -> #api::Definition<Self> {
                let definition = #api::Definition::new();
                #body
                #(let definition = Self::#others(definition);)*
                definition
            }
        }
    }
}

/// The function that another block of the same hub puts its methods into.
fn part_name(part: &Ident) -> Ident {
    format_ident!("__hub_part_{part}", span = part.span())
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// One statement for each function that the hub is made of. Takes `#[method]` off all of them.
fn definition(block: &mut ItemImpl, api: &TokenStream, wrong: &mut Errors) -> Vec<TokenStream> {
    let mut taken = Taken::default();
    let mut parts = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        let Some(method) = wrong.unless(Method::take(&mut function.attrs)) else {
            continue;
        };
        if method.skip {
            continue;
        }
        let function = &*function;
        let part = check(function).and_then(|()| match function.sig.ident.to_string().as_str() {
            "on_connected" => connected(function, api),
            "on_disconnected" => disconnected(function, api),
            "user_id" => user_id(function, api),
            _ => {
                let name = match &method.name {
                    Some(name) => name.value(),
                    None => pascal_case(&function.sig.ident),
                };
                taken.take(&name, &function.sig.ident)?;
                invoked(function, &name, api)
            }
        });
        parts.extend(wrong.unless(part));
    }
    parts
}

/// What holds for every function of a hub.
fn check(function: &ImplItemFn) -> Result<(), Error> {
    let signature = &function.sig;
    let name = &signature.ident;
    if let Some(generic) = signature
        .generics
        .params
        .iter()
        .find(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
    {
        return Err(Error::new(
            generic.span(),
            format!(
                "`{name}` cannot be generic: clients know it by one name with one set of types; write the types, or `#[method(skip)]` if clients do not invoke it"
            ),
        ));
    }
    let Some(receiver) = signature.receiver() else {
        return Err(Error::new(
            name.span(),
            format!(
                "`{name}` needs `&self`: clients invoke it on the hub that they share; write `#[method(skip)]` above it if clients do not invoke it"
            ),
        ));
    };
    let by_reference = receiver.reference.is_some() && receiver.colon_token.is_none();
    if receiver.mutability.is_some() && by_reference {
        return Err(Error::new(
            receiver.span(),
            "all connections share the hub, at the same time: take `&self`, and keep what changes behind a lock or an atomic",
        ));
    }
    if !by_reference {
        return Err(Error::new(
            receiver.span(),
            "a method of a hub takes `&self`",
        ));
    }
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new(
            unsafety.span(),
            "a method that clients invoke cannot be unsafe",
        ));
    }
    Ok(())
}

/// The parameters behind `&self`.
fn parameters(function: &ImplItemFn) -> impl Iterator<Item = &syn::PatType> {
    function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

/// Whether this is `&Name`, under whichever path.
fn is_reference_to(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none() && is_named(&reference.elem, name))
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name && last.arguments.is_none()))
}

/// The attributes that decide whether a function exists.
fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

fn awaited(function: &ImplItemFn) -> TokenStream {
    if function.sig.asyncness.is_some() {
        quote!(.await)
    } else {
        TokenStream::new()
    }
}

/// Where the compiler should point if what a function returns does not fit.
fn returned_span(function: &ImplItemFn) -> Span {
    match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

fn invoked(function: &ImplItemFn, name: &str, api: &TokenStream) -> Result<TokenStream, Error> {
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
    let conditions = conditions(&function.attrs);
    let awaited = awaited(function);
    let bind = quote_spanned!(ident.span()=> #api::private::bind::<(#(#types,)*)>(arguments)?);
    let stream = stream(function)?;
    let reply = reply(function, stream, api);
    let (streams, count) = (stream.is_some(), uploads.len());
    let run = quote_spanned!(ident.span()=> ::core::result::Result::Ok(::std::boxed::Box::pin(async move {
        #(#uploads)*
        let returned = Self::#ident(&hub, #context #(#passed,)*) #awaited;
        #reply
    })));
    Ok(quote! {
        #(#conditions)*
        let definition = definition.method(
            #name,
            #api::private::Shape { streams: #streams, uploads: #count },
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

fn connected(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let takes = lifecycle(function, &[("Context", quote!(&ctx,))], "`ctx: &Context`")?;
    let end = end(function, &takes);
    Ok(quote! {
        let definition = definition.connected(|hub: #api::private::Arc<Self>, ctx: #api::Context| { let _ = &ctx; #end });
    })
}

fn disconnected(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let known = [("Context", quote!(&ctx,)), ("Disconnect", quote!(&reason,))];
    let takes = lifecycle(
        function,
        &known,
        "`ctx: &Context` and `reason: &Disconnect`",
    )?;
    let end = end(function, &takes);
    Ok(quote! {
        let definition = definition.disconnected(
            |hub: #api::private::Arc<Self>, ctx: #api::Context, reason: #api::Disconnect| { let _ = (&ctx, &reason); #end },
        );
    })
}

/// The arguments of a lifecycle method: those that it asks for, in this order.
fn lifecycle(
    function: &ImplItemFn,
    known: &[(&str, TokenStream)],
    all: &str,
) -> Result<Vec<TokenStream>, Error> {
    let mut known = known.iter();
    parameters(function)
        .map(
            |parameter| match known.find(|(name, _)| is_reference_to(&parameter.ty, name)) {
                Some((_, argument)) => Ok(argument.clone()),
                None => Err(Error::new(
                    parameter.span(),
                    format!(
                        "`{}` takes {all}, in this order, and nothing else",
                        function.sig.ident
                    ),
                )),
            },
        )
        .collect()
}

fn end(function: &ImplItemFn, takes: &[TokenStream]) -> TokenStream {
    let ident = &function.sig.ident;
    let awaited = awaited(function);
    let end = quote_spanned!(returned_span(function)=> (&returned).returned().end(returned));
    quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            let returned = Self::#ident(&hub, #(#takes)*) #awaited;
            #end
        })
    }
}

fn user_id(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let ident = &function.sig.ident;
    let parameters: Vec<_> = parameters(function).collect();
    let fits = matches!(&*parameters, [one] if is_reference_to(&one.ty, "Request"));
    if function.sig.asyncness.is_some() || !fits {
        return Err(Error::new(
            ident.span(),
            "`user_id` is the hub's own function: write `fn user_id(&self, request: &Request) -> Option<String>`, or rename it",
        ));
    }
    let call = quote_spanned!(returned_span(function)=> Self::user_id(hub, request));
    Ok(quote! {
        let definition = definition.user_id(|hub: &Self, request: &#api::Request| -> ::core::option::Option<::std::string::String> { #call });
    })
}

/// Everything that was wrong.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            None => self.0 = Some(error),
            Some(first) => first.combine(error),
        }
    }

    pub(crate) fn unless<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}
