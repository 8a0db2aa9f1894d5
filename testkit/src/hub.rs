use std::sync::{Arc, Mutex, PoisonError};

use hubplane::{Context, Disconnect, HubError, Items, Membership, Request, UserId, hub};
use tokio::sync::Semaphore;

/// What happened to connections, in order.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle(Arc<Mutex<Vec<String>>>);

impl Lifecycle {
    /// What has happened so far.
    pub fn seen(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, what: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }
}

/// A hub for tests of what is promised. The header `x-user` names the user.
#[derive(Debug)]
pub struct TestHub {
    /// What it saw of its connections' lives.
    pub lifecycle: Lifecycle,
    /// A call of `pass` waits for one of these permits.
    pub passes: Arc<Semaphore>,
}

impl Default for TestHub {
    fn default() -> Self {
        Self {
            lifecycle: Lifecycle::default(),
            passes: Arc::new(Semaphore::new(0)),
        }
    }
}

#[hub(name = "test")]
impl TestHub {
    fn user_id(&self, request: &Request) -> Option<String> {
        request
            .header("x-user")
            .filter(|user| !user.is_empty())
            .map(str::to_owned)
    }

    /// A connection with the header `x-flood: N` is first sent N numbered texts of 1 KiB.
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        self.lifecycle
            .note(format!("connected {}", ctx.connection_id()));
        let flood: Option<u32> = ctx.header("x-flood").and_then(|count| count.parse().ok());
        for number in 0..flood.unwrap_or(0) {
            ctx.caller()
                .send("flood", (number, "x".repeat(1024)))
                .await?;
        }
        Ok(())
    }

    /// The numbers from 0.
    fn numbers(&self, count: u32) -> Items<u32> {
        Items::of(0..count)
    }

    /// Never gives an item; tells the caller when it is cancelled.
    fn endless(&self, ctx: &Context) -> Items<u32> {
        let (caller, later) = (ctx.caller(), ctx.clone());
        ctx.spawn(async move {
            later.cancelled().await;
            // It may be gone.
            let _ = caller.send("cancelled", ()).await;
        });
        Items::generate(async move |_| std::future::pending().await)
    }

    /// Asks the caller, then says what it answered.
    async fn ask(&self, ctx: &Context, number: i32) -> Result<i32, HubError> {
        Ok(ctx.caller().invoke("Answer", (number,)).await?)
    }

    /// Asks any connection, on whatever gateway it is.
    async fn ask_other(
        &self,
        ctx: &Context,
        connection: String,
        number: i32,
    ) -> Result<i32, HubError> {
        Ok(ctx.client(&connection).invoke("Answer", (number,)).await?)
    }

    async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) {
        let error = reason.error();
        let why = error.as_deref().or(reason.reason());
        self.lifecycle
            .note(format!("disconnected {} {why:?}", ctx.connection_id()));
    }

    async fn id(&self, ctx: &Context) -> String {
        ctx.connection_id().to_string()
    }

    /// The transport of the caller, by its name.
    fn transport(&self, ctx: &Context) -> String {
        ctx.transport().name().to_owned()
    }

    /// The address that the caller connected from, and the path and query that it asked for.
    fn whence(&self, ctx: &Context) -> (String, String) {
        let remote = ctx.remote_address().map(|address| address.to_string());
        let asked = format!("{}?{}", ctx.path(), ctx.query_string());
        (remote.unwrap_or_default(), asked)
    }

    async fn echo(&self, text: String) -> String {
        text
    }

    async fn join(&self, ctx: &Context, group: String) -> Result<(), HubError> {
        ctx.join(&group).await?;
        Ok(())
    }

    async fn leave(&self, ctx: &Context, group: String) -> Result<(), HubError> {
        ctx.leave(&group).await?;
        Ok(())
    }

    /// Adds any connection, on whatever gateway it is; says whether there is one of that id.
    async fn add(
        &self,
        ctx: &Context,
        connection: String,
        group: String,
    ) -> Result<bool, HubError> {
        Ok(ctx.add_to_group(&connection, &group).await? == Membership::Changed)
    }

    async fn remove(
        &self,
        ctx: &Context,
        connection: String,
        group: String,
    ) -> Result<bool, HubError> {
        Ok(ctx.remove_from_group(&connection, &group).await? == Membership::Changed)
    }

    async fn to_all(&self, ctx: &Context, text: String) -> Result<(), HubError> {
        ctx.all().send("said", (text,)).await?;
        Ok(())
    }

    async fn to_others(&self, ctx: &Context, text: String) -> Result<(), HubError> {
        ctx.others().send("said", (text,)).await?;
        Ok(())
    }

    async fn to_group(&self, ctx: &Context, group: String, text: String) -> Result<(), HubError> {
        ctx.group(&group).send("said", (text,)).await?;
        Ok(())
    }

    async fn to_user(&self, ctx: &Context, user: String, text: String) -> Result<(), HubError> {
        ctx.user(&user).send("said", (text,)).await?;
        Ok(())
    }

    async fn to_client(
        &self,
        ctx: &Context,
        connection: String,
        text: String,
    ) -> Result<(), HubError> {
        ctx.client(&connection).send("said", (text,)).await?;
        Ok(())
    }

    /// Sends to the caller, a group and a user in turn, `count` times, numbered from 0; then returns.
    async fn ordered(
        &self,
        ctx: &Context,
        count: u32,
        group: String,
        user: String,
    ) -> Result<u32, HubError> {
        for number in 0..count {
            ctx.caller().send("caller", (number,)).await?;
            ctx.group(&group).send("group", (number,)).await?;
            ctx.user(&user).send("user", (number,)).await?;
        }
        Ok(count)
    }

    /// Tells the caller that it waits, then waits for a permit of the test.
    async fn pass(&self, ctx: &Context) -> Result<bool, HubError> {
        let user = ctx.user_id().map(ToString::to_string);
        ctx.caller().send("waiting", (user,)).await?;
        let permit = self.passes.acquire().await;
        Ok(permit.map(tokio::sync::SemaphorePermit::forget).is_ok())
    }

    async fn count(&self, ctx: &Context, group: String) -> Result<u64, HubError> {
        Ok(ctx.group(&group).count().await?)
    }

    /// The users of a group, in pages of two.
    async fn users(&self, ctx: &Context, group: String) -> Result<Vec<Vec<UserId>>, HubError> {
        let mut pages: Vec<Vec<UserId>> = Vec::new();
        loop {
            let last = pages.last().and_then(|page| page.last());
            let page = ctx.group(&group).users(last, 2).await?;
            let is_last = page.len() < 2;
            pages.push(page);
            if is_last {
                return Ok(pages);
            }
        }
    }

    /// Ends any connection, on whatever gateway it is.
    async fn close(
        &self,
        ctx: &Context,
        connection: String,
        reason: String,
    ) -> Result<(), HubError> {
        Ok(ctx.close(connection).reason(reason).await?)
    }

    /// How many milliseconds this invocation may still run.
    fn time_left(&self, ctx: &Context) -> Option<u128> {
        ctx.time_left().map(|left| left.as_millis())
    }

    async fn abort(&self, ctx: &Context) -> Result<(), HubError> {
        ctx.abort().await?;
        Ok(())
    }

    async fn fail(&self) -> Result<(), HubError> {
        Err(HubError::new("on purpose"))
    }

    async fn panic(&self) {
        panic!("on purpose");
    }
}
