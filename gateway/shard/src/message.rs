use std::sync::OnceLock;

use bytes::Bytes;
use hubplane_proto_link as link;
use hubplane_proto_link::Delivery;
use hubplane_proto_signalr::transcode::{json_to_messagepack, messagepack_to_json};
use hubplane_proto_signalr::{Encoding, TranscodeError};
use smallvec::SmallVec;

use crate::transport::Format;
use crate::transport::events::event;
use crate::websocket::frame;

/// A delivery on its way to the connections of this node, shared by the shards. It is encoded at most once per wire
/// format that one of its receivers speaks, by whoever needs it first (DESIGN 4).
#[derive(Debug)]
pub struct SharedMessage {
    delivery: Delivery,
    json: OnceLock<Result<Bytes, Unserializable>>,
    messagepack: OnceLock<Result<Bytes, Unserializable>>,
    event: OnceLock<Result<Bytes, Unserializable>>,
}

/// The arguments of a delivery have no form in a hub protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("arguments that {encoding} cannot carry")]
pub struct Unserializable {
    /// The hub protocol.
    pub encoding: Encoding,
    /// Why not.
    #[source]
    pub cause: TranscodeError,
}

impl SharedMessage {
    /// A delivery that nothing has been encoded of yet.
    pub const fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            json: OnceLock::new(),
            messagepack: OnceLock::new(),
            event: OnceLock::new(),
        }
    }

    /// What is delivered, and to whom.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The message as it goes over a wire, the same for all receivers of one format.
    ///
    /// # Errors
    /// [`Unserializable`], each time.
    pub(crate) fn encoded(&self, format: Format) -> Result<Bytes, Unserializable> {
        match format {
            Format::WebSocket(encoding) => self.websocket(encoding),
            // The same memory without the header.
            Format::Polled(encoding) => Ok(frame::payload(&self.websocket(encoding)?)),
            Format::Event => {
                let frame = |encoding| Ok(event(&frame::payload(&self.websocket(encoding)?)));
                self.event.get_or_init(|| frame(Encoding::Json)).clone()
            }
        }
    }

    /// The whole WebSocket message, header included.
    fn websocket(&self, encoding: Encoding) -> Result<Bytes, Unserializable> {
        let cell = match encoding {
            Encoding::Json => &self.json,
            Encoding::MessagePack => &self.messagepack,
        };
        cell.get_or_init(|| self.encode(encoding)).clone()
    }

    fn encode(&self, encoding: Encoding) -> Result<Bytes, Unserializable> {
        let arguments = &self.delivery.arguments;
        let mut transcoded = Vec::new();
        let converted = match (arguments.encoding, encoding) {
            (link::Encoding::Json, Encoding::MessagePack) => {
                json_to_messagepack(&arguments.bytes, &mut transcoded)
            }
            (link::Encoding::MessagePack, Encoding::Json) => {
                messagepack_to_json(&arguments.bytes, &mut transcoded)
            }
            (link::Encoding::Json, Encoding::Json)
            | (link::Encoding::MessagePack, Encoding::MessagePack) => {
                return Ok(self.frame(encoding, &arguments.bytes));
            }
        };
        match converted {
            Ok(()) => Ok(self.frame(encoding, &transcoded)),
            Err(cause) => Err(Unserializable { encoding, cause }),
        }
    }

    fn frame(&self, encoding: Encoding, arguments: &[u8]) -> Bytes {
        frame::message(encoding.transfer_format(), |out| {
            encoding.encode_invocation(
                None,
                &self.delivery.target,
                arguments,
                &SmallVec::new(),
                out,
            );
        })
    }
}

#[cfg(test)]
mod tests {
    use hubplane_proto_link::{Arguments, Audience};

    use super::*;

    fn message(encoding: link::Encoding, arguments: &'static [u8]) -> SharedMessage {
        SharedMessage::new(Delivery {
            hub: "chat".parse().unwrap(),
            audience: Audience::All,
            except: SmallVec::new(),
            target: "Send".to_owned(),
            arguments: Arguments {
                encoding,
                bytes: Bytes::from_static(arguments),
            },
        })
    }

    #[test]
    fn a_message_is_encoded_once_per_format_and_shared() {
        let message = message(link::Encoding::MessagePack, b"\x91\x07");
        let json = "{\"type\":1,\"target\":\"Send\",\"arguments\":[7]}\x1e";
        let event = format!("data: {json}\r\n\r\n");
        for (format, expected) in [
            (Format::Polled(Encoding::Json), json.as_bytes()),
            (Format::Event, event.as_bytes()),
            (
                Format::WebSocket(Encoding::Json),
                &b"\x81\x2b{\"type\":1,\"target\":\"Send\",\"arguments\":[7]}\x1e"[..],
            ),
            (
                Format::WebSocket(Encoding::MessagePack),
                b"\x82\x0d\x0c\x96\x01\x80\xc0\xa4Send\x91\x07\x90",
            ),
        ] {
            let (one, two) = (
                message.encoded(format).unwrap(),
                message.encoded(format).unwrap(),
            );
            assert_eq!(&one[..], expected);
            assert_eq!(one.as_ptr(), two.as_ptr());
        }
    }

    #[test]
    fn what_a_format_cannot_carry_fails_for_that_format_alone() {
        let extension = message(link::Encoding::MessagePack, b"\x91\xd4\x05\x00");
        assert!(extension.websocket(Encoding::Json).is_err());
        assert!(extension.websocket(Encoding::MessagePack).is_ok());
        let broken = message(link::Encoding::Json, b"[1");
        assert!(broken.websocket(Encoding::MessagePack).is_err());
    }
}
