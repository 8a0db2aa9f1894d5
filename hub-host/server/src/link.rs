//! One link: what comes from its gateway, and the connections that it brought.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hubplane_hub::HubName;
use hubplane_hub::host::{Connection, Ended, Port, Run, Service};
use hubplane_proto_ids::{ConnectionId, NodeId, UserId};
use hubplane_proto_link::{
    CloseReason, ConnectionInfo, Done, Invocation, PresenceChanges, Stage, ToGateway, ToHubHost,
};
use tokio::sync::mpsc;

use crate::any::LinkFirst;
use crate::host::{Hosted, Inner};
use crate::metrics::Counts;
use crate::port::LinkPort;
use crate::presence::Changes;

/// The reading end of a link, with a record for each of its connections.
pub(crate) struct Link {
    host: Arc<Inner>,
    gateway: NodeId,
    port: Arc<LinkPort>,
    outside: Arc<LinkFirst>,
    records: HashMap<ConnectionId, Arc<Record>>,
    /// What the hubs that hear of presence are still to be told.
    presence: HashMap<HubName, Changes>,
}

/// A connection of this link.
struct Record {
    connection: Arc<Connection>,
    service: Service,
    counts: Arc<Counts>,
    phase: Mutex<Phase>,
}

/// Where a connection is in its life, as far as the hub knows.
enum Phase {
    /// `on_connected` runs.
    Opening,
    /// It ended while `on_connected` ran: `on_disconnected` runs behind it.
    EndedEarly(CloseReason),
    Open,
    /// `on_connected` failed: `on_disconnected` does not run.
    Refused,
}

impl Link {
    pub(crate) fn new(host: Arc<Inner>, gateway: NodeId, port: Arc<LinkPort>) -> Self {
        let outside = LinkFirst::new(&port, &host.links);
        Self {
            host,
            gateway,
            port,
            outside,
            records: HashMap::new(),
            presence: HashMap::new(),
        }
    }

    /// Reads until the gateway is gone. It never waits for a hub, and so a gateway never waits for it.
    pub(crate) async fn run(mut self, mut frames: mpsc::Receiver<ToHubHost>) {
        while let Some(frame) = frames.recv().await {
            match frame {
                ToHubHost::Identify(info) => self.identify(info),
                ToHubHost::Opened { info, user } => self.opened(info, user),
                ToHubHost::Closed { connection, reason } => self.closed(&connection, reason),
                ToHubHost::Invocation(invocation) => self.invocation(invocation),
                ToHubHost::Ack { id, outcome } => self.port.acknowledge(id, outcome),
                ToHubHost::UploadItem {
                    connection,
                    stream_id,
                    item,
                } => self.told(&connection, |connection| {
                    connection.upload_item(&stream_id, item);
                }),
                ToHubHost::UploadEnd {
                    connection,
                    stream_id,
                    error,
                } => self.told(&connection, |connection| {
                    connection.upload_end(&stream_id, error);
                }),
                ToHubHost::Cancel {
                    connection,
                    invocation_id,
                } => self.told(&connection, |connection| connection.cancel(&invocation_id)),
                ToHubHost::ClientResult { request, outcome } => {
                    self.port.client_result(request, outcome);
                }
                ToHubHost::Answer { id, answer } => self.port.answer(id, answer),
                ToHubHost::Window { connection, bytes } => self.port.window(&connection, bytes),
                ToHubHost::Credit { caller, bytes } => self.port.credit(&caller, bytes),
                ToHubHost::Presence(changed) => self.presence(changed),
            }
        }
        tracing::debug!(gateway = %self.gateway, "link ended");
    }

    /// Tells a connection something, if it is there: it may have ended on the way.
    fn told(&self, id: &ConnectionId, tell: impl FnOnce(&Connection)) {
        if let Some(record) = self.records.get(id) {
            tell(&record.connection);
        }
    }

    fn hosted(&self, hub: &HubName) -> Option<&Hosted> {
        let hosted = self.host.hubs.get(hub);
        if hosted.is_none() {
            tracing::error!(gateway = %self.gateway, %hub, "a frame for a hub that is not served here");
        }
        hosted
    }

    /// Hands changes to who tells the hub, and never waits for that.
    fn presence(&mut self, changed: PresenceChanges) {
        let PresenceChanges { hub, changes } = changed;
        let Some(Hosted { service, counts }) = self.hosted(&hub) else {
            return;
        };
        let (service, counts) = (service.clone(), Arc::clone(counts));
        let waiting = self.presence.entry(hub).or_insert_with(|| {
            let outside = Arc::clone(&self.outside) as Arc<dyn Port>;
            let (waiting, tell) = Changes::new(&service, outside, &self.host.watch);
            self.host.calls.spawn(tell);
            waiting
        });
        waiting.push(changes, &counts);
    }

    fn identify(&self, info: Arc<ConnectionInfo>) {
        let Some(hosted) = self.hosted(&info.hub) else {
            return;
        };
        let (service, port) = (hosted.service.clone(), Arc::clone(&self.port));
        self.host.calls.spawn(async move {
            let Ended { frame, problem, .. } = service.identify(&info);
            if let Some(problem) = problem {
                let (hub, connection) = (service.name(), &info.connection);
                tracing::error!(%hub, %connection, problem, "user_id failed, and with it the handshake");
            }
            if let Some(frame) = frame {
                // A link that is lost needs no answer, here and below.
                let _ = port.send(frame).await;
            }
        });
    }

    fn opened(&mut self, info: Arc<ConnectionInfo>, user: Option<UserId>) {
        let Some(hosted) = self.hosted(&info.hub) else {
            return;
        };
        let port = Arc::clone(&self.port) as Arc<dyn Port>;
        let outside = Arc::clone(&self.outside) as Arc<dyn Port>;
        let id = info.connection.clone();
        self.port.opened(&info.hub, &id);
        let record = Arc::new(Record {
            connection: Connection::new(info, user, port, outside),
            service: hosted.service.clone(),
            counts: Arc::clone(&hosted.counts),
            phase: Mutex::new(Phase::Opening),
        });
        record.counts.connected();
        let opening = open(Arc::clone(&record), Arc::clone(&self.port));
        let hub = record.service.name();
        let opening = self
            .host
            .watch
            .watched(hub, Some(&id), "on_connected", opening);
        self.host.calls.spawn(opening);
        if let Some(before) = self.records.insert(id, record) {
            // The gateway says that it is another one now.
            before.end();
        }
    }

    fn closed(&mut self, connection: &ConnectionId, reason: CloseReason) {
        let Some(record) = self.records.remove(connection) else {
            // Nothing has to run for it; the gateway waits for an answer all the same.
            let (port, connection) = (Arc::clone(&self.port), connection.clone());
            self.host.calls.spawn(async move {
                let stage = Stage::Closing;
                let done = Done {
                    connection,
                    stage,
                    error: None,
                };
                let _ = port.send(ToGateway::Done(done)).await;
            });
            return;
        };
        self.port.closed(connection);
        record.end();
        let close = {
            let mut phase = record.phase();
            match *phase {
                Phase::Opening | Phase::EndedEarly(_) => {
                    *phase = Phase::EndedEarly(reason);
                    None
                }
                Phase::Open => Some(reason),
                Phase::Refused => Some(CloseReason::OpeningFailed),
            }
        };
        if let Some(reason) = close {
            let hub = record.service.name().clone();
            let closing = close_record(record, Arc::clone(&self.port), reason);
            let watch = &self.host.watch;
            let closing = watch.watched(&hub, Some(connection), "on_disconnected", closing);
            self.host.calls.spawn(closing);
        }
    }

    fn invocation(&self, invocation: Invocation) {
        let Some(record) = self.records.get(&invocation.connection) else {
            tracing::debug!(gateway = %self.gateway, connection = %invocation.connection, "an invocation of nobody");
            return;
        };
        let (host, record, port) = (
            Arc::clone(&self.host),
            Arc::clone(record),
            Arc::clone(&self.port),
        );
        let running = Running::new(&record.counts);
        let target = invocation.target.clone();
        // What comes next on the link may name it.
        let run = record.service.invoke(&record.connection, invocation);
        let (hub, connection) = (record.service.name(), record.connection.id());
        let run = host.watch.watched(hub, Some(connection), &target, run);
        self.host.calls.spawn(async move {
            let started = Instant::now();
            let ended = run.await;
            drop(running);
            host.metrics
                .ended(&record.counts, ended.run, started.elapsed());
            record.log(&target, &ended);
            if let Some(frame) = ended.frame {
                let _ = port.send(frame).await;
            }
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.host.links.remove(&self.port);
        self.port.end();
        for record in self.records.values() {
            record.end();
        }
    }
}

/// Counts an invocation as running, until dropped.
struct Running(Arc<Counts>);

impl Running {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.started();
        Self(Arc::clone(counts))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stopped();
    }
}

async fn open(record: Arc<Record>, port: Arc<LinkPort>) {
    let ended = record.service.connected(&record.connection).await;
    record.log("on_connected", &ended);
    let opened = ended.run == Run::Returned;
    if let Some(frame) = ended.frame {
        let _ = port.send(frame).await;
    }
    let close = {
        let mut phase = record.phase();
        let next = if opened { Phase::Open } else { Phase::Refused };
        match std::mem::replace(&mut *phase, next) {
            Phase::EndedEarly(reason) if opened => Some(reason),
            Phase::EndedEarly(_) => Some(CloseReason::OpeningFailed),
            Phase::Opening | Phase::Open | Phase::Refused => None,
        }
    };
    if let Some(reason) = close {
        close_record(record, port, reason).await;
    }
}

async fn close_record(record: Arc<Record>, port: Arc<LinkPort>, reason: CloseReason) {
    let ended = record
        .service
        .disconnected(&record.connection, reason)
        .await;
    record.log("on_disconnected", &ended);
    if let Some(frame) = ended.frame {
        let _ = port.send(frame).await;
    }
}

impl Record {
    /// The connection is not there any more: its running methods see it.
    fn end(&self) {
        self.connection.end();
        self.counts.disconnected();
    }

    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one place where what goes wrong in a hub reaches the log.
    fn log(&self, target: &str, ended: &Ended) {
        let (hub, connection, run) = (self.service.name(), self.connection.id(), ended.run.name());
        let Some(problem) = &ended.problem else {
            return;
        };
        match ended.run {
            Run::Panicked => {
                tracing::error!(%hub, target, %connection, problem, "hub code panicked")
            }
            Run::Failed => tracing::warn!(%hub, target, %connection, problem, "hub code failed"),
            Run::Returned | Run::Refused | Run::Unbound => {
                tracing::debug!(%hub, target, %connection, run, problem, "invocation refused");
            }
        }
    }
}
