//! What is kept with a connection, and questions about connections.

use super::*;
use crate::*;

#[derive(Default)]
struct Keeps;

#[hub]
impl Keeps {
    async fn set(&self, ctx: &Context, key: String, value: AnyValue) -> Result<(), HubError> {
        Ok(ctx.items().set(&key, &value).await?)
    }

    fn get(&self, ctx: &Context, key: String) -> Result<Option<AnyValue>, HubError> {
        Ok(ctx.items().get(&key)?)
    }

    fn get_number(&self, ctx: &Context, key: String) -> Result<Option<i32>, HubError> {
        Ok(ctx.items().get(&key)?)
    }

    async fn remove(&self, ctx: &Context, key: String) -> Result<(), SendError> {
        ctx.items().remove(&key).await
    }

    async fn counts(&self, ctx: &Context) -> Result<Vec<u64>, HubError> {
        let mut counts = Vec::new();
        for audience in [
            ctx.all(),
            ctx.user("ana"),
            ctx.group("none"),
            ctx.caller().into(),
        ] {
            counts.push(audience.count().await?);
            assert_eq!(audience.exists().await?, counts.last() != Some(&0));
        }
        assert!(matches!(
            ctx.others().count().await,
            Err(QuestionError::Except)
        ));
        Ok(counts)
    }

    async fn groups_of_user(
        &self,
        ctx: &Context,
        user: String,
    ) -> Result<(usize, u64, usize), HubError> {
        let added = ctx.hub().add_user_to_group(&user, "g").await?;
        let members = ctx.group("g").count().await?;
        let removed = ctx.hub().remove_user_from_group(&user, "g").await?;
        assert!(!ctx.group("g").exists().await?);
        Ok((added, members, removed))
    }

    async fn pages(&self, ctx: &Context, limit: u32) -> Result<Vec<Vec<String>>, HubError> {
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = ctx.hub().all().connections(after.as_ref(), limit).await?;
            pages.push(
                page.iter()
                    .map(|listed| listed.connection.to_string())
                    .collect(),
            );
            match page.last() {
                Some(last) if page.len() == limit as usize => after = Some(last.connection.clone()),
                _ => return Ok(pages),
            }
        }
    }
}

#[test]
fn what_is_kept_is_there_for_the_next_invocation_of_that_connection() {
    let hub = TestHub::new(Keeps);
    let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
    ana.invoke::<()>("set", ("k", "text")).unwrap();
    assert_eq!(ana.invoke("get", ("k",)), Ok(Some("text".to_owned())));
    assert_eq!(ben.invoke("get", ("k",)), Ok(None::<String>));
    ana.invoke::<()>("set", ("k", 7)).unwrap();
    assert_eq!(ana.invoke("getNumber", ("k",)), Ok(Some(7)));
    ana.invoke::<()>("set", ("k", "text")).unwrap();
    assert!(ana.invoke::<AnyValue>("getNumber", ("k",)).is_err());
    ana.invoke::<()>("remove", ("k",)).unwrap();
    assert_eq!(ana.invoke("get", ("k",)), Ok(None::<String>));
}

#[test]
fn a_bag_that_is_full_keeps_what_it_has() {
    let options = Options {
        detailed_errors: true,
    };
    let ana = TestHub::with_options(Keeps, options).connect("ana");
    ana.invoke::<()>("set", ("a", "x".repeat(10_000))).unwrap();
    let error = ana
        .invoke::<()>("set", ("b", "x".repeat(7_000)))
        .unwrap_err();
    assert!(error.ends_with("at most 16384 are kept"), "{error}");
    assert_eq!(ana.invoke("get", ("b",)), Ok(None::<String>));
    // In place of what is there, it fits.
    ana.invoke::<()>("set", ("a", "x".repeat(16_000))).unwrap();
}

#[test]
fn questions_are_about_those_who_are_there() {
    let hub = TestHub::new(Keeps);
    let clients = ["ana", "ana", "ben"].map(|user| hub.connect(user));
    assert_eq!(clients[2].invoke("counts", ()), Ok(vec![3_u64, 2, 0, 1]));
    clients[0].disconnect();
    assert_eq!(clients[2].invoke("counts", ()), Ok(vec![2_u64, 1, 0, 1]));
    clients[1].invoke::<()>("set", ("k", 1)).unwrap();
    let groups = clients[2].invoke("groupsOfUser", ("ana",));
    assert_eq!(groups, Ok((1_usize, 1_u64, 1_usize)));
    let pages: Vec<Vec<String>> = clients[2].invoke("pages", (1,)).unwrap();
    let ids = [clients[1].id().to_string(), clients[2].id().to_string()];
    assert_eq!(pages, [vec![ids[0].clone()], vec![ids[1].clone()], vec![]]);
}
