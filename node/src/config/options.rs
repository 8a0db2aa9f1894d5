//! One declaration per option: its field, its default, and its line in `docs/config.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::hubs::Transport;
use super::list::List;
use super::values::{Limit, Secret, Size};
use super::{Config, ForwardedBy, Listen, Network, OriginPattern, Tls, TlsVersion};

/// A table of the configuration, and its options.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    /// The table's key.
    pub(super) name: &'static str,
    /// Its documentation, line by line.
    pub(super) about: &'static [&'static str],
    /// What can stand in it.
    pub(super) options: &'static [OptionDoc],
    /// The defaults, as TOML.
    pub(super) defaults: fn() -> toml::Table,
}

/// What is written about one option.
#[derive(Debug, Clone, Copy)]
pub(super) struct OptionDoc {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) doc: &'static [&'static str],
    /// The default in words, where the value depends on the machine or says nothing.
    pub(super) shown: Option<&'static str>,
}

/// A type that an option can have.
pub(super) trait Described {
    /// How a value is written, in a few words.
    const KIND: &'static str;
}

macro_rules! described {
    ($($type:ty: $kind:literal,)*) => {
        $(impl Described for $type {
            const KIND: &'static str = $kind;
        })*
    };
}

described! {
    bool: "`true` or `false`",
    usize: "number",
    i32: "number",
    String: "text",
    Vec<String>: "list of texts",
    List<Network>: "list of networks",
    List<OriginPattern>: "list of origins",
    PathBuf: "path",
    ForwardedBy: "`x-forwarded` or `forwarded`",
    TlsVersion: "`1.2` or `1.3`",
    Tls: "table",
    Vec<Transport>: "list of `WebSockets`, `ServerSentEvents`, `LongPolling`",
    SocketAddr: "address:port",
    Duration: "duration",
    Size: "size",
    Limit: "size or `unlimited`",
    Secret: "secret",
    BTreeMap<String, Secret>: "table of secrets",
}

impl<T: Described> Described for Option<T> {
    const KIND: &'static str = T::KIND;
}

/// Declares an area: a struct that reads its table strictly, its defaults, and what is known about both.
macro_rules! options {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident in $area:literal {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde(with = $with:literal)])?
                pub $option:ident: $type:ty = $default:expr $(, shown as $shown:literal)?,
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                $(#[serde(with = $with)])?
                pub $option: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($option: $default,)* }
            }
        }

        impl $name {
            pub(super) const AREA: $crate::config::options::Area = $crate::config::options::Area {
                name: $area,
                about: &[$($about),*],
                options: &[$($crate::config::options::OptionDoc {
                    name: stringify!($option),
                    kind: <$type as $crate::config::options::Described>::KIND,
                    doc: &[$($doc),*],
                    shown: $crate::config::options::shown!($($shown)?),
                },)*],
                defaults: || toml::Table::try_from(Self::default()).unwrap_or_default(),
            };
        }
    };
}

macro_rules! shown {
    () => {
        None
    };
    ($shown:literal) => {
        Some($shown)
    };
}
pub(super) use shown;

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from node/src/config/: cargo run -p hubplane-node --example config-reference > docs/config.md -->

Four layers, each over the one before: the defaults below, the file `hubplane.toml` in the current directory (or the
one that `--config` or `HUBPLANE_CONFIG` names), environment variables, and flags. Unknown keys are errors; all
problems are reported at once, each with where it came from. `hubplane config check` does no more than that, and
`hubplane config print` prints what is in force, without secrets.

- The environment variable of an option is `HUBPLANE_`, its table, `__`, its name: `HUBPLANE_LISTEN__ADDRESS`,
  `HUBPLANE_HUBS__CHAT__MAX_MESSAGE_BYTES`. Kubernetes makes variables such as `HUBPLANE_PORT` when a service is named
  `hubplane`; `enableServiceLinks: false` in the pod keeps them away.
- A list of networks or origins is one text with commas in a variable.
- A duration is a number with a unit, such as `15s`, `500ms` or `1m 30s`. A size is a number of bytes, or one with a
  unit, such as `64 KiB` (65,536) or `64 KB` (64,000).
- All options are there since 0.1.0 unless they say otherwise.
";

/// The text of `docs/config.md`: every option with its meaning, unit and default.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    let inner = |area: Area| (area.name == Listen::AREA.name).then_some(Tls::AREA);
    let areas = Config::AREAS.into_iter();
    for area in areas.flat_map(|area| [Some(area), inner(area)]).flatten() {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n## `[{}]`\n\n", area.name);
        let _ = writeln!(text, "{}\n", joined(area.about));
        let _ = writeln!(text, "| Option | Value | Default | Meaning |");
        let _ = writeln!(text, "| --- | --- | --- | --- |");
        let defaults = (area.defaults)();
        for option in area.options {
            let default = match (option.shown, defaults.get(option.name)) {
                (Some(shown), _) => shown.to_owned(),
                (None, Some(toml::Value::String(value))) => format!("`{value}`"),
                (None, Some(value)) => format!("`{value}`"),
                (None, None) => "not set".to_owned(),
            };
            let _ = writeln!(
                text,
                "| `{}` | {} | {default} | {} |",
                option.name,
                option.kind,
                joined(option.doc)
            );
        }
    }
    text
}

/// Lines of a doc comment as one line.
fn joined(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}
