//! What Hubplane answers, compared with what the real server does: `testkit/differential`.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::command::{cargo, root, run as run_command, target_dir};

const FOLDER: &str = "testkit/differential";

/// The real server's source, and the SDK that builds it, where they are beside the repository.
const ORACLE: &str = "../shared/oracle/core";
const SDK: &str = "../shared/dotnet/env.sh";

/// Whether there is a Python that reads TOML.
pub(crate) fn exists() -> bool {
    let python = Command::new("python3")
        .args(["-c", "import tomllib"])
        .output();
    python.is_ok_and(|output| output.status.success())
}

/// Compares with the recordings.
pub(crate) fn run() -> Result<()> {
    let mut tests = Command::new("python3");
    tests.args(["-B", "-m", "unittest", "--quiet", "test_compare"]);
    run_command(tests.current_dir(root().join(FOLDER)))?;
    compare(None)
}

/// Compares with the real server.
pub(crate) fn run_live() -> Result<()> {
    let (source, sdk) = (root().join(ORACLE), root().join(SDK));
    ensure!(
        source.is_dir() && sdk.is_file(),
        "the real server's source is not beside the repository: {ORACLE}, {SDK}"
    );
    let folder = target_dir().join("differential");
    let script = folder.join("oracle.sh");
    std::fs::create_dir_all(&folder)?;
    // The recorder names one command, and the SDK is found by variables of its own.
    let text = format!(
        "#!/usr/bin/env bash\nset -euo pipefail\neval \"$('{}')\"\nexec dotnet '{}' \"$@\"\n",
        sdk.display(),
        folder.join("oracle/oracle.dll").display()
    );
    std::fs::write(&script, text)?;
    let mut build = Command::new("bash");
    let steps = r#"set -euo pipefail
rm -rf "$2/source"; cp -r "$1" "$2/source"; eval "$("$3")"
dotnet build --configuration Release --output "$2/oracle" --verbosity quiet --nologo "$2/source"
chmod +x "$2/oracle.sh""#;
    build.args(["-c", steps, "oracle"]);
    run_command(build.args([&source, &folder, &sdk]))?;
    compare(script.to_str())
}

/// Records the reference hubs, and compares.
fn compare(against: Option<&str>) -> Result<()> {
    let example = [
        "--package",
        "hubplane-testkit",
        "--example",
        "reference_hubs",
    ];
    run_command(&mut cargo(["build"].into_iter().chain(example)))?;
    let mut compare = Command::new("python3");
    compare.args(["-B", "run.py", "--server"]);
    compare.arg(target_dir().join("debug/examples/reference_hubs"));
    compare.arg("--out").arg(target_dir().join("differential"));
    if let Some(against) = against {
        compare.args(["--against", against]);
    }
    run_command(compare.current_dir(root().join(FOLDER)))
}
