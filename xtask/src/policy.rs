//! The dependency policy of `deny.toml`: licences, one version of each crate, who may know what.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::semver::{Version, VersionReq};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use serde::Deserialize;

use crate::command::root;
use crate::spdx;

/// What of `deny.toml` is checked here.
#[derive(Debug, Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    #[serde(default)]
    skip: Vec<Skip>,
    #[serde(default)]
    deny: Vec<Deny>,
}

/// A version that may be there beside another one: `name@version`.
#[derive(Debug, Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    spec: String,
}

/// A crate that only some may depend on.
#[derive(Debug, Deserialize)]
struct Deny {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: Option<String>,
}

/// Checks the dependency graph.
///
/// # Errors
/// With everything that the policy does not allow.
pub(crate) fn check() -> Result<()> {
    let text = std::fs::read_to_string(root().join("deny.toml")).context("deny.toml")?;
    let policy: Policy = toml::from_str(&text).context("deny.toml")?;
    let metadata = metadata(&policy.graph.targets)?;
    let used = Used::of(&metadata).context("cargo metadata names no dependencies")?;

    let mut problems = licences(&policy.licenses, &used);
    problems.extend(duplicates(&policy.bans.skip, &used)?);
    problems.extend(banned(&policy.bans.deny, &used));
    ensure!(problems.is_empty(), "\n  {}", problems.join("\n  "));
    println!("{} packages follow deny.toml", used.packages.len());
    Ok(())
}

/// The packages that are built for the workspace, its tests included, and which of them knows which.
struct Used<'a> {
    packages: Vec<&'a Package>,
    arrows: Vec<(&'a Package, &'a Package)>,
}

impl<'a> Used<'a> {
    /// Follows the arrows from the workspace's crates; the list of all packages holds more than is built.
    fn of(metadata: &'a Metadata) -> Option<Self> {
        let nodes = &metadata.resolve.as_ref()?.nodes;
        let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (&node.id, node)).collect();
        let mut seen = BTreeSet::new();
        let mut arrows = Vec::new();
        let mut open: Vec<_> = metadata.workspace_members.iter().collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            for dependency in &nodes.get(id)?.deps {
                arrows.push((&metadata[id], &metadata[&dependency.pkg]));
                open.push(&dependency.pkg);
            }
        }
        let packages = seen.into_iter().map(|id| &metadata[id]).collect();
        Some(Self { packages, arrows })
    }
}

/// The dependency graph, of all platforms that are asked for.
pub(crate) fn metadata(targets: &[String]) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    let platforms = targets
        .iter()
        .map(|target| format!("--filter-platform={target}"));
    command.other_options(platforms.collect::<Vec<_>>());
    command.exec().context("cargo metadata")
}

fn licences(policy: &Licenses, used: &Used<'_>) -> Vec<String> {
    let allowed = |name: &str| policy.allow.iter().any(|allowed| allowed == name);
    let refused = |package: &&&Package| {
        let license = package.license.as_deref();
        !license.is_some_and(|license| spdx::is_satisfied(license, &allowed))
    };
    let refused = used.packages.iter().filter(refused);
    refused
        .map(|package| {
            let license = package.license.as_deref().unwrap_or("none");
            format!("{} {}: licence: {license}", package.name, package.version)
        })
        .collect()
}

fn duplicates(skips: &[Skip], used: &Used<'_>) -> Result<Vec<String>> {
    let skips: Vec<_> = skips.iter().map(parse).collect::<Result<_>>()?;
    let mut versions: BTreeMap<&str, BTreeSet<&Version>> = BTreeMap::new();
    for package in &used.packages {
        let of_name = versions.entry(package.name.as_str()).or_default();
        of_name.insert(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);

    let is_skipped = |name: &str, version: &Version| {
        let mut skips = skips.iter();
        skips.any(|(skipped, fits)| skipped == name && fits.matches(version))
    };
    let mut problems = Vec::new();
    for (name, versions) in &versions {
        let kept = versions.iter().filter(|version| !is_skipped(name, version));
        let kept: Vec<_> = kept.map(ToString::to_string).collect();
        if kept.len() > 1 {
            problems.push(format!(
                "{name}: more than one version: {}",
                kept.join(", ")
            ));
        }
    }
    for (name, fits) in &skips {
        let there = versions.get(name.as_str());
        if !there.is_some_and(|versions| versions.iter().any(|version| fits.matches(version))) {
            println!("note: deny.toml skips {name}@{fits}, which is no duplicate any more");
        }
    }
    Ok(problems)
}

fn parse(skip: &Skip) -> Result<(String, VersionReq)> {
    let (name, version) = skip
        .spec
        .split_once('@')
        .context("a skip is name@version")?;
    let fits = VersionReq::parse(version).with_context(|| skip.spec.clone())?;
    Ok((name.to_owned(), fits))
}

fn banned(denials: &[Deny], used: &Used<'_>) -> Vec<String> {
    let mut problems = BTreeSet::new();
    for denied in denials {
        let may = |package: &Package| denied.wrappers.iter().any(|name| *name == *package.name);
        let arrows = used.arrows.iter();
        let arrows = arrows.filter(|(from, to)| *to.name == denied.name && !may(from));
        let reason = denied.reason.as_deref().unwrap_or("not its layer");
        let problem = |from: &Package| format!("{} knows {}: {reason}", from.name, denied.name);
        problems.extend(arrows.map(|(from, _)| problem(from)));
    }
    problems.into_iter().collect()
}
