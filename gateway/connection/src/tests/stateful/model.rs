//! A client as reference signalr-core 17 has it, sockets that are lost at any byte, and a clock that moves: nothing is
//! lost, nothing comes twice, and the order is kept.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};
use hubplane_proto_link::Arguments;
use hubplane_proto_signalr::{Encoding, Message, StreamIds};
use proptest::prelude::*;

use super::*;
use crate::{Account, Head};

/// The server as a shard would have it, and the hub behind it.
struct Server {
    connection: Connection,
    queue: OutboundQueue,
    attached: bool,
    /// The arguments that the hub was called with.
    called: Vec<u32>,
    running: u32,
    over: Option<CloseReason>,
}

/// The client of section 17: what it has sent and what it has received.
struct Client {
    encoding: Encoding,
    input: BytesMut,
    frames: BytesMut,
    sent: VecDeque<(i64, Vec<u8>)>,
    count: i64,
    next: i64,
    latest: i64,
    told: i64,
    waits_for_sequence: bool,
    received: Vec<u32>,
    socket: Vec<u8>,
}

struct World {
    server: Server,
    client: Client,
    /// What is on its way.
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    now: Instant,
    hub_sent: u32,
    client_sent: u32,
    account: Account,
}

#[derive(Debug, Clone)]
enum Step {
    ClientSends(u8),
    HubSends(u8, bool),
    Finishes,
    /// So many bytes go into the network and come out of it, in either direction.
    Moves(u16, u16),
    ClientAcks,
    Pass(u16),
    /// The socket is lost; whether the server hears of it before the client is back, and how long that takes.
    Kill(bool, u16),
    /// The connection moves to another gateway if it can.
    HandOver,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..6).prop_map(Step::ClientSends),
        4 => (1_u8..6, any::<bool>()).prop_map(|(count, shared)| Step::HubSends(count, shared)),
        4 => Just(Step::Finishes),
        8 => (0_u16..200, 0_u16..200).prop_map(|(up, down)| Step::Moves(up, down)),
        2 => Just(Step::ClientAcks),
        3 => (0_u16..1500).prop_map(Step::Pass),
        3 => (any::<bool>(), 0_u16..14_000).prop_map(|(noticed, away)| Step::Kill(noticed, away)),
        1 => Just(Step::HandOver),
    ]
}

fn head(len: usize) -> Head {
    assert!(len < 126, "short messages");
    Head::empty().with(&[0x82, len as u8])
}

impl Server {
    fn pump(&mut self, now: Instant) {
        while let Some(output) = self.connection.poll_output(now) {
            match output {
                Output::Send {
                    bytes,
                    window_bytes,
                    numbered: true,
                    ..
                } => {
                    let head = head(bytes.len());
                    self.queue.push_own(head, bytes, window_bytes, now);
                }
                Output::Send { bytes, .. } if self.attached => {
                    let head = head(bytes.len());
                    self.queue.push_bounded_elsewhere(head, bytes, 0, now);
                }
                Output::KeepUnacknowledged { limit_bytes } => {
                    let limits = self.connection.options().queue;
                    self.queue.keep_unacknowledged(limit_bytes, &limits);
                }
                Output::Acknowledged { through } => self.queue.acknowledge(through, now),
                Output::ForgetUnacknowledged => self.queue.forget_unacknowledged(self.attached),
                Output::Appear { .. } => self.connection.handle_visible(now),
                Output::ToHubHost(ToHubHost::Opened { .. }) => {
                    let (connection, stage, error) = (id(), Stage::Opening, None);
                    let done = Done {
                        connection,
                        stage,
                        error,
                    };
                    self.connection.handle_done(done, now);
                }
                Output::ToHubHost(ToHubHost::Invocation(invocation)) => {
                    let bytes = &invocation.arguments.bytes;
                    self.called.push(number(self.connection.encoding(), bytes));
                    self.running += 1;
                }
                Output::ToHubHost(ToHubHost::Closed { reason, .. }) => self.over = Some(reason),
                _ => {}
            }
        }
        let lifted = self.attached && !self.connection.wants_read();
        self.queue.lift(lifted);
    }

    fn lose(&mut self, now: Instant) {
        if !std::mem::take(&mut self.attached) {
            return;
        }
        if self.queue.may_resume() && self.connection.handle_detached(now) {
            self.queue.detach();
        } else {
            self.connection.handle_end(End::Lost, now);
            self.queue.clear();
        }
        self.pump(now);
    }

    fn attach(&mut self, now: Instant) {
        let first = self.queue.first_unacknowledged();
        if let Some(sequence) = self.connection.handle_resumed(first, now) {
            self.attached = true;
            let sequence = (head(sequence.len()), sequence);
            self.queue.attach(sequence, now);
            self.pump(now);
        }
    }
}

impl Client {
    fn writes(&mut self, message: &[u8]) {
        self.socket.extend_from_slice(message);
    }

    fn invokes(&mut self, argument: u32) {
        let mut message = Vec::new();
        let arguments = arguments(self.encoding, argument);
        let none = StreamIds::new();
        self.encoding
            .encode_invocation(None, "Say", &arguments, &none, &mut message);
        self.count += 1;
        self.sent.push_back((self.count, message.clone()));
        self.writes(&message);
    }

    fn says(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        self.encoding.encode(message, &mut bytes);
        self.writes(&bytes);
    }

    fn acks(&mut self) {
        if self.latest > self.told && !self.waits_for_sequence {
            self.told = self.latest;
            let sequence_id = self.latest;
            self.says(&Message::Ack { sequence_id });
        }
    }

    fn reconnects(&mut self) {
        self.socket.clear();
        self.input.clear();
        self.frames.clear();
        self.waits_for_sequence = true;
        let sequence_id = self
            .sent
            .front()
            .map_or(self.count + 1, |(number, _)| *number);
        self.says(&Message::Sequence { sequence_id });
        for (_, message) in self.sent.clone() {
            self.writes(&message);
        }
    }

    fn reads(&mut self, bytes: &[u8]) {
        self.frames.extend_from_slice(bytes);
        while let Some(len) = self.frames.get(1).map(|len| usize::from(*len) + 2)
            && self.frames.len() >= len
        {
            let frame = self.frames.split_to(len);
            self.input.extend_from_slice(&frame[2..]);
            while let Some(message) = self.encoding.decode(&mut self.input, None).unwrap() {
                self.takes(message);
            }
        }
    }

    fn takes(&mut self, message: Message) {
        match message {
            Message::Sequence { sequence_id } => {
                assert!(self.waits_for_sequence);
                assert!(sequence_id <= self.next, "the client gives up");
                self.next = sequence_id;
                self.waits_for_sequence = false;
                self.told = self.told.min(sequence_id - 1);
            }
            _ if self.waits_for_sequence => panic!("the sequence comes first"),
            Message::Ack { sequence_id } => {
                self.sent.retain(|(number, _)| *number > sequence_id);
            }
            Message::Invocation(invocation) => {
                let number_of = self.next;
                self.next += 1;
                if number_of > self.latest {
                    self.latest = number_of;
                    let raw = invocation.arguments.raw().unwrap().clone();
                    self.received.push(number(self.encoding, &raw));
                }
            }
            Message::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

impl World {
    fn new(encoding: Encoding, buffer_bytes: usize) -> Self {
        let now = Instant::now();
        let options = options(buffer_bytes);
        let user = UserSource::Known(None);
        let mut connection = Connection::new(info(), user, Arc::new(options), now);
        connection.grant_stateful_reconnect();
        let account = Account::default();
        connection.charge_to(&account);
        let mut server = Server {
            connection,
            queue: OutboundQueue::charged_to(&account),
            attached: true,
            called: Vec::new(),
            running: 0,
            over: None,
        };
        let handshake = format!("{{\"protocol\":\"{encoding}\",\"version\":2}}\x1e");
        server.connection.handle_bytes(handshake.as_bytes());
        server.pump(now);
        let written = server.queue.charged_bytes();
        assert!(written > 0, "the handshake is answered");
        server.queue.advance(5, now);
        let client = Client {
            encoding,
            input: BytesMut::new(),
            frames: BytesMut::new(),
            sent: VecDeque::new(),
            count: 0,
            next: 1,
            latest: 0,
            told: 0,
            waits_for_sequence: false,
            received: Vec::new(),
            socket: Vec::new(),
        };
        Self {
            server,
            client,
            up: VecDeque::new(),
            down: VecDeque::new(),
            now,
            hub_sent: 0,
            client_sent: 0,
            account,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::ClientSends(count) => {
                for _ in 0..count {
                    self.client.invokes(self.client_sent);
                    self.client_sent += 1;
                }
            }
            Step::HubSends(count, shared) => (0..count).for_each(|_| self.hub_sends(shared)),
            Step::Finishes => self.finishes(),
            Step::Moves(up, down) => self.moves(up.into(), down.into()),
            Step::ClientAcks => self.client.acks(),
            Step::Pass(ms) => self.pass(Duration::from_millis(ms.into())),
            Step::Kill(noticed, away_ms) => {
                self.up.clear();
                self.down.clear();
                if noticed {
                    self.server.lose(self.now);
                }
                self.pass(Duration::from_millis(away_ms.into()));
                self.client.reconnects();
                self.server.attach(self.now);
                // What an old socket would still have brought is not there.
                self.down.clear();
            }
            Step::HandOver => self.hands_over(),
        }
    }

    fn hub_sends(&mut self, shared: bool) {
        let encoding = self.server.connection.encoding();
        let bytes = Bytes::from(arguments(encoding, self.hub_sent));
        self.hub_sent += 1;
        if shared {
            let mut message = Vec::new();
            encoding.encode_invocation(None, "Said", &bytes, &StreamIds::new(), &mut message);
            let frame = [head(message.len()).as_slice(), &message].concat();
            let limits = self.server.connection.options().queue;
            let queue = &mut self.server.queue;
            queue
                .push(Head::empty(), frame.into(), &limits, self.now)
                .unwrap();
        } else {
            let encoding = self.server.connection.info().protocol;
            let arguments = Arguments { encoding, bytes };
            self.server
                .connection
                .handle_send("Said", &arguments, 100, self.now);
            self.server.pump(self.now);
        }
    }

    fn finishes(&mut self) {
        if self.server.running > 0 {
            self.server.running -= 1;
            self.server.connection.handle_slot_released(self.now);
            self.server.pump(self.now);
        }
    }

    fn moves(&mut self, up: usize, down: usize) {
        let up_now = up.min(self.client.socket.len());
        self.up.extend(self.client.socket.drain(..up_now));
        let arrives: Vec<u8> = self.up.drain(..self.up.len() - self.up.len() / 3).collect();
        if self.server.attached {
            self.server.connection.handle_bytes(&arrives);
            self.server.pump(self.now);
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = self.server.queue.slices(&mut slices);
            let ready: Vec<u8> = slices[..filled]
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .take(down)
                .collect();
            self.server.queue.advance(ready.len(), self.now);
            self.down.extend(ready);
        }
        let arrives: Vec<u8> = self
            .down
            .drain(..self.down.len() - self.down.len() / 3)
            .collect();
        self.client.reads(&arrives);
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self
            .server
            .connection
            .poll_timeout()
            .filter(|at| *at <= until)
        {
            self.now = self.now.max(at);
            self.server.connection.handle_timeout(self.now);
            self.server.pump(self.now);
        }
        self.now = until;
    }

    fn hands_over(&mut self) {
        let server = &mut self.server;
        let Ok(exported) = server.connection.export(&server.queue, self.now) else {
            return;
        };
        let bytes = exported.to_bytes().unwrap();
        let exported = crate::Exported::from_bytes(&bytes).unwrap();
        let options = Arc::clone(server.connection.options());
        let (mut connection, mut queue) = Connection::import(exported, options, self.now).unwrap();
        connection.charge_to(&self.account);
        queue.charge_to(&self.account);
        (server.connection, server.queue) = (connection, queue);
        server.attached = false;
        server.pump(self.now);
        self.take(Step::Kill(false, 0));
    }

    /// Lets everything arrive.
    fn settle(&mut self) {
        for _ in 0..400 {
            for _ in 0..4 {
                self.moves(10_000, 10_000);
                self.finishes();
            }
            self.client.acks();
            self.pass(Duration::from_millis(500));
        }
    }
}

fn arguments(encoding: Encoding, argument: u32) -> Vec<u8> {
    match encoding {
        Encoding::Json => format!("[{argument}]").into_bytes(),
        Encoding::MessagePack => {
            let [high, low] = (argument as u16).to_be_bytes();
            vec![0x91, 0xcd, high, low]
        }
    }
}

fn number(encoding: Encoding, arguments: &[u8]) -> u32 {
    match encoding {
        Encoding::Json => std::str::from_utf8(&arguments[1..arguments.len() - 1])
            .unwrap()
            .parse()
            .unwrap(),
        Encoding::MessagePack => u32::from(arguments[2]) << 8 | u32::from(arguments[3]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_lost_nothing_comes_twice_and_the_order_is_kept(
        steps in proptest::collection::vec(step(), 0..80), json: bool, buffer_bytes in 1_usize..2000,
    ) {
        let encoding = if json { Encoding::Json } else { Encoding::MessagePack };
        let mut world = World::new(encoding, buffer_bytes);
        for step in steps {
            world.take(step);
            prop_assert_eq!(&world.server.over, &None);
        }
        world.settle();
        let all = |count: u32| (0..count).collect::<Vec<_>>();
        prop_assert_eq!(&world.server.over, &None);
        prop_assert_eq!(&world.client.received, &all(world.hub_sent));
        prop_assert_eq!(&world.server.called, &all(world.client_sent));
        prop_assert_eq!(world.server.queue.charged_bytes(), 0);
        prop_assert_eq!(world.client.sent.len(), 0, "all is acknowledged");
        world.take(Step::HubSends(1, true));
        world.settle();
        prop_assert_eq!(world.account.bytes(), 0, "and nothing is kept");
    }
}
