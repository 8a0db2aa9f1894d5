//! `cargo xtask soak` and `cargo xtask fuzz`: what explores, and ends when somebody says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::{cargo, root, run, target_dir};

/// Instruments for libFuzzer. These are what cargo-fuzz passes, but for the sanitizer, which needs a nightly
/// compiler; without `unsafe` in the workspace it would find little.
const FUZZ_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions";

/// Runs tests `times` times.
///
/// # Errors
/// With the round that failed.
pub(crate) fn repeat(test: &str, times: u32, package: Option<&str>) -> Result<()> {
    let packages = package.map_or(vec!["--workspace"], |package| vec!["--package", package]);
    run(cargo(["test", "--no-run"]).args(&packages))?;
    for round in 1..=times {
        println!("--- round {round} of {times} ---");
        let mut tests = cargo(["test", "--quiet"]);
        run(tests.args(&packages).arg("--").arg(test)).with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

/// Feeds one target with variations of its corpus. Input that reaches new code is kept beside the build;
/// input that breaks the target is written to `fuzz/artifacts`.
///
/// # Errors
/// When the target cannot be built, or was broken.
pub(crate) fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let known = targets()?;
    ensure!(
        known.iter().any(|known| known == target),
        "no target is named `{target}`; there are {}",
        known.join(", ")
    );
    let folder = root().join("fuzz");
    // Other flags than those of tests, so that neither build undoes the other.
    let builds = target_dir().join("fuzz");
    let mut build = cargo(["build", "--release", "--bin", target, "--manifest-path"]);
    // With a target, even if it is this machine, build scripts and macros are built without the flags.
    let host = host()?;
    build
        .arg(folder.join("Cargo.toml"))
        .args(["--target", &host]);
    build
        .env("RUSTFLAGS", FUZZ_FLAGS)
        .env("CARGO_TARGET_DIR", &builds);
    run(&mut build)?;

    let committed = folder.join("corpora").join(target);
    let found = builds.join("corpora").join(target);
    let artifacts = folder.join("artifacts").join(target);
    for folder in [&found, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut fuzzer = Command::new(builds.join(&host).join("release").join(target));
    fuzzer
        .current_dir(&folder)
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        // The first folder is where new input goes.
        .args([found, committed]);
    run(&mut fuzzer)
}

/// Feeds each target.
///
/// # Errors
/// With the first target that was broken.
pub(crate) fn fuzz_all(seconds: u32) -> Result<()> {
    targets()?
        .iter()
        .try_for_each(|target| fuzz(target, seconds))
}

/// What the compiler calls this machine.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("--version")
        .arg("--verbose")
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// The targets: one file each.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let entries = std::fs::read_dir(&folder).context("there are no fuzz targets")?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    let rust = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names = rust.filter_map(|path: &PathBuf| Path::file_stem(path)?.to_str());
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
