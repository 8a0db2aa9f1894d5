//! Who is there, as a hub hears of it.

use super::*;
use crate::*;

#[derive(Default)]
struct Hears {
    told: Mutex<Vec<String>>,
}

#[hub]
impl Hears {
    async fn on_presence(&self, hub: &HubContext, change: &Presence) -> Result<(), HubError> {
        let text = match change {
            Presence::Joined { group, user, .. } => {
                let members = hub.group(group).count().await?;
                format!("{user:?} is one of {members} in {group}")
            }
            Presence::Left { group, user, .. } => format!("{user:?} left {group}"),
            Presence::Online { user } => format!("{user} online"),
            Presence::Offline { user } => format!("{user} offline"),
            Presence::Missed { changes } => format!("missed {changes}"),
        };
        let panics = text.contains("panics");
        self.told.lock().unwrap().push(text);
        assert!(!panics, "on purpose");
        // The next one waits for this one.
        hub.sleep(Duration::from_millis(1)).await;
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

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

/// What was told, after so much time that `on_presence` had its turns.
fn told(hub: &TestHub, asker: &TestClient) -> Vec<String> {
    for _ in 0..10 {
        hub.advance(Duration::from_millis(1));
    }
    asker.invoke("told", ()).unwrap()
}

#[test]
fn changes_are_told_once_each_and_one_after_the_other() {
    let hub = TestHub::new(Hears::default());
    let asker = hub.connect_anonymously();
    let (phone, laptop) = (hub.connect("ana"), hub.connect("ana"));
    for group in ["g", "g", "panics", "h"] {
        phone.invoke::<()>("join", (group,)).unwrap();
    }
    laptop.invoke::<()>("join", ("g",)).unwrap();
    laptop.invoke::<()>("leave", ("g",)).unwrap();
    laptop.invoke::<()>("leave", ("g",)).unwrap();
    let ana = format!("{:?}", phone.user_id());
    let expected = [
        "ana online".to_owned(),
        format!("{ana} is one of 1 in g"),
        format!("{ana} is one of 1 in panics"),
        format!("{ana} is one of 1 in h"),
        format!("{ana} is one of 1 in g"),
        format!("{ana} left g"),
    ];
    assert_eq!(told(&hub, &asker), expected);

    phone.disconnect();
    let left = ["g", "h", "panics"].map(|group| format!("{ana} left {group}"));
    assert_eq!(told(&hub, &asker), left);
    hub.advance(Duration::from_secs(5));
    assert_eq!(told(&hub, &asker), [""; 0], "the laptop is still there");
}

#[test]
fn who_is_back_within_a_second_has_not_been_away() {
    let hub = TestHub::new(Hears::default());
    let asker = hub.connect_anonymously();
    hub.connect("ana").disconnect();
    hub.advance(Duration::from_millis(900));
    let again = hub.connect("ana");
    hub.advance(Duration::from_secs(5));
    assert_eq!(told(&hub, &asker), ["ana online"]);
    again.disconnect();
    hub.advance(Duration::from_secs(1));
    assert_eq!(told(&hub, &asker), ["ana offline"]);
}
