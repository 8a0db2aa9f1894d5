//! The one task of a connection: it reads, answers pings, keeps the connection alive, and writes what it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use hubplane_proto_signalr::Encoding;
use hubplane_proto_signalr::message::{CompletionResult, Message};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::Options;
use crate::connect::{Negotiated, attach_again};
use crate::resume::{ACK_INTERVAL, Due, Received, Resume};
use crate::wire::{Broken, Came, Receiving, Sending};

/// How long a server may take to answer a close frame (`signalr-core` 6).
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

const SEQUENCE_AHEAD: &str = "Sequence ID greater than amount of messages we've received.";

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The Close message, if the server sent one.
    pub close: Option<CloseMessage>,
    /// What became of the transport.
    pub transport: TransportEnd,
}

/// The content of a Close message (`signalr-core` 13.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseMessage {
    /// Its error text, verbatim.
    pub error: Option<String>,
    /// Whether the server wants clients to come back by themselves.
    pub allow_reconnect: bool,
}

/// How the transport of a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportEnd {
    /// The server sent a close frame, with this status if it had one.
    CloseFrame(Option<u16>),
    /// The TCP stream ended or broke without one; the text is for a person.
    Lost(String),
    /// The response of an event stream has ended in order, or a poll was told that there is nothing more.
    Finished,
    /// A poll was answered with this status.
    Status(u16),
    /// Nothing came for [`Options::server_timeout`].
    Silent,
    /// The server sent what is no hub message, or a longer one than allowed; the text is for a person.
    Malformed(String),
}

/// What the task is told to do.
pub(crate) enum Command {
    /// One hub message in the connection's encoding, which has a number where messages are numbered.
    Data(Vec<u8>),
    /// One that never has.
    Unnumbered(Vec<u8>),
    /// A frame as it is.
    Frame(Frame),
    /// Close message, close frame.
    Stop,
}

/// The invocations that somebody waits for, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<HashMap<String, oneshot::Sender<CompletionResult>>>);

impl Pending {
    pub(crate) fn insert(&self, id: String, waiter: oneshot::Sender<CompletionResult>) {
        self.lock().insert(id, waiter);
    }

    pub(crate) fn remove(&self, id: &str) -> Option<oneshot::Sender<CompletionResult>> {
        self.lock().remove(id)
    }

    /// Everybody who waits learns that the connection has ended.
    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<CompletionResult>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the task owns.
pub(crate) struct Driver {
    pub(crate) sending: Sending,
    pub(crate) receiving: Receiving,
    pub(crate) received: BytesMut,
    /// With stateful reconnect: where to attach again.
    pub(crate) again: Option<Negotiated>,
    pub(crate) options: Options,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) pending: Arc<Pending>,
    pub(crate) inbox: mpsc::Sender<Message>,
    pub(crate) resumes: Arc<AtomicU64>,
    /// Told when the socket is to be lost.
    pub(crate) lose: Arc<Notify>,
}

impl Driver {
    /// Runs until the connection has ended.
    pub(crate) async fn run(mut self) -> End {
        let buffer_bytes = self.options.stateful_reconnect.unwrap_or(0);
        let resume = Resume::new(self.options.encoding, buffer_bytes);
        let resume = self.again.is_some().then_some(&resume);
        let (mut sending, mut receiving) = (self.sending, self.receiving);
        // A server has nothing to say to who polls, and never pings.
        let server_timeout = match receiving {
            Receiving::Polls(_) => Duration::MAX,
            _ => self.options.server_timeout,
        };
        let mut received = std::mem::take(&mut self.received);
        let mut first = Vec::new();
        let stopped = AtomicBool::new(false);
        // Across sockets: however short their lives are, the server hears what has arrived.
        let mut acks = tokio::time::interval(ACK_INTERVAL);
        acks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let reader = Reader {
                receiving,
                received,
                encoding: self.options.encoding,
                server_timeout,
                max_message_bytes: self.options.max_message_bytes,
                pending: &self.pending,
                inbox: &self.inbox,
                resume,
                lose: &self.lose,
                close: None,
            };
            let writer = Writer {
                sending,
                encoding: self.options.encoding,
                commands: &mut self.commands,
                resume,
                acks: &mut acks,
                stopped: &stopped,
            };
            let end = tokio::select! {
                end = reader.run() => end,
                end = writer.run(first, self.options.keep_alive) => end,
            };
            // Only a loss without a word of either side is not the end.
            let is_lost = end.close.is_none()
                && matches!(end.transport, TransportEnd::Lost(_))
                && !stopped.load(Ordering::Relaxed);
            let (Some(resume), Some(again), true) = (resume, &self.again, is_lost) else {
                break end;
            };
            match attach_again(again, &self.options).await {
                Ok(another) => (sending, receiving) = another.split(),
                // It stays lost, and that is what is told.
                Err(_refused) => break end,
            }
            self.resumes.fetch_add(1, Ordering::Relaxed);
            received = BytesMut::new();
            first = resume.again();
        };
        self.pending.clear();
        end
    }
}

struct Reader<'a> {
    receiving: Receiving,
    received: BytesMut,
    encoding: Encoding,
    server_timeout: Duration,
    max_message_bytes: usize,
    pending: &'a Pending,
    inbox: &'a mpsc::Sender<Message>,
    resume: Option<&'a Resume>,
    lose: &'a Notify,
    close: Option<CloseMessage>,
}

impl Reader<'_> {
    async fn run(mut self) -> End {
        let transport = loop {
            if let Err(text) = self.dispatch().await {
                break TransportEnd::Malformed(text);
            }
            // Here, where nothing is half handed on, the socket may be lost.
            let next = tokio::select! {
                next = tokio::time::timeout(self.server_timeout, self.receiving.next()) => next,
                () = self.lose.notified() => break TransportEnd::Lost("as told".to_owned()),
            };
            match next {
                Ok(Came::Data(data)) => self.received.extend_from_slice(&data),
                Ok(Came::End(end)) => break end,
                Err(_elapsed) => break TransportEnd::Silent,
            }
        };
        End {
            close: self.close,
            transport,
        }
    }

    /// Hands on every complete message that was received. Waits while the inbox is full.
    async fn dispatch(&mut self) -> Result<(), String> {
        loop {
            let limit = Some(self.max_message_bytes);
            let message = self.encoding.decode(&mut self.received, limit);
            let Some(message) = message.map_err(|error| error.to_string())? else {
                return Ok(());
            };
            let message = match self.resume {
                None => message,
                Some(resume) => match resume.receives(message) {
                    Received::Taken(message) => message,
                    Received::Done => continue,
                    Received::Broken => return Err(SEQUENCE_AHEAD.to_owned()),
                },
            };
            match message {
                Message::Ping => continue,
                Message::Completion(completion) => {
                    if let Some(waiter) = self.pending.remove(&completion.invocation_id) {
                        // Whoever waited may have given up.
                        let _ = waiter.send(completion.result);
                        continue;
                    }
                    self.deliver(Message::Completion(completion)).await;
                }
                Message::Close {
                    error,
                    allow_reconnect,
                } => {
                    self.close = Some(CloseMessage {
                        error,
                        allow_reconnect,
                    });
                }
                other => self.deliver(other).await,
            }
        }
    }

    async fn deliver(&self, message: Message) {
        // The receiver lives as long as this task.
        let _ = self.inbox.send(message).await;
    }
}

struct Writer<'a> {
    sending: Sending,
    encoding: Encoding,
    commands: &'a mut mpsc::Receiver<Command>,
    resume: Option<&'a Resume>,
    acks: &'a mut Interval,
    stopped: &'a AtomicBool,
}

impl Writer<'_> {
    /// Returns only if the server does not answer a stop in time: all other ends are the reader's to see.
    async fn run(mut self, first: Vec<Vec<u8>>, keep_alive: Option<Duration>) -> End {
        if self.write(first, keep_alive).await {
            tokio::time::sleep(CLOSE_LIMIT).await;
            return End {
                close: None,
                transport: TransportEnd::Silent,
            };
        }
        std::future::pending().await
    }

    /// Writes until told to stop, which is `true`, or until it cannot any more.
    async fn write(&mut self, first: Vec<Vec<u8>>, keep_alive: Option<Duration>) -> bool {
        for data in first {
            if self.send(data).await.is_err() {
                return false;
            }
        }
        // The first ping leaves at once, as the JavaScript client's does.
        let mut pings =
            tokio::time::interval_at(Instant::now(), keep_alive.unwrap_or(Duration::MAX / 4));
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let written = tokio::select! {
                _ = pings.tick(), if keep_alive.is_some() => self.send(self.encoding.ping().to_vec()).await,
                _ = self.acks.tick(), if self.resume.is_some() => match self.resume.map(Resume::ack) {
                    Some(Due::Ack(ack)) => self.send(ack).await,
                    Some(Due::Soon) => {
                        self.acks.reset_after(ACK_INTERVAL / 20);
                        Ok(())
                    }
                    Some(Due::Nothing) | None => Ok(()),
                },
                command = next(self.commands, self.resume) => match command {
                    Some(Command::Data(data)) => {
                        if let Some(resume) = self.resume {
                            resume.sends(&data);
                        }
                        self.send(data).await
                    }
                    Some(Command::Unnumbered(data)) => self.send(data).await,
                    Some(Command::Frame(frame)) => self.sending.frame(frame).await,
                    Some(Command::Stop) => return self.stop().await.is_ok(),
                    None => return false,
                },
            };
            if written.is_err() {
                return false;
            }
        }
    }

    async fn stop(&mut self) -> Result<(), Broken> {
        self.stopped.store(true, Ordering::Relaxed);
        let mut close = Vec::new();
        let message = Message::Close {
            error: None,
            allow_reconnect: false,
        };
        self.encoding.encode(&message, &mut close);
        self.sending.stop(self.encoding, close).await
    }

    async fn send(&mut self, data: Vec<u8>) -> Result<(), Broken> {
        let format = self.encoding.transfer_format();
        self.sending.data(format, data).await
    }
}

/// The next command, once there is room for what it may send.
async fn next(commands: &mut mpsc::Receiver<Command>, resume: Option<&Resume>) -> Option<Command> {
    if let Some(resume) = resume {
        resume.room().await;
    }
    commands.recv().await
}
