//! Prints the text of `docs/config.md`.

#![allow(clippy::print_stdout)]

fn main() {
    print!("{}", hubplane_node::config::reference());
}
