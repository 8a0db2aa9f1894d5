//! What holds for every crate and file of the repository.

mod documents;
mod files;
mod layers;
mod manifests;

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package};

use crate::command::root;
use crate::policy;

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 4] = ["target", "node_modules", "artifacts", ".git"];

/// Every file of the repository with one of these endings, relative to its root, in order.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(root(), endings, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !FOREIGN.contains(&name) {
                collect(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn metadata() -> Metadata {
    policy::metadata(&[]).unwrap()
}

/// Where a crate of the workspace is, relative to the root: `gateway/shard`.
fn folder(package: &Package) -> &str {
    let manifest = package.manifest_path.strip_prefix(root()).unwrap();
    manifest.parent().unwrap().as_str()
}

/// Fails with every problem on a line of its own.
#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
