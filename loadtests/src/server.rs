//! The server under load: one that runs already, or one that is started here and ended with the scenario.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const START_LIMIT: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// Start this binary, as `dev` on free ports, and end it afterwards.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["url", "admin", "server_pid"])]
    server_binary: Option<PathBuf>,
    /// Where a server listens that runs already.
    #[arg(long, value_name = "URL", requires_all = ["admin", "server_pid"], required_unless_present = "server_binary")]
    url: Option<String>,
    /// Its admin listener.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// Its process.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
}

/// A server to put load on.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where clients connect, without a slash at its end.
    pub(crate) url: String,
    /// Its admin listener.
    pub(crate) admin: String,
    /// Its process.
    pub(crate) pid: u32,
    /// Killed when dropped, if it was started here.
    child: Option<Child>,
}

impl Server {
    pub(crate) async fn of(target: &Target) -> anyhow::Result<Self> {
        match target {
            Target {
                server_binary: Some(binary),
                ..
            } => timeout(START_LIMIT, Self::start(binary))
                .await
                .context("the server did not start in time")?,
            Target {
                url: Some(url),
                admin: Some(admin),
                server_pid: Some(pid),
                ..
            } => Ok(Self {
                url: url.trim_end_matches('/').to_owned(),
                admin: admin.clone(),
                pid: *pid,
                child: None,
            }),
            _ => bail!("name a server: --server-binary, or --url, --admin and --server-pid"),
        }
    }

    async fn start(binary: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .args(["dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let pid = child.id().context("the server ended at once")?;
        let out = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let (mut url, mut admin) = (None, None);
        while let Some(line) = lines.next_line().await? {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("open"), Some(at)) => url = Some(at.trim_end_matches('/').to_owned()),
                (Some("admin"), Some(at)) => {
                    admin = Some(at.trim_end_matches("/healthz").to_owned())
                }
                _ => {}
            }
            if let (Some(url), Some(admin)) = (&url, &admin) {
                return Ok(Self {
                    url: url.clone(),
                    admin: admin.clone(),
                    pid,
                    child: Some(child),
                });
            }
        }
        bail!(
            "the server ended before it listened: {}",
            child.wait().await?
        )
    }

    /// Ends it, if it was started here.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(child) = &mut self.child {
            child.kill().await?;
        }
        Ok(())
    }
}
