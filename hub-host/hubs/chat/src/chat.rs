use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hubplane_hub::{Context, HubError, Membership, SendError, client, hub};

use crate::ChatSettings;
use crate::rooms::{Here, Line, Refusal, Rooms, Welcome};

/// The hub. One room's people are one group, which has the room's name.
#[derive(Debug)]
pub struct Chat {
    rooms: Mutex<Rooms>,
}

/// What clients are told.
#[client]
pub trait ChatClient {
    /// Somebody in the room said something.
    fn said(&self, line: &Line);
    /// Somebody came into the room or left it.
    fn here(&self, here: &Here);
}

#[hub(name = "chat", clients(ChatClient))]
impl Chat {
    /// Comes into a room under a name.
    async fn join(
        &self,
        ctx: &Context,
        room: String,
        name: String,
        window: String,
    ) -> Result<Welcome, HubError> {
        let connection = ctx.connection_id();
        let entered = self
            .rooms()
            .enter(connection, &room, &name, &window, now())
            .map_err(refuse)?;
        if let Some(left) = &entered.left {
            ctx.leave(left).await?;
            self.tell(ctx, left).await?;
        }
        let joined = ctx.join(&entered.room).await;
        if ctx.is_disconnected() || !matches!(joined, Ok(Membership::Changed)) {
            // Its end may have been told already, and nobody would take it out again.
            self.rooms().leave(connection);
        }
        joined?;
        self.tell(ctx, &entered.room).await?;
        let welcome = self.rooms().welcome(connection, now());
        welcome.ok_or(Refusal::Nowhere).map_err(refuse)
    }

    /// Says something to everybody in the room.
    async fn say(&self, ctx: &Context, text: String) -> Result<(), HubError> {
        let line = self
            .rooms()
            .say(ctx.connection_id(), &text, now())
            .map_err(refuse)?;
        ctx.group(&line.room).said(&line).await?;
        Ok(())
    }

    /// Goes out of the room.
    async fn leave(&self, ctx: &Context) -> Result<(), HubError> {
        let left = self.rooms().leave(ctx.connection_id());
        if let Some(room) = left {
            ctx.leave(&room).await?;
            self.tell(ctx, &room).await?;
        }
        Ok(())
    }

    async fn on_disconnected(&self, ctx: &Context) -> Result<(), HubError> {
        let left = self.rooms().leave(ctx.connection_id());
        if let Some(room) = left {
            self.tell(ctx, &room).await?;
        }
        Ok(())
    }

    /// Tells everybody in a room who is here now.
    #[method(skip)]
    async fn tell(&self, ctx: &Context, room: &str) -> Result<(), SendError> {
        let here = self.rooms().here(room);
        ctx.group(room).here(&here).await
    }

    #[method(skip)]
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // Nothing in there panics half-way; if it did, the rooms would still be rooms.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chat {
    /// A chat without rooms yet.
    pub fn new(settings: ChatSettings) -> Self {
        Self {
            rooms: Mutex::new(Rooms::new(settings, now())),
        }
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self::new(ChatSettings::default())
    }
}

/// A refusal is meant for the person who wanted something.
fn refuse(refusal: Refusal) -> HubError {
    HubError::new(refusal.to_string())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use hubplane_hub::testing::{TestClient, TestHub};

    use super::*;

    fn join(client: &TestClient, room: &str, name: &str) -> Result<Welcome, String> {
        client.invoke("Join", (room, name, client.id().as_str()))
    }

    fn here(client: &TestClient) -> Vec<String> {
        client.next::<(Here,)>("Here").0.people
    }

    #[test]
    fn two_people_talk_and_see_each_other_come_and_go() {
        let hub = TestHub::new(Chat::default());
        let (ana, bo) = (hub.connect_anonymously(), hub.connect_anonymously());
        let welcome = join(&ana, "Harbour", "Ana").unwrap();
        assert_eq!(
            (welcome.room.as_str(), welcome.name.as_str()),
            ("harbour", "Ana")
        );
        assert_eq!(welcome.here.people, ["Ana"]);
        assert_eq!(here(&ana), ["Ana"]);
        ana.invoke::<()>("Say", ("anybody?",)).unwrap();

        let welcome = join(&bo, "harbour", "Bo").unwrap();
        assert_eq!(welcome.said[0].text, "anybody?");
        assert_eq!(welcome.here.people, ["Ana", "Bo"]);
        assert_eq!(here(&ana), ["Ana", "Bo"]);

        bo.invoke::<()>("Say", ("me",)).unwrap();
        assert_eq!(ana.next::<(Line,)>("Said").0.text, "anybody?");
        let (line,) = ana.next::<(Line,)>("Said");
        assert_eq!((line.name.as_str(), line.text.as_str()), ("Bo", "me"));
        assert_eq!(bo.next::<(Line,)>("Said"), (line,));

        ana.disconnect();
        assert_eq!(here(&bo), ["Ana", "Bo"]);
        assert_eq!(here(&bo), ["Bo"]);
        bo.invoke::<()>("Leave", ()).unwrap();
        assert!(hub.members("harbour").is_empty());
        assert!(bo.messages().is_empty());
    }

    #[test]
    fn a_room_hears_nothing_of_another_one() {
        let hub = TestHub::new(Chat::default());
        let (ana, bo) = (hub.connect_anonymously(), hub.connect_anonymously());
        join(&ana, "a", "Ana").unwrap();
        join(&bo, "b", "Bo").unwrap();
        ana.messages();
        bo.invoke::<()>("Say", ("hello",)).unwrap();
        assert!(ana.messages().is_empty());

        join(&bo, "a", "Bo").unwrap();
        assert_eq!(hub.members("b"), []);
        assert_eq!(here(&ana), ["Ana", "Bo"]);
    }

    #[test]
    fn refusals_have_texts_for_people() {
        let hub = TestHub::new(Chat::default());
        let (ana, bo) = (hub.connect_anonymously(), hub.connect_anonymously());
        join(&ana, "a", "Ana").unwrap();
        let cases = [
            (
                join(&bo, "a", "ana").unwrap_err(),
                "Ana is taken in a; choose another name",
            ),
            (
                join(&bo, "a", " ").unwrap_err(),
                "a name has at least one letter",
            ),
            (
                bo.invoke::<()>("Say", ("x",)).unwrap_err(),
                "join a room first",
            ),
        ];
        for (text, expected) in cases {
            assert!(
                text.ends_with(&format!("HubException: {expected}")),
                "{text}"
            );
        }
        assert_eq!(hub.members("a").len(), 1);
    }

    #[test]
    fn settings_bound_the_rooms() {
        let settings = ChatSettings {
            people_per_room: NonZeroUsize::MIN,
            history_lines: 1,
            ..ChatSettings::default()
        };
        let hub = TestHub::new(Chat::new(settings));
        let (ana, bo) = (hub.connect_anonymously(), hub.connect_anonymously());
        join(&ana, "a", "Ana").unwrap();
        let full = join(&bo, "a", "Bo").unwrap_err();
        assert!(full.ends_with("a is full; choose another room"), "{full}");
        for text in ["first", "second"] {
            ana.invoke::<()>("Say", (text,)).unwrap();
        }
        let said = join(&ana, "a", "Ana").unwrap().said;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].text, "second");
    }

    #[test]
    fn a_connection_that_comes_back_finds_its_name() {
        let hub = TestHub::new(Chat::default());
        let (old, new, other) = (
            hub.connect_anonymously(),
            hub.connect_anonymously(),
            hub.connect_anonymously(),
        );
        for client in [&old, &new] {
            client
                .invoke::<Welcome>("Join", ("a", "Ana", "her window"))
                .unwrap();
        }
        join(&other, "a", "Bo").unwrap();
        old.disconnect();
        let (news,) = other.next::<(Here,)>("Here");
        let (later,) = other.next::<(Here,)>("Here");
        assert_eq!(later.people, ["Ana", "Bo"]);
        assert!(later.version > news.version);
    }
}
