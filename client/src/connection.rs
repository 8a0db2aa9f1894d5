use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hubplane_proto_signalr::Encoding;
use hubplane_proto_signalr::message::{CompletionResult, Message, StreamIds};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::connect::{Connected, connect};
use crate::driver::{Command, Driver, End, Pending, TransportEnd};
use crate::{
    ConnectError, Frame, InvokeError, Options, PayloadError, ReceiveError, read_arguments,
    read_value, write_arguments,
};

/// What waits to be written; beyond it, sending waits.
const COMMANDS_MAX: usize = 64;

/// One connection to a hub. Dropping it drops its TCP stream without a word, as [`Connection::kill`] does.
///
/// Reading, pings and timeouts go on in a task that lives in it, whether or not anything is asked of it; only
/// messages that nobody takes by [`next`](Self::next) or [`receive`](Self::receive) stop it in the end
/// ([`Options::inbox_max`]).
#[derive(Debug)]
pub struct Connection {
    invoker: Invoker,
    id: Option<String>,
    inbox: mpsc::Receiver<Message>,
    /// Told when the socket is to be lost.
    lose: Arc<Notify>,
    /// Holds the one task, and ends it when dropped.
    task: JoinSet<End>,
    end: Option<End>,
}

/// The sending side of a [`Connection`], to use it from several places at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Invoker {
    encoding: Encoding,
    commands: mpsc::Sender<Command>,
    pending: Arc<Pending>,
    ids: Arc<AtomicU64>,
    resumes: Arc<AtomicU64>,
}

impl Connection {
    /// Connects: negotiate, transport, handshake. The URL is the hub's, beginning with `http://`.
    ///
    /// Cancel safe in that nothing goes on when it is dropped.
    ///
    /// # Errors
    /// Each step's failure has its own variant.
    pub async fn connect(url: &str, options: &Options) -> Result<Self, ConnectError> {
        let Connected {
            sending,
            receiving,
            connection_id,
            received,
            again,
        } = connect(url, options).await?;
        let (commands_in, commands) = mpsc::channel(COMMANDS_MAX);
        let (inbox_in, inbox) = mpsc::channel(options.inbox_max);
        let pending = Arc::new(Pending::default());
        let resumes = Arc::new(AtomicU64::new(0));
        let lose = Arc::new(Notify::new());
        let driver = Driver {
            sending,
            receiving,
            received,
            again,
            options: options.clone(),
            commands,
            pending: Arc::clone(&pending),
            inbox: inbox_in,
            resumes: Arc::clone(&resumes),
            lose: Arc::clone(&lose),
        };
        let mut task = JoinSet::new();
        task.spawn(driver.run());
        Ok(Self {
            invoker: Invoker {
                encoding: options.encoding,
                commands: commands_in,
                pending,
                ids: Arc::default(),
                resumes,
            },
            id: connection_id,
            inbox,
            lose,
            task,
            end: None,
        })
    }

    /// The connection id that negotiate told; `None` if it was skipped.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The hub protocol spoken.
    pub fn encoding(&self) -> Encoding {
        self.invoker.encoding
    }

    /// Its sending side, to keep elsewhere.
    pub fn invoker(&self) -> Invoker {
        self.invoker.clone()
    }

    /// As [`Invoker::invoke`].
    ///
    /// # Errors
    /// As there.
    pub async fn invoke<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl Serialize,
    ) -> Result<T, InvokeError> {
        self.invoker.invoke(target, arguments).await
    }

    /// As [`Invoker::invoke_raw`].
    ///
    /// # Errors
    /// As there.
    pub async fn invoke_raw(
        &self,
        target: &str,
        arguments: &[u8],
    ) -> Result<CompletionResult, InvokeError> {
        self.invoker.invoke_raw(target, arguments).await
    }

    /// As [`Invoker::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, target: &str, arguments: impl Serialize) -> Result<(), InvokeError> {
        self.invoker.send(target, arguments).await
    }

    /// As [`Invoker::send_message`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_message(&self, message: &Message) -> Result<(), InvokeError> {
        self.invoker.send_message(message).await
    }

    /// Sends a frame as it is, whatever it contains.
    ///
    /// # Errors
    /// [`InvokeError::Ended`].
    pub async fn send_frame(&self, frame: Frame) -> Result<(), InvokeError> {
        self.invoker.command(Command::Frame(frame.into())).await
    }

    /// The next message that nothing else claims, in the order of the wire: everything but pings, Close, and the
    /// completions that an [`invoke`](Self::invoke) waits for. `None` when the connection has ended.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Message> {
        self.inbox.recv().await
    }

    /// What [`next`](Self::next) would return at once.
    pub fn try_next(&mut self) -> Option<Message> {
        self.inbox.try_recv().ok()
    }

    /// The arguments of the next message, which has to be an invocation of `target`, in any letter case.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// Another message came (it is taken), the arguments do not fit, or the connection ended.
    pub async fn receive<T: DeserializeOwned>(&mut self, target: &str) -> Result<T, ReceiveError> {
        match self.next().await.ok_or(ReceiveError::Ended)? {
            Message::Invocation(invocation) if invocation.target.eq_ignore_ascii_case(target) => {
                Ok(read_arguments(self.encoding(), &invocation.arguments)?)
            }
            other => Err(ReceiveError::Unexpected {
                expected: target.to_owned(),
                got: format!("{other:?}"),
            }),
        }
    }

    /// Waits for the end of the connection, whoever ends it. Messages that are left can still be taken.
    ///
    /// Cancel safe. Waits on while the inbox is full ([`Options::inbox_max`]).
    pub async fn ended(&mut self) -> End {
        if let Some(end) = &self.end {
            return end.clone();
        }
        let end = match self.task.join_next().await {
            Some(Ok(end)) => end,
            panicked => End {
                close: None,
                transport: TransportEnd::Lost(format!(
                    "the connection's task failed: {panicked:?}"
                )),
            },
        };
        self.end = Some(end.clone());
        end
    }

    /// Ends the connection as the official clients do: Close message and close frame, or the DELETE of a polled connection,
    /// and the server's answer to it, for which it waits 5 s at most. Messages that arrive meanwhile are dropped.
    pub async fn stop(mut self) -> End {
        // If it cannot be told, it has ended.
        let _ = self.invoker.command(Command::Stop).await;
        self.inbox.close();
        self.ended().await
    }

    /// Drops the TCP stream without a word, and whatever was on its way. With stateful reconnect the connection goes on
    /// over another one; without, it has ended.
    ///
    /// It happens soon, between two messages that are handed on; not while the inbox is full.
    pub fn lose_socket(&self) {
        self.lose.notify_one();
    }

    /// As [`Invoker::resumes`].
    pub fn resumes(&self) -> u64 {
        self.invoker.resumes()
    }

    /// Drops the TCP stream: no Close message, no close frame. When it returns the stream is gone.
    pub async fn kill(mut self) {
        self.task.shutdown().await;
    }
}

impl Invoker {
    /// Invokes a method and waits for its completion. Arguments are a tuple, a sequence, or `()` for none.
    ///
    /// Not cancel safe: the method runs whether or not its result is waited for. A completion that comes later is
    /// delivered as a message.
    ///
    /// # Errors
    /// The server's error text, the end of the connection, or a value that does not fit.
    pub async fn invoke<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl Serialize,
    ) -> Result<T, InvokeError> {
        let arguments = write_arguments(self.encoding, &arguments)?;
        match self.invoke_raw(target, &arguments).await? {
            CompletionResult::Value(value) => Ok(read_value(self.encoding, &value)?),
            CompletionResult::Void => Err(PayloadError::Void.into()),
            CompletionResult::Error(text) => Err(InvokeError::Hub(text)),
        }
    }

    /// Invokes a method with raw arguments, an array in the connection's encoding, and waits for its completion.
    ///
    /// Not cancel safe, as [`invoke`](Self::invoke).
    ///
    /// # Errors
    /// The connection ended. A completion with an error is no error here.
    pub async fn invoke_raw(
        &self,
        target: &str,
        arguments: &[u8],
    ) -> Result<CompletionResult, InvokeError> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed).to_string();
        let mut data = Vec::new();
        self.encoding
            .encode_invocation(Some(&id), target, arguments, &StreamIds::new(), &mut data);
        let (waiter, completion) = oneshot::channel();
        let claim = Claim::new(&self.pending, id, waiter);
        self.command(Command::Data(data)).await?;
        let result = completion.await.map_err(|_dropped| InvokeError::Ended);
        drop(claim);
        result
    }

    /// Invokes a method without asking for a completion; returns when it is on its way to the socket.
    ///
    /// # Errors
    /// The arguments cannot be written, or the connection ended.
    pub async fn send(&self, target: &str, arguments: impl Serialize) -> Result<(), InvokeError> {
        let arguments: Bytes = write_arguments(self.encoding, &arguments)?;
        let mut data = Vec::new();
        self.encoding
            .encode_invocation(None, target, &arguments, &StreamIds::new(), &mut data);
        self.command(Command::Data(data)).await
    }

    /// Sends any message, with ids of the caller's choice. What answers it comes out of [`Connection::next`] in its
    /// order, completions included; numbers are the ids that [`invoke`](Self::invoke) uses.
    ///
    /// # Errors
    /// [`InvokeError::Ended`].
    pub async fn send_message(&self, message: &Message) -> Result<(), InvokeError> {
        let mut data = Vec::new();
        self.encoding.encode(message, &mut data);
        let command = match message.is_trackable() {
            true => Command::Data(data),
            false => Command::Unnumbered(data),
        };
        self.command(command).await
    }

    /// How often the connection has gone on over another socket.
    pub fn resumes(&self) -> u64 {
        self.resumes.load(Ordering::Relaxed)
    }

    async fn command(&self, command: Command) -> Result<(), InvokeError> {
        self.commands
            .send(command)
            .await
            .map_err(|_closed| InvokeError::Ended)
    }
}

/// An entry among the pending invocations, gone when nobody waits any more.
struct Claim<'a> {
    pending: &'a Pending,
    id: String,
}

impl<'a> Claim<'a> {
    fn new(pending: &'a Pending, id: String, waiter: oneshot::Sender<CompletionResult>) -> Self {
        pending.insert(id.clone(), waiter);
        Self { pending, id }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.pending.remove(&self.id);
    }
}
