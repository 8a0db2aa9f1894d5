#![allow(dead_code, clippy::unused_self, clippy::missing_const_for_fn)]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    AnyValue, Bytes, ConnectionId, Context, Declarations, HubError, Items, Stream, Timestamp,
    TypeScript, Upload, client, hub,
};

/// Without `TypeScript`.
#[derive(Serialize, Deserialize)]
struct Foreign;

/// The declaration of one type, and how it is written where it is used.
fn declared<T: TypeScript>() -> (String, String) {
    let mut declarations = Declarations::new();
    let used = T::typescript(&mut declarations);
    (used, declarations.to_string())
}

fn used<T: TypeScript>() -> String {
    declared::<T>().0
}

#[test]
fn types_of_the_standard_library_are_what_serde_makes_of_them() {
    assert_eq!(used::<bool>(), "boolean");
    assert_eq!(used::<(u8, i64, f32)>(), "[number, number, number]");
    assert_eq!(used::<&str>(), "string");
    assert_eq!(used::<Cow<'_, str>>(), "string");
    assert_eq!(used::<ConnectionId>(), "string");
    assert_eq!(used::<Option<Box<char>>>(), "string | null");
    assert_eq!(used::<Vec<Option<u8>>>(), "Array<number | null>");
    assert_eq!(used::<[BTreeSet<String>; 2]>(), "Array<string[]>");
    assert_eq!(used::<HashMap<String, bool>>(), "Record<string, boolean>");
    assert_eq!(used::<BTreeMap<u32, ()>>(), "Record<string, null>");
    assert_eq!(used::<Vec<AnyValue>>(), "unknown[]");
    assert_eq!(used::<Result<u8, HubError>>(), "number");
    assert_eq!(used::<Items<u8>>(), "IStreamResult<number>");
    assert_eq!(
        declared::<(Bytes, Timestamp, Bytes)>().1,
        "/** Bytes: base64 text in JSON, bytes in MessagePack. */\n\
         export type Bytes = string | Uint8Array;\n\n\
         /** A moment: ISO 8601 text in JSON, a `Date` in MessagePack. */\n\
         export type Timestamp = string | Date;\n"
    );
}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields<'a> {
    /// One line.
    two_words: u8,
    /// Two
    /// lines */.
    #[serde(rename = "other-name", default)]
    named: String,
    #[serde(rename(serialize = "out", deserialize = "in"))]
    both: bool,
    #[serde(skip)]
    hidden: u8,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    maybe: Option<u8>,
    #[serde(with = "custom")]
    custom: u8,
    #[typescript(type = "`${number}px`")]
    said: String,
    foreign: Foreign,
    r#type: Cow<'a, str>,
}

mod custom {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        u8::deserialize(deserializer)
    }
}

#[test]
fn fields_have_the_names_that_serde_gives_them() {
    let (used, text) = declared::<Fields<'_>>();
    assert_eq!(used, "Fields");
    assert_eq!(
        text,
        r#"export interface Fields {
  /** One line. */
  twoWords: number;
  /**
   * Two
   * lines *\/.
   */
  "other-name": string;
  out: boolean;
  maybe?: number | null;
  custom: unknown;
  said: `${number}px`;
  foreign: unknown;
  type: string;
}
"#
    );
}

#[derive(Serialize, Deserialize, TypeScript)]
struct Newtype(u32);

#[derive(Serialize, Deserialize, TypeScript)]
struct Pair(u32, Newtype);

#[derive(Serialize, Deserialize, TypeScript)]
struct Unit;

#[derive(Serialize, Deserialize, TypeScript)]
struct Nothing {}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(transparent)]
struct Transparent {
    only: String,
}

#[derive(Clone, Serialize, Deserialize, TypeScript)]
#[serde(from = "String", into = "String")]
struct Text(u8);

impl From<String> for Text {
    fn from(_: String) -> Self {
        Self(0)
    }
}

impl From<Text> for String {
    fn from(_: Text) -> Self {
        Self::new()
    }
}

#[derive(Serialize, Deserialize, TypeScript)]
struct Tree {
    children: Vec<Tree>,
}

#[derive(Serialize, Deserialize, TypeScript)]
struct Page<T> {
    items: Vec<T>,
    #[serde(flatten)]
    rest: Nothing,
    #[serde(flatten)]
    more: Option<Nothing>,
}

#[test]
fn structs_have_the_forms_that_serde_gives_them() {
    let (_, text) = declared::<(
        Pair,
        Unit,
        Nothing,
        Transparent,
        Text,
        Tree,
        Page<Newtype>,
        Page<u8>,
    )>();
    assert_eq!(
        text,
        "export type Pair = [number, Newtype];

export type Newtype = number;

export type Unit = null;

export interface Nothing {}

export type Transparent = string;

export type Text = string;

export interface Tree {
  children: Tree[];
}

export type PageOfNewtype = { items: Newtype[] } & Nothing & Partial<Nothing>;

export type PageOfNumber = { items: number[] } & Nothing & Partial<Nothing>;
"
    );
}

#[derive(Serialize, Deserialize, TypeScript, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    LightRed,
    #[serde(rename = "G\"")]
    Green,
    #[serde(skip)]
    Never,
}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(rename_all_fields = "UPPERCASE")]
enum External {
    Unit,
    One(u8),
    Two(u8, Option<bool>),
    Named { field: u8 },
}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Internal {
    NoFields,
    Other(Nothing),
    Named { field: u8 },
}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    Other(Nothing),
    Named { field: u8 },
}

#[derive(Serialize, Deserialize, TypeScript)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
    None,
}

#[test]
fn enums_are_unions_of_what_serde_makes_of_their_variants() {
    let (used, text) = declared::<(External, Internal, Adjacent, Untagged, BTreeMap<Colour, u8>)>();
    assert_eq!(
        used,
        "[External, Internal, Adjacent, Untagged, Partial<Record<Extract<Colour, PropertyKey>, number>>]"
    );
    assert_eq!(
        text,
        r#"export type External = "Unit" | { One: number } | { Two: [number, boolean | null] } | { Named: { FIELD: number } };

export type Internal = { kind: "no_fields" } | { kind: "other" } & Nothing | { kind: "named"; field: number };

export interface Nothing {}

export type Adjacent = { t: "Unit" } | { t: "Other"; c: Nothing } | { t: "Named"; c: { field: number } };

export type Untagged = number | string | null;

export type Colour = "light-red" | "G\"";
"#
    );
}

#[test]
fn names_of_enums_are_those_on_the_wire() {
    let json = |value: &dyn erased::Value| value.json();
    assert_eq!(json(&Colour::LightRed), r#""light-red""#);
    assert_eq!(
        json(&External::Named { field: 1 }),
        r#"{"Named":{"FIELD":1}}"#
    );
    assert_eq!(json(&Internal::NoFields), r#"{"kind":"no_fields"}"#);
    assert_eq!(
        json(&Adjacent::Named { field: 1 }),
        r#"{"t":"Named","c":{"field":1}}"#
    );
    assert_eq!(json(&Untagged::None), "null");
}

mod erased {
    pub(super) trait Value {
        fn json(&self) -> String;
    }

    impl<T: serde::Serialize> Value for T {
        fn json(&self) -> String {
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

mod other {
    use crate::TypeScript;

    /// Has the name of another type.
    #[derive(serde::Serialize, serde::Deserialize, TypeScript)]
    pub(super) struct Newtype {
        pub(super) a: u8,
    }

    /// Has the name of a type of JavaScript.
    #[derive(serde::Serialize, serde::Deserialize, TypeScript)]
    #[serde(tag = "type", rename = "a date")]
    pub(super) struct Date {
        pub(super) day: u8,
    }
}

#[test]
fn two_types_of_one_name_have_two_names() {
    let (used, _) = declared::<(Newtype, other::Newtype, Newtype)>();
    assert_eq!(used, "[Newtype, Newtype2, Newtype]");
    assert_eq!(
        declared::<other::Date>().1,
        "/** Has the name of a type of JavaScript. */\nexport interface Date2 {\n  type: \"a date\";\n  day: number;\n}\n"
    );
}

struct Everything;

#[client]
trait Told {
    /// Tells.
    fn told<'a>(&self, what_is: &'a str, foreign: &Foreign, newtype: Option<&'a Newtype>);
    #[method(name = "ask-it")]
    async fn ask(&self, r#type: u8) -> Option<u8>;
    async fn done(&self) -> ();
    #[cfg(any())]
    fn never(&self, text: NoSuchType);
}

#[client]
trait AlsoTold {
    fn also(&self);
}

type Answer<T> = Result<T, HubError>;

#[hub(clients(Told, self::AlsoTold))]
impl Everything {
    /// Does it.
    fn plain(&self, _ctx: &Context, room_name: String, _: u8, default: bool) -> Pair {
        let _ = (room_name, default);
        Pair(1, Newtype(2))
    }

    fn alias(&self) -> Answer<Option<Newtype>> {
        Ok(None)
    }

    async fn nothing(&self, _foreign: Foreign) -> Result<(), HubError> {
        Ok(())
    }

    fn foreign(&self) -> Foreign {
        Foreign
    }

    fn items(&self, up: Upload<Newtype>, unknown: Upload<Foreign>) -> Items<Foreign> {
        drop((up, unknown));
        Items::of([])
    }

    fn stream(&self) -> Result<impl Stream<Item = Result<u8, HubError>> + use<>, HubError> {
        Ok(futures_util::stream::iter([Ok(1)]))
    }

    #[method(name = "a name")]
    fn borrowed(&self) -> &'static str {
        "text"
    }

    #[method(skip)]
    fn helper(&self) {}

    fn on_connected(&self) {}
}

#[test]
fn a_hub_is_declared_with_its_clients() {
    let mut declarations = Declarations::new();
    declarations.hub::<Everything>();
    declarations.hub::<Everything>();
    assert_eq!(
        declarations.to_string(),
        r#"import type { IStreamResult } from "@microsoft/signalr";

/** The methods of the hub `everything`. */
export interface EverythingHub {
  /** Does it. */
  Plain(roomName: string, argument1: number, default_: boolean): Promise<Pair>;
  Alias(): Promise<Newtype | null>;
  Nothing(foreign: unknown): Promise<void>;
  Foreign(): Promise<unknown>;
  Items(up: IStreamResult<Newtype>, unknown: IStreamResult<unknown>): IStreamResult<unknown>;
  Stream(): IStreamResult<number>;
  "a name"(): Promise<string>;
}

export type Pair = [number, Newtype];

export type Newtype = number;

export interface Told {
  /** Tells. */
  Told(whatIs: string, foreign: unknown, newtype: Newtype | null): void;
  "ask-it"(type: number): number | null | Promise<number | null>;
  Done(): null | Promise<null>;
}

export interface AlsoTold {
  Also(): void;
}
"#
    );
}
