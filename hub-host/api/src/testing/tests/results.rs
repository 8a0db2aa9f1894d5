//! Client results (reference signalr-core 12.3 and the recordings of them).

use super::*;
use crate::*;

#[derive(Default)]
struct Asks;

#[client]
trait Answers {
    fn told(&self, text: &str);
    async fn sum(&self, number: i32) -> i32;
    #[method(name = "yes")]
    async fn agrees(&self) -> bool;
}

#[hub]
impl Asks {
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        if ctx.query("ask").is_some() {
            ctx.caller().invoke::<i32>("Sum", (1,)).await?;
        }
        Ok(())
    }

    async fn on_disconnected(&self, ctx: &Context) -> Result<(), SendError> {
        let error = HubError::from(ctx.caller().sum(1).await.unwrap_err());
        ctx.all().told(&format!("{error:?}")).await
    }

    async fn get(&self, ctx: &Context, number: i32) -> Result<i32, HubError> {
        Ok(ctx.caller().sum(number).await?)
    }

    async fn twice(&self, ctx: &Context, a: i32, b: i32) -> Result<i32, InvokeError> {
        Ok(ctx.caller().sum(a).await? + ctx.caller().sum(b).await?)
    }

    async fn of(&self, ctx: &Context, connection: String) -> String {
        match ctx.hub().client(connection).sum(1).await {
            Ok(number) => number.to_string(),
            Err(error) => format!("{:?}", HubError::from(error)),
        }
    }

    async fn briefly(&self, ctx: &Context) -> String {
        let asking = ctx.caller().agrees().timeout(Duration::from_millis(100));
        match asking.await {
            Ok(agrees) => agrees.to_string(),
            Err(error) => format!("{:?}", HubError::from(error)),
        }
    }

    fn later(&self, ctx: &Context) {
        let caller = ctx.caller();
        ctx.spawn(async move {
            let sum = caller.sum(1).await.unwrap();
            caller.told(&sum.to_string()).await.unwrap();
        });
    }

    async fn gives_up(&self, ctx: &Context) {
        let asking = ctx.caller().agrees();
        let sleep = std::pin::pin!(ctx.sleep(Duration::from_secs(1)));
        futures_util::future::select(asking, sleep).await;
    }

    fn of_client(&self, ctx: &Context) -> Items<i32> {
        let caller = ctx.caller();
        Items::generate(async move |mut items| {
            items.give(caller.sum(1).await?).await;
            Ok(())
        })
    }

    fn echo(&self, text: String) -> String {
        text
    }
}

fn each(test: impl Fn(TestHub, TestClient)) {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let hub = TestHub::new(Asks);
        let ana = hub.connection().user("ana").protocol(encoding).open();
        test(hub, ana.unwrap());
    }
}

#[test]
fn what_a_client_answers_is_what_the_hub_gets() {
    let failed = "An unexpected error occurred invoking 'Get' on the server. HubException: ";
    each(|_, ana| {
        let ask = || {
            let asking = ana.start::<i32>("get", (5,));
            let (arguments, request) = ana.next_request::<(i32,)>("sum");
            assert_eq!(arguments, (5,));
            (asking, request)
        };
        let (asking, request) = ask();
        request.reply(6);
        assert_eq!(asking.result(), Ok(6));

        let (asking, request) = ask();
        request.fail("Client error");
        assert_eq!(
            asking.result().unwrap_err(),
            format!("{failed}Client error")
        );

        let (asking, request) = ask();
        request.reply_nothing();
        assert_eq!(
            asking.result().unwrap_err(),
            format!(
                "{failed}Exception of type 'Microsoft.AspNetCore.SignalR.HubException' was thrown."
            )
        );

        for unfit in [Some("not a number"), None] {
            let (asking, request) = ask();
            request.reply(unfit);
            let text = asking.result().unwrap_err();
            let expected = format!("{failed}Error trying to deserialize result to Int32. ");
            assert!(text.starts_with(&expected), "{text}");
        }
    });
}

#[test]
fn the_slot_is_given_back_once_while_a_client_is_asked() {
    each(|_, ana| {
        let twice = ana.start::<i32>("twice", (1, 2));
        let (_, first) = ana.next_request::<(i32,)>("Sum");
        // Whatever it asks for itself goes on.
        assert_eq!(ana.invoke("echo", ("alive",)), Ok("alive".to_owned()));
        let get = ana.start::<i32>("get", (3,));
        let (_, third) = ana.next_request::<(i32,)>("Sum");
        first.reply(10);
        let ((number,), second) = ana.next_request::<(i32,)>("Sum");
        assert_eq!(number, 2);
        second.reply(20);
        assert_eq!(twice.result(), Ok(30));
        third.reply(40);
        assert_eq!(get.result(), Ok(40));
        // One at a time, as ever.
        let waits = ana.start::<String>("briefly", ());
        let (_, request) = ana.next_request::<()>("yes");
        request.reply(true);
        assert_eq!(waits.result(), Ok("true".to_owned()));
    });
}

#[test]
fn who_is_not_there_cannot_be_asked() {
    each(|hub, ana| {
        assert_eq!(
            ana.invoke("of", ("unknown",)),
            Ok("IOException: Connection 'unknown' does not exist.".to_owned())
        );
        let ben = hub.connect("ben");
        let asking = ana.start::<String>("of", (ben.id(),));
        let (_, request) = ben.next_request::<(i32,)>("sum");
        request.reply(7);
        assert_eq!(asking.result(), Ok("7".to_owned()));
        let asking = ana.start::<String>("of", (ben.id(),));
        ben.disconnect();
        let gone = format!("IOException: Connection '{}' disconnected.", ben.id());
        assert_eq!(asking.result(), Ok(gone.clone()));
        assert_eq!(
            ana.next::<(String,)>("told").0,
            gone,
            "in its on_disconnected"
        );
        let asking = hub.connection().query("ask=1").open();
        assert_eq!(asking.unwrap_err(), "Connection closed with an error.");
    });
}

#[test]
fn nobody_waits_longer_than_the_hub_says() {
    each(|hub, ana| {
        let asking = ana.start::<String>("briefly", ());
        let ((), request) = ana.next_request("yes");
        assert!(request.is_waited_for());
        hub.advance(Duration::from_millis(100));
        assert!(!request.is_waited_for());
        assert_eq!(
            asking.result(),
            Ok("HubException: Invocation canceled by the server.".to_owned())
        );
        request.reply(true);

        let asking = ana.start::<()>("givesUp", ());
        let ((), request) = ana.next_request("yes");
        hub.advance(Duration::from_secs(1));
        assert!(!request.is_waited_for());
        assert_eq!(asking.result(), Ok(()));
    });
}

#[test]
fn streams_and_work_outside_of_methods_ask_too() {
    each(|_, ana| {
        ana.answer("Sum", |(number,): (i32,)| Ok(number + 1));
        assert_eq!(
            ana.stream::<i32>("ofClient", ()).collect(),
            (vec![2], Ok(()))
        );
        assert_eq!(ana.invoke("later", ()), Ok(()));
        assert_eq!(ana.next::<(String,)>("told").0, "2");
        ana.answer("Sum", |(_,): (String,)| Ok(1));
        let text = ana.invoke::<i32>("get", (1,)).unwrap_err();
        assert!(
            text.ends_with("HubException: Client failed to parse argument(s)."),
            "{text}"
        );
    });
}
