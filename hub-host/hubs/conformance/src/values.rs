//! The types that travel.

use hubplane_hub::{Bytes, Timestamp, TypeScript};
use serde::{Deserialize, Serialize};

/// The object of `SendCustomObject`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomObject {
    /// A text.
    pub name: Option<String>,
    /// A number.
    pub value: i32,
}

/// The object of `EchoComplexObject` and `SendComplexObject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
#[serde(rename_all = "PascalCase", default)]
pub struct ComplexObject {
    /// Bytes.
    pub byte_array: Option<Bytes>,
    /// A moment.
    pub date_time: Timestamp,
    /// A GUID, as text.
    pub guid: String,
    /// A list of numbers.
    pub int_array: Option<Vec<i32>>,
    /// A text.
    pub string: Option<String>,
}

impl Default for ComplexObject {
    fn default() -> Self {
        Self {
            byte_array: None,
            date_time: Timestamp::UNIX_EPOCH,
            guid: "00000000-0000-0000-0000-000000000000".to_owned(),
            int_array: None,
            string: None,
        }
    }
}

impl ComplexObject {
    /// The one that the functional tests expect.
    pub fn sample() -> Self {
        Self {
            byte_array: Some(Bytes::from_static(&[1, 2, 3])),
            // 2000-01-01T00:00:00Z
            date_time: Timestamp::new(946_684_800, 0).unwrap_or(Timestamp::UNIX_EPOCH),
            guid: "00010203-0405-0607-0706-050403020100".to_owned(),
            int_array: Some(vec![1, 2, 3]),
            string: Some("hello world".to_owned()),
        }
    }
}

/// An object without members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
pub struct Empty {}

/// An enumeration, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
pub enum Colour {
    /// The first.
    Red,
    /// The second.
    Green,
}
