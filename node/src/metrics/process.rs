//! What the operating system says about this process. Only Linux says it where this looks; elsewhere the
//! numbers are absent.

use std::fs;

/// Memory that is resident.
pub(super) fn resident_memory_bytes() -> Option<u64> {
    let kibibytes = status("VmRSS:")?;
    Some(kibibytes * 1024)
}

/// Threads.
pub(super) fn threads() -> Option<u64> {
    status("Threads:")
}

/// Descriptors that are open.
pub(super) fn open_descriptors() -> Option<u64> {
    const DIRECTORY: &str = "/proc/self/fd";
    // Since Linux 6.2 the directory's size is their number, which saves looking at each.
    match fs::metadata(DIRECTORY).ok()?.len() {
        0 => {
            let listed = fs::read_dir(DIRECTORY).ok()?.count() as u64;
            // One of them is the listing's own.
            Some(listed.saturating_sub(1))
        }
        open => Some(open),
    }
}

/// The number in one line of `/proc/self/status`.
fn status(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}
