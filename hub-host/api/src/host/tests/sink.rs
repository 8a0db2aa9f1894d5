//! A port that goes nowhere.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hubplane_proto_link::{AckOutcome, Answer, ClientOutcome, ToGateway};

use crate::Timestamp;
use crate::host::{ClientRequest, GroupRequest, LinkLost, Port, QueryRequest, Refused};

/// A gateway that takes everything.
pub(super) struct Sink;

impl Port for Sink {
    fn try_send(&self, _: ToGateway) -> Result<(), Refused> {
        Ok(())
    }

    fn send(&self, _: ToGateway) -> BoxFuture<'static, Result<(), LinkLost>> {
        async { Ok(()) }.boxed()
    }

    fn change_group(&self, _: GroupRequest) -> BoxFuture<'static, Result<AckOutcome, LinkLost>> {
        async { Err(LinkLost) }.boxed()
    }

    fn ask(&self, _: ClientRequest) -> BoxFuture<'static, Result<ClientOutcome, LinkLost>> {
        async { Err(LinkLost) }.boxed()
    }

    fn query(&self, _: QueryRequest) -> BoxFuture<'static, Result<Answer, LinkLost>> {
        async { Err(LinkLost) }.boxed()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }

    fn spawn(&self, _: BoxFuture<'static, ()>) {}
}
