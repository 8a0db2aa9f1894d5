//! What was measured, on what machine, for which commit.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Context as _;
use serde::Serialize;

/// A result with what it holds for.
#[derive(Debug, Serialize)]
struct Record<'a, T> {
    scenario: &'a str,
    at: String,
    commit: String,
    machine: Machine,
    #[serde(flatten)]
    result: &'a T,
}

#[derive(Debug, Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
}

/// Appends one line to `loadtests/results/<scenario>.jsonl` of this workspace.
pub(crate) fn record<T: Serialize>(scenario: &str, result: &T) -> anyhow::Result<()> {
    let record = Record {
        scenario,
        at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        commit: commit(),
        machine: machine(),
        result,
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{scenario}.jsonl"));
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    writeln!(file, "{}", serde_json::to_string(&record)?)?;
    Ok(())
}

/// The commit that is checked out, marked if the sources differ from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let out = Command::new("git")
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()?;
        out.status
            .success()
            .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "..",
        ":!results",
    ])
    .as_deref()
    {
        Some("") => commit,
        _ => commit + "+changes",
    }
}

fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    Machine {
        cpu: cpu.to_owned(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .trim()
            .to_owned(),
    }
}
