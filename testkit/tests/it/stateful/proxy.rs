//! A network that breaks.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is done to the sockets that pass by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The number of the break that they came after.
    Carries(u64),
    /// They stay open, and nothing moves; new ones are carried.
    Stalled(u64),
}

/// A TCP proxy in front of a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new(State::Carries(0)));
        let mut tasks = JoinSet::new();
        let states = Arc::clone(&state);
        tasks.spawn(async move {
            let mut pairs = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(server).await.unwrap();
                pairs.spawn(carry(client, server, states.subscribe()));
            }
        });
        Self {
            address,
            state,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self, hub: &str) -> String {
        format!("http://{}/hubs/{hub}", self.address)
    }

    /// Resets every socket, with whatever is on its way.
    pub(crate) fn breaks(&self) {
        self.state.send_modify(|state| {
            let (State::Carries(n) | State::Stalled(n)) = *state;
            *state = State::Carries(n + 1);
        });
    }

    /// Carries nothing more on the sockets that are there, and says so to nobody.
    pub(crate) fn stalls(&self) {
        self.state.send_modify(|state| {
            let (State::Carries(n) | State::Stalled(n)) = *state;
            *state = State::Stalled(n);
        });
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut state: watch::Receiver<State>) {
    let (State::Carries(n) | State::Stalled(n)) = *state.borrow_and_update();
    for socket in [&client, &server] {
        socket.set_nodelay(true).unwrap();
        // Dropped sockets are reset: what is on its way is lost.
        socket.set_zero_linger().unwrap();
    }
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let both = async { tokio::join!(copy(client_in, server_out), copy(server_in, client_out)) };
    tokio::pin!(both);
    loop {
        tokio::select! {
            _ = &mut both => return,
            changed = state.changed() => match *state.borrow_and_update() {
                State::Carries(now) if changed.is_ok() && now == n => {}
                State::Stalled(now) if changed.is_ok() && now == n => break,
                _ => return,
            },
        }
    }
    let _ = state
        .wait_for(|state| !matches!(state, State::Stalled(now) if *now == n))
        .await;
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 1 << 14];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
