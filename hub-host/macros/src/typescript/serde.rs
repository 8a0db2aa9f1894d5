//! What serde's attributes say about names and forms. What else they say is serde's own business.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Expr, LitStr, Token, Type};

/// What stands above a struct or an enum.
#[derive(Default)]
pub(super) struct Container {
    pub(super) rename: Option<String>,
    pub(super) rename_all: Option<Case>,
    pub(super) rename_all_fields: Option<Case>,
    pub(super) tag: Option<String>,
    pub(super) content: Option<String>,
    pub(super) untagged: bool,
    pub(super) transparent: bool,
    /// The type that values are made to, or from, on their way.
    pub(super) other: Option<Type>,
    pub(super) api: Option<syn::Path>,
}

/// What stands above a field or a variant.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rename: Option<String>,
    pub(super) rename_all: Option<Case>,
    pub(super) skip: bool,
    pub(super) optional: bool,
    pub(super) flatten: bool,
    pub(super) untagged: bool,
    /// Whether a function of its own reads or writes it.
    pub(super) custom: bool,
    /// What it is, in the author's words.
    pub(super) said: Option<String>,
}

impl Container {
    pub(super) fn read(attributes: &[Attribute]) -> Result<Self, Error> {
        let mut read = Self::default();
        each(attributes, |meta, serde| {
            let path = &meta.path;
            if !serde {
                if path.is_ident("crate") {
                    read.api = Some(meta.value()?.parse::<LitStr>()?.parse()?);
                    return Ok(());
                }
                return Err(meta.error("above a type, `#[typescript]` knows `crate = \"…\"`"));
            }
            if path.is_ident("rename") {
                read.rename = renamed(&meta)?;
            } else if path.is_ident("rename_all") {
                read.rename_all = renamed(&meta)?.and_then(|case| Case::of(&case));
            } else if path.is_ident("rename_all_fields") {
                read.rename_all_fields = renamed(&meta)?.and_then(|case| Case::of(&case));
            } else if path.is_ident("tag") {
                read.tag = Some(meta.value()?.parse::<LitStr>()?.value());
            } else if path.is_ident("content") {
                read.content = Some(meta.value()?.parse::<LitStr>()?.value());
            } else if path.is_ident("untagged") {
                read.untagged = true;
            } else if path.is_ident("transparent") {
                read.transparent = true;
            } else if path.is_ident("into") || path.is_ident("from") || path.is_ident("try_from") {
                read.other = Some(meta.value()?.parse::<LitStr>()?.parse()?);
            } else {
                pass_over(&meta)?;
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl Part {
    pub(super) fn read(attributes: &[Attribute]) -> Result<Self, Error> {
        let mut read = Self::default();
        each(attributes, |meta, serde| {
            let path = &meta.path;
            if !serde {
                if path.is_ident("type") {
                    read.said = Some(meta.value()?.parse::<LitStr>()?.value());
                    return Ok(());
                }
                return Err(meta.error("above a field, `#[typescript]` knows `type = \"…\"`"));
            }
            if path.is_ident("rename") {
                read.rename = renamed(&meta)?;
            } else if path.is_ident("rename_all") {
                read.rename_all = renamed(&meta)?.and_then(|case| Case::of(&case));
            } else if path.is_ident("skip") {
                read.skip = true;
            } else if path.is_ident("flatten") {
                read.flatten = true;
            } else if path.is_ident("untagged") {
                read.untagged = true;
            } else if [
                "skip_serializing",
                "skip_deserializing",
                "skip_serializing_if",
            ]
            .iter()
            .any(|name| path.is_ident(name))
            {
                read.optional = true;
                pass_over(&meta)?;
            } else {
                read.custom |= ["with", "serialize_with", "deserialize_with"]
                    .iter()
                    .any(|name| path.is_ident(name));
                pass_over(&meta)?;
            }
            Ok(())
        })?;
        Ok(read)
    }
}

/// Each thing that `#[serde]`, and `#[typescript]`, say.
fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(ParseNestedMeta<'_>, bool) -> Result<(), Error>,
) -> Result<(), Error> {
    for attribute in attributes {
        let serde = attribute.path().is_ident("serde");
        if serde || attribute.path().is_ident("typescript") {
            attribute.parse_nested_meta(|meta| take(meta, serde))?;
        }
    }
    Ok(())
}

/// `= "name"`, or `(serialize = "name", deserialize = "…")`: the name that a hub writes.
fn renamed(meta: &ParseNestedMeta<'_>) -> Result<Option<String>, Error> {
    if meta.input.peek(Token![=]) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut name = None;
    meta.parse_nested_meta(|side| {
        let text = side.value()?.parse::<LitStr>()?.value();
        if side.path.is_ident("serialize") || name.is_none() {
            name = Some(text);
        }
        Ok(())
    })?;
    Ok(name)
}

fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<(), Error> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}

/// How serde writes the words of a name.
#[derive(Clone, Copy)]
pub(super) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// None for what serde itself refuses.
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// A field's name, which is in `snake_case`.
    pub(super) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => {
                let mut pascal = String::new();
                for word in name.split('_') {
                    pascal.push_str(&capital(word));
                }
                pascal
            }
            Self::Camel => small(&Self::Pascal.field(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// A variant's name, which is in `PascalCase`.
    pub(super) fn variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => small(name),
            Self::Snake => {
                let mut snake = String::new();
                for (at, letter) in name.char_indices() {
                    if at > 0 && letter.is_uppercase() {
                        snake.push('_');
                    }
                    snake.push(letter.to_ascii_lowercase());
                }
                snake
            }
            Self::ScreamingSnake => Self::Snake.variant(name).to_ascii_uppercase(),
            Self::Kebab => Self::Snake.variant(name).replace('_', "-"),
            Self::ScreamingKebab => Self::ScreamingSnake.variant(name).replace('_', "-"),
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn small(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
