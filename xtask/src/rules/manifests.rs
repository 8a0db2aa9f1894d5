//! Rules for `Cargo.toml`.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{assert_none, files, folder, metadata, read};

/// Package fields that the workspace says.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// Names that do not follow from the path.
const NAMED: [(&str, &str); 3] = [
    ("hubplane", "hubplane"),
    ("hub-host/api", "hubplane-hub"),
    ("xtask", "xtask"),
];

/// Dependencies that no Rust file of their crate names, and why they are there.
const UNNAMED: [(&str, &str); 0] = [];

/// The manifests of the workspace's crates, and their folders.
fn manifests() -> Vec<(String, Table)> {
    let metadata = metadata();
    let packages = metadata.workspace_packages().into_iter();
    packages
        .map(|package| {
            let folder = folder(package).to_owned();
            let text = read(&PathBuf::from(&folder).join("Cargo.toml"));
            (folder, text.parse().unwrap())
        })
        .collect()
}

/// The tables of a manifest that hold dependencies, those of platforms included.
fn dependency_tables(manifest: &Table) -> Vec<&Table> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    let tables = targets.filter_map(Value::as_table).chain([manifest]);
    tables
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .collect()
}

fn is_inherited(value: Option<&Value>) -> bool {
    let inherited = value.and_then(|value| value.get("workspace"));
    inherited.and_then(Value::as_bool) == Some(true)
}

#[test]
fn a_crate_inherits_the_lints_and_the_fields_of_the_workspace() {
    let mut problems = Vec::new();
    for (folder, manifest) in manifests() {
        if !is_inherited(manifest.get("lints")) {
            problems.push(format!("{folder}: the lints"));
        }
        for field in INHERITED {
            if !is_inherited(manifest["package"].get(field)) {
                problems.push(format!("{folder}: {field}"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn versions_of_dependencies_are_in_the_root_manifest_alone() {
    let mut problems = Vec::new();
    for (folder, manifest) in manifests() {
        let dependencies = dependency_tables(&manifest).into_iter().flatten();
        for (name, _) in dependencies.filter(|(_, value)| !is_inherited(Some(value))) {
            problems.push(format!("{folder}: {name}"));
        }
    }
    assert_none(&problems);
}

#[test]
fn a_shared_version_is_used_by_a_crate() {
    let root: Table = read(Path::new("Cargo.toml")).parse().unwrap();
    let shared = root["workspace"]["dependencies"].as_table().unwrap();
    let manifests = manifests();
    let is_used = |name: &str| {
        let mut tables = manifests
            .iter()
            .flat_map(|(_, manifest)| dependency_tables(manifest));
        tables.any(|table| table.contains_key(name))
    };
    let foreign = shared.iter().filter(|(_, said)| said.get("path").is_none());
    let unused = foreign.map(|(name, _)| name).filter(|name| !is_used(name));
    let unused: Vec<_> = unused.cloned().collect();
    assert_none(&unused);
}

#[test]
fn a_dependency_is_named_by_the_code_of_its_crate() {
    let sources = files(&[".rs"]);
    let mut problems = Vec::new();
    for (folder, manifest) in manifests() {
        let own = sources.iter().filter(|path| path.starts_with(&folder));
        let code: String = own.map(|path| read(path)).collect();
        for name in dependency_tables(&manifest)
            .into_iter()
            .flat_map(Table::keys)
        {
            let excused = UNNAMED.contains(&(folder.as_str(), name.as_str()));
            if !excused && !code.contains(&name.replace('-', "_")) {
                problems.push(format!("{folder}: {name}"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn a_package_is_named_after_its_path() {
    let mut problems = Vec::new();
    for package in metadata().workspace_packages() {
        let folder = folder(package);
        let named = NAMED.iter().find(|(path, _)| *path == folder);
        let expected = named.map_or_else(
            || format!("hubplane-{}", folder.replace('/', "-")),
            |(_, name)| (*name).to_owned(),
        );
        if *package.name != expected {
            problems.push(format!("{folder}: {} is to be {expected}", package.name));
        }
    }
    assert_none(&problems);
}
