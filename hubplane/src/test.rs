//! A hub in a test: fake connections, no socket, no runtime, no waiting. And its settings, from the text of a
//! `hubplane.toml`.

#[doc(inline)]
pub use hubplane_hub::testing::*;
use hubplane_node::config::{Config, ConfigError, FileSource, Sources};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The settings of a hub, as [`App::hub_with`](crate::App::hub_with) reads them where this is the `hubplane.toml`.
///
/// ```
/// use hubplane::test;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Settings {
///     history_lines: usize,
///     welcome: String,
/// }
///
/// let settings: Settings = test::settings("talk", "[hubs.talk.settings]\nhistory_lines = 50").unwrap();
/// assert_eq!((settings.history_lines, &*settings.welcome), (50, ""));
///
/// let toml = "[hubs.talk.settings]\nhistory_lines = 'many'\nwellcome = 'hello'";
/// let wrong = test::settings::<Settings>("talk", toml).unwrap_err();
/// let keys: Vec<_> = wrong.problems.iter().map(|problem| &*problem.key).collect();
/// assert_eq!(keys, ["hubs.talk.settings.history_lines", "hubs.talk.settings.wellcome"]);
/// ```
///
/// # Errors
/// All that is wrong with the text.
pub fn settings<S: DeserializeOwned + Serialize>(hub: &str, toml: &str) -> Result<S, ConfigError> {
    let text = FileSource::Text(toml.to_owned());
    let config = Config::load(Sources::none().file(text).hub_settings::<S>(hub))?;
    let none = ConfigError {
        problems: Vec::new(),
    };
    config.hubs.settings(hub).ok_or(none)
}
