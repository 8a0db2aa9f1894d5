//! The official clients against the running product.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, find, is_installed, root, run as run_command, target_dir};

const FOLDER: &str = "testkit/interop/js";

/// The names that distributions give it.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Whether there is anything to run.
pub(crate) fn exists() -> bool {
    root().join(FOLDER).join("run.mjs").is_file()
}

/// Installs what is missing, builds the command, and lets the clients at it.
pub(crate) fn run() -> Result<()> {
    if !is_installed("npm") {
        bail!("npm is needed: install Node 20 or newer");
    }
    let chromium = chromium()?;
    run_command(&mut cargo(["build", "--workspace", "--bin", "hubplane"]))?;
    let folder = root().join(FOLDER);
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund"]);
    run_command(install.current_dir(&folder))?;

    let mut test = Command::new("npm");
    test.arg("test").current_dir(&folder);
    test.env("HUBPLANE", target_dir().join("debug/hubplane"));
    test.env("ROWS", rows("js")?);
    test.env("CHROMIUM", chromium);
    run_command(&mut test)
}

/// Whether there is a .NET SDK to build the other clients with.
pub(crate) fn has_dotnet() -> bool {
    root().join("../shared/dotnet/env.sh").is_file() || is_installed("dotnet")
}

/// Builds the command, and lets the .NET client at it.
pub(crate) fn run_dotnet() -> Result<()> {
    run_command(&mut cargo(["build", "--workspace", "--bin", "hubplane"]))?;
    let mut test = Command::new(root().join("testkit/interop/dotnet/run.sh"));
    test.arg(target_dir().join("debug/hubplane"));
    test.env("ROWS", rows("dotnet")?);
    run_command(test.env("CARGO_TARGET_DIR", target_dir()))
}

/// Whether there is a JDK, and Maven to bring the client.
pub(crate) fn has_java() -> bool {
    is_installed("javac") && is_installed("mvn")
}

/// Builds the command, and lets the Java client at it.
pub(crate) fn run_java() -> Result<()> {
    run_script("java")
}

/// Whether there is a Python that makes environments.
pub(crate) fn has_python() -> bool {
    let mut python = Command::new("python3");
    let venv = python.args(["-c", "import venv, ensurepip"]).output();
    venv.is_ok_and(|output| output.status.success())
}

/// Builds the command, and lets the Python clients at it.
pub(crate) fn run_python() -> Result<()> {
    run_script("python")
}

/// The clients that a script of theirs installs and runs.
fn run_script(clients: &str) -> Result<()> {
    run_command(&mut cargo(["build", "--workspace", "--bin", "hubplane"]))?;
    let mut test = Command::new(root().join("testkit/interop").join(clients).join("run.sh"));
    test.arg(target_dir().join("debug/hubplane"));
    test.arg("--rows").arg(rows(clients)?);
    run_command(test.env("CARGO_TARGET_DIR", target_dir()))
}

/// Where a run says what became of each row of the conformance table: JSON, a line for each row and column.
fn rows(clients: &str) -> Result<PathBuf> {
    let folder = target_dir().join("conformance");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder.join(format!("{clients}.jsonl")))
}

/// Where Chromium is; it is installed when it is nowhere and the system lets us.
fn chromium() -> Result<PathBuf> {
    let installed = || CHROMIUM.into_iter().find_map(find);
    if let Some(chromium) = installed() {
        return Ok(chromium);
    }
    install("chromium")?;
    installed().context("chromium is installed, and not to be found")
}

/// Installs nginx if it is missing, builds the command, and lets the JavaScript client at it through nginx.
pub(crate) fn run_nginx() -> Result<()> {
    if !is_installed("nginx") {
        install("nginx-light")?;
    }
    run_command(&mut cargo(["build", "--workspace", "--bin", "hubplane"]))?;
    let mut modules = Command::new("npm");
    modules.args(["ci", "--no-audit", "--no-fund"]);
    run_command(modules.current_dir(root().join(FOLDER)))?;
    let mut test = Command::new("node");
    test.arg(root().join("testkit/interop/nginx/run.mjs"));
    run_command(test.arg(target_dir().join("debug/hubplane")))
}

/// Installs a package of Debian.
fn install(package: &str) -> Result<()> {
    let steps: [&[&str]; 2] = [
        &["update"],
        &["install", "--yes", "--no-install-recommends", package],
    ];
    for arguments in steps {
        let mut apt_get = Command::new("apt-get");
        apt_get.args(arguments);
        run_command(apt_get.env("DEBIAN_FRONTEND", "noninteractive"))
            .with_context(|| format!("{package} is needed, and installing it needs root"))?;
    }
    Ok(())
}
