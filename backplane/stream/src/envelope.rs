use bytes::{BufMut as _, Bytes, BytesMut};
use hubplane_proto_ids::NodeId;

use crate::wire::{self, DecodeError, Reader};
use crate::{MessageId, Number};

const WITH_BODY: u8 = 1;
const WITHOUT_BODY: u8 = 2;

/// One message with its place in one stream: what a carrier moves.
///
/// The wire form, version 1: version, kind (1: the body is here; 2: it is not), origin, receiver, number, message id, then
/// the body up to the end, or its length in bytes. Elements as in the crate's `wire` module. A later kind with a
/// list of (receiver, number) serves the hub subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Whose stream it is. Nothing that another generation said is believed.
    pub origin: NodeId,
    /// The one generation that it is for; any other drops it.
    pub receiver: NodeId,
    /// Its place in the stream from `origin` to `receiver`, from 1.
    pub number: Number,
    /// What the origin calls the message in the streams of all its targets.
    pub message_id: MessageId,
    /// What is delivered.
    pub body: Body,
}

/// The body of an envelope: opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Here(Bytes),
    /// Too large to be published ([`Limits::published_body_max_bytes`](crate::Limits)): the receiver fetches it.
    AtOrigin {
        /// Its length in bytes.
        len_bytes: u64,
    },
}

impl Envelope {
    /// The wire form.
    pub fn encode(&self) -> Bytes {
        let body_bytes = match &self.body {
            Body::Here(body) => body.len(),
            Body::AtOrigin { .. } => 10,
        };
        let nodes_bytes = wire::node_bytes_max(&self.origin) + wire::node_bytes_max(&self.receiver);
        let mut out = BytesMut::with_capacity(2 + nodes_bytes + 20 + body_bytes);
        out.put_u8(wire::VERSION);
        out.put_u8(match self.body {
            Body::Here(_) => WITH_BODY,
            Body::AtOrigin { .. } => WITHOUT_BODY,
        });
        wire::put_node(&mut out, &self.origin);
        wire::put_node(&mut out, &self.receiver);
        wire::put_integer(&mut out, self.number.as_raw());
        wire::put_integer(&mut out, self.message_id.as_raw());
        match &self.body {
            Body::Here(body) => out.put_slice(body),
            Body::AtOrigin { len_bytes } => wire::put_integer(&mut out, *len_bytes),
        }
        out.freeze()
    }

    /// Reads the wire form. The body is a slice of `bytes`, not a copy.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the bytes of one envelope.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let kind = reader.kind()?;
        if kind != WITH_BODY && kind != WITHOUT_BODY {
            return Err(DecodeError::Kind(kind));
        }
        let (origin, receiver) = (reader.node()?, reader.node()?);
        let number = Number::from_raw(reader.nonzero()?);
        let message_id = MessageId::from_raw(reader.nonzero()?);
        let body = if kind == WITH_BODY {
            Body::Here(reader.rest())
        } else {
            let len_bytes = reader.integer()?;
            if !reader.is_empty() {
                return Err(DecodeError::Trailing);
            }
            Body::AtOrigin { len_bytes }
        };
        Ok(Self {
            origin,
            receiver,
            number,
            message_id,
            body,
        })
    }
}
