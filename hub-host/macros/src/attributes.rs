//! What stands in the brackets of `#[hub]`, `#[client]` and `#[method]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::{Attribute, Error, Ident, LitStr, Path};

/// `#[hub(name = "…", crate = "…")]` or `#[client(crate = "…")]`.
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) name: Option<LitStr>,
    pub(crate) api: Option<Path>,
    pub(crate) rule: Rule,
    /// The blocks that this one is made of besides itself.
    pub(crate) parts: Vec<Ident>,
    /// The name of this block in that of the hub.
    pub(crate) part: Option<Ident>,
    /// The `#[client]` traits of its clients.
    pub(crate) clients: Vec<Path>,
}

impl Item {
    pub(crate) fn of_hub(attributes: TokenStream) -> Result<Self, Error> {
        Self::parse(attributes, "#[hub]", true)
    }

    pub(crate) fn of_client(attributes: TokenStream) -> Result<Self, Error> {
        Self::parse(attributes, "#[client]", false)
    }

    fn parse(attributes: TokenStream, attribute: &str, named: bool) -> Result<Self, Error> {
        let mut item = Self::default();
        let parser = syn::meta::parser(|meta| {
            if named && meta.path.is_ident("name") {
                item.name = Some(text(&meta)?);
                return Ok(());
            }
            if meta.path.is_ident("crate") {
                item.api = Some(meta.value()?.parse::<LitStr>()?.parse()?);
                return Ok(());
            }
            if named && item.rule.take(&meta)? {
                return Ok(());
            }
            if named && meta.path.is_ident("part") {
                item.part = Some(meta.value()?.parse()?);
                return Ok(());
            }
            if named && meta.path.is_ident("parts") {
                meta.parse_nested_meta(|part| {
                    item.parts.push(part.path.require_ident()?.clone());
                    Ok(())
                })?;
                return Ok(());
            }
            if named && meta.path.is_ident("clients") {
                meta.parse_nested_meta(|client| {
                    item.clients.push(client.path.clone());
                    Ok(())
                })?;
                return Ok(());
            }
            let known = if named {
                "`name = \"…\"`, `authorize`, `roles = \"…\"`, `claim = \"…\"`, `parts(…)`, `part = …`, `clients(…)` and `crate = \"…\"`"
            } else {
                "`crate = \"…\"`"
            };
            Err(meta.error(format!("`{attribute}` knows {known}")))
        });
        parser.parse2(attributes)?;
        Ok(item)
    }
}

/// `#[method(name = "…")]` or `#[method(skip)]`.
#[derive(Default)]
pub(crate) struct Method {
    pub(crate) name: Option<LitStr>,
    pub(crate) skip: bool,
    pub(crate) rule: Rule,
    pub(crate) anonymous: bool,
}

/// `authorize`, `roles = "…"` and `claim = "…"`.
#[derive(Default)]
pub(crate) struct Rule {
    pub(crate) authorize: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) claims: Vec<String>,
}

impl Rule {
    /// Whether this was a part of a rule.
    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<bool, Error> {
        if meta.path.is_ident("authorize") {
            self.authorize = true;
        } else if meta.path.is_ident("roles") {
            self.authorize = true;
            let roles = text(meta)?;
            for role in roles.value().split(',') {
                let role = role.trim();
                if role.is_empty() {
                    return Err(Error::new(
                        roles.span(),
                        "a role has at least one character: write `roles = \"one,other\"`",
                    ));
                }
                self.roles.push(role.to_owned());
            }
        } else if meta.path.is_ident("claim") {
            self.authorize = true;
            self.claims.push(text(meta)?.value());
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl Method {
    /// Takes `#[method(…)]` out of the attributes of a function.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Result<Self, Error> {
        let mut method = Self::default();
        let mut wrong = None;
        attributes.retain(|attribute| {
            if !attribute.path().is_ident("method") {
                return true;
            }
            if let Err(error) = method.parse(attribute) {
                match &mut wrong {
                    None => wrong = Some(error),
                    Some(wrong) => wrong.combine(error),
                }
            }
            false
        });
        wrong.map_or(Ok(method), Err)
    }

    fn parse(&mut self, attribute: &Attribute) -> Result<(), Error> {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                self.name = Some(text(&meta)?);
            } else if meta.path.is_ident("skip") {
                self.skip = true;
            } else if meta.path.is_ident("anonymous") {
                self.anonymous = true;
            } else if !self.rule.take(&meta)? {
                return Err(meta.error(
                    "`#[method]` knows `name = \"…\"`, `skip`, `authorize`, `roles = \"…\"`, `claim = \"…\"` and `anonymous`",
                ));
            }
            if self.anonymous && self.rule.authorize {
                return Err(meta.error("a method is either `anonymous` or asks who invokes it"));
            }
            Ok(())
        })
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr, Error> {
    let text: LitStr = meta.value()?.parse()?;
    if text.value().is_empty() {
        return Err(Error::new(text.span(), "a name has at least one character"));
    }
    Ok(text)
}
