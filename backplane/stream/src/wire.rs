//! The elements that envelopes and heartbeats are written in.
//!
//! Both begin with a version byte and a kind byte. An integer is a LEB128 varint in its shortest form; a node is the length
//! of its name (varint), its name in UTF-8, and its generation in 8 bytes, little-endian. Nothing is allocated on a
//! declared length, and what was decoded encodes to the same bytes again.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use hubplane_proto_ids::{Generation, NodeId, NodeName};

/// The version that this crate writes, and the only one that it reads.
pub(crate) const VERSION: u8 = 1;

/// The longest node name that can be declared, in bytes (`NodeName` has 1 to 64).
const NODE_NAME_MAX_BYTES: u64 = 64;

/// Why bytes are not an envelope or a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end within an element.
    #[error("the bytes end early")]
    Truncated,
    /// Written by a version that this one does not read.
    #[error("version {0} is not known")]
    Version(u8),
    /// Not a kind that was asked for.
    #[error("kind {0} is not expected here")]
    Kind(u8),
    /// An integer is longer than it needs to be, or than 64 bits.
    #[error("an integer is not in its shortest form")]
    Integer,
    /// A node's name is none.
    #[error("a node name is not valid")]
    Node,
    /// A number or a message id is 0.
    #[error("a number is zero")]
    Zero,
    /// Bytes are left after the last element.
    #[error("bytes follow the last element")]
    Trailing,
}

pub(crate) fn put_integer(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

pub(crate) fn put_node(out: &mut BytesMut, node: &NodeId) {
    put_integer(out, node.name.as_str().len() as u64);
    out.put_slice(node.name.as_str().as_bytes());
    out.put_u64_le(node.generation.as_raw());
}

/// The most bytes that [`put_node`] writes for this node.
pub(crate) fn node_bytes_max(node: &NodeId) -> usize {
    node.name.as_str().len() + 10
}

/// Reads elements off the front of bytes.
pub(crate) struct Reader(pub(crate) Bytes);

impl Reader {
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.0.try_get_u8().map_err(|_| DecodeError::Truncated)
    }

    /// The kind, after a version that is known.
    pub(crate) fn kind(&mut self) -> Result<u8, DecodeError> {
        match self.byte()? {
            VERSION => self.byte(),
            other => Err(DecodeError::Version(other)),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Integer);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = shift == 0 || byte != 0;
                return shortest.then_some(value).ok_or(DecodeError::Integer);
            }
        }
        Err(DecodeError::Integer)
    }

    /// An integer that is a number or an id, and so not 0.
    pub(crate) fn nonzero(&mut self) -> Result<u64, DecodeError> {
        match self.integer()? {
            0 => Err(DecodeError::Zero),
            value => Ok(value),
        }
    }

    pub(crate) fn node(&mut self) -> Result<NodeId, DecodeError> {
        let len_bytes = self.integer()?;
        if len_bytes > NODE_NAME_MAX_BYTES {
            return Err(DecodeError::Node);
        }
        let len_bytes = len_bytes as usize;
        if self.0.len() < len_bytes {
            return Err(DecodeError::Truncated);
        }
        let name = std::str::from_utf8(&self.0[..len_bytes])
            .ok()
            .and_then(|text| text.parse::<NodeName>().ok())
            .ok_or(DecodeError::Node)?;
        self.0.advance(len_bytes);
        let generation = self
            .0
            .try_get_u64_le()
            .map_err(|_| DecodeError::Truncated)?;
        Ok(NodeId {
            name,
            generation: Generation::from_raw(generation),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, without copying it.
    pub(crate) fn rest(self) -> Bytes {
        self.0
    }
}
