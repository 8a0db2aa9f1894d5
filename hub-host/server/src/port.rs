//! The way to one gateway.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubplane_hub::host::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};
use hubplane_proto_ids::{ConnectionId, HubName};
use hubplane_proto_link::{
    AckId, AckOutcome, Answer, Caller, ClientOutcome, ClientResultRequest, GroupChange, Query,
    RequestId, ToGateway,
};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::asked::{Asked, Asking};
use crate::background::Background;

/// The way to one gateway.
#[derive(Debug)]
pub(crate) struct LinkPort {
    frames: mpsc::Sender<ToGateway>,
    changes: Arc<Asked<AckOutcome>>,
    results: Arc<Asked<ClientOutcome>>,
    queries: Arc<Asked<Answer>>,
    background: Background,
}

impl LinkPort {
    pub(crate) fn new(frames: mpsc::Sender<ToGateway>, background: &Background) -> Self {
        Self {
            frames,
            changes: Arc::default(),
            results: Arc::default(),
            queries: Arc::default(),
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

    pub(crate) fn is_ended(&self) -> bool {
        self.frames.is_closed() || self.changes.is_ended()
    }

    /// The link has ended: nothing is answered any more.
    pub(crate) fn end(&self) {
        self.changes.end();
        self.results.end();
        self.queries.end();
    }
}

impl Port for LinkPort {
    fn try_send(&self, frame: ToGateway) -> Result<(), Refused> {
        self.frames.try_send(frame).map_err(|error| match error {
            TrySendError::Full(frame) => Refused::Full(Box::new(frame)),
            TrySendError::Closed(_) => Refused::Lost(LinkLost),
        })
    }

    fn send(&self, frame: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        let frames = self.frames.clone();
        Box::pin(async move { frames.send(frame).await.map_err(|_lost| LinkLost) })
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
