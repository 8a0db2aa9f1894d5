//! How TypeScript is written. What is public here is for the code that the macros write.

use std::fmt::Write as _;

/// What cannot be the name of a parameter.
const RESERVED: &str = "\
    arguments await break case catch class const continue debugger default delete do else enum eval \
    export extends false finally for function if implements import in instanceof interface let new null \
    package private protected public return static super switch this throw true try typeof var void \
    while with yield";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The members of an object, one in a line.
    Interface(String),
    /// A type.
    Alias(String),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The author's text about it, or nothing.
    pub docs: &'static str,
    /// As it travels.
    pub name: &'static str,
    /// Whether it may be missing.
    pub optional: bool,
    /// Its type.
    pub ty: String,
}

/// A method of a hub or of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The author's text about it, or nothing.
    pub docs: &'static str,
    /// As it travels.
    pub name: &'static str,
    /// Names as Rust has them, and types.
    pub parameters: Vec<(&'static str, String)>,
    /// What comes back.
    pub gives: Gives,
}

/// What comes back from a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gives {
    /// A hub's value.
    Value(String),
    /// A hub's stream.
    Stream(String),
    /// Nothing: a client is told something.
    Nothing,
    /// A client's answer.
    Answer(String),
}

impl Body {
    /// The methods of a hub or of clients.
    pub fn methods(methods: &[Declared]) -> Self {
        let mut text = String::new();
        for method in methods {
            documented(&mut text, method.docs, "  ");
            let parameters: Vec<_> = method
                .parameters
                .iter()
                .enumerate()
                .map(|(at, (name, ty))| format!("{}: {ty}", parameter(name, at)))
                .collect();
            let _ = writeln!(
                text,
                "  {}({}): {};",
                member(method.name),
                parameters.join(", "),
                method.gives.text()
            );
        }
        Self::Interface(text)
    }

    /// A struct with named fields, and with all that other types have.
    pub fn object(fields: &[Field], flattened: &[String]) -> Self {
        if !flattened.is_empty() {
            return Self::Alias(inline(fields, flattened));
        }
        let mut text = String::new();
        for field in fields {
            documented(&mut text, field.docs, "  ");
            let _ = writeln!(text, "  {};", field.text());
        }
        Self::Interface(text)
    }

    /// The values of an enum.
    pub fn union(variants: &[String]) -> Self {
        Self::Alias(match variants {
            [] => "never".to_owned(),
            variants => variants.join(" | "),
        })
    }

    pub(super) fn declaration(&self, name: &str, docs: &str) -> String {
        let mut text = String::new();
        documented(&mut text, docs, "");
        let _ = match self {
            Self::Interface(members) if members.is_empty() => {
                writeln!(text, "export interface {name} {{}}")
            }
            Self::Interface(members) => {
                write!(text, "export interface {name} {{\n{members}}}\n")
            }
            Self::Alias(ty) => writeln!(text, "export type {name} = {ty};"),
        };
        text
    }
}

impl Field {
    fn text(&self) -> String {
        let optional = if self.optional { "?" } else { "" };
        format!("{}{optional}: {}", member(self.name), self.ty)
    }
}

impl Gives {
    fn text(&self) -> String {
        // Who gives `()` gives nothing.
        let value = |ty: &str| {
            if ty == "null" {
                "void".to_owned()
            } else {
                ty.to_owned()
            }
        };
        match self {
            Self::Value(ty) => format!("Promise<{}>", value(ty)),
            Self::Stream(ty) => ty.clone(),
            Self::Nothing => "void".to_owned(),
            Self::Answer(ty) => format!("{ty} | Promise<{ty}>"),
        }
    }
}

/// An object in one line, with all that other types have.
pub fn inline(fields: &[Field], flattened: &[String]) -> String {
    let mut parts = Vec::new();
    if !fields.is_empty() || flattened.is_empty() {
        let fields: Vec<_> = fields.iter().map(Field::text).collect();
        parts.push(if fields.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{ {} }}", fields.join("; "))
        });
    }
    parts.extend(flattened.iter().map(|ty| match ty.strip_suffix(" | null") {
        // What is not there has none of its members.
        Some(ty) => format!("Partial<{ty}>"),
        None => grouped(ty),
    }));
    parts.join(" & ")
}

/// A text that is its own type.
pub fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(literal, "\\u{{{:x}}}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// Any number of such items.
pub fn list(item: &str) -> String {
    if item
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    {
        format!("{item}[]")
    } else {
        format!("Array<{item}>")
    }
}

/// One value of each type, in this order.
pub fn tuple(types: &[String]) -> String {
    format!("[{}]", types.join(", "))
}

/// The name of a type with parameters: `PageOfLine`.
pub fn name_of(name: &str, parameters: &[String]) -> String {
    let mut full = name.to_owned();
    for (at, parameter) in parameters.iter().enumerate() {
        full.push_str(if at == 0 { "Of" } else { "And" });
        for word in parameter.split(|c: char| !c.is_alphanumeric()) {
            let mut letters = word.chars();
            full.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            full.extend(letters);
        }
    }
    full
}

/// The last name of a Rust path, without parameters.
pub(super) fn type_name(path: &str) -> String {
    let path = path.split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default().to_owned()
}

fn grouped(ty: &str) -> String {
    if ty.contains(" | ") {
        format!("({ty})")
    } else {
        ty.to_owned()
    }
}

/// The name of a member, quoted if it must be.
fn member(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        literal(name)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let is_first = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    chars.next().is_some_and(is_first) && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// What a parameter is called: the name is for the reader alone, so it is in the reader's style.
fn parameter(name: &str, at: usize) -> String {
    let start = name.trim_start_matches('_');
    let mut words = start.split('_').filter(|word| !word.is_empty());
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.extend(letters);
    }
    if camel.is_empty() || !is_identifier(&camel) {
        return format!("argument{at}");
    }
    if RESERVED.split_whitespace().any(|word| word == camel) {
        camel.push('_');
    }
    camel
}

fn documented(text: &mut String, docs: &str, indent: &str) {
    let docs = docs.replace("*/", "*\\/");
    let lines: Vec<_> = docs.trim().lines().map(str::trim_end).collect();
    match &*lines {
        [] => {}
        [line] => {
            let _ = writeln!(text, "{indent}/** {} */", line.trim());
        }
        lines => {
            let _ = writeln!(text, "{indent}/**");
            for line in lines {
                let line = line.strip_prefix(' ').unwrap_or(line);
                let line = format!("{indent} * {line}");
                let _ = writeln!(text, "{}", line.trim_end());
            }
            let _ = writeln!(text, "{indent} */");
        }
    }
}
