//! The types of others that travel.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroUsize,
};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::text::{Body, list, tuple};
use super::{Declarations, TypeScript};
use crate::{AnyValue, Bytes, ConnectionId, GroupName, HubName, Items, Timestamp, Upload, UserId};

macro_rules! written {
    ($text:literal: $($ty:ty),+ $(,)?) => {$(
        impl TypeScript for $ty {
            fn typescript(_: &mut Declarations) -> String {
                $text.to_owned()
            }
        }
    )+};
}

written!("boolean": bool);
written!("number": i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);
written!("number": NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize);
written!("number": NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize);
written!("string": char, str, String, ConnectionId, GroupName, HubName, UserId);
written!("null": ());
written!("unknown": AnyValue);
written!("{ secs: number; nanos: number }": Duration);

impl<T: ?Sized> TypeScript for PhantomData<T> {
    fn typescript(_: &mut Declarations) -> String {
        "null".to_owned()
    }
}

impl TypeScript for Bytes {
    fn typescript(declarations: &mut Declarations) -> String {
        let docs = "Bytes: base64 text in JSON, bytes in MessagePack.";
        declarations.declare("Bytes", "Bytes", docs, |_| {
            Body::Alias("string | Uint8Array".to_owned())
        })
    }
}

impl TypeScript for Timestamp {
    fn typescript(declarations: &mut Declarations) -> String {
        let docs = "A moment: ISO 8601 text in JSON, a `Date` in MessagePack.";
        declarations.declare("Timestamp", "Timestamp", docs, |_| {
            Body::Alias("string | Date".to_owned())
        })
    }
}

impl<T: TypeScript> TypeScript for Option<T> {
    fn typescript(declarations: &mut Declarations) -> String {
        format!("{} | null", T::typescript(declarations))
    }
}

/// What a method gives: an error is none of its values.
impl<T: TypeScript, E> TypeScript for Result<T, E> {
    fn typescript(declarations: &mut Declarations) -> String {
        T::typescript(declarations)
    }
}

macro_rules! same {
    ($($ty:ty),+ $(,)?) => {$(
        impl<T: TypeScript + ?Sized> TypeScript for $ty {
            fn typescript(declarations: &mut Declarations) -> String {
                T::typescript(declarations)
            }
        }
    )+};
}

same!(&T, &mut T, Box<T>, Arc<T>, Rc<T>);

impl<T: TypeScript + ToOwned + ?Sized> TypeScript for Cow<'_, T> {
    fn typescript(declarations: &mut Declarations) -> String {
        T::typescript(declarations)
    }
}

macro_rules! lists {
    ($(<$($parameter:ident),*> $ty:ty),+ $(,)?) => {$(
        impl<T: TypeScript, $($parameter),*> TypeScript for $ty {
            fn typescript(declarations: &mut Declarations) -> String {
                list(&T::typescript(declarations))
            }
        }
    )+};
}

lists!(<> [T], <> Vec<T>, <> VecDeque<T>, <> LinkedList<T>, <> BTreeSet<T>, <S> HashSet<T, S>);

impl<T: TypeScript, const N: usize> TypeScript for [T; N] {
    fn typescript(declarations: &mut Declarations) -> String {
        list(&T::typescript(declarations))
    }
}

impl<K: TypeScript, V: TypeScript> TypeScript for BTreeMap<K, V> {
    fn typescript(declarations: &mut Declarations) -> String {
        map::<K, V>(declarations)
    }
}

impl<K: TypeScript, V: TypeScript, S> TypeScript for HashMap<K, V, S> {
    fn typescript(declarations: &mut Declarations) -> String {
        map::<K, V>(declarations)
    }
}

fn map<K: TypeScript, V: TypeScript>(declarations: &mut Declarations) -> String {
    let (key, value) = (K::typescript(declarations), V::typescript(declarations));
    match &*key {
        // The members of an object have texts as names, whatever they are made from.
        "string" | "number" => format!("Record<string, {value}>"),
        // Not every name need be there, nor need every key be a name.
        key => format!("Partial<Record<Extract<{key}, PropertyKey>, {value}>>"),
    }
}

impl<T: TypeScript> TypeScript for Items<T> {
    fn typescript(declarations: &mut Declarations) -> String {
        let item = T::typescript(declarations);
        declarations.stream(&item)
    }
}

impl<T: TypeScript> TypeScript for Upload<T> {
    fn typescript(declarations: &mut Declarations) -> String {
        let item = T::typescript(declarations);
        declarations.stream(&item)
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))+) => {$(
        impl<$($name: TypeScript),+> TypeScript for ($($name,)+) {
            fn typescript(declarations: &mut Declarations) -> String {
                tuple(&[$($name::typescript(declarations)),+])
            }
        }
    )+};
}

tuples! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}
