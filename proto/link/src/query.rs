use hubplane_proto_ids::{ConnectionId, HubName, UserId};
use serde::{Deserialize, Serialize};

use crate::{AckId, Audience, Caller};

/// What a hub wants to know about the connections of an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Whether the audience has anybody in it.
    Exists,
    /// How many connections are in it.
    Count,
    /// Which connections are in it, in the order of their ids, and their users.
    Connections {
        /// Only those behind this one.
        after: Option<ConnectionId>,
        /// How many at most.
        limit: u32,
    },
    /// Which users have connections in it, in the order of their ids. Connections without a user are left out.
    Users {
        /// Only those behind this one.
        after: Option<UserId>,
        /// How many at most.
        limit: u32,
    },
}

/// A question to every gateway that may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Answered by [`ToHubHost::Answer`](crate::ToHubHost::Answer) with this id.
    pub ack: AckId,
    /// Whose order it keeps.
    pub caller: Caller,
    /// Within which hub.
    pub hub: HubName,
    /// About whom.
    pub audience: Audience,
    /// What is asked.
    pub question: Question,
}

/// One connection of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id.
    pub connection: ConnectionId,
    /// Its user, if it has one.
    pub user: Option<UserId>,
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Question::Exists`].
    Exists(bool),
    /// To [`Question::Count`]; each connection counts once.
    Count(u64),
    /// To [`Question::Connections`], in order, each once.
    Connections(Vec<Member>),
    /// To [`Question::Users`], in order, each once.
    Users(Vec<UserId>),
    /// Some gateway that may know could not be asked.
    Unavailable,
}
