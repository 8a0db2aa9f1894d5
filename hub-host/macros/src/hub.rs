use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Type};

use crate::attributes::{Item, Method};
use crate::method::{invoked, returned_span, rule};
use crate::names::{Taken, api, pascal_case};
use crate::typescript::declare_name;

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
    let (clients, declare) = (&item.clients, declare_name());
    let body = quote! {
        #[allow(unused_imports)]
        use #api::private::{
            PlainItems as _, PlainReturned as _, ResultItems as _, ResultReturned as _,
        };
        #(#parts)*
        #(let definition = definition.clients(<#api::Audience as #clients>::#declare);)*
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
    let rule = rule(&item.rule, false, api);
    quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_qualifications)]
        impl #impl_generics #api::Hub for #hub #where_clause {
            const NAME: &'static str = #name;

            fn definition() -> #api::Definition<Self> {
                let definition = #api::Definition::new().rule(#rule);
                #body
                #(let definition = Self::#others(definition);)*
                definition
            }
        }
    }
}

/// The function that another block of the same hub puts its methods into.
fn part_name(part: &Ident) -> Ident {
    format_ident!("__hub_part_{}", part.unraw(), span = part.span())
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
            "on_presence" => presence(function, api),
            "user_id" => user_id(function, api),
            "authorize" => authorize(function, api),
            "filters" => filters(function, api),
            _ => {
                let name = match &method.name {
                    Some(name) => name.value(),
                    None => pascal_case(&function.sig.ident),
                };
                taken.take(&name, &function.sig.ident)?;
                invoked(function, &name, &method, api)
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
pub(crate) fn parameters(function: &ImplItemFn) -> impl Iterator<Item = &syn::PatType> {
    function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

/// Whether this is `&Name`, under whichever path.
pub(crate) fn is_reference_to(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none() && is_named(&reference.elem, name))
}

pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name && last.arguments.is_none()))
}

/// The attributes that decide whether a function exists.
pub(crate) fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
}

pub(crate) fn awaited(function: &ImplItemFn) -> TokenStream {
    if function.sig.asyncness.is_some() {
        quote!(.await)
    } else {
        TokenStream::new()
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

fn presence(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let known = [
        ("HubContext", quote!(&ctx,)),
        ("Presence", quote!(&change,)),
    ];
    let takes = lifecycle(
        function,
        &known,
        "`hub: &HubContext` and `change: &Presence`",
    )?;
    let end = end(function, &takes);
    Ok(quote! {
        let definition = definition.presence(
            |hub: #api::private::Arc<Self>, ctx: #api::HubContext, change: #api::Presence| { let _ = (&ctx, &change); #end },
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

fn authorize(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let ident = &function.sig.ident;
    let parameters: Vec<_> = parameters(function).collect();
    if !matches!(&*parameters, [one] if is_reference_to(&one.ty, "Call")) {
        return Err(Error::new(
            ident.span(),
            "`authorize` is the hub's own function: write `fn authorize(&self, call: &Call) -> bool`, or rename it",
        ));
    }
    let awaited = awaited(function);
    let call = quote_spanned!(returned_span(function)=> Self::authorize(&hub, &call) #awaited);
    Ok(quote! {
        let definition = definition.authorize(|hub: #api::private::Arc<Self>, call: #api::Call| {
            ::std::boxed::Box::pin(async move {
                let allowed: bool = #call;
                allowed
            })
        });
    })
}

fn filters(function: &ImplItemFn, api: &TokenStream) -> Result<TokenStream, Error> {
    let ident = &function.sig.ident;
    if function.sig.asyncness.is_some() || parameters(function).next().is_some() {
        return Err(Error::new(
            ident.span(),
            "`filters` is the hub's own function: write `fn filters(&self) -> Filters`, or rename it",
        ));
    }
    let call = quote_spanned!(returned_span(function)=> Self::filters(hub));
    Ok(quote! {
        let definition = definition.filters(|hub: &Self| -> #api::Filters { #call });
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
