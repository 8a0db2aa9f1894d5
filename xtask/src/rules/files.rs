//! Rules for the text of files.

use std::path::Path;

use super::{assert_none, files, read};

/// A file of this many lines is two.
const LINES_MAX: usize = 500;

/// Folders of the crates without IO.
const WITHOUT_IO: [&str; 6] = [
    "backplane/stream",
    "gateway/connection",
    "hub-host/api",
    "hub-host/macros",
    "proto",
    "router/directory",
];

#[test]
fn a_rust_file_has_fewer_than_500_lines() {
    let lines = |path: &Path| read(path).lines().count();
    let long = files(&[".rs"]).into_iter().map(|path| (lines(&path), path));
    let long = long.filter(|(lines, _)| *lines >= LINES_MAX);
    let long: Vec<_> = long
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none(&long);
}

#[test]
fn nothing_is_left_to_do_in_a_comment() {
    // In two halves, so that this file does not break its own rule.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let endings = [
        ".rs", ".toml", ".md", ".js", ".mjs", ".html", ".css", ".sh", ".proto",
    ];
    let mut found = Vec::new();
    for path in files(&endings) {
        for (number, line) in read(&path).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_none(&found);
}

/// What asks for the time, for randomness or for a thread has no place where all of them are arguments.
#[test]
fn a_crate_without_io_asks_for_no_time_and_starts_no_thread() {
    let words = [
        "Instant::now",
        "SystemTime::now",
        "thread::spawn",
        "thread::sleep",
        "TcpStream",
        "std::fs::",
    ];
    let mut found = Vec::new();
    let all = files(&[".rs"]).into_iter();
    let ours = |path: &Path| WITHOUT_IO.iter().any(|folder| path.starts_with(folder));
    for path in all.filter(|path| ours(path) && !is_test(path)) {
        let text = read(&path);
        // Tests beside the code are at its end.
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(&text);
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn a_file_ends_with_a_line_end_and_has_no_tabs_in_rust() {
    let mut found = Vec::new();
    for path in files(&[".rs", ".toml", ".md"]) {
        let text = read(&path);
        if !text.is_empty() && !text.ends_with('\n') {
            found.push(format!("{}: does not end with a line end", path.display()));
        }
        if path.extension().is_some_and(|end| end == "rs") && text.contains('\t') {
            found.push(format!("{}: has a tab", path.display()));
        }
    }
    assert_none(&found);
}

fn is_test(path: &Path) -> bool {
    let parts = path.iter().filter_map(|part| part.to_str());
    let mut names = parts.map(|part| part.trim_end_matches(".rs"));
    names.any(|name| ["tests", "benches", "examples"].contains(&name))
}
