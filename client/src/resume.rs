//! What a connection with stateful reconnect knows of both directions (`signalr-core` 17).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubplane_proto_signalr::Encoding;
use hubplane_proto_signalr::message::Message;
use tokio::sync::Notify;

/// How often the server is told what has arrived, if something has.
pub(crate) const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// The hub protocol that knows Ack and Sequence.
pub(crate) const HANDSHAKE_VERSION: i32 = 2;

/// The numbers of both directions and what the server has not acknowledged, shared by reading and writing.
#[derive(Debug)]
pub(crate) struct Resume {
    encoding: Encoding,
    buffer_bytes: usize,
    state: Mutex<State>,
    /// Told when there is room again.
    room: Notify,
}

#[derive(Debug)]
struct State {
    /// Whether a Sequence is the only thing that the server can be believed to have said.
    awaits_sequence: bool,
    /// The number that the next message will have.
    next: i64,
    /// The highest number that was taken.
    latest: i64,
    /// The highest number that the server was told of.
    told: i64,
    /// The number of the last message that was sent.
    sent: i64,
    unacknowledged: VecDeque<Vec<u8>>,
    unacknowledged_bytes: usize,
}

/// What is to become of a received message.
pub(crate) enum Received {
    /// It is news.
    Taken(Message),
    /// It says something about the connection, or was taken before.
    Done,
    /// The server is ahead of what it can be.
    Broken,
}

/// What the server is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// This.
    Ack(Vec<u8>),
    /// Nothing that it does not know.
    Nothing,
    /// Something, once it has said where it goes on.
    Soon,
}

impl Resume {
    pub(crate) fn new(encoding: Encoding, buffer_bytes: usize) -> Self {
        Self {
            encoding,
            buffer_bytes,
            state: Mutex::new(State {
                awaits_sequence: false,
                next: 1,
                latest: 0,
                told: 0,
                sent: 0,
                unacknowledged: VecDeque::new(),
                unacknowledged_bytes: 0,
            }),
            room: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message that is about to be sent until the server has it.
    pub(crate) fn sends(&self, data: &[u8]) {
        let mut state = self.lock();
        state.sent += 1;
        state.unacknowledged_bytes += data.len();
        state.unacknowledged.push_back(data.to_vec());
    }

    /// Waits until less is unacknowledged than the buffer holds. Cancel safe.
    pub(crate) async fn room(&self) {
        loop {
            let changed = self.room.notified();
            if self.lock().unacknowledged_bytes < self.buffer_bytes {
                return;
            }
            changed.await;
        }
    }

    /// Sorts out a received message.
    pub(crate) fn receives(&self, message: Message) -> Received {
        let mut state = self.lock();
        match message {
            Message::Sequence { sequence_id } => {
                if sequence_id > state.next.max(state.latest + 1) {
                    return Received::Broken;
                }
                state.awaits_sequence = false;
                state.next = sequence_id;
                state.told = state.told.min(sequence_id - 1);
                Received::Done
            }
            _ if state.awaits_sequence => Received::Done,
            Message::Ack { sequence_id } => {
                state.acknowledge(sequence_id);
                self.room.notify_waiters();
                Received::Done
            }
            message if message.is_trackable() => {
                let number = state.next;
                state.next += 1;
                if number <= state.latest {
                    return Received::Done;
                }
                state.latest = number;
                Received::Taken(message)
            }
            message => Received::Taken(message),
        }
    }

    /// What the server is to be told of what has arrived.
    pub(crate) fn ack(&self) -> Due {
        let mut state = self.lock();
        if state.awaits_sequence {
            return Due::Soon;
        }
        if state.latest <= state.told {
            return Due::Nothing;
        }
        state.told = state.latest;
        let sequence_id = state.latest;
        Due::Ack(self.encoded(&Message::Ack { sequence_id }))
    }

    /// The socket is lost. What has to be said first on another one: a Sequence, and all that is not acknowledged.
    pub(crate) fn again(&self) -> Vec<Vec<u8>> {
        let mut state = self.lock();
        state.awaits_sequence = true;
        let sequence_id = state.first();
        let mut again = vec![self.encoded(&Message::Sequence { sequence_id })];
        again.extend(state.unacknowledged.iter().cloned());
        again
    }

    fn encoded(&self, message: &Message) -> Vec<u8> {
        let mut data = Vec::new();
        self.encoding.encode(message, &mut data);
        data
    }
}

impl State {
    /// The number of the first message that is not acknowledged, or of the next one.
    fn first(&self) -> i64 {
        self.sent + 1 - i64::try_from(self.unacknowledged.len()).unwrap_or(i64::MAX)
    }

    fn acknowledge(&mut self, through: i64) {
        while !self.unacknowledged.is_empty() && self.first() <= through {
            if let Some(data) = self.unacknowledged.pop_front() {
                self.unacknowledged_bytes -= data.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn invocation(target: &str) -> Message {
        let invocation = hubplane_proto_signalr::Invocation::send(target, b"[]".as_slice().into());
        Message::Invocation(invocation)
    }

    fn texts(messages: Vec<Vec<u8>>) -> Vec<String> {
        let text = |data: Vec<u8>| String::from_utf8(data).unwrap().replace('\u{1e}', "");
        messages.into_iter().map(text).collect()
    }

    fn taken(resume: &Resume, message: Message) -> bool {
        matches!(resume.receives(message), Received::Taken(_))
    }

    #[test]
    fn what_is_not_acknowledged_is_said_again_behind_its_number() {
        let resume = Resume::new(Encoding::Json, 100);
        for data in [b"a", b"b", b"c"] {
            resume.sends(data);
        }
        resume.receives(Message::Ack { sequence_id: 1 });
        let sequence = |number| format!("{{\"type\":9,\"sequenceId\":{number}}}");
        assert_eq!(texts(resume.again()), [sequence(2), "b".into(), "c".into()]);
        resume.receives(Message::Sequence { sequence_id: 1 });
        resume.receives(Message::Ack { sequence_id: 100 });
        assert_eq!(texts(resume.again()), [sequence(4)]);
    }

    #[test]
    fn nothing_counts_before_the_sequence_and_what_was_taken_is_not_taken_again() {
        let resume = Resume::new(Encoding::Json, 100);
        assert!(taken(&resume, invocation("a")) && taken(&resume, invocation("b")));
        let ack = b"{\"type\":8,\"sequenceId\":2}\x1e";
        assert_eq!(resume.ack(), Due::Ack(ack.to_vec()));
        assert_eq!(resume.ack(), Due::Nothing);
        resume.again();
        assert_eq!(resume.ack(), Due::Soon);
        assert!(!taken(&resume, invocation("lost")));
        resume.receives(Message::Sequence { sequence_id: 2 });
        assert!(!taken(&resume, invocation("b")) && taken(&resume, invocation("c")));
        assert!(matches!(resume.ack(), Due::Ack(_)));
        let ahead = resume.receives(Message::Sequence { sequence_id: 5 });
        assert!(matches!(ahead, Received::Broken));
    }

    #[tokio::test]
    async fn there_is_room_again_once_the_server_has_what_was_sent() {
        let resume = Resume::new(Encoding::Json, 2);
        resume.room().await;
        resume.sends(b"ab");
        let waits = async {
            resume.room().await;
            true
        };
        let acknowledged = async {
            tokio::task::yield_now().await;
            resume.receives(Message::Ack { sequence_id: 1 });
        };
        assert!(tokio::join!(waits, acknowledged).0);
    }
}
