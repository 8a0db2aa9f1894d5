use bytes::{BufMut as _, Bytes, BytesMut};
use hubplane_proto_ids::NodeId;

use crate::Number;
use crate::wire::{self, DecodeError, Reader};

const HEARTBEAT: u8 = 3;

/// What a node tells all others about its streams, on the control subject: that it lives, and news for some of them.
///
/// The wire form, version 1: version, kind (3), origin, then up to the end for each peer: node, last number sent, next number
/// expected, with 0 where there is nothing to say. Elements as in the crate's `wire` module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Who tells.
    pub origin: NodeId,
    /// The peers for whom there is something new, in the order of their ids. Others are not named.
    pub peers: Vec<Told>,
}

/// What a heartbeat tells one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The generation that this is for.
    pub node: NodeId,
    /// The last number given to its stream, while it has not acked that number.
    pub last_sent: Option<Number>,
    /// The number that is expected next from it: everything below is acked. Told when it moved, and again when the peer
    /// shows that it does not know.
    pub next_expected: Option<Number>,
}

impl Heartbeat {
    /// What this heartbeat tells one node.
    pub fn told(&self, node: &NodeId) -> Option<&Told> {
        self.peers.iter().find(|told| told.node == *node)
    }

    /// The wire form.
    pub fn encode(&self) -> Bytes {
        let nodes = self.peers.iter().map(|told| &told.node);
        let peers_bytes: usize = nodes.map(|node| wire::node_bytes_max(node) + 20).sum();
        let capacity = 2 + wire::node_bytes_max(&self.origin) + peers_bytes;
        let mut out = BytesMut::with_capacity(capacity);
        out.put_u8(wire::VERSION);
        out.put_u8(HEARTBEAT);
        wire::put_node(&mut out, &self.origin);
        for told in &self.peers {
            wire::put_node(&mut out, &told.node);
            wire::put_integer(&mut out, told.last_sent.unwrap_or_default().as_raw());
            wire::put_integer(&mut out, told.next_expected.unwrap_or_default().as_raw());
        }
        out.freeze()
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the bytes of one heartbeat.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        match reader.kind()? {
            HEARTBEAT => {}
            other => return Err(DecodeError::Kind(other)),
        }
        let origin = reader.node()?;
        let mut peers = Vec::new();
        while !reader.is_empty() {
            peers.push(Told {
                node: reader.node()?,
                last_sent: said(reader.integer()?),
                next_expected: said(reader.integer()?),
            });
        }
        Ok(Self { origin, peers })
    }
}

fn said(raw: u64) -> Option<Number> {
    (raw != 0).then(|| Number::from_raw(raw))
}
