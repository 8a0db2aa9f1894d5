//! A gateway's end alone, with a router that says what a test wants.

use std::time::Instant;

use hubplane_proto_ids::{Generation, NodeId};
use hubplane_router_directory::message::{
    Answer, Hello, Layout, Push, StreamKind, ToGateway, ToRouter,
};
use hubplane_router_directory::{
    GatewayDirectory, GatewayLimits, Key, LookupId, Output, ReplicaId, Resolution, StreamId,
    Targets, Timers,
};

use crate::plan::keys;

pub(crate) fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(1),
    }
}

pub(crate) fn hello(layout: Layout) -> ToGateway {
    ToGateway::Hello(Hello {
        router: node("router-0"),
        layout,
        applied: None,
    })
}

pub(crate) struct Gateway {
    pub(crate) directory: GatewayDirectory,
    pub(crate) now: Instant,
    pub(crate) report: StreamId,
    pub(crate) watch: StreamId,
    /// What was written to either stream and not looked at.
    pub(crate) written: Vec<(StreamId, ToRouter)>,
    pub(crate) outputs: Vec<Output>,
}

impl Gateway {
    /// Connected, with a lease, and with one other gateway that is synced.
    pub(crate) fn new(limits: GatewayLimits) -> Self {
        let now = Instant::now();
        let mut directory =
            GatewayDirectory::with_limits(node("gateway-0"), Timers::default(), limits);
        let report = directory.connected(ReplicaId(0), StreamKind::Report, now);
        let watch = directory.connected(ReplicaId(0), StreamKind::Watch, now);
        let (written, outputs) = (Vec::new(), Vec::new());
        let mut gateway = Self {
            directory,
            now,
            report,
            watch,
            written,
            outputs,
        };
        gateway.say(report, hello(Layout::single()));
        gateway.say(watch, hello(Layout::single()));
        gateway.say(watch, ToGateway::Pong(1));
        let synced = true;
        let node = node("gateway-1");
        gateway.push(1, Push::Listed { node, synced });
        gateway
    }

    pub(crate) fn say(&mut self, stream: StreamId, message: ToGateway) {
        self.directory.handle(stream, message, self.now);
        self.flush();
    }

    pub(crate) fn push(&mut self, last: u64, push: Push) {
        let pushes = vec![push];
        self.say(self.watch, ToGateway::Pushes { last, pushes });
    }

    pub(crate) fn answer(&mut self, id: u64, holders: &[&str], watched: bool) {
        let holders = holders.iter().map(|name| node(name)).collect();
        let answer = Answer {
            id,
            holders,
            watched,
        };
        self.say(self.watch, ToGateway::Answers(vec![answer]));
    }

    pub(crate) fn flush(&mut self) {
        while let Some(output) = self.directory.poll_output() {
            match output {
                Output::ToRouter { stream, message } => self.written.push((stream, message)),
                Output::Close { .. } | Output::Visible(_) | Output::Resolved(..) => {
                    self.outputs.push(output);
                }
            }
        }
    }

    pub(crate) fn lookup(&mut self, key: &Key) -> LookupId {
        let Targets::Wait(lookup) = self.directory.targets(key, self.now) else {
            panic!("{key} is looked up");
        };
        self.flush();
        lookup
    }

    /// The ids of the questions asked since the last call.
    pub(crate) fn questions(&mut self) -> Vec<u64> {
        let written = std::mem::take(&mut self.written);
        let questions = written
            .into_iter()
            .filter_map(|(_, message)| match message {
                ToRouter::Lookup(questions) => Some(questions),
                _ => None,
            });
        questions.flatten().map(|question| question.id).collect()
    }

    pub(crate) fn resolution(&mut self, lookup: LookupId) -> Option<Resolution> {
        self.outputs.iter().find_map(|output| match output {
            Output::Resolved(id, resolution) if *id == lookup => Some(resolution.clone()),
            _ => None,
        })
    }

    pub(crate) fn report_everything(&mut self) {
        self.say(self.report, ToGateway::SnapshotTurn);
        self.say(self.report, ToGateway::Ping(1));
    }
}

pub(crate) fn gateway() -> Gateway {
    Gateway::new(GatewayLimits::default())
}

pub(crate) fn user() -> Key {
    keys(0)[2].clone()
}

pub(crate) fn group() -> Key {
    keys(0)[0].clone()
}
