//! What the macros take.
#![allow(clippy::unwrap_used, clippy::needless_lifetimes)]

use std::fmt::Display;
use std::sync::Mutex;

use hubplane_hub::testing::TestHub;
use hubplane_hub::{Context, Hub, HubError};

mod elsewhere {
    pub(crate) use hubplane_hub as api;
}

#[hubplane_hub::client(crate = "crate::elsewhere::api")]
pub(crate) trait Listener {
    /// Documented.
    fn r#type(&self, text: &str, more: Option<&[u8]>);
    #[cfg(any())]
    fn never(&self, text: NoSuchType);
    fn two_words(&self);
}

/// A hub with parameters of its own.
struct Generic<T> {
    last: Mutex<Option<T>>,
}

type Answer<T> = Result<T, std::num::TryFromIntError>;

#[hubplane_hub::hub(name = "Other Name", crate = "crate::elsewhere::api")]
impl<T> Generic<T>
where
    T: Display + Clone + Send + Sync + 'static + From<u8>,
{
    const LIMIT: u32 = 3;

    #[method(skip)]
    fn new() -> Self {
        Self {
            last: Mutex::new(None),
        }
    }

    #[method(skip)]
    fn generic_helper<U: Into<u32>>(&self, number: U) -> u32 {
        number.into().min(Self::LIMIT)
    }

    /// An alias is as good as a `Result`.
    fn narrow(&self, number: u32) -> Answer<u8> {
        let number = u8::try_from(number)?;
        *self.last.lock().unwrap() = Some(T::from(number));
        Ok(number)
    }

    pub(crate) async fn last_text(&self, _: u8, mut prefix: String) -> Option<String> {
        let last = self.last.lock().unwrap().clone()?;
        prefix.push_str(&last.to_string());
        Some(prefix)
    }

    async fn r#match<'a>(&self, ctx: &'a Context) -> Result<&'static str, HubError> {
        ctx.caller().r#type("x", Some(&[1])).await?;
        ctx.caller().two_words().await?;
        Ok("matched")
    }

    fn limited(&self, number: u32) -> u32 {
        self.generic_helper(number)
    }

    #[cfg(any())]
    fn never(&self, nothing: NoSuchType) {}

    #[deprecated]
    async fn old(&self) {}

    #[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
    fn many(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> u32 {
        [a, b, c, d, e, f, g, h, i, j, k, l]
            .into_iter()
            .map(u32::from)
            .sum()
    }
}

#[test]
fn names_are_those_that_clients_know() {
    assert_eq!(Generic::<u16>::NAME, "Other Name");
    let definition = Generic::<u16>::definition();
    let names: Vec<_> = definition
        .methods()
        .iter()
        .map(|method| method.name())
        .collect();
    assert_eq!(
        names,
        ["Narrow", "LastText", "Match", "Limited", "Old", "Many"]
    );
}

#[test]
fn a_generic_hub_is_invoked_like_any_other() {
    let hub = TestHub::new(Generic::<u16>::new());
    let ana = hub.connect("ana");
    assert_eq!(ana.invoke("LASTTEXT", (1, "")), Ok(None::<String>));
    assert_eq!(ana.invoke("narrow", (200,)), Ok(200));
    assert!(ana.invoke::<u8>("narrow", (300,)).is_err());
    assert_eq!(
        ana.invoke("lastText", (1, "last ")),
        Ok(Some("last 200".to_owned()))
    );
    assert_eq!(ana.invoke("limited", (9,)), Ok(3));
    assert_eq!(ana.invoke("match", ()), Ok("matched".to_owned()));
    let (text, bytes) = ana.next::<(String, Vec<u8>)>("Type");
    assert_eq!((text.as_str(), &*bytes), ("x", &[1][..]));
    ana.next::<()>("TwoWords");
    assert_eq!(
        ana.invoke("many", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
        Ok(78)
    );
    assert_eq!(ana.invoke("old", ()), Ok(()));
    assert!(
        ana.invoke::<()>("new", ())
            .unwrap_err()
            .ends_with("Method does not exist.")
    );
    assert!(
        ana.invoke::<()>("GenericHelper", (1,))
            .unwrap_err()
            .ends_with("Method does not exist.")
    );
}
