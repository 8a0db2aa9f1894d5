//! `#[derive(TypeScript)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, Variant};

use super::serde::{Case, Container, Part};
use super::{docs, typed, unknown};
use crate::names::api;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let derived = syn::parse2(item).and_then(|input| derive(&input));
    derived.unwrap_or_else(Error::into_compile_error)
}

fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let container = Container::read(&input.attrs)?;
    let api = api(container.api.as_ref())?;
    // A name that serde gives to the type is seen as a tag alone, and may be any text.
    let name = input.ident.unraw().to_string();
    let tag = container.rename.as_deref().unwrap_or(&name);
    let body = match (&container.other, &input.data) {
        (Some(other), _) => {
            let other = typed(other, &api);
            quote!(#api::private::Body::Alias(#other))
        }
        (None, Data::Struct(of)) => structure(&of.fields, tag, &container, &api)?,
        (None, Data::Enum(of)) => enumeration(of, &container, &api)?,
        (None, Data::Union(of)) => {
            return Err(Error::new(
                of.union_token.span,
                "serde knows no unions: derive `TypeScript` for a struct or an enum",
            ));
        }
    };
    let (ident, docs) = (&input.ident, docs(&input.attrs));
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(#api::TypeScript));
    }
    let parameters = input.generics.type_params().map(|parameter| {
        let ident = &parameter.ident;
        quote!(<#ident as #api::TypeScript>::typescript(declarations))
    });
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, deprecated, unused_qualifications)]
        impl #impl_generics #api::TypeScript for #ident #type_generics #where_clause {
            fn typescript(declarations: &mut #api::Declarations) -> ::std::string::String {
                #[allow(unused_imports)]
                use #api::private::Untyped as _;
                let name = #api::private::name_of(#name, &[#(#parameters),*]);
                let key = ::core::any::type_name::<Self>();
                declarations.declare(key, &name, #docs, |declarations| {
                    let _ = &declarations;
                    #body
                })
            }
        }
    })
}

fn structure(
    fields: &Fields,
    name: &str,
    container: &Container,
    api: &TokenStream,
) -> Result<TokenStream, Error> {
    if let (Fields::Named(_), false) = (fields, container.transparent) {
        let (fields, flattened) = named(fields, container.rename_all, api)?;
        let tag = container.tag.as_ref();
        let tag = tag.map(|tag| tag_field(tag, name, api));
        return Ok(quote! {
            #api::private::Body::object(&[#tag #(#fields),*], &[#(#flattened),*])
        });
    }
    let ty = unnamed(fields, container.transparent, api)?;
    Ok(quote!(#api::private::Body::Alias(#ty)))
}

/// The members of an object, and the types whose members are among them.
fn named(
    fields: &Fields,
    case: Option<Case>,
    api: &TokenStream,
) -> Result<(Vec<TokenStream>, Vec<TokenStream>), Error> {
    let (mut members, mut flattened) = (Vec::new(), Vec::new());
    for field in fields {
        let part = Part::read(&field.attrs)?;
        if part.skip {
            continue;
        }
        let ty = value(field, &part, api);
        if part.flatten {
            flattened.push(ty);
            continue;
        }
        let own = field.ident.as_ref().map(|ident| ident.unraw().to_string());
        let own = own.unwrap_or_default();
        let name = part
            .rename
            .unwrap_or_else(|| case.map_or(own.clone(), |case| case.field(&own)));
        let (docs, optional) = (docs(&field.attrs), part.optional);
        members.push(quote! {
            #api::private::Field { docs: #docs, name: #name, optional: #optional, ty: #ty }
        });
    }
    Ok((members, flattened))
}

/// The type of fields without names: of one, the field's own.
fn unnamed(fields: &Fields, transparent: bool, api: &TokenStream) -> Result<TokenStream, Error> {
    let mut types = Vec::new();
    for field in fields {
        let part = Part::read(&field.attrs)?;
        if !part.skip {
            types.push(value(field, &part, api));
        }
    }
    Ok(match (fields, &*types) {
        (Fields::Unit, _) => quote!(::std::string::String::from("null")),
        (_, [one]) if transparent || fields.len() == 1 => one.clone(),
        (_, types) => quote!(#api::private::tuple(&[#(#types),*])),
    })
}

fn value(field: &Field, part: &Part, api: &TokenStream) -> TokenStream {
    match &part.said {
        Some(said) => quote!(::std::string::String::from(#said)),
        None if part.custom => unknown(),
        None => typed(&field.ty, api),
    }
}

fn enumeration(
    of: &DataEnum,
    container: &Container,
    api: &TokenStream,
) -> Result<TokenStream, Error> {
    let mut variants = Vec::new();
    for variant in &of.variants {
        let part = Part::read(&variant.attrs)?;
        if !part.skip {
            variants.push(alternative(variant, &part, container, api)?);
        }
    }
    Ok(quote!(#api::private::Body::union(&[#(#variants),*])))
}

/// One of the values of an enum, in the form that serde gives it.
fn alternative(
    variant: &Variant,
    part: &Part,
    container: &Container,
    api: &TokenStream,
) -> Result<TokenStream, Error> {
    let own = variant.ident.unraw().to_string();
    let name = match (&part.rename, container.rename_all) {
        (Some(name), _) => name.clone(),
        (None, Some(case)) => case.variant(&own),
        (None, None) => own,
    };
    let fields = &variant.fields;
    let case = part.rename_all.or(container.rename_all_fields);
    let is_unit = matches!(fields, Fields::Unit);
    let content = || -> Result<TokenStream, Error> {
        if let Fields::Named(_) = fields {
            let (members, flattened) = named(fields, case, api)?;
            return Ok(quote!(#api::private::inline(&[#(#members),*], &[#(#flattened),*])));
        }
        unnamed(fields, false, api)
    };
    if part.untagged || container.untagged {
        return content();
    }
    let Some(tag) = &container.tag else {
        if is_unit {
            return Ok(quote!(#api::private::literal(#name)));
        }
        let content = content()?;
        return Ok(quote! {
            #api::private::inline(
                &[#api::private::Field { docs: "", name: #name, optional: false, ty: #content }],
                &[],
            )
        });
    };
    let tag = tag_field(tag, &name, api);
    Ok(match (&container.content, fields) {
        (_, Fields::Unit) => quote!(#api::private::inline(&[#tag], &[])),
        (Some(place), _) => {
            let content = content()?;
            quote! {
                #api::private::inline(
                    &[#tag #api::private::Field { docs: "", name: #place, optional: false, ty: #content }],
                    &[],
                )
            }
        }
        (None, Fields::Named(_)) => {
            let (members, flattened) = named(fields, case, api)?;
            quote!(#api::private::inline(&[#tag #(#members),*], &[#(#flattened),*]))
        }
        (None, Fields::Unnamed(_)) => {
            let content = content()?;
            quote!(#api::private::inline(&[#tag], &[#content]))
        }
    })
}

/// The member that tells which variant it is, and a comma.
fn tag_field(tag: &str, name: &str, api: &TokenStream) -> TokenStream {
    quote! {
        #api::private::Field {
            docs: "",
            name: #tag,
            optional: false,
            ty: #api::private::literal(#name),
        },
    }
}
