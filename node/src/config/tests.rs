mod listen;
mod settings;

use std::fs;
use std::time::Duration;

use serde::Serialize;

use super::*;

fn from_file(text: &str) -> Result<Config, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hubplane.toml");
    fs::write(&path, text).unwrap();
    load(Sources::none().file(FileSource::Exactly(path)), &directory)
}

fn load(sources: Sources, directory: &tempfile::TempDir) -> Result<Config, Vec<String>> {
    let prefix = format!("{}/", directory.path().display());
    Config::load(sources).map_err(|error| {
        let problems = error.problems.iter();
        problems
            .map(|problem| problem.to_string().replace(&prefix, ""))
            .collect()
    })
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let sources = Sources::none().environment(variables.iter().copied());
    load(sources, &tempfile::tempdir().unwrap())
}

#[test]
fn nothing_said_means_the_defaults() {
    let config = Config::load(Sources::none()).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(
        config.hubs.of("chat").max_message_bytes,
        Limit::Bytes(32_768)
    );
}

#[test]
fn each_layer_lies_over_the_one_before() {
    #[derive(Serialize)]
    struct Flags {
        listen: Address,
        log: Log,
    }
    #[derive(Serialize)]
    struct Address {
        address: Option<&'static str>,
    }
    #[derive(Serialize)]
    struct Log {
        filter: Option<&'static str>,
    }
    let flags = Flags {
        listen: Address {
            address: Some("127.0.0.1:4"),
        },
        log: Log { filter: None },
    };
    let usual = Flags {
        listen: Address {
            address: Some("127.0.0.1:1"),
        },
        log: Log {
            filter: Some("debug"),
        },
    };

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hubplane.toml");
    fs::write(
        &path,
        "[listen]\naddress = '127.0.0.1:2'\n[admin]\naddress = '127.0.0.1:12'\n[auth]\nissuers = ['file']",
    )
    .unwrap();
    let sources = Sources::none()
        .defaults(&usual)
        .unwrap()
        .file(FileSource::Exactly(path))
        .environment([
            ("HUBPLANE_LISTEN__ADDRESS", "127.0.0.1:3"),
            ("HUBPLANE_ADMIN__ADDRESS", "127.0.0.1:13"),
            ("PATH", "/bin"),
        ])
        .flags(&flags)
        .unwrap();

    let config = Config::load(sources).unwrap();
    assert_eq!(config.listen.address.port(), 4);
    assert_eq!(config.admin.address.port(), 13);
    assert_eq!(config.auth.issuers, ["file"]);
    assert_eq!(config.log.filter, "debug");
}

#[test]
fn values_are_typed() {
    let config = from_file(
        r#"
        [hubs]
        handshake_timeout = "1m 30s"
        max_message_bytes = "1 MiB"
        outbound_queue_bytes = 4096
        [drain]
        window = "500ms"
        [log]
        format = "json"
        "#,
    )
    .unwrap();
    let hubs = config.hubs.defaults;
    assert_eq!(hubs.handshake_timeout, Duration::from_secs(90));
    assert_eq!(hubs.max_message_bytes, Limit::Bytes(1_048_576));
    assert_eq!(hubs.outbound_queue_bytes.bytes(), 4096);
    assert_eq!(config.drain.window, Duration::from_millis(500));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn the_environment_sets_numbers_booleans_texts_and_secrets() {
    let key = "01234567890123456789012345678901";
    let config = from_environment(&[
        ("HUBPLANE_SHARDS__THREADS", "7"),
        ("HUBPLANE_ADMIN__FREE_PORT_IF_BUSY", "true"),
        ("HUBPLANE_AUTH__KEYS__MAIN", key),
        ("HUBPLANE_HUBS__CHAT__MAX_MESSAGE_BYTES", "unlimited"),
        ("HUBPLANE_HUBS__OUTBOUND_QUEUE_BYTES", "65536"),
    ])
    .unwrap();
    assert_eq!(config.shards.threads, 7);
    assert!(config.admin.free_port_if_busy);
    assert_eq!(config.auth.keys["main"].expose(), key);
    assert_eq!(config.hubs.of("chat").max_message_bytes, Limit::Unlimited);
    assert_eq!(config.hubs.of("chat").outbound_queue_bytes.bytes(), 65_536);
}

#[test]
fn a_hub_has_its_own_options_over_those_of_all() {
    let config = from_file(
        r#"
        [hubs]
        client_timeout = "60s"
        [hubs.chat]
        max_message_bytes = "1 MiB"
        [hubs."chat.v2"]
        client_timeout = "20s"
        "#,
    )
    .unwrap();
    let seconds = |hub| config.hubs.of(hub).client_timeout.as_secs();
    assert_eq!(
        [seconds("other"), seconds("chat"), seconds("chat.v2")],
        [60, 60, 20]
    );
    let size = |hub| config.hubs.of(hub).max_message_bytes;
    assert_eq!(size("chat"), Limit::Bytes(1_048_576));
    assert_eq!(size("chat.v2"), Limit::Bytes(32_768));
}

#[test]
fn what_is_the_same_for_all_hubs_cannot_be_set_for_one() {
    let problems = from_file("[hubs.chat]\nnegotiate_timeout = '5s'").unwrap_err();
    let expected = "hubs.chat.negotiate_timeout (hubplane.toml): is the same for all hubs, and belongs in [hubs]";
    assert_eq!(problems, [expected]);
}

#[test]
fn every_problem_is_reported_with_where_it_came_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hubplane.toml");
    fs::write(
        &path,
        r#"
        colour = "red"
        admin = 5
        [listen]
        adress = "127.0.0.1:1"
        address = "localhost"
        [hubs]
        max_message_bytes = "a lot"
        handshake_timeout = 15
        client_timeout = "1s"
        [hubs.chat]
        outbound_queue_bytes = -1
        keep_alive_interval = "0s"
        "#,
    )
    .unwrap();
    let sources = Sources::none()
        .file(FileSource::Exactly(path))
        .environment([
            ("HUBPLANE_SHARDS__THREADS", "65"),
            ("HUBPLANE_LOG__FORMAT", "xml"),
            ("HUBPLANE_PORT", "tcp://10.0.0.1:80"),
            ("HUBPLANE_AUTH__KEYS__MAIN", "short"),
            ("HUBPLANE_HUBS__CHAT__NEGOTIATE_TIMEOUT", "soon"),
        ]);
    let mut problems = load(sources, &directory).unwrap_err();
    problems.sort();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_file_that_is_no_toml_is_reported_beside_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hubplane.toml");
    fs::write(&path, "[auth.keys]\nmain = a secret\n").unwrap();
    let sources = Sources::none()
        .file(FileSource::Exactly(path))
        .environment([("HUBPLANE_SHARDS__THREADS", "many")]);
    let problems = load(sources, &directory).unwrap_err();
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("hubplane.toml: line 2: "));
    assert!(!problems[0].contains("a secret"), "{}", problems[0]);
    assert!(problems[1].starts_with("shards.threads (HUBPLANE_SHARDS__THREADS): "));
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.toml");
    let named = Sources::none()
        .file(FileSource::Usual)
        .environment([("HUBPLANE_CONFIG", missing.clone())]);
    for sources in [named, Sources::none().file(FileSource::Exactly(missing))] {
        let problems = load(sources, &directory).unwrap_err();
        assert!(
            problems[0].starts_with("missing.toml: cannot be read: "),
            "{problems:?}"
        );
    }
}

#[test]
fn the_usual_file_need_not_be_there() {
    // Tests run in the crate's own directory, which has none.
    let config = Config::load(Sources::none().file(FileSource::Usual)).unwrap();
    assert_eq!(config, Config::default());
}

#[test]
fn a_secret_that_is_no_text_is_not_shown() {
    let problems = from_file("[auth.keys]\nmain = 1234567890").unwrap_err();
    assert_eq!(problems, ["auth.keys.main (hubplane.toml): is not a text"]);
}

#[test]
fn tokens_cannot_be_required_without_a_key() {
    let problems = from_file("[auth]\nrequired = true").unwrap_err();
    assert_eq!(
        problems,
        [
            "auth.required (hubplane.toml): needs keys: auth.keys, auth.key_files, auth.key_addresses or auth.discover"
        ]
    );
}

#[test]
fn the_two_listeners_differ() {
    let problems = from_environment(&[("HUBPLANE_ADMIN__ADDRESS", "127.0.0.1:8080")]).unwrap_err();
    let address = "admin.address (HUBPLANE_ADMIN__ADDRESS): is the address of the public listener";
    assert_eq!(problems, [address]);
}

#[test]
fn what_is_printed_loads_as_the_same_and_shows_no_secret() {
    let secret = "a secret of more than thirty-two bytes";
    let text = format!(
        r#"
        [hubs]
        client_timeout = "1h"
        [hubs.chat]
        max_message_bytes = "unlimited"
        [auth.keys]
        main = "{secret}"
        [shards]
        threads = 3
        "#
    );
    let config = from_file(&text).unwrap();
    let printed = config.to_toml().unwrap();
    assert!(!printed.contains(secret));
    assert!(!format!("{config:?}").contains(secret));
    insta::assert_snapshot!(printed);

    let again = printed.replace("<redacted>", secret);
    assert_eq!(from_file(&again).unwrap(), config);
}

#[test]
fn sizes_are_read_and_written_exactly() {
    for (text, bytes, shown) in [
        ("1 MiB", 1_048_576, "1 MiB"),
        ("1MiB", 1_048_576, "1 MiB"),
        ("32 KiB", 32_768, "32 KiB"),
        ("64 KB", 64_000, "64000 B"),
        ("1536 KiB", 1_572_864, "1536 KiB"),
        ("3 GiB", 3_221_225_472, "3 GiB"),
        ("0", 0, "0 B"),
    ] {
        let size: Size = text.parse().unwrap();
        assert_eq!(
            (size.bytes(), size.to_string().as_str()),
            (bytes, shown),
            "{text}"
        );
        assert_eq!(shown.parse::<Size>().unwrap(), size);
    }
    for text in ["", "MiB", "-1", "1 XB", "unlimited"] {
        let error = text.parse::<Size>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a size such as `64 KiB` or `1 MiB`")
        );
    }
}

#[test]
fn docs_config_md_says_what_the_options_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.md");
    let written = fs::read_to_string(path).unwrap();
    assert!(
        written == reference(),
        "run `cargo run -p hubplane-node --example config-reference > docs/config.md`"
    );
}

#[test]
fn a_hub_is_found_in_any_letter_case_and_a_slip_of_the_pen_is_noticed() {
    let config =
        from_file("[hubs.Chat]\nmax_parallel_invocations = 3\npaths = ['/chatHub']").unwrap();
    assert_eq!(config.hubs.of("chat").max_parallel_invocations, 3);
    assert_eq!(config.hubs.of("chat").paths, ["/chatHub"]);
    let text = || FileSource::Text("[hubs.Chat]".to_owned());
    assert!(Config::load(Sources::none().file(text()).hub("chat")).is_ok());
    let wrong = Config::load(Sources::none().file(text()).hub("chta")).unwrap_err();
    let expected = "hubs.Chat (hubplane.toml): no hub of this name is served here, only chta";
    assert_eq!(wrong.to_string(), expected);
}

#[test]
fn a_path_belongs_to_one_hub_and_begins_with_a_slash() {
    let problems = from_file("[hubs]\npaths = ['/x']").unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problems = from_file("[hubs.chat]\npaths = ['x']").unwrap_err();
    assert_eq!(
        problems,
        ["hubs.chat.paths (hubplane.toml): has a path that does not begin with /"]
    );
}
