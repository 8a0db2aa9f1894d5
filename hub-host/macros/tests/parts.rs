//! A generic hub in several blocks, with streams, uploads, rules and requests, under a path of its own.
#![allow(clippy::unwrap_used, clippy::needless_lifetimes)]

use std::fmt::Display;

use hubplane_hub::testing::TestHub;
use hubplane_hub::{Context, Hub, HubError};

mod elsewhere {
    pub(crate) use hubplane_hub as api;
}

use elsewhere::api;

struct Split<T>(T);

#[hubplane_hub::client(crate = "crate::elsewhere::api")]
pub(crate) trait Player {
    fn told<'a>(&self, text: &'a str);
    /// Asks.
    async fn choose(&self, from: &[u8], more: Option<&str>) -> u8;
    #[method(name = "done")]
    async fn r#match(&self) -> ();
}

#[hubplane_hub::hub(parts(streams, r#match), crate = "crate::elsewhere::api", claim = "in")]
impl<T> Split<T>
where
    T: Display + Clone + Send + Sync + 'static,
{
    #[method(anonymous)]
    fn shown(&self) -> String {
        self.0.to_string()
    }
}

#[hubplane_hub::hub(part = streams, crate = "crate::elsewhere::api")]
impl<T> Split<T>
where
    T: Display + Clone + Send + Sync + 'static,
{
    async fn plain(
        &self,
        ctx: &Context,
        mut first: api::Upload<u32>,
        by: u32,
    ) -> Result<impl api::Stream<Item = Result<String, HubError>> + use<T>, std::num::ParseIntError>
    {
        let value = self.0.clone();
        let number: u32 = match first.next().await {
            Some(Ok(number)) => number * by,
            _ => value.to_string().parse()?,
        };
        let _ = ctx;
        Ok(api::Items::of([number]).into_texts(value))
    }

    /// Values are values, whatever they are called.
    fn outcome(&self) -> Result<u8, HubError> {
        Ok(1)
    }
}

trait Texts {
    fn into_texts<T: Display + Send + 'static>(self, value: T) -> api::Items<String>;
}

impl Texts for api::Items<u32> {
    fn into_texts<T: Display + Send + 'static>(mut self, value: T) -> api::Items<String> {
        api::Items::generate(async move |mut items| {
            let mut next = std::pin::Pin::new(&mut self);
            while let Some(number) =
                std::future::poll_fn(|cx| api::Stream::poll_next(next.as_mut(), cx)).await
            {
                items.give(format!("{value} {}", number?)).await;
            }
            Ok(())
        })
    }
}

#[hubplane_hub::hub(part = r#match, crate = "crate::elsewhere::api")]
impl<T> Split<T>
where
    T: Display + Clone + Send + Sync + 'static,
{
    async fn ask(&self, ctx: &Context) -> Result<u8, HubError> {
        let chosen = ctx.caller().choose(&[1, 2], None).await?;
        ctx.caller().r#match().await?;
        ctx.caller().told("thanks").await?;
        Ok(chosen)
    }
}

#[test]
fn blocks_are_one_hub() {
    let names: Vec<_> = Split::<u8>::definition()
        .methods()
        .iter()
        .map(|method| (method.name(), method.is_stream(), method.uploads()))
        .collect();
    let expected = [
        ("Shown", false, 0),
        ("Plain", true, 1),
        ("Outcome", false, 0),
        ("Ask", false, 0),
    ];
    assert_eq!(names, expected);
}

#[test]
fn everything_works_under_a_path_of_its_own() {
    let hub = TestHub::new(Split("v"));
    let ana = hub.connection().user("ana").claim("in", "1").open();
    let ana = ana.unwrap();
    let (plain, [numbers]) = ana.stream_with_uploads::<String, 1>("plain", (5,));
    numbers.send(3);
    assert_eq!(plain.collect(), (vec!["v 15".to_owned()], Ok(())));
    let (plain, [numbers]) = ana.stream_with_uploads::<String, 1>("plain", (5,));
    numbers.complete();
    let failed = "An unexpected error occurred invoking 'Plain' on the server.";
    assert_eq!(plain.collect().1, Err(failed.to_owned()));
    assert_eq!(ana.invoke("outcome", ()), Ok(1));
    ana.answer("Choose", |(from, _): (Vec<u8>, Option<String>)| Ok(from[1]));
    ana.answer("done", |(): ()| Ok(()));
    assert_eq!(ana.invoke("ask", ()), Ok(2));
    assert_eq!(ana.next::<(String,)>("told").0, "thanks");
    assert_eq!(ana.invoke("shown", ()), Ok("v".to_owned()));
    let ben = hub.connection().user("ben").open();
    assert_eq!(ben.unwrap_err(), "403 Forbidden");
}
