//! Every type of reference signalr-core 11.4 that Rust has, against the recorded values of the real server.

mod agreement;
mod crossing;
mod reading;
mod writing;

use hubplane_proto_link::Encoding;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ValueError, Writing, read, write};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CustomObject {
    name: Option<String>,
    #[serde(default)]
    value: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
    Mixed(u8, u8),
    Named { name: String },
    Grey(u8),
}

fn json(value: &impl Serialize) -> Result<String, ValueError> {
    let mut out = Vec::new();
    write(value, Writing::only(Encoding::Json), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn messagepack(value: &impl Serialize) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    write(value, Writing::only(Encoding::MessagePack), &mut out)?;
    Ok(out)
}

fn portable(value: &impl Serialize) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    write(value, Writing::PORTABLE, &mut out)?;
    Ok(out)
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, ValueError> {
    read(Encoding::Json, text.as_bytes())
}

fn from_hex<T: DeserializeOwned>(text: &str) -> Result<T, ValueError> {
    read(Encoding::MessagePack, &bytes(text))
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
