//! From the arguments of an invocation to the parameters of a method.

use std::fmt;

use hubplane_proto_link::{Arguments, Encoding};
use serde::de::{DeserializeOwned, Deserializer as _, IgnoredAny, SeqAccess, Visitor};

use super::{ValueError, json_read, messagepack_read};

/// Why the arguments of an invocation do not fit a method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// There are too many or too few.
    #[error("{given} arguments instead of {expected}")]
    Count {
        /// How many came.
        given: usize,
        /// How many the method takes.
        expected: usize,
    },
    /// One is no value of its parameter's type, or no value at all.
    #[error("an argument does not fit")]
    Type(#[from] ValueError),
}

impl BindError {
    pub(crate) fn panicked() -> Self {
        Self::Type(ValueError::new("reading an argument panicked"))
    }
}

/// The parameters of a method: a tuple of what serde reads.
pub trait Parameters: Sized {
    /// How many they are.
    const COUNT: usize;

    /// Reads them one after the other, straight into their types; `None` if there are too few.
    ///
    /// # Errors
    /// That of the first that is no value of its type.
    fn read<'de, A: SeqAccess<'de>>(arguments: &mut A) -> Result<Option<Self>, A::Error>;
}

macro_rules! tuples {
    ($count:literal: $($name:ident)*) => {
        impl<$($name: DeserializeOwned),*> Parameters for ($($name,)*) {
            const COUNT: usize = $count;

            #[allow(non_snake_case, unused_variables)]
            fn read<'de, S: SeqAccess<'de>>(arguments: &mut S) -> Result<Option<Self>, S::Error> {
                $(let Some($name) = arguments.next_element()? else { return Ok(None) };)*
                Ok(Some(($($name,)*)))
            }
        }
    };
}

tuples!(0:);
tuples!(1: A);
tuples!(2: A B);
tuples!(3: A B C);
tuples!(4: A B C D);
tuples!(5: A B C D E);
tuples!(6: A B C D E F);
tuples!(7: A B C D E F G);
tuples!(8: A B C D E F G H);
tuples!(9: A B C D E F G H I);
tuples!(10: A B C D E F G H I J);
tuples!(11: A B C D E F G H I J K);
tuples!(12: A B C D E F G H I J K L);

/// Binds the arguments of an invocation to parameters, as strictly as the reference (signalr-core 11.5): there have to
/// be exactly as many.
///
/// # Errors
/// [`BindError`]. Of two mistakes the reference names the one that it meets first, which depends on the encoding.
pub fn bind<P: Parameters>(arguments: &Arguments) -> Result<P, BindError> {
    if arguments.bytes.is_empty() {
        return Err(BindError::Type(ValueError::new("no array of arguments")));
    }
    match arguments.encoding {
        Encoding::Json => json(&arguments.bytes),
        Encoding::MessagePack => messagepack(&arguments.bytes),
    }
}

fn json<P: Parameters>(bytes: &[u8]) -> Result<P, BindError> {
    json_read::read_with(bytes, |value| {
        value.deserialize_seq(InOrder::<P>(std::marker::PhantomData))
    })?
}

fn messagepack<P: Parameters>(bytes: &[u8]) -> Result<P, BindError> {
    // Here the number is known in front.
    let given = messagepack_read::array_len(bytes)?;
    if given != P::COUNT {
        return Err(BindError::Count {
            given,
            expected: P::COUNT,
        });
    }
    messagepack_read::read_with(bytes, |value| {
        value.deserialize_seq(InOrder::<P>(std::marker::PhantomData))
    })?
}

/// Reads what there are parameters for, then counts the rest.
struct InOrder<P>(std::marker::PhantomData<P>);

impl<'de, P: Parameters> Visitor<'de> for InOrder<P> {
    type Value = Result<P, BindError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, arguments: A) -> Result<Self::Value, A::Error> {
        let mut arguments = Counted { arguments, read: 0 };
        let parameters = P::read(&mut arguments)?;
        while arguments.next_element::<IgnoredAny>()?.is_some() {}
        let given = arguments.read;
        Ok(match parameters {
            Some(parameters) if given == P::COUNT => Ok(parameters),
            _ => Err(BindError::Count {
                given,
                expected: P::COUNT,
            }),
        })
    }
}

struct Counted<A> {
    arguments: A,
    read: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Counted<A> {
    type Error = A::Error;

    fn next_element_seed<T: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let element = self.arguments.next_element_seed(seed)?;
        self.read += usize::from(element.is_some());
        Ok(element)
    }
}

/// Reads one argument of an invocation.
///
/// # Errors
/// If there are not so many, or it is no `T`.
pub(crate) fn nth<T: DeserializeOwned>(arguments: &Arguments, at: usize) -> Result<T, ValueError> {
    let nth = Nth(at, std::marker::PhantomData);
    match arguments.encoding {
        Encoding::Json => {
            json_read::read_with(&arguments.bytes, |value| value.deserialize_seq(nth))
        }
        Encoding::MessagePack => {
            messagepack_read::read_with(&arguments.bytes, |value| value.deserialize_seq(nth))
        }
    }
}

struct Nth<T>(usize, std::marker::PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Nth<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut arguments: A) -> Result<T, A::Error> {
        for _ in 0..self.0 {
            arguments.next_element::<IgnoredAny>()?;
        }
        let read = arguments.next_element()?;
        while arguments.next_element::<IgnoredAny>()?.is_some() {}
        read.ok_or_else(|| serde::de::Error::custom("no such argument"))
    }
}
