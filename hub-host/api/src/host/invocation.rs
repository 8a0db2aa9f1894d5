//! From an invocation to its completion.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::select;
use futures_util::stream::{BoxStream, StreamExt as _};
use hubplane_proto_ids::InvocationId;
use hubplane_proto_link::{
    Arguments, Completion, Encoding, Invocation, InvocationKind, Outcome, Payload, ToGateway,
};

use super::connection::Begun;
use super::erased::{Found, Run as Method};
use super::port::Refused;
use super::service::{Failure, caught, dropped, in_time};
use super::{Connection, Ended, Run, Service, text};
use crate::hub::Shape;
use crate::returned::{Returned, What};
use crate::value::{BindError, Reply};
use crate::{Call as Filtered, Context, HubError};

/// So many items of a stream leave before others get a turn.
const ITEMS_PER_TURN: u32 = 32;

impl Service {
    /// Runs a method to its end, and the stream that it may answer by. What it sends leaves by the connection's port
    /// before this resolves; the frame that this resolves to has to follow it.
    ///
    /// The invocation is taken note of at once, not when the future is polled: the frames behind it may name it.
    pub fn invoke(
        &self,
        connection: &Arc<Connection>,
        invocation: Invocation,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let begun = connection.begin(&invocation, self.options.detailed_errors);
        let call = Call {
            ctx: Context::new(connection, &begun.running),
            service: self.clone(),
            connection: Arc::clone(connection),
            invocation,
            begun,
        };
        call.run()
    }
}

/// One invocation.
struct Call {
    service: Service,
    connection: Arc<Connection>,
    invocation: Invocation,
    begun: Begun,
    ctx: Context,
}

/// Why a method is not run: for the client, and for the log.
struct Unbound {
    text: String,
    problem: String,
}

/// A method whose arguments fit.
struct Bound<'a> {
    /// As it was declared.
    name: &'a str,
    /// As texts show it.
    target: &'a str,
    shape: Shape,
    allowed: bool,
    run: Method,
}

/// How an invocation ended, before it is a frame.
type End = (Outcome, Run, Option<String>);

impl Call {
    async fn run(mut self) -> Ended {
        let bound = match self.bind() {
            Ok(bound) => self.check(bound).await,
            Err(unbound) => Err(unbound),
        };
        let (outcome, run, problem) = match bound {
            Err(Unbound { text, problem }) => (Outcome::Error(text), Run::Unbound, Some(problem)),
            Ok(bound) => self.call(bound).await,
        };
        drop(self.begun.stream.take());
        let releases_slot = self.begun.running.release_slot();
        let connection = self.invocation.connection;
        let frame = match self.invocation.invocation_id {
            Some(invocation_id) => Some(ToGateway::Completion(Completion {
                connection,
                invocation_id,
                outcome,
                releases_slot,
            })),
            None if releases_slot => Some(ToGateway::SlotReleased { connection }),
            None => None,
        };
        Ended {
            frame,
            run,
            problem,
        }
    }

    /// Finds the method and reads its arguments.
    fn bind(&self) -> Result<Bound<'_>, Unbound> {
        let given = &self.invocation.target;
        let detailed = self.service.options.detailed_errors;
        let bind = || self.run_of(&self.invocation.arguments);
        let bound = catch_unwind(AssertUnwindSafe(bind)).map_err(|_panic| {
            // Somebody's `Deserialize` did. Which method it was for is lost.
            Unbound::arguments(given, &BindError::panicked(), detailed)
        })?;
        let Some(found) = bound else {
            return Err(text::unknown(given).into());
        };
        let streaming = self.invocation.kind == InvocationKind::Stream;
        // Texts show the declared name, but in one case of the reference.
        let packed = self.invocation.arguments.encoding == Encoding::MessagePack;
        let target = if streaming && packed {
            given
        } else {
            found.name
        };
        match found.run {
            Ok(run) => Ok(Bound {
                name: found.name,
                target,
                allowed: found.allowed,
                shape: found.shape,
                run,
            }),
            Err(error) => Err(Unbound::arguments(target, &error, detailed)),
        }
    }

    /// The invocation as filters and the hub's own function see it.
    fn seen(&self, name: &str) -> Filtered {
        Filtered::new(self.ctx.clone(), name, self.invocation.arguments.clone())
    }

    fn run_of(&self, arguments: &Arguments) -> Option<Found<'_>> {
        let uploads = self.begun.uploads.clone();
        let target = &self.invocation.target;
        self.service
            .hub
            .bind(target, self.ctx.clone(), arguments, uploads)
    }

    /// Everything else that is checked before a method runs, in the reference's order (signalr-core 12.2): it decides
    /// which text a client reads that made two mistakes.
    async fn check<'a>(&'a self, bound: Bound<'a>) -> Result<Bound<'a>, Unbound> {
        let Bound {
            name,
            target,
            shape,
            allowed,
            ..
        } = bound;
        let everybody = shape.rule.anonymous || !self.service.hub.authorizes();
        if !allowed || !(everybody || self.is_authorized(name).await) {
            return Err(text::unauthorized(target).into());
        }
        let streaming = self.invocation.kind == InvocationKind::Stream;
        if streaming != shape.streams {
            return Err(text::other_mode(target, shape.streams).into());
        }
        let streams = self.invocation.stream_ids.len();
        if streams != shape.uploads {
            return Err(text::stream_count(target, streams, shape.uploads).into());
        }
        match &self.invocation.invocation_id {
            Some(id) if self.begun.twice => Err(text::in_use(id).into()),
            _ => Ok(bound),
        }
    }

    /// What the hub's own function says. A panic of it allows nothing.
    async fn is_authorized(&self, name: &str) -> bool {
        let asked = async { self.service.hub.authorize(self.seen(name)).await };
        let authorized = AssertUnwindSafe(asked).catch_unwind().await;
        authorized.unwrap_or(false)
    }

    /// The method with its filters around it.
    async fn filtered(&self, name: &str, run: Method) -> Result<Returned, HubError> {
        if self.service.filters.is_empty() {
            return run.await;
        }
        let method = move |call: Filtered| match call.changed() {
            None => run,
            Some(arguments) => match self.run_of(arguments).map(|found| found.run) {
                Some(Ok(run)) => run,
                Some(Err(error)) => Box::pin(std::future::ready(Err(error.into()))),
                None => Box::pin(std::future::ready(Err(BindError::panicked().into()))),
            },
        };
        let call = self.seen(name);
        self.service.filters.invoke(call, method).await
    }

    async fn call(&self, bound: Bound<'_>) -> End {
        let Bound {
            name, target, run, ..
        } = bound;
        let method = self.in_time(caught(|| self.filtered(name, run)));
        let streaming = self.invocation.kind == InvocationKind::Stream;
        let returned = if streaming {
            match self.unless_cancelled(method).await {
                Some(returned) => returned,
                None => return (Outcome::Void, Run::Returned, None),
            }
        } else {
            method.await
        };
        match returned {
            Ok(Returned(What::Value(..))) if streaming => {
                // A filter's doing.
                let text = text::no_stream(name);
                (Outcome::Error(text.clone()), Run::Failed, Some(text))
            }
            Ok(Returned(What::Value(_, reply))) => {
                let value = Outcome::Value(self.payload(reply));
                (value, Run::Returned, None)
            }
            Ok(Returned(What::Stream(items))) => self.stream(items).await,
            Err(Failure { error, run }) => {
                let text = text::failed(target, &error, self.service.options.detailed_errors);
                (Outcome::Error(text), run, Some(format!("{error:?}")))
            }
        }
    }

    /// What a run gives, or that it took too long; then it is dropped where it stands.
    async fn in_time<T>(
        &self,
        run: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(timeout) = self.service.timeout else {
            return run.await;
        };
        let (running, port) = (&self.begun.running, &*self.connection.origin.port);
        running.limit(Some(timeout), port);
        let ended = in_time(Some(timeout), port, run).await;
        running.limit(None, port);
        ended
    }

    fn payload(&self, reply: Reply) -> Payload {
        Payload {
            encoding: self.connection.request.protocol(),
            bytes: reply.into_bytes(),
        }
    }

    /// What a future gives, if the client still wants it by then. It is dropped where it stands if not; nobody else
    /// sees a panic of that. It begins in any case, as in the reference: a client that cancels at once is told of the
    /// cancellation by the method, too.
    async fn unless_cancelled<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = Some(Box::pin(future));
        let mut cancelled = pin!(self.cancelled());
        let mut begun = false;
        let outcome = std::future::poll_fn(|cx| {
            if begun && cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let first = !std::mem::replace(&mut begun, true);
            match future.as_mut().map(|future| future.as_mut().poll(cx)) {
                Some(Poll::Ready(given)) => Poll::Ready(Some(given)),
                None => Poll::Ready(None),
                Some(Poll::Pending) if first => cancelled.as_mut().poll(cx).map(|()| None),
                Some(Poll::Pending) => Poll::Pending,
            }
        })
        .await;
        dropped(future);
        outcome
    }

    async fn cancelled(&self) {
        let cancelled = self.begun.running.cancelled.fired();
        select(cancelled, self.connection.ended.fired()).await;
    }

    /// Sends the items of a stream until it ends, fails, or nobody wants it any more.
    async fn stream(&self, items: BoxStream<'static, Result<Reply, HubError>>) -> End {
        let Some(id) = self.invocation.invocation_id.clone() else {
            dropped(items);
            return (Outcome::Void, Run::Returned, None);
        };
        let mut items = Some(items);
        let sent = match &mut items {
            Some(items) => self.unless_cancelled(self.send_all(items, &id)).await,
            None => None,
        };
        dropped(items);
        match sent {
            None | Some(Ok(())) => (Outcome::Void, Run::Returned, None),
            Some(Err(Failure { error, run })) => {
                let text = text::stream_failed(&error, self.service.options.detailed_errors);
                (Outcome::Error(text), run, Some(format!("{error:?}")))
            }
        }
    }

    async fn send_all(
        &self,
        items: &mut BoxStream<'static, Result<Reply, HubError>>,
        id: &InvocationId,
    ) -> Result<(), Failure> {
        let port = &self.connection.origin.port;
        let mut sent = 0;
        loop {
            let next = AssertUnwindSafe(items.next()).catch_unwind().await;
            let item = match next {
                Ok(None) => return Ok(()),
                Ok(Some(item)) => item?,
                Err(panic) => return Err(Failure::panicked(&*panic)),
            };
            let frame = ToGateway::StreamItem {
                connection: self.invocation.connection.clone(),
                invocation_id: id.clone(),
                item: self.payload(item),
            };
            let taken = match port.try_send(frame) {
                Ok(()) => Ok(()),
                Err(Refused::Full(frame)) => port.send(*frame).await,
                Err(Refused::Lost(lost)) => Err(lost),
            };
            if taken.is_err() {
                // The link is lost, and with it everybody who could want an item.
                return Ok(());
            }
            sent += 1;
            if sent % ITEMS_PER_TURN == 0 {
                turn().await;
            }
        }
    }
}

/// Lets others go on.
async fn turn() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Unbound {
    fn arguments(target: &str, error: &BindError, detailed: bool) -> Self {
        Self {
            text: text::unbound(target, error, detailed),
            problem: format!("{target}: {}", HubError::from(error.clone())),
        }
    }
}

impl From<String> for Unbound {
    fn from(text: String) -> Self {
        let problem = text.clone();
        Self { text, problem }
    }
}
