use std::future::Future;

use hubplane_proto_ids::{ConnectionId, UserId};
use hubplane_proto_link::{Answer, GroupOperation, Member, Question};

use crate::host::QueryRequest;
use crate::{Audience, Membership, QuestionError};

/// As many connections as one page has at most.
const PAGE_MAX: u32 = 1000;

/// A connection of an audience, in the answer to [`Audience::connections`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub connection: ConnectionId,
    /// Its user, if it has one.
    pub user: Option<UserId>,
}

impl From<Member> for Listed {
    fn from(member: Member) -> Self {
        Self {
            connection: member.connection,
            user: member.user,
        }
    }
}

/// # Questions
/// All gateways that may know are asked, and an answer is what was so while they were. Who is excepted from an audience
/// cannot be left out of an answer.
///
/// ```
/// # use hubplane_hub::*;
/// # struct Rooms;
/// #[hub]
/// impl Rooms {
///     async fn enter(&self, ctx: &Context, room: String) -> Result<u64, HubError> {
///         ctx.join(&room).await?;
///         Ok(ctx.group(&room).count().await?)
///     }
///
///     async fn who(&self, ctx: &Context, room: String) -> Result<Vec<Option<String>>, HubError> {
///         let page = ctx.group(&room).connections(None, 100).await?;
///         Ok(page.into_iter().map(|listed| listed.user.map(|user| user.to_string())).collect())
///     }
/// }
///
/// let hub = testing::TestHub::new(Rooms);
/// let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
/// assert_eq!(ana.invoke("enter", ("kitchen",)), Ok(1));
/// assert_eq!(ben.invoke("enter", ("kitchen",)), Ok(2));
/// let who: Vec<Option<String>> = ben.invoke("who", ("kitchen",)).unwrap();
/// assert_eq!(who, [Some("ana".into()), Some("ben".into())]);
/// ```
impl Audience {
    /// Whether anybody is in it. Cancel safe, as all questions are.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn exists(&self) -> impl Future<Output = Result<bool, QuestionError>> + Send + use<> {
        let asking = self.ask(Question::Exists);
        async move {
            match asking.await? {
                Answer::Exists(exists) => Ok(exists),
                _ => Err(QuestionError::Unavailable),
            }
        }
    }

    /// How many connections are in it; each counts once, in however many of its groups it is.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn count(&self) -> impl Future<Output = Result<u64, QuestionError>> + Send + use<> {
        let asking = self.ask(Question::Count);
        async move {
            match asking.await? {
                Answer::Count(count) => Ok(count),
                _ => Err(QuestionError::Unavailable),
            }
        }
    }

    /// Which connections are in it, and their users: those behind `after` in the order of their ids, at most `limit` of
    /// them and never more than 1,000. A page with less than `limit` is the last one; the id of a page's last connection
    /// is the `after` of the next.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn connections(
        &self,
        after: Option<&ConnectionId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Listed>, QuestionError>> + Send + use<> {
        let asking = self.ask(Question::Connections {
            after: after.cloned(),
            limit: limit.min(PAGE_MAX),
        });
        async move {
            match asking.await? {
                Answer::Connections(members) => Ok(members.into_iter().map(Into::into).collect()),
                _ => Err(QuestionError::Unavailable),
            }
        }
    }

    /// Which users have connections in it, each once, however many those are: those behind `after` in the order of their
    /// ids, at most `limit` of them and never more than 1,000. A page with less than `limit` is the last one; the last
    /// user of a page is the `after` of the next. Connections without a user are left out.
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Rooms;
    /// #[hub]
    /// impl Rooms {
    ///     /// Everybody who is here, page by page.
    ///     async fn people(&self, ctx: &Context) -> Result<Vec<UserId>, HubError> {
    ///         let mut people = Vec::new();
    ///         loop {
    ///             let page = ctx.all().users(people.last(), 1000).await?;
    ///             let last = page.len() < 1000;
    ///             people.extend(page);
    ///             if last {
    ///                 return Ok(people);
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// let hub = testing::TestHub::new(Rooms);
    /// let (ben, _phone, _laptop) = (hub.connect("ben"), hub.connect("ana"), hub.connect("ana"));
    /// let people: Vec<String> = ben.invoke("people", ()).unwrap();
    /// assert_eq!(people, ["ana", "ben"]);
    /// ```
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn users(
        &self,
        after: Option<&UserId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<UserId>, QuestionError>> + Send + use<> {
        let asking = self.ask(Question::Users {
            after: after.cloned(),
            limit: limit.min(PAGE_MAX),
        });
        async move {
            match asking.await? {
                Answer::Users(users) => Ok(users),
                _ => Err(QuestionError::Unavailable),
            }
        }
    }

    /// Changes a group for everybody who is in this audience now, page by page.
    pub(crate) async fn change_group(
        self,
        operation: GroupOperation,
        group: String,
    ) -> Result<usize, QuestionError> {
        let mut changed = 0;
        let mut after = None;
        loop {
            let page = self.connections(after.as_ref(), PAGE_MAX).await?;
            for listed in &page {
                let id = listed.connection.as_str();
                let change = self.origin().change(operation, id, &group).await?;
                changed += usize::from(change == Membership::Changed);
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.connection),
                None => return Ok(changed),
            }
        }
    }

    fn ask(
        &self,
        question: Question,
    ) -> impl Future<Output = Result<Answer, QuestionError>> + Send + use<> {
        let whom = if self.excepts_nobody() {
            self.whom().map_err(QuestionError::Send)
        } else {
            Err(QuestionError::Except)
        };
        let origin = self.origin().clone();
        async move {
            let request = QueryRequest {
                caller: origin.caller,
                hub: origin.hub,
                audience: whom?,
                question,
            };
            Ok(origin.port.query(request).await?)
        }
    }
}
