use std::fmt;

use futures_util::stream::BoxStream;

use crate::HubError;
use crate::value::Reply;

/// What a method returned, in its caller's encoding.
pub struct Returned(pub(crate) What);

pub(crate) enum What {
    Value(Reply),
    Stream(BoxStream<'static, Result<Reply, HubError>>),
}

impl Returned {
    pub(crate) fn value(reply: Reply) -> Self {
        Self(What::Value(reply))
    }

    pub(crate) fn stream(items: BoxStream<'static, Result<Reply, HubError>>) -> Self {
        Self(What::Stream(items))
    }
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            What::Value(_) => "Value",
            What::Stream(_) => "Stream",
        })
    }
}
