//! Hubs that hear of presence.

use std::sync::Mutex;

use hubplane_hub::Presence;
use hubplane_proto_link::{PresenceChange, PresenceChanges};

use super::*;

/// Notes who came online; by their names they make it panic, fail or wait.
#[derive(Clone, Default)]
struct Hears {
    told: Arc<Mutex<Vec<String>>>,
    go: Arc<Notify>,
}

#[hub]
impl Hears {
    async fn on_presence(&self, change: &Presence) -> Result<(), HubError> {
        let text = match change {
            Presence::Online { user } => user.to_string(),
            other => format!("{other:?}"),
        };
        self.told.lock().unwrap().push(text.clone());
        match text.as_str() {
            "panics" => panic!("on purpose"),
            "fails" => Err(HubError::new("on purpose")),
            "waits" => {
                self.go.notified().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Hears {
    /// A host that serves it, and a link to that.
    fn start(&self) -> (HubHost, Gateway, Tasks, Telemetry) {
        let tasks = Tasks::current();
        let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
        let meter = telemetry.meter("test");
        let hubs = vec![service(self.clone())];
        let host = HubHost::start(node("hub-host-0"), hubs, &tasks, &meter);
        let (hello, to_host, frames) = host.accept(GatewayHello {
            node: node("gateway-0"),
        });
        assert!(hello.hubs[0].presence);
        let gateway = Gateway {
            hello,
            to_host,
            frames,
        };
        (host, gateway, tasks, telemetry)
    }

    async fn told(&self, count: usize) -> Vec<String> {
        tokio::time::timeout(DEADLINE, async {
            while self.told.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("it is told");
        self.told.lock().unwrap().clone()
    }
}

async fn tell(gateway: &Gateway, users: impl IntoIterator<Item = String>) {
    let changes = users.into_iter();
    let changes = changes.map(|user| PresenceChange::Online(user.parse().unwrap()));
    let hub = "hears".parse().unwrap();
    let changes = changes.collect();
    gateway
        .tell(ToHubHost::Presence(PresenceChanges { hub, changes }))
        .await;
}

#[tokio::test]
async fn a_change_whose_hub_fails_or_panics_is_one_change_and_the_order_stays() {
    let hub = Hears::default();
    let (_host, gateway, tasks, _telemetry) = hub.start();
    let users = ["a", "panics", "b", "fails", "c"];
    tell(&gateway, users.map(ToOwned::to_owned)).await;
    assert_eq!(hub.told(5).await, users);
    // What was taken is told even if its gateway is gone.
    tell(&gateway, ["last".to_owned()]).await;
    drop(gateway);
    assert_eq!(hub.told(6).await[5], "last");
    tasks.shutdown(DEADLINE).await.unwrap();
}

#[tokio::test]
async fn a_hub_that_does_not_keep_up_is_told_how_much_it_missed_and_delays_nobody() {
    const ROOM: usize = 16 * 1024;
    let hub = Hears::default();
    let (_host, gateway, _tasks, telemetry) = hub.start();
    tell(&gateway, ["waits".to_owned()]).await;
    hub.told(1).await;
    for chunk in 0..ROOM / 1024 {
        tell(&gateway, (0..1024).map(|n| format!("{chunk}-{n}"))).await;
    }
    tell(&gateway, (0..3).map(|n| format!("too-much-{n}"))).await;
    // The link is read all the same.
    let name = "hubplane_hub_host_missed_presence_changes_total";
    tokio::time::timeout(DEADLINE, async {
        while telemetry.value(name, &[("hub", "hears")]) != Some(3.0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("what is missed is counted");
    hub.go.notify_one();
    let told = hub.told(ROOM + 2).await;
    assert_eq!(told[ROOM], "15-1023");
    assert_eq!(told[ROOM + 1], "Missed { changes: 3 }");
    tell(&gateway, ["after".to_owned()]).await;
    assert_eq!(hub.told(ROOM + 3).await[ROOM + 2], "after");
}
