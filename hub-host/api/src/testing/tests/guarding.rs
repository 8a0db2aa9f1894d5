//! Who may invoke, and filters (reference signalr-core 12.5 and 14.4).

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::*;

#[derive(Default)]
struct Guarded {
    log: Log,
    panics: AtomicBool,
}

type Log = Arc<Mutex<Vec<String>>>;

#[hub(authorize, claim = "tenant=7")]
impl Guarded {
    async fn authorize(&self, call: &Call) -> bool {
        assert!(!self.panics.load(Ordering::Relaxed), "in authorize");
        call.context().sleep(Duration::ZERO).await;
        call.method() != "Echo"
            || call
                .argument::<String>(0)
                .is_ok_and(|text| text != "denied")
    }

    fn filters(&self) -> Filters {
        Filters::new()
            .with(Noting("inner", Arc::clone(&self.log)))
            .with(Changing)
    }

    fn on_connected(&self) {
        self.note("connected");
    }

    fn on_disconnected(&self) {
        self.note("disconnected");
    }

    fn echo(&self, text: String) -> String {
        self.note("echo");
        text
    }

    #[method(roles = "admin, owner")]
    fn manage(&self) {}

    #[method(anonymous)]
    fn look(&self) -> Items<u8> {
        Items::of([1])
    }

    #[method(anonymous)]
    fn number(&self, number: i32) -> i32 {
        number
    }
}

impl Guarded {
    fn note(&self, event: &str) {
        self.log.lock().unwrap().push(event.to_owned());
    }
}

struct Noting(&'static str, Log);

impl Noting {
    fn note(&self, event: &str) {
        self.1.lock().unwrap().push(format!("{} {event}", self.0));
    }
}

impl Filter for Noting {
    fn invoke<'a>(&'a self, call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
        Box::pin(async move {
            self.note(&format!("before {}", call.method()));
            let returned = next.run(call).await;
            let how = match &returned {
                Ok(returned) if returned.is_stream() => "stream",
                Ok(_) => "value",
                Err(_) => "error",
            };
            self.note(how);
            returned
        })
    }

    fn connected<'a>(&'a self, ctx: &'a Context, next: NextStage<'a>) -> Filtered<'a, ()> {
        Box::pin(async move {
            self.note("connecting");
            next.run().await?;
            match ctx.query("refused") {
                Some(_) => Err(HubError::new("by a filter")),
                None => Ok(()),
            }
        })
    }

    fn disconnected<'a>(
        &'a self,
        _ctx: &'a Context,
        reason: &'a Disconnect,
        next: NextStage<'a>,
    ) -> Filtered<'a, ()> {
        self.note(reason.name());
        next.run()
    }
}

/// Changes numbers on their way, both ways.
struct Changing;

impl Filter for Changing {
    fn invoke<'a>(&'a self, mut call: Call, next: Next<'a>) -> Filtered<'a, Returned> {
        Box::pin(async move {
            if call.method() != "Number" {
                return next.run(call).await;
            }
            let ctx = call.context().clone();
            match call.argument::<i32>(0)? {
                0 => Err(HubError::new("no zeros")),
                1 => call
                    .set_arguments(("text",))
                    .map_err(Into::into)
                    .and(Ok(())),
                2 => return Ok(Returned::new(&ctx, &"instead")?),
                number => call.set_arguments((number * 10,)).map_err(Into::into),
            }?;
            let returned = next.run(call).await?;
            let number = returned.value::<i32>()?.unwrap_or_default();
            Ok(Returned::new(&ctx, &(number + 1))?)
        })
    }
}

fn denied<T>(method: &str) -> Result<T, String> {
    Err(format!(
        "Failed to invoke '{method}' because user is unauthorized"
    ))
}

#[test]
fn who_may_invoke_is_decided_by_rules_and_by_the_hub() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let hub = TestHub::new(Guarded::default());
        let connection = || hub.connection().protocol(encoding);
        let guest = connection().open().map(drop);
        assert_eq!(guest, Err("401 Unauthorized".to_owned()));
        let stranger = connection().user("ana").claim("tenant", "8").open();
        assert_eq!(stranger.map(drop), Err("403 Forbidden".to_owned()));
        let member = connection().user("ana").claim("tenant", "7");
        let member = member.open().unwrap();
        let owner = connection().claim("tenant", "7").claim("role", "owner");
        let owner = owner.open().unwrap();
        assert_eq!(member.invoke::<String>("manage", ()), denied("Manage"));
        // What does not bind is told first, the mode last.
        let unbound = "Failed to invoke 'Manage' due to an error on the server.";
        assert_eq!(member.invoke::<()>("manage", (1,)), Err(unbound.to_owned()));
        assert_eq!(
            member.stream::<u8>("Manage", ()).collect().1,
            denied("Manage")
        );
        assert_eq!(member.stream::<u8>("look", ()).collect().0, [1]);
        assert_eq!(member.invoke("echo", ("x",)), Ok("x".to_owned()));
        assert_eq!(member.invoke::<String>("echo", ("denied",)), denied("Echo"));
        assert_eq!(member.invoke::<()>("manage", ()), denied("Manage"));
        assert_eq!(owner.invoke("manage", ()), Ok(()));
    }
}

#[test]
fn a_panic_in_authorize_allows_nothing() {
    let guarded = Guarded::default();
    guarded.panics.store(true, Ordering::Relaxed);
    let hub = TestHub::new(guarded);
    let ana = hub.connection().user("ana").claim("tenant", "7").open();
    let ana = ana.unwrap();
    assert_eq!(ana.invoke::<String>("echo", ("x",)), denied("Echo"));
    assert_eq!(ana.invoke("number", (5,)), Ok(51), "everybody may");
}

#[test]
fn filters_are_around_all_that_runs_in_their_order() {
    let guarded = Guarded::default();
    let log = Arc::clone(&guarded.log);
    let outer = Filters::new().with(Noting("outer", Arc::clone(&log)));
    let hub = TestHub::filtered(guarded, Options::default(), outer);
    let ana = hub.connection().user("ana").claim("tenant", "7").open();
    let ana = ana.unwrap();
    ana.invoke::<String>("echo", ("x",)).unwrap();
    ana.invoke::<String>("echo", ("denied",)).unwrap_err();
    ana.stream::<u8>("look", ()).collect().1.unwrap();
    ana.invoke::<i32>("number", (0,)).unwrap_err();
    ana.disconnect();
    let expected = [
        "outer connecting",
        "inner connecting",
        "connected",
        "outer before Echo",
        "inner before Echo",
        "echo",
        "inner value",
        "outer value",
        "outer before Look",
        "inner before Look",
        "inner stream",
        "outer stream",
        "outer before Number",
        "inner before Number",
        "inner error",
        "outer error",
        "outer client_closed",
        "inner client_closed",
        "disconnected",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    let refused = hub.connection().claim("tenant", "7").query("refused=1");
    assert_eq!(
        refused.open().unwrap_err(),
        "Connection closed with an error. HubException: by a filter"
    );
}

#[test]
fn a_filter_changes_arguments_and_results() {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let hub = TestHub::new(Guarded::default());
        let ana = hub.connection().protocol(encoding).claim("tenant", "7");
        let ana = ana.open().unwrap();
        assert_eq!(ana.invoke("number", (5,)), Ok(51));
        assert_eq!(ana.invoke("number", (2,)), Ok("instead".to_owned()));
        let error = |number: i32| ana.invoke::<i32>("number", (number,)).unwrap_err();
        let base = "An unexpected error occurred invoking 'Number' on the server.";
        assert_eq!(error(0), format!("{base} HubException: no zeros"));
        assert_eq!(
            error(1),
            base,
            "what does not fit the method is an error of the filter"
        );
    }
}
