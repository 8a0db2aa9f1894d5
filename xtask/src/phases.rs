//! `cargo xtask test`: every phase, whatever became of the ones before, and a table at the end.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::command::{cargo, manifests_below, root, run as run_command, target_dir};
use crate::{differential, interop, policy};

/// One line of the table.
struct Phase {
    name: &'static str,
    /// Whether there is anything to do: what the repository does not have yet is absent, not skipped.
    exists: fn() -> bool,
    run: fn() -> Result<()>,
}

const PHASES: &[Phase] = &[
    Phase::always("format", format),
    Phase::always("dependencies", policy::check),
    Phase::always("lint", lint),
    Phase::always("documentation", documentation),
    Phase::always("tests", tests),
    Phase {
        name: "examples",
        exists: || manifests_below("examples").is_ok_and(|found| !found.is_empty()),
        run: examples,
    },
    Phase {
        name: "fuzz targets",
        exists: || root().join("fuzz/Cargo.toml").is_file(),
        run: fuzz_targets,
    },
    Phase {
        name: "wasm",
        exists: has_wasm,
        run: wasm,
    },
    Phase {
        name: "interop",
        exists: interop::exists,
        run: interop::run,
    },
    Phase {
        name: "interop .NET",
        exists: interop::has_dotnet,
        run: interop::run_dotnet,
    },
    Phase {
        name: "interop Java",
        exists: interop::has_java,
        run: interop::run_java,
    },
    Phase {
        name: "interop Python",
        exists: interop::has_python,
        run: interop::run_python,
    },
    Phase {
        name: "differential",
        exists: differential::exists,
        run: differential::run,
    },
    Phase {
        name: "interop nginx",
        exists: interop::exists,
        run: interop::run_nginx,
    },
];

impl Phase {
    const fn always(name: &'static str, run: fn() -> Result<()>) -> Self {
        Self {
            name,
            exists: || true,
            run,
        }
    }
}

/// How a phase went.
struct Row {
    name: &'static str,
    took: Duration,
    passed: bool,
}

/// Runs the phases that are named, or all.
///
/// # Errors
/// When a phase failed, or a name is none.
pub(crate) fn run(only: &[String]) -> Result<()> {
    for name in only {
        let known = PHASES.iter().any(|phase| phase.name == name);
        ensure!(known, "no phase is named `{name}`; there are {}", names());
    }
    let wanted = |phase: &&Phase| only.is_empty() || only.iter().any(|name| name == phase.name);
    let (there, absent): (Vec<_>, Vec<_>) = PHASES
        .iter()
        .filter(wanted)
        .partition(|phase| (phase.exists)());
    let rows: Vec<_> = there.into_iter().map(run_one).collect();
    let absent: Vec<_> = absent.into_iter().map(|phase| phase.name).collect();

    println!("\n{}", table(&rows, &absent));
    if rows.iter().any(|row| !row.passed) {
        bail!("a phase failed");
    }
    Ok(())
}

fn run_one(phase: &Phase) -> Row {
    println!("\n=== {} ===", phase.name);
    let started = Instant::now();
    let outcome = (phase.run)();
    if let Err(error) = &outcome {
        println!("{} failed: {error:#}", phase.name);
    }
    Row {
        name: phase.name,
        took: started.elapsed(),
        passed: outcome.is_ok(),
    }
}

fn names() -> String {
    let names: Vec<_> = PHASES.iter().map(|phase| phase.name).collect();
    names.join(", ")
}

fn table(rows: &[Row], absent: &[&str]) -> String {
    let mut text = format!("{:<16}{:>8}  result\n", "phase", "minutes");
    for row in rows {
        let result = if row.passed { "passed" } else { "FAILED" };
        let minutes = row.took.as_secs_f64() / 60.0;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<16}{minutes:>8.1}  {result}", row.name);
    }
    for name in absent {
        let _ = writeln!(
            text,
            "{name:<16}{:>8}  absent: what it needs is not here",
            "-"
        );
    }
    let total: Duration = rows.iter().map(|row| row.took).sum();
    let passed = rows.iter().filter(|row| row.passed).count();
    let minutes = total.as_secs_f64() / 60.0;
    let _ = writeln!(text, "{:<16}{minutes:>8.1}", "all");
    let _ = write!(
        text,
        "phases: {passed} passed, {} failed",
        rows.len() - passed
    );
    text
}

fn format() -> Result<()> {
    run_command(&mut cargo(["fmt", "--all", "--check"]))?;
    each_outside(|manifest| in_crate(manifest, &["fmt"], &["--check"]))
}

fn lint() -> Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run_command(&mut cargo(arguments))
}

/// The target that hubs will be plugins for.
const WASM: &str = "wasm32-wasip2";

fn has_wasm() -> bool {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output();
    rustc.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).into_owned();
        Path::new(sysroot.trim())
            .join("lib/rustlib")
            .join(WASM)
            .is_dir()
    })
}

/// What hub authors depend on, and the hubs that ship, know nothing that a plugin does not have.
fn wasm() -> Result<()> {
    let hubs = [
        "hubplane-hub",
        "hubplane-hub-host-hubs-chat",
        "hubplane-hub-host-hubs-conformance",
    ];
    let packages = hubs.iter().flat_map(|hub| ["--package", hub]);
    let arguments = ["check", "--target", WASM].into_iter().chain(packages);
    run_command(&mut cargo(arguments))
}

fn documentation() -> Result<()> {
    let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
    run_command(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn tests() -> Result<()> {
    run_command(&mut cargo(["test", "--workspace", "--no-fail-fast"]))
}

/// An example is built as its reader would build it: by itself.
fn examples() -> Result<()> {
    for manifest in manifests_below("examples")? {
        in_crate(
            &manifest,
            &["clippy", "--all-targets"],
            &["--", "-D", "warnings"],
        )?;
        in_crate(&manifest, &["test"], &[])?;
    }
    Ok(())
}

/// Targets that nobody builds rot. What they find is replayed by the tests of the crates that they attack.
fn fuzz_targets() -> Result<()> {
    let manifest = root().join("fuzz/Cargo.toml");
    in_crate(&manifest, &["check", "--bins"], &[])
}

/// Does something for each crate that is not in the workspace.
fn each_outside(run: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let mut manifests = manifests_below("examples")?;
    let fuzz = root().join("fuzz/Cargo.toml");
    manifests.extend(fuzz.is_file().then_some(fuzz));
    manifests.iter().try_for_each(|manifest| run(manifest))
}

/// Runs cargo for a crate outside the workspace, with the workspace's target folder: what both use is built
/// once.
fn in_crate(manifest: &Path, before: &[&str], after: &[&str]) -> Result<()> {
    let before = before.iter().map(OsString::from);
    let crate_ = [OsString::from("--manifest-path"), manifest.into()];
    let after = after.iter().map(OsString::from);
    let arguments: Vec<_> = before.chain(crate_).chain(after).collect();
    run_command(cargo(arguments).env("CARGO_TARGET_DIR", target_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_how_many_phases_passed_and_failed() {
        let rows =
            [("format", 3, true), ("tests", 330, false)].map(|(name, seconds, passed)| Row {
                name,
                took: Duration::from_secs(seconds),
                passed,
            });
        let expected = "\
phase            minutes  result
format               0.1  passed
tests                5.5  FAILED
interop .NET           -  absent: what it needs is not here
all                  5.5
phases: 1 passed, 1 failed";
        assert_eq!(table(&rows, &["interop .NET"]), expected);
    }

    #[test]
    fn a_phase_that_does_not_exist_is_refused() {
        let error = run(&["formats".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no phase is named `formats`; there are format, ")
        );
    }
}
