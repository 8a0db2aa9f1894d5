//! From tables to typed options, past every problem.

use figment::error::Kind;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

use super::options::Area;
use super::problems::Problems;

/// The tables that are still to be read.
pub(super) struct Areas {
    tables: Dict,
}

impl Areas {
    pub(super) fn new(tables: Dict) -> Self {
        Self { tables }
    }

    /// Takes an area's table as it is; empty when nothing was said about it.
    pub(super) fn take(&mut self, area: Area) -> Dict {
        let table = self.tables.remove(area.name);
        table.and_then(Value::into_dict).unwrap_or_default()
    }

    /// Reads an area.
    pub(super) fn extract<T>(&mut self, area: Area, problems: &mut Problems) -> T
    where
        T: DeserializeOwned + Default,
    {
        let table = self.take(area);
        self.extract_at(&[area.name], table, problems).0
    }

    /// Reads a table that stands at `path`, and says what of it was good.
    ///
    /// The first error ends a deserialization. To find them all, what was wrong is taken away, which leaves
    /// its default, and the rest is read again.
    pub(super) fn extract_at<T>(
        &self,
        path: &[&str],
        mut table: Dict,
        problems: &mut Problems,
    ) -> (T, Dict)
    where
        T: DeserializeOwned + Default,
    {
        loop {
            let error = match Figment::from(Table(&table)).extract_lossy() {
                Ok(options) => return (options, table),
                Err(error) => error,
            };
            let inner = error.path.iter().map(String::as_str);
            let at: Vec<_> = path.iter().copied().chain(inner).collect();
            problems.add(at.join("."), message(&error.kind));
            if !remove(&mut table, &error.path) {
                return (T::default(), Dict::new());
            }
        }
    }
}

/// One table, as figment takes it.
pub(super) struct Table<'a>(pub(super) &'a Dict);

impl Provider for Table<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::default()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}

/// Takes away what is at `path`, or the deepest of its tables that is there.
pub(super) fn remove(table: &mut Dict, path: &[String]) -> bool {
    let Some((key, rest)) = path.split_first() else {
        return false;
    };
    if let Some(Value::Dict(_, inner)) = table.get_mut(key)
        && remove(inner, rest)
    {
        return true;
    }
    table.remove(key).is_some()
}

pub(super) fn message(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => {
            format!("unknown key; known are {}", known.join(", "))
        }
        Kind::UnknownVariant(value, known) => {
            format!("`{value}` is none of {}", known.join(", "))
        }
        kind => kind.to_string(),
    }
}
