//! Every subject of the backplane, and nothing else.
//!
//! | Subject | Carries |
//! | --- | --- |
//! | `<prefix>.<cluster>.gw.<node>.<generation>.<attempt>` | envelopes for one gateway generation, by its current attempt to connect |
//! | `<prefix>.<cluster>.ctl` | heartbeats, for every node |
//!
//! A name that people chose is one token, whatever is in it: letters of ASCII, digits, `-` and `_` stand for themselves, any other byte is
//! `%` and two hexadecimal digits. So no name reaches another's subject, and none is a wildcard.

use std::fmt::Write as _;

use hubplane_proto_ids::NodeId;

/// The subjects of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    root: String,
}

impl Subjects {
    pub(crate) fn new(prefix: &str, cluster: &str) -> Self {
        let mut root = String::new();
        push_token(&mut root, prefix);
        root.push('.');
        push_token(&mut root, cluster);
        Self { root }
    }

    /// Envelopes for this generation. Each attempt to connect listens on a subject of its own, so that two connections of
    /// one node never share one.
    pub(crate) fn gateway(&self, node: &NodeId, attempt: u32) -> String {
        let mut subject = String::with_capacity(self.root.len() + node.name.as_str().len() + 32);
        subject.push_str(&self.root);
        subject.push_str(".gw.");
        push_token(&mut subject, node.name.as_str());
        let generation = node.generation.as_raw();
        // Writing to a string does not fail.
        let _ = write!(subject, ".{generation:016x}.{attempt}");
        subject
    }

    /// Heartbeats.
    pub(crate) fn control(&self) -> String {
        format!("{}.ctl", self.root)
    }
}

fn push_token(subject: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            subject.push(char::from(byte));
        } else {
            let _ = write!(subject, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use hubplane_proto_ids::{Generation, NodeId};

    use super::Subjects;

    fn node(name: &str) -> NodeId {
        NodeId {
            name: name.parse().unwrap(),
            generation: Generation::from_raw(0x00c0_ffee),
        }
    }

    #[test]
    fn the_subjects_are_these() {
        let subjects = Subjects::new("hubplane", "eu-1");
        let all = [
            subjects.gateway(&node("gateway-0"), 1),
            subjects.gateway(&node("10.0.0.7:7400"), 12),
            subjects.gateway(&node("*.> $é%"), 1),
            subjects.control(),
            Subjects::new("a.b", ">").control(),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        hubplane.eu-1.gw.gateway-0.0000000000c0ffee.1
        hubplane.eu-1.gw.10%2E0%2E0%2E7%3A7400.0000000000c0ffee.12
        hubplane.eu-1.gw.%2A%2E%3E%20%24%C3%A9%25.0000000000c0ffee.1
        hubplane.eu-1.ctl
        a%2Eb.%3E.ctl
        ");
    }

    #[test]
    fn no_two_names_share_a_token() {
        let subjects = Subjects::new("p", "c");
        let names = ["a.b", "a%2Eb", "a%2eb", "a_b", "a-b", "A.B", "a", "a.b.1"];
        let mut tokens: Vec<_> = names.map(|name| subjects.gateway(&node(name), 1)).into();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), names.len());
        assert!(tokens.iter().all(|subject| subject.split('.').count() == 6));
    }
}
