//! What the operating system knows of a process, from `/proc`.

use std::time::Duration;

use anyhow::{Context as _, bail};

/// Ticks of `/proc/<pid>/stat`: 100 a second on every Linux that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// Resident memory and threads of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
}

/// Reads them.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    parse_status(&read(pid, "status")?)
}

/// How long its threads have run so far, in the kernel and outside.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    parse_stat(&read(pid, "stat")?)
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: u32) -> anyhow::Result<usize> {
    let list =
        std::fs::read_dir(format!("/proc/{pid}/fd")).with_context(|| format!("process {pid}"))?;
    Ok(list.count())
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("process {pid}"))
}

fn parse_status(status: &str) -> anyhow::Result<Memory> {
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.with_context(|| format!("no {name} in /proc/<pid>/status"))
    };
    Ok(Memory {
        resident_bytes: number("VmRSS:")? * 1024,
        threads: number("Threads:")?,
    })
}

fn parse_stat(stat: &str) -> anyhow::Result<Duration> {
    // The second field is the program's name and may contain anything; the numbers stand behind its parenthesis.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        bail!("malformed /proc/<pid>/stat");
    };
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u32>().ok());
    let (user, system) = (ticks(), ticks());
    let ticks = user.zip(system).context("malformed /proc/<pid>/stat")?;
    Ok(TICK * (ticks.0 + ticks.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_by_name_and_by_place() {
        let memory = parse_status("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t5\n").unwrap();
        assert_eq!((memory.resident_bytes, memory.threads), (1234 * 1024, 5));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 5 0 100 0 0";
        assert_eq!(parse_stat(stat).unwrap(), Duration::from_secs(2));
    }

    #[test]
    fn this_very_process_can_be_looked_at() {
        let pid = std::process::id();
        assert!(memory(pid).unwrap().resident_bytes > 100_000);
        assert!(descriptors(pid).unwrap() > 2);
        cpu(pid).unwrap();
    }
}
