//! Rules for what people read.

use std::path::Path;

use super::{assert_none, files, read};
use crate::command::root;

#[test]
fn the_readme_shows_the_counter_as_it_is() {
    let (readme, counter) = (
        Path::new("README.md"),
        Path::new("examples/counter/src/main.rs"),
    );
    if !root().join(readme).exists() || !root().join(counter).exists() {
        return;
    }
    let shown = code_blocks(&read(readme), "rust");
    let counter = read(counter);
    assert!(
        shown.contains(&counter),
        "README.md is to have a rust block that is exactly examples/counter/src/main.rs:\n{counter}"
    );
}

#[test]
fn a_link_to_a_file_of_the_repository_leads_somewhere() {
    let mut broken = Vec::new();
    for path in files(&[".md"]) {
        let folder = root().join(path.parent().unwrap_or(Path::new("")));
        for link in links(&read(&path)) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert_none(&broken);
}

/// The contents of fenced blocks of one language.
fn code_blocks(markdown: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if line.trim_end() == begin {
            let block = lines.by_ref().take_while(|line| line.trim_end() != "```");
            blocks.push(block.map(|line| format!("{line}\n")).collect());
        }
    }
    blocks
}

/// Where inline links lead, but for those to other hosts; code is left out.
fn links(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        if in_block {
            continue;
        }
        let text: String = line.split('`').step_by(2).collect();
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let target = target.split_whitespace().next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !elsewhere {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn links_are_found_outside_of_code() {
    let markdown = "\
See [a](a.md), [b](docs/b.md#part) and ![c](c.png \"title\"), not `[d](d.md)`.
[e](https://example.org/e.md) [f](#part)
```text
[g](g.md)
```
";
    assert_eq!(
        links(markdown),
        ["a.md", "docs/b.md#part", "c.png", "#part"]
    );
}

#[test]
fn blocks_are_found_by_their_language() {
    let markdown = "```rust\nfn main() {}\n```\n```js\nx\n```\n```rust\n1\n2\n```\n";
    assert_eq!(code_blocks(markdown, "rust"), ["fn main() {}\n", "1\n2\n"]);
}
