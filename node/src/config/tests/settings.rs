//! `[hubs.<name>.settings]`.

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Talk {
    history_lines: usize,
    #[serde(with = "humantime_serde")]
    history_age: Duration,
    welcome: Option<String>,
    door: Door,
    key: Secret,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Door {
    open: bool,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            history_lines: 100,
            history_age: Duration::from_secs(60),
            welcome: None,
            door: Door::default(),
            key: Secret::new("none"),
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shop {
    currency: String,
    prices: Vec<u32>,
}

/// `talk` has settings that may be left out, `shop` some that may not, `plain` none.
fn served(text: &str) -> Sources {
    Sources::none()
        .file(FileSource::Text(text.to_owned()))
        .hub_settings::<Talk>("talk")
        .hub("plain")
}

fn load(sources: Sources) -> Result<Config, Vec<String>> {
    super::load(sources, &tempfile::tempdir().unwrap())
}

#[test]
fn settings_are_read_into_a_type_of_the_hub() {
    let text =
        "[hubs.Talk.settings]\nhistory_lines = 50\nhistory_age = '2m'\ndoor = { open = true }";
    let config = load(served(text)).unwrap();
    let expected = Talk {
        history_lines: 50,
        history_age: Duration::from_secs(120),
        door: Door { open: true },
        ..Talk::default()
    };
    assert_eq!(config.hubs.settings("talk"), Some(expected));
    assert_eq!(config.hubs.of("talk"), &config.hubs.defaults);
    assert_eq!(config.hubs.settings::<Talk>("plain"), None);
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_type() {
    for text in ["", "[hubs.talk]\nmax_parallel_invocations = 2"] {
        let config = load(served(text)).unwrap();
        assert_eq!(config.hubs.settings("talk"), Some(Talk::default()));
    }
}

#[test]
fn settings_come_from_the_environment_too() {
    let sources = served("[hubs.talk.settings]\nhistory_lines = 50\nwelcome = 'hi'").environment([
        ("HUBPLANE_HUBS__TALK__SETTINGS__HISTORY_LINES", "7"),
        ("HUBPLANE_HUBS__TALK__SETTINGS__DOOR__OPEN", "true"),
    ]);
    let talk: Talk = load(sources).unwrap().hubs.settings("talk").unwrap();
    assert_eq!((talk.history_lines, talk.door.open), (7, true));
    assert_eq!(talk.welcome.as_deref(), Some("hi"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_where_it_came_from() {
    let text = "[hubs.talk.settings]\nhistory_lines = 'many'\nwellcome = 'hi'\n\
        door = { shut = true }\n[hubs.plain.settings]\nx = 1\n[hubs.tlak]\n[log]\nfilter = 3\n[shop]";
    let name = "HUBPLANE_HUBS__TALK__SETTINGS__HISTORY_AGE";
    let sources = served(text).environment([(name, "soon")]);
    let mut problems = load(sources).unwrap_err();
    problems.sort();
    let begins = [
        "hubs.plain.settings (hubplane.toml): this hub has no settings".to_owned(),
        "hubs.talk.settings.door.shut (hubplane.toml): unknown key".to_owned(),
        format!("hubs.talk.settings.history_age ({name}): "),
        "hubs.talk.settings.history_lines (hubplane.toml): invalid type: found string".to_owned(),
        "hubs.talk.settings.wellcome (hubplane.toml): unknown key".to_owned(),
        "hubs.tlak (hubplane.toml): no hub of this name is served here, only plain, talk"
            .to_owned(),
        "log.filter (hubplane.toml): ".to_owned(),
        "shop (hubplane.toml): unknown key".to_owned(),
    ];
    assert_eq!(problems.len(), begins.len(), "{problems:#?}");
    for (problem, begin) in problems.iter().zip(begins) {
        assert!(problem.starts_with(&begin), "{problem} is not {begin}…");
    }
}

#[test]
fn what_a_hub_cannot_do_without_is_a_problem_once() {
    let shop = |text: &str| load(served(text).hub_settings::<Shop>("shop"));
    let missing = "hubs.shop.settings (default): missing field `currency`";
    assert_eq!(shop("").unwrap_err(), [missing]);
    let wrong = shop("[hubs.shop.settings]\nprices = 'dear'\ncurrency = 'EUR'").unwrap_err();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let whole = shop("[hubs.shop.settings]\nprices = [1, 2]\ncurrency = 'EUR'").unwrap();
    let shop = Shop {
        currency: "EUR".to_owned(),
        prices: vec![1, 2],
    };
    assert_eq!(whole.hubs.settings("shop"), Some(shop));
}

#[test]
fn what_is_printed_of_settings_is_in_force_and_no_secret() {
    let text = "[hubs]\nmax_parallel_invocations = 2\n[hubs.talk.settings]\nkey = 'open sesame'";
    let printed = load(served(text)).unwrap().to_toml().unwrap();
    let table: toml::Table = printed.parse().unwrap();
    let settings = &table["hubs"]["talk"]["settings"];
    assert_eq!(settings["history_lines"].as_integer(), Some(100));
    assert_eq!(settings["history_age"].as_str(), Some("1m"));
    assert_eq!(settings["door"]["open"].as_bool(), Some(false));
    assert!(!printed.contains("sesame"), "{printed}");
    let again = load(served(&printed.replace("<redacted>", "open sesame"))).unwrap();
    let talk: Talk = again.hubs.settings("talk").unwrap();
    assert_eq!(talk.key.expose(), "open sesame");
}
