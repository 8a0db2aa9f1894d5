//! Shards over real sockets, with a hub-host that the tests play.
//!
//! Each promise is kept with one shard and with four.

#![allow(clippy::unwrap_used)]

mod bad_input;
mod chaos;
mod client;
mod closing;
mod delivery;
mod groups;
mod lifecycle;
mod node;
mod polls;
mod presence;
mod pressure;
mod streams;
mod tls;

/// Runs each of these tests with 1 and with 4 shards.
macro_rules! with_1_and_4_shards {
    ($($test:ident),* $(,)?) => {
        mod with_1_shard {
            $(#[tokio::test]
            async fn $test() {
                super::$test(1).await;
            })*
        }
        mod with_4_shards {
            $(#[tokio::test]
            async fn $test() {
                super::$test(4).await;
            })*
        }
    };
}
use with_1_and_4_shards;
