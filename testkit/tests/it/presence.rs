//! What a hub is told of who is there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubplane::cluster::ClusterOptions;
use hubplane::{Context, Encoding, HubContext, HubError, Presence, Request, hub};
use hubplane_client::Connection;
use hubplane_testkit::{TestCluster, within};

use crate::{options, shapes};

/// What it was told, in words.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

#[hub(name = "test")]
impl Told {
    fn user_id(&self, request: &Request) -> Option<String> {
        request.header("x-user").map(str::to_owned)
    }

    async fn on_presence(&self, hub: &HubContext, change: &Presence) -> Result<(), HubError> {
        let name = |user: &Option<_>| {
            user.as_ref()
                .map_or("nobody".to_owned(), ToString::to_string)
        };
        let text = match change {
            Presence::Joined { group, user, .. } => {
                if group.as_str() == "held" {
                    assert!(hub.group(group).exists().await?, "whoever is told finds it");
                }
                format!("{} joined {group}", name(user))
            }
            Presence::Left { group, user, .. } => format!("{} left {group}", name(user)),
            Presence::Online { user } => format!("{user} online"),
            Presence::Offline { user } => format!("{user} offline"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
        Ok(())
    }

    async fn join(&self, ctx: &Context, group: String) -> Result<(), HubError> {
        ctx.join(group).await?;
        Ok(())
    }

    async fn leave(&self, ctx: &Context, group: String) -> Result<(), HubError> {
        ctx.leave(group).await?;
        Ok(())
    }

    async fn add(&self, ctx: &Context, connection: String, group: String) -> Result<(), HubError> {
        ctx.add_to_group(connection, group).await?;
        Ok(())
    }
}

impl Told {
    #[track_caller]
    fn of(&self, what: &str) -> Vec<String> {
        let told = self.0.lock().unwrap();
        told.iter()
            .filter(|text| text.contains(what))
            .cloned()
            .collect()
    }

    /// Waits until all of it was told that names this, in this order.
    async fn wait(&self, what: &str, expected: &[&str]) {
        let told = within(format!("{expected:?} of {what}"), async {
            while self.of(what).len() < expected.len() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            self.of(what)
        });
        assert_eq!(told.await, expected);
    }
}

async fn invoke(client: &Connection, target: &str, arguments: impl serde::Serialize) {
    let done: Result<(), _> = within(target, client.invoke(target, arguments)).await;
    done.unwrap_or_else(|error| panic!("{target}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_membership_is_told_once() {
    for mut shape in shapes() {
        let told = Told::default();
        shape.hubs = vec![TestCluster::service(told.clone())];
        let cluster = TestCluster::start(shape).await.unwrap();
        let ana = cluster.connect(0, "ana", Encoding::Json).await;
        let ben = cluster.connect(1, "ben", Encoding::MessagePack).await;
        for client in [&ana, &ben] {
            for group in ["a", "b", "a", "held"] {
                invoke(client, "Join", (group,)).await;
            }
        }
        invoke(&ana, "Leave", ("a",)).await;
        invoke(&ana, "Leave", ("a",)).await;
        invoke(&ana, "Add", (ben.id().unwrap(), "c")).await;
        told.wait(
            "ana joined",
            &["ana joined a", "ana joined b", "ana joined held"],
        )
        .await;
        told.wait(
            "ben joined",
            &[
                "ben joined a",
                "ben joined b",
                "ben joined held",
                "ben joined c",
            ],
        )
        .await;
        ben.kill().await;
        ana.stop().await;
        let ends = |name: &str| -> Vec<String> {
            let all = told.of(name).into_iter();
            let mut ends: Vec<_> = all
                .filter(|text| text.contains("left") || text.contains("offline"))
                .collect();
            ends.sort();
            ends
        };
        within("both are offline", async {
            while told.of("offline").len() < 2 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        assert_eq!(told.of("ana joined a").len(), 1);
        assert_eq!(told.of("ana joined").len(), 3);
        let of_ana = ["ana left a", "ana left b", "ana left held", "ana offline"];
        assert_eq!(ends("ana"), of_ana);
        let of_ben = [
            "ben left a",
            "ben left b",
            "ben left c",
            "ben left held",
            "ben offline",
        ];
        assert_eq!(ends("ben"), of_ben);
        assert_eq!(told.of("online").len(), 2, "{:?}", told.of("online"));
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_online_from_the_first_connection_to_the_last_on_any_gateway() {
    for mut shape in shapes() {
        let told = Told::default();
        shape.hubs = vec![TestCluster::service(told.clone())];
        let cluster = TestCluster::start(shape).await.unwrap();
        let phone = cluster.connect(0, "ana", Encoding::Json).await;
        told.wait("ana", &["ana online"]).await;
        let laptop = cluster.connect(1, "ana", Encoding::Json).await;
        phone.stop().await;
        laptop.stop().await;
        // A page that is loaded again: the load balancer takes it to the other gateway.
        let again = cluster.connect(0, "ana", Encoding::Json).await;
        let ben = cluster.connect(1, "ben", Encoding::Json).await;
        told.wait("ben", &["ben online"]).await;
        ben.stop().await;
        told.wait("ben", &["ben online", "ben offline"]).await;
        assert_eq!(told.of("ana"), ["ana online"], "longer than a second later");
        again.stop().await;
        told.wait("ana", &["ana online", "ana offline"]).await;
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_connections_that_come_and_go_at_the_same_time_one_is_told() {
    let slow = ClusterOptions {
        lookup_delay: Duration::from_millis(40),
        ..options(2, false)
    };
    for mut shape in shapes().into_iter().chain([slow]) {
        let told = Told::default();
        shape.hubs = vec![TestCluster::service(told.clone())];
        let cluster = TestCluster::start(shape).await.unwrap();
        let users: Vec<String> = (0..20).map(|number| format!("user-{number}.")).collect();
        let connect = users
            .iter()
            .flat_map(|user| [0, 1].map(|gateway| cluster.connect(gateway, user, Encoding::Json)));
        let connections = futures_util::future::join_all(connect).await;
        for user in &users {
            told.wait(user, &[&format!("{user} online")]).await;
        }
        let ends = connections.into_iter().map(Connection::stop);
        futures_util::future::join_all(ends).await;
        for user in &users {
            let both = [format!("{user} online"), format!("{user} offline")];
            told.wait(user, &[&both[0], &both[1]]).await;
        }
        assert_eq!(told.of("").len(), 2 * users.len());
        cluster.stop().await.unwrap();
    }
}
