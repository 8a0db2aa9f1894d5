mod codec;

use bytes::Bytes;
use hubplane_proto_ids::{Generation, NodeId};

use crate::{Body, Envelope, MessageId, Number};

/// A node by its letter, in generation 1.
fn node(name: &str) -> NodeId {
    generation(name, 1)
}

fn generation(name: &str, generation: u64) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(generation),
    }
}

fn number(raw: u64) -> Number {
    Number::from_raw(raw)
}

fn envelope(origin: &NodeId, receiver: &NodeId, raw: u64, body: &str) -> Envelope {
    Envelope {
        origin: origin.clone(),
        receiver: receiver.clone(),
        number: number(raw),
        message_id: MessageId::from_raw(raw),
        body: Body::Here(Bytes::copy_from_slice(body.as_bytes())),
    }
}
