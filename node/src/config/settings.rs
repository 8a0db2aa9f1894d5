//! `[hubs.<name>.settings]`: what the author of a hub has configured in a type of their own.

use std::collections::BTreeMap;
use std::fmt;

use figment::Figment;
use figment::error::Kind;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::extract::{Table, message, remove};
use super::problems::Problems;

/// The settings of one hub, checked against the type that they are read into.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    given: Dict,
    /// What is in force, defaults included, as that type writes itself.
    pub(super) in_force: toml::Table,
}

impl Settings {
    /// The settings, as the type that they were checked against; `None` for another one that they do not fit.
    pub fn get<S: DeserializeOwned>(&self) -> Option<S> {
        Figment::from(Table(&self.given)).extract_lossy().ok()
    }
}

/// How the settings of a hub that is served are read.
#[derive(Clone, Copy)]
pub(super) struct Reader(Option<Read>);

type Read = fn(&[&str], Dict, &mut Problems) -> Option<Settings>;

impl Reader {
    /// Into this type.
    pub(super) fn of<S: DeserializeOwned + Serialize>() -> Self {
        Self(Some(read::<S>))
    }

    /// It has none.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Reads the table of a hub.
    pub(super) fn read(
        self,
        hub: &str,
        table: Option<Dict>,
        problems: &mut Problems,
    ) -> Option<Settings> {
        match (self.0, table) {
            (Some(read), table) => {
                let path = ["hubs", hub, "settings"];
                read(&path, table.unwrap_or_default(), problems)
            }
            (None, Some(_)) => {
                problems.add(format!("hubs.{hub}.settings"), "this hub has no settings");
                None
            }
            (None, None) => None,
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.0.is_some()).finish()
    }
}

/// A value, and the keys that it did not want to know of.
struct Noting<S> {
    value: S,
    ignored: Vec<String>,
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for Noting<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ignored = Vec::new();
        let value = serde_ignored::deserialize(deserializer, |key| ignored.push(key.to_string()))?;
        Ok(Self { value, ignored })
    }
}

/// Reads a table, past every problem: what was wrong is taken away and the rest is read again.
fn read<S: DeserializeOwned + Serialize>(
    path: &[&str],
    mut table: Dict,
    problems: &mut Problems,
) -> Option<Settings> {
    let given = table.clone();
    let mut removed = Vec::new();
    loop {
        let error = match Figment::from(Table(&table)).extract_lossy::<Noting<S>>() {
            Ok(Noting { value, ignored }) => {
                for key in ignored {
                    problems.add(format!("{}.{key}", path.join(".")), "unknown key");
                }
                let in_force = toml::Table::try_from(&value).unwrap_or_default();
                return Some(Settings { given, in_force });
            }
            Err(error) => error,
        };
        if let Kind::MissingField(field) = &error.kind {
            let mut missing = error.path.clone();
            missing.push(field.to_string());
            if removed.contains(&missing) {
                return None;
            }
        }
        let inner = error.path.iter().map(String::as_str);
        let at: Vec<_> = path.iter().copied().chain(inner).collect();
        problems.add(at.join("."), message(&error.kind));
        if !remove(&mut table, &error.path) {
            return None;
        }
        removed.push(error.path);
    }
}

/// Takes the settings out of the tables of hubs, and reads those of the hubs that are served.
pub(super) fn extract(
    named: &mut Dict,
    served: &BTreeMap<String, Reader>,
    problems: &mut Problems,
) -> BTreeMap<String, Settings> {
    let mut tables = BTreeMap::new();
    for (hub, table) in named.iter_mut() {
        let Value::Dict(_, table) = table else {
            continue;
        };
        match table.remove("settings") {
            Some(Value::Dict(_, settings)) => drop(tables.insert(hub.clone(), settings)),
            Some(_) => problems.add(format!("hubs.{hub}.settings"), "is not a table"),
            None => {}
        }
    }
    let mut settings = BTreeMap::new();
    for (hub, reader) in served {
        // Names match in any letter case.
        let written = tables
            .keys()
            .find(|it| it.to_lowercase() == hub.to_lowercase());
        let name = written.cloned().unwrap_or_else(|| hub.clone());
        let table = tables.remove(&name);
        if let Some(read) = reader.read(&name, table, problems) {
            settings.insert(name, read);
        }
    }
    settings
}
