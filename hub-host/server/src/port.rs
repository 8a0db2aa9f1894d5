//! The way to one gateway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use hubplane_hub::Timestamp;
use hubplane_hub::host::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};
use hubplane_proto_ids::{ConnectionId, HubName};
use hubplane_proto_link::{
    AckId, AckOutcome, Answer, Audience, CALLER_CREDIT_BYTES, Caller, ClientOutcome,
    ClientResultRequest, ConnectionSend, GroupChange, LINK_CREDIT_BYTES, Query, RequestId,
    ToGateway, WINDOW_BYTES,
};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::asked::{Asked, Asking};
use crate::background::Background;
use crate::window::{Taken, Window, Windows};

/// The way to one gateway.
#[derive(Debug)]
pub(crate) struct LinkPort {
    frames: mpsc::Sender<ToGateway>,
    changes: Arc<Asked<AckOutcome>>,
    results: Arc<Asked<ClientOutcome>>,
    queries: Arc<Asked<Answer>>,
    windows: Windows<ConnectionId>,
    /// The hubs of the connections that have windows.
    homes: Mutex<HashMap<ConnectionId, HubName>>,
    credits: Windows<Caller>,
    link_credit: Arc<Window>,
    background: Background,
}

/// What has to be left for a frame before it may be sent.
#[derive(Default)]
struct Needed {
    window: Option<Arc<Window>>,
    window_bytes: u32,
    credit: Option<[Arc<Window>; 2]>,
    credit_bytes: u32,
}

impl Needed {
    /// Takes it if nothing has to be waited for.
    fn try_take(&self) -> Option<AllTaken> {
        let mut all = AllTaken::default();
        if let Some(window) = &self.window {
            all.window = Some(window.try_take(self.window_bytes)?);
        }
        if let Some([caller, link]) = &self.credit {
            all.credit = Some([
                caller.try_take(self.credit_bytes)?,
                link.try_take(self.credit_bytes)?,
            ]);
        }
        Some(all)
    }

    /// Waits for it. Cancel safe.
    async fn take(&self) -> AllTaken {
        let mut all = AllTaken::default();
        if let Some(window) = &self.window {
            all.window = Some(window.take(self.window_bytes).await);
        }
        if let Some([caller, link]) = &self.credit {
            let of_caller = caller.take(self.credit_bytes).await;
            all.credit = Some([of_caller, link.take(self.credit_bytes).await]);
        }
        all
    }
}

/// What was taken for one frame.
#[derive(Default)]
struct AllTaken {
    window: Option<Taken>,
    credit: Option<[Taken; 2]>,
}

impl AllTaken {
    fn sent(self) {
        let taken = self.window.into_iter();
        taken
            .chain(self.credit.into_iter().flatten())
            .for_each(Taken::sent);
    }
}

impl LinkPort {
    pub(crate) fn new(frames: mpsc::Sender<ToGateway>, background: &Background) -> Self {
        Self {
            frames,
            changes: Arc::default(),
            results: Arc::default(),
            queries: Arc::default(),
            windows: Windows::default(),
            homes: Mutex::default(),
            credits: Windows::default(),
            link_credit: Window::new(LINK_CREDIT_BYTES),
            background: background.clone(),
        }
    }

    /// An acknowledgement has come.
    pub(crate) fn acknowledge(&self, id: AckId, outcome: AckOutcome) {
        self.changes.answer(id.0, outcome);
    }

    /// A client has answered, or cannot.
    pub(crate) fn client_result(&self, request: RequestId, outcome: ClientOutcome) {
        self.results.answer(request.0, outcome);
    }

    /// The answer to a query has come.
    pub(crate) fn answer(&self, id: AckId, answer: Answer) {
        self.queries.answer(id.0, answer);
    }

    /// A connection of this link is there: what is sent to it alone has a window.
    pub(crate) fn opened(&self, hub: &HubName, connection: &ConnectionId) {
        self.windows.open(connection, WINDOW_BYTES);
        self.homes().insert(connection.clone(), hub.clone());
    }

    fn homes(&self) -> MutexGuard<'_, HashMap<ConnectionId, HubName>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is not there any more.
    pub(crate) fn closed(&self, connection: &ConnectionId) {
        self.homes().remove(connection);
        self.windows.close(connection);
        // Where nothing is under way, nothing comes back.
        let caller = Caller::Connection(connection.clone());
        self.credits.give_and_forget(&caller, 0);
    }

    /// Whether it is a connection of this hub on this link.
    pub(crate) fn has(&self, hub: &HubName, connection: &ConnectionId) -> bool {
        self.homes().get(connection) == Some(hub)
    }

    /// Whether it is a connection of this link, of whichever hub.
    pub(crate) fn holds(&self, connection: &ConnectionId) -> bool {
        self.windows.of(connection).is_some()
    }

    /// A client has taken this much.
    pub(crate) fn window(&self, connection: &ConnectionId, bytes: u32) {
        self.windows.give(connection, bytes);
    }

    /// This much of a caller's sends is done.
    pub(crate) fn credit(&self, caller: &Caller, bytes: u32) {
        self.credits.give_and_forget(caller, bytes);
        self.link_credit.give(bytes);
    }

    /// A send to one connection of this link is one in its window.
    fn addressed(&self, frame: ToGateway) -> ToGateway {
        let ToGateway::Send(send) = frame else {
            return frame;
        };
        match &send.delivery.audience {
            Audience::Connections(ids)
                if ids.len() == 1
                    && send.delivery.except.is_empty()
                    && self.has(&send.delivery.hub, &ids[0]) =>
            {
                ToGateway::ToConnection(ConnectionSend {
                    connection: ids[0].clone(),
                    caller: send.caller,
                    target: send.delivery.target,
                    arguments: send.delivery.arguments,
                })
            }
            _ => ToGateway::Send(send),
        }
    }

    fn needed(&self, frame: &ToGateway) -> Needed {
        let mut needed = Needed {
            window_bytes: frame.window_bytes(),
            credit_bytes: frame.credit_bytes(),
            ..Needed::default()
        };
        let connection = match frame {
            ToGateway::StreamItem { connection, .. } => Some(connection),
            ToGateway::ToConnection(send) => Some(&send.connection),
            ToGateway::Completion(completion) => Some(&completion.connection),
            _ => None,
        };
        // Of a connection that is not there nothing is given back, and nobody waits for it.
        needed.window = connection.and_then(|connection| self.windows.of(connection));
        if needed.credit_bytes > 0 {
            let caller = self.credits.open(&frame.caller(), CALLER_CREDIT_BYTES);
            needed.credit = Some([caller, Arc::clone(&self.link_credit)]);
        }
        needed
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.frames.is_closed() || self.changes.is_ended()
    }

    /// The link has ended: nothing is answered any more.
    pub(crate) fn end(&self) {
        self.changes.end();
        self.results.end();
        self.queries.end();
        self.windows.close_all();
        self.credits.close_all();
        self.link_credit.close();
    }
}

impl Port for LinkPort {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        if self.frames.is_closed() {
            return Err(Refused::Lost(LinkLost));
        }
        let frame = self.addressed(frame);
        let Some(taken) = self.needed(&frame).try_take() else {
            return Err(Refused::Full(Box::new(frame)));
        };
        match self.frames.try_send(frame) {
            Ok(()) => {
                taken.sent();
                Ok(())
            }
            Err(TrySendError::Full(frame)) => Err(Refused::Full(Box::new(frame))),
            Err(TrySendError::Closed(_)) => Err(Refused::Lost(LinkLost)),
        }
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        let frame = self.addressed(frame);
        let (frames, needed) = (self.frames.clone(), self.needed(&frame));
        Box::pin(async move {
            let taken = tokio::select! {
                biased;
                taken = needed.take() => taken,
                () = frames.closed() => return Err(LinkLost),
            };
            frames.send(frame).await.map_err(|_lost| LinkLost)?;
            taken.sent();
            Ok(())
        })
    }

    fn change_group(
        &self,
        request: GroupRequest,
    ) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        let mut asking = self.changes.ask();
        let change = GroupChange {
            ack: AckId(asking.id),
            caller: request.caller,
            operation: request.operation,
            hub: request.hub,
            group: request.group,
            connection: request.connection,
        };
        let sending = self.send(ToGateway::Group(change));
        Box::pin(async move {
            sending.await?;
            asking.answered().await.ok_or(LinkLost)
        })
    }

    fn ask(&self, request: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>> {
        let asking = self.results.ask();
        let mut waiting = Waiting {
            caller: request.caller.clone(),
            hub: request.hub.clone(),
            connection: request.connection.clone(),
            frames: self.frames.clone(),
            background: self.background.clone(),
            asking,
            sent: false,
        };
        let frame = ToGateway::ClientResult(ClientResultRequest {
            request: RequestId(waiting.asking.id),
            caller: request.caller,
            hub: request.hub,
            connection: request.connection,
            target: request.target,
            arguments: request.arguments,
        });
        let sending = self.send(frame);
        Box::pin(async move {
            sending.await?;
            waiting.sent = true;
            waiting.asking.answered().await.ok_or(LinkLost)
        })
    }

    fn query(&self, request: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>> {
        let mut asking = self.queries.ask();
        let query = Query {
            ack: AckId(asking.id),
            caller: request.caller,
            hub: request.hub,
            audience: request.audience,
            question: request.question,
        };
        let sending = self.send(ToGateway::Query(query));
        Box::pin(async move {
            sending.await?;
            asking.answered().await.ok_or(LinkLost)
        })
    }

    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn elapsed(&self) -> Duration {
        self.background.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.background.sleep(time)
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.background.spawn(work);
    }
}

/// A request that a client has been sent. Dropped before the answer, it takes the request back.
struct Waiting {
    asking: Asking<ClientOutcome>,
    sent: bool,
    caller: Caller,
    hub: HubName,
    connection: ConnectionId,
    frames: mpsc::Sender<ToGateway>,
    background: Background,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.sent || !self.asking.is_waited_for() {
            return;
        }
        let frame = ToGateway::CancelClientResult {
            request: RequestId(self.asking.id),
            caller: self.caller.clone(),
            hub: self.hub.clone(),
            connection: self.connection.clone(),
        };
        if let Err(TrySendError::Full(frame)) = self.frames.try_send(frame) {
            let frames = self.frames.clone();
            self.background.spawn(Box::pin(async move {
                // On a link that is lost there is nothing to take back.
                let _ = frames.send(frame).await;
            }));
        }
    }
}
