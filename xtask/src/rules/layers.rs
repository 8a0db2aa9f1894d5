//! Which crate may know which: the arrows of the house.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, Package};

use super::{assert_none, folder, metadata};

/// What one crate may depend on, in the program that is built (its tests may use more).
struct Layer {
    folder: &'static str,
    /// Crates of the workspace, by folder; `proto/*` is all below it.
    crates: &'static [&'static str],
    /// Those of [`NOTABLE`].
    externals: &'static [&'static str],
}

/// Foreign crates that say what a crate does: they bring IO, tasks, a protocol or a style of errors.
const NOTABLE: [&str; 21] = [
    "anyhow",
    "async-nats",
    "axum",
    "clap",
    "figment",
    "getrandom",
    "hyper",
    "hyper-util",
    "jsonwebtoken",
    "opentelemetry",
    "prometheus",
    "rustls",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tokio-util",
    "tonic",
    "tracing",
    "tracing-subscriber",
    "tungstenite",
];

const LAYERS: &[Layer] = &[
    // What crosses a wire. No sockets, no clocks, no tasks.
    Layer {
        folder: "proto/ids",
        crates: &[],
        // Ids and tokens can be made of the system's randomness; nobody else asks for it unasked.
        externals: &["getrandom"],
    },
    Layer {
        folder: "proto/link",
        crates: &["proto/ids"],
        externals: &[],
    },
    Layer {
        folder: "proto/signalr",
        crates: &["proto/ids"],
        externals: &[],
    },
    // Machines without IO.
    Layer {
        folder: "backplane/stream",
        crates: &["proto/*"],
        externals: &[],
    },
    Layer {
        folder: "router/directory",
        crates: &["proto/*"],
        externals: &[],
    },
    Layer {
        folder: "gateway/connection",
        crates: &["proto/*"],
        externals: &[],
    },
    // What a hub's author sees, and hubs.
    Layer {
        folder: "hub-host/macros",
        crates: &[],
        externals: &[],
    },
    Layer {
        folder: "hub-host/api",
        crates: &["proto/*", "hub-host/macros"],
        externals: &[],
    },
    Layer {
        folder: "hub-host/hubs/chat",
        crates: &["hub-host/api"],
        externals: &[],
    },
    Layer {
        folder: "hub-host/hubs/conformance",
        crates: &["hub-host/api"],
        externals: &[],
    },
    // What every process has; it knows nothing of Hubplane.
    Layer {
        folder: "node",
        crates: &[],
        externals: &[
            "axum",
            "figment",
            "hyper",
            "hyper-util",
            "opentelemetry",
            "prometheus",
            "rustls",
            "tokio",
            "tokio-util",
            "tracing",
            "tracing-subscriber",
        ],
    },
    // Machines with IO.
    Layer {
        folder: "backplane/carrier",
        crates: &["backplane/stream", "node", "proto/*"],
        externals: &[
            "async-nats",
            "opentelemetry",
            "tokio",
            "tokio-util",
            "tracing",
        ],
    },
    Layer {
        folder: "gateway/shard",
        crates: &["gateway/connection", "node", "proto/*", "router/directory"],
        externals: &[
            "opentelemetry",
            "rustls",
            "tokio",
            "tokio-util",
            "tracing",
            "tungstenite",
        ],
    },
    // Servers: they never know each other.
    Layer {
        folder: "gateway/server",
        crates: &[
            "backplane/*",
            "gateway/connection",
            "gateway/shard",
            "hub-host/api",
            "node",
            "proto/*",
            "router/directory",
        ],
        externals: SERVER,
    },
    Layer {
        folder: "router/server",
        crates: &["node", "proto/*", "router/directory"],
        externals: SERVER,
    },
    Layer {
        folder: "hub-host/server",
        crates: &["hub-host/api", "node", "proto/*"],
        externals: SERVER,
    },
    // The product.
    Layer {
        folder: "hubplane",
        crates: &[
            "backplane/*",
            "gateway/server",
            "hub-host/api",
            "hub-host/hubs/*",
            "hub-host/server",
            "node",
            "proto/*",
            "router/server",
        ],
        // axum is part of its interface: `App::routes` takes a router.
        externals: &[
            "anyhow",
            "axum",
            "clap",
            "jsonwebtoken",
            "opentelemetry",
            "tokio",
            "tokio-util",
            "tracing",
        ],
    },
    // What talks to it.
    Layer {
        folder: "client",
        crates: &["proto/*"],
        externals: &[
            "hyper",
            "hyper-util",
            "rustls",
            "tokio",
            "tokio-rustls",
            "tokio-tungstenite",
            "tokio-util",
            "tracing",
            "tungstenite",
        ],
    },
    Layer {
        folder: "loadtests",
        crates: &["client", "hubplane", "node", "proto/*"],
        externals: &[
            "anyhow",
            "clap",
            "socket2",
            "tokio",
            "tokio-util",
            "tracing",
        ],
    },
    Layer {
        folder: "testkit",
        crates: &[
            "backplane/*",
            "client",
            "gateway/*",
            "hub-host/*",
            "hubplane",
            "node",
            "proto/*",
            "router/*",
        ],
        externals: &[
            "anyhow",
            "axum",
            "opentelemetry",
            "tokio",
            "tokio-util",
            "tracing",
        ],
    },
    Layer {
        folder: "xtask",
        crates: &[],
        externals: &["anyhow", "clap"],
    },
];

const SERVER: &[&str] = &[
    "axum",
    "getrandom",
    "hyper",
    "hyper-util",
    "jsonwebtoken",
    "opentelemetry",
    "socket2",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tokio-util",
    "tonic",
    "tracing",
    "tungstenite",
];

/// Crates whose whole graph holds neither IO nor tasks.
const WITHOUT_IO: [&str; 9] = [
    "backplane/stream",
    "gateway/connection",
    "hub-host/api",
    "hub-host/hubs/chat",
    "hub-host/hubs/conformance",
    "proto/ids",
    "proto/link",
    "proto/signalr",
    "router/directory",
];

/// Foreign crates that bring IO or tasks.
const IO: [&str; 8] = [
    "async-std",
    "axum",
    "hyper",
    "mio",
    "reqwest",
    "smol",
    "tokio",
    "tonic",
];

fn allows(patterns: &[&str], folder: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(below) => folder.starts_with(below),
            None => folder == *pattern,
        })
}

fn by_name<'a>(metadata: &'a Metadata, name: &str) -> Option<&'a Package> {
    let mut ours = metadata.workspace_packages().into_iter();
    ours.find(|package| *package.name == name)
}

#[test]
fn every_crate_has_its_place() {
    let metadata = metadata();
    let there: BTreeSet<_> = metadata
        .workspace_packages()
        .into_iter()
        .map(folder)
        .collect();
    let placed: BTreeSet<_> = LAYERS.iter().map(|layer| layer.folder).collect();
    assert_eq!(there, placed);
}

#[test]
fn arrows_point_one_way() {
    let metadata = metadata();
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(layer) = LAYERS.iter().find(|layer| layer.folder == folder(package)) else {
            continue;
        };
        let built = package.dependencies.iter();
        for dependency in built.filter(|one| one.kind != DependencyKind::Development) {
            let name = dependency.name.as_str();
            let allowed = match by_name(&metadata, name) {
                Some(ours) => allows(layer.crates, folder(ours)),
                None => !NOTABLE.contains(&name) || layer.externals.contains(&name),
            };
            if !allowed {
                problems.push(format!("{} knows {name}", layer.folder));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn only_tests_know_the_testkit() {
    let metadata = metadata();
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        let mut dependencies = package.dependencies.iter();
        if dependencies
            .any(|one| one.name == "hubplane-testkit" && one.kind != DependencyKind::Development)
        {
            problems.push(folder(package).to_owned());
        }
    }
    assert_none(&problems);
}

#[test]
fn servers_do_not_know_each_other_even_in_tests() {
    let metadata = metadata();
    let is_server = |folder: &str| folder.ends_with("/server");
    let mut problems = Vec::new();
    let servers = metadata.workspace_packages().into_iter();
    for server in servers.filter(|package| is_server(folder(package))) {
        for dependency in &server.dependencies {
            let known = by_name(&metadata, &dependency.name).map(folder);
            if let Some(other) = known.filter(|folder| is_server(folder)) {
                problems.push(format!("{} knows {other}", folder(server)));
            }
        }
    }
    assert_none(&problems);
}

/// Also not through another crate.
#[test]
fn what_is_without_io_is_so_all_the_way_down() {
    let metadata = metadata();
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        if !WITHOUT_IO.contains(&folder(package)) {
            continue;
        }
        for reached in reachable(&metadata, package) {
            if IO.contains(&reached) {
                problems.push(format!("{} reaches {reached}", folder(package)));
            }
        }
    }
    assert_none(&problems);
}

/// The names of all packages that are built for one, but for what its macros and build scripts use.
fn reachable<'a>(metadata: &'a Metadata, from: &'a Package) -> BTreeSet<&'a str> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let mut seen = BTreeSet::new();
    let mut open = vec![&from.id];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node.id == *id).unwrap();
        let built = node.deps.iter().filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|kind| kind.kind == DependencyKind::Normal)
        });
        open.extend(built.map(|dependency| &dependency.pkg));
    }
    seen.into_iter()
        .map(|id| metadata[id].name.as_str())
        .collect()
}

#[test]
fn a_pattern_is_a_folder_or_all_below_one() {
    assert!(allows(&["proto/*"], "proto/ids"));
    assert!(allows(&["node"], "node"));
    assert!(!allows(&["proto/*"], "node"));
    assert!(!allows(&["gateway/shard"], "gateway/server"));
}
