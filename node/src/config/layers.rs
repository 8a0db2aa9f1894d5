//! The layers, and which of them said what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::extract::Areas;
use super::options::Area;
use super::problems::{Origin, Problems};
use super::settings::Reader;

/// What every variable begins with.
const PREFIX: &str = "HUBPLANE_";

/// The variable that names the file.
const FILE_VARIABLE: &str = "HUBPLANE_CONFIG";

/// The file that is read when it is there.
const FILE: &str = "hubplane.toml";

const ENVIRONMENT: &str = "environment";
const FLAGS: &str = "flags";

/// Which file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// None.
    None,
    /// The one that `HUBPLANE_CONFIG` names, which must be there, or else `hubplane.toml` in the current
    /// directory, which need not.
    Usual,
    /// This one, which must be there.
    Exactly(PathBuf),
    /// What would stand in it.
    Text(String),
}

/// Where a configuration comes from: the four layers, from the lowest to the highest.
#[derive(Debug)]
pub struct Sources {
    defaults: Dict,
    file: FileSource,
    environment: Vec<(String, OsString)>,
    flags: Dict,
    /// The hubs that are served, and how their settings are read.
    pub(super) served: BTreeMap<String, Reader>,
}

impl Sources {
    /// Nothing but the defaults: for tests, and to add to.
    pub fn none() -> Self {
        Self {
            defaults: Dict::new(),
            file: FileSource::None,
            environment: Vec::new(),
            flags: Dict::new(),
            served: BTreeMap::new(),
        }
    }

    /// Says that a hub is served, which has no settings. Once one is named, the table of any other hub is a problem.
    #[must_use]
    pub fn hub(mut self, name: &str) -> Self {
        self.served.insert(name.to_owned(), Reader::none());
        self
    }

    /// Says that a hub is served whose settings, the table `[hubs.<name>.settings]`, are of this type. What it leaves out
    /// has the type's own defaults; a key that the type does not know is a problem.
    #[must_use]
    pub fn hub_settings<S: DeserializeOwned + Serialize>(mut self, name: &str) -> Self {
        self.served.insert(name.to_owned(), Reader::of::<S>());
        self
    }

    /// The usual file, and the environment of this process.
    pub fn process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self {
            file: FileSource::Usual,
            environment: variables,
            ..Self::none()
        }
    }

    /// Sets which file is read.
    #[must_use]
    pub fn file(mut self, file: FileSource) -> Self {
        self.file = file;
        self
    }

    /// Adds environment variables. Those that do not begin with `HUBPLANE_` are passed over.
    #[must_use]
    pub fn environment<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter();
        self.environment
            .extend(variables.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Changes defaults, for a command whose usual case is another one: tables of options, as a value that
    /// serializes to them. What is `None` stays as it is.
    ///
    /// # Errors
    /// When `defaults` does not serialize to tables.
    pub fn defaults(mut self, defaults: &impl Serialize) -> Result<Self, NotTables> {
        self.defaults = dict(defaults)?;
        Ok(self)
    }

    /// Sets the highest layer: tables of options, as a value that serializes to them. What is `None` is not
    /// set.
    ///
    /// # Errors
    /// When `flags` does not serialize to tables.
    pub fn flags(mut self, flags: &impl Serialize) -> Result<Self, NotTables> {
        self.flags = dict(flags)?;
        Ok(self)
    }

    /// The file that is to be read, and whether it must be there.
    fn path(&self) -> Option<(PathBuf, bool)> {
        match &self.file {
            FileSource::None | FileSource::Text(_) => None,
            FileSource::Exactly(path) => Some((path.clone(), true)),
            FileSource::Usual => {
                let mut variables = self.environment.iter();
                let named = variables.find(|(name, _)| name == FILE_VARIABLE);
                Some(named.map_or_else(
                    || (FILE.into(), false),
                    |(_, path)| (PathBuf::from(path), true),
                ))
            }
        }
    }
}

/// A layer made by code is not a struct of structs.
#[derive(Debug, thiserror::Error)]
#[error("a layer of the configuration does not serialize to tables of options")]
pub struct NotTables(#[source] Option<Box<figment::Error>>);

fn dict(value: &impl Serialize) -> Result<Dict, NotTables> {
    let value = Value::serialize(value).map_err(|error| NotTables(Some(Box::new(error))))?;
    match without_empty(value) {
        Some(Value::Dict(_, dict)) => Ok(dict),
        None => Ok(Dict::new()),
        Some(_) => Err(NotTables(None)),
    }
}

/// Leaves out what is not set, so that it does not hide a lower layer.
fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Empty(..) => None,
        Value::Dict(tag, dict) => {
            let set = dict.into_iter();
            let set = set.filter_map(|(key, value)| Some((key, without_empty(value)?)));
            Some(Value::Dict(tag, set.collect()))
        }
        value => Some(value),
    }
}

/// One layer, as figment takes it.
struct Layer {
    metadata: Metadata,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

/// The layers, merged.
pub(super) struct Layers {
    figment: Figment,
    merged: Value,
}

impl Layers {
    /// Reads the file and the environment, and puts all layers on top of each other.
    pub(super) fn read(sources: Sources, problems: &mut Problems) -> Self {
        let mut layers = vec![Layer {
            metadata: Metadata::named("defaults"),
            dict: sources.defaults.clone(),
        }];
        if let FileSource::Text(text) = &sources.file {
            layers.extend(parsed(Path::new(FILE), text, problems));
        }
        if let Some((path, required)) = sources.path() {
            layers.extend(file(&path, required, problems));
        }
        layers.push(Layer {
            metadata: Metadata::named(ENVIRONMENT),
            dict: environment(sources.environment, problems),
        });
        layers.push(Layer {
            metadata: Metadata::named(FLAGS),
            dict: sources.flags,
        });

        let figment = layers.into_iter().fold(Figment::new(), Figment::merge);
        let merged = match figment.find_value("") {
            Ok(merged) => merged,
            Err(error) => {
                problems.add_layer(Origin::Default, error.to_string());
                Value::from(Dict::new())
            }
        };
        Self { figment, merged }
    }

    /// The tables, by name; what is not the table of an area is a problem.
    pub(super) fn areas(&self, known: &[Area], problems: &mut Problems) -> Areas {
        let mut tables = Dict::new();
        for (key, value) in self.merged.as_dict().cloned().unwrap_or_default() {
            if known.iter().all(|area| area.name != key) {
                problems.add(key, "unknown key");
            } else if value.as_dict().is_none() {
                problems.add(key, "is not a table");
            } else {
                tables.insert(key, value);
            }
        }
        Areas::new(tables)
    }

    /// Which layer said what is in force for `key`.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let mut value = &self.merged;
        let mut rest = key;
        // A hub's name may hold dots, so the longest key that is there wins.
        while let Some(dict) = value.as_dict() {
            let fits = |(key, _): &(&String, &Value)| {
                rest.strip_prefix(key.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let found = dict.iter().filter(fits).max_by_key(|(key, _)| key.len());
            let Some((found, inner)) = found else {
                return self.inherited(key);
            };
            rest = rest[found.len()..].trim_start_matches('.');
            value = inner;
            if rest.is_empty() {
                break;
            }
        }
        let metadata = self.figment.get_metadata(value.tag());
        match metadata.map(|metadata| (&*metadata.name, &metadata.source)) {
            Some((_, Some(Source::File(path)))) => Origin::File(path.clone()),
            Some((ENVIRONMENT, _)) => Origin::Environment(variable(key)),
            Some((FLAGS, _)) => Origin::Flags,
            _ => Origin::Default,
        }
    }

    /// `hubs.chat.option` that is not there is `hubs.option`.
    fn inherited(&self, key: &str) -> Origin {
        match (key.split_once('.'), key.rsplit_once('.')) {
            (Some(("hubs", rest)), Some((_, option))) if rest != option => {
                self.origin(&format!("hubs.{option}"))
            }
            _ => Origin::Default,
        }
    }
}

fn file(path: &Path, required: bool, problems: &mut Problems) -> Option<Layer> {
    let origin = || Origin::File(path.to_owned());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return None,
        Err(error) => {
            problems.add_layer(origin(), format!("cannot be read: {error}"));
            return None;
        }
    };
    parsed(path, &text, problems)
}

fn parsed(path: &Path, text: &str, problems: &mut Problems) -> Option<Layer> {
    match toml::from_str::<Dict>(text) {
        Ok(dict) => Some(Layer {
            metadata: Metadata::from("file", path),
            dict,
        }),
        Err(error) => {
            // The error's own text shows the line, which may hold a secret.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let origin = Origin::File(path.to_owned());
            problems.add_layer(origin, format!("line {line}: {}", error.message()));
            None
        }
    }
}

/// Every value is a text here; options read numbers and booleans from texts.
fn environment(variables: Vec<(String, OsString)>, problems: &mut Problems) -> Dict {
    let mut dict = Dict::new();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if name == FILE_VARIABLE {
            continue;
        }
        match value.into_string() {
            Ok(text) => {
                let key = key.to_ascii_lowercase();
                let path: Vec<_> = key.split("__").collect();
                insert(&mut dict, &path, text);
            }
            Err(_) => problems.add_layer(Origin::Environment(name), "is not UTF-8"),
        }
    }
    dict
}

fn insert(dict: &mut Dict, path: &[&str], text: String) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        dict.insert((*key).to_owned(), Value::from(text));
        return;
    }
    let mut inner = match dict.remove(*key) {
        Some(Value::Dict(_, inner)) => inner,
        _ => Dict::new(),
    };
    insert(&mut inner, rest, text);
    dict.insert((*key).to_owned(), Value::from(inner));
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}
