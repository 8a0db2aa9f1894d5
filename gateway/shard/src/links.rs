//! The shard's side of the links to hub-hosts.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use hubplane_proto_link::ToHubHost;
use slab::Slab;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::PollSender;

/// The gateway's end of one link, for frames to the hub-host. Bounded; cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkSender(mpsc::Sender<ToHubHost>);

/// Nobody reads this link any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("link ended")]
pub struct LinkEnded;

impl LinkSender {
    /// A link over this channel.
    pub const fn new(channel: mpsc::Sender<ToHubHost>) -> Self {
        Self(channel)
    }

    /// Sends a frame, and waits while the link is full.
    ///
    /// Cancel safe: the frame is then not sent.
    ///
    /// # Errors
    /// [`LinkEnded`]; the frame is lost.
    pub async fn send(&self, frame: ToHubHost) -> Result<(), LinkEnded> {
        self.0.send(frame).await.map_err(|_| LinkEnded)
    }
}

/// A frame that could not be handed to its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handed {
    /// The link has it.
    Sent,
    /// It waits here until the link has room.
    Waits,
    /// The link has ended.
    Lost,
}

/// Whose reading stands still until a frame is sent: the place of a connection, and its serial number there.
pub(crate) type Sender = (usize, u64);

/// Which link.
pub(crate) type LinkIndex = usize;

/// The links that this shard's connections use, and what waits for room on them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: Slab<Link>,
    /// How many links have something that waits.
    full: usize,
}

#[derive(Debug)]
struct Link {
    sender: LinkSender,
    connections: usize,
    /// Frames in the order in which they were to be sent, with the connection whose reading stands still for them.
    /// Bounded by what a connection may have under way: a few frames each.
    backlog: VecDeque<(Option<Sender>, ToHubHost)>,
    /// Polled while there is a backlog.
    room: Option<PollSender<ToHubHost>>,
}

impl Links {
    /// Counts one more connection on a link.
    pub(crate) fn attach(&mut self, sender: &LinkSender) -> LinkIndex {
        let index = self.find(sender);
        self.links[index].connections += 1;
        index
    }

    /// A connection on this link is over.
    pub(crate) fn detach(&mut self, index: LinkIndex) {
        if let Some(link) = self.links.get_mut(index) {
            link.connections -= 1;
        }
        self.forget_if_unused(index);
    }

    /// Sends a frame that no connection of this shard waits for.
    pub(crate) fn answer(&mut self, sender: &LinkSender, frame: ToHubHost) {
        let index = self.find(sender);
        if self.send(index, None, frame) == Handed::Lost {
            tracing::debug!("an answer to a link that has ended");
        }
        self.forget_if_unused(index);
    }

    /// Sends a frame, or keeps it until there is room. Never waits.
    pub(crate) fn send(
        &mut self,
        index: LinkIndex,
        connection: Option<Sender>,
        frame: ToHubHost,
    ) -> Handed {
        let Some(link) = self.links.get_mut(index) else {
            return Handed::Lost;
        };
        if !link.backlog.is_empty() {
            link.backlog.push_back((connection, frame));
            return Handed::Waits;
        }
        match link.sender.0.try_send(frame) {
            Ok(()) => Handed::Sent,
            Err(TrySendError::Full(frame)) => {
                link.backlog.push_back((connection, frame));
                self.full += 1;
                Handed::Waits
            }
            Err(TrySendError::Closed(_)) => Handed::Lost,
        }
    }

    /// Sends what waits as far as there is room; `handed` gets the connections whose frames went, or were lost with their
    /// link. One waker per link, whatever the number of connections.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, handed: &mut Vec<(Sender, Handed)>) {
        if self.full == 0 {
            return;
        }
        let mut emptied = Vec::new();
        for (index, link) in &mut self.links {
            while !link.backlog.is_empty() {
                let room = link
                    .room
                    .get_or_insert_with(|| PollSender::new(link.sender.0.clone()));
                let ready = room.poll_reserve(cx);
                if ready.is_pending() {
                    break;
                }
                let Some((connection, frame)) = link.backlog.pop_front() else {
                    break;
                };
                let lost = matches!(ready, Poll::Ready(Err(_))) || room.send_item(frame).is_err();
                let outcome = if lost { Handed::Lost } else { Handed::Sent };
                handed.extend(connection.map(|sender| (sender, outcome)));
            }
            if link.backlog.is_empty() && link.room.take().is_some() {
                emptied.push(index);
            }
        }
        for index in emptied {
            self.full -= 1;
            self.forget_if_unused(index);
        }
    }

    fn find(&mut self, sender: &LinkSender) -> LinkIndex {
        let known = self
            .links
            .iter()
            .find(|(_, link)| link.sender.0.same_channel(&sender.0));
        match known {
            Some((index, _)) => index,
            None => {
                let link = Link {
                    sender: sender.clone(),
                    connections: 0,
                    backlog: VecDeque::new(),
                    room: None,
                };
                self.links.insert(link)
            }
        }
    }

    fn forget_if_unused(&mut self, index: LinkIndex) {
        if self
            .links
            .get(index)
            .is_some_and(|link| link.connections == 0 && link.backlog.is_empty())
        {
            self.links.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use hubplane_proto_link::{AckId, AckOutcome};

    use super::*;

    fn frame(id: u64) -> ToHubHost {
        ToHubHost::Ack {
            id: AckId(id),
            outcome: AckOutcome::Done,
        }
    }

    #[test]
    fn what_waits_for_a_full_link_keeps_its_order_and_is_sent_when_there_is_room() {
        let (sender, mut frames) = mpsc::channel(2);
        let (sender, mut links) = (LinkSender::new(sender), Links::default());
        let link = links.attach(&sender);
        assert_eq!(
            links.attach(&sender.clone()),
            link,
            "the same channel is the same link"
        );
        let handed: Vec<_> = (0..5)
            .map(|id| links.send(link, Some((7, id)), frame(id)))
            .collect();
        assert_eq!(
            handed,
            [
                Handed::Sent,
                Handed::Sent,
                Handed::Waits,
                Handed::Waits,
                Handed::Waits
            ]
        );

        let mut cx = Context::from_waker(Waker::noop());
        let mut sent = Vec::new();
        links.poll(&mut cx, &mut sent);
        assert!(sent.is_empty());
        let mut seen = Vec::new();
        while let Ok(ToHubHost::Ack { id, .. }) = frames.try_recv() {
            seen.push(id.0);
            links.poll(&mut cx, &mut sent);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        let all = [(7, 2), (7, 3), (7, 4)].map(|sender| (sender, Handed::Sent));
        assert_eq!(sent, all);
        assert_eq!(links.send(link, None, frame(5)), Handed::Sent);
    }

    #[test]
    fn what_waits_for_a_link_that_ends_is_told_as_lost() {
        let (sender, frames) = mpsc::channel(1);
        let (sender, mut links) = (LinkSender::new(sender), Links::default());
        let link = links.attach(&sender);
        assert_eq!(links.send(link, Some((1, 1)), frame(0)), Handed::Sent);
        assert_eq!(links.send(link, Some((1, 1)), frame(1)), Handed::Waits);
        drop(frames);
        let mut handed = Vec::new();
        links.poll(&mut Context::from_waker(Waker::noop()), &mut handed);
        assert_eq!(handed, [((1, 1), Handed::Lost)]);
    }

    #[test]
    fn a_link_without_connections_and_backlog_is_forgotten() {
        let (sender, frames) = mpsc::channel(1);
        let (sender, mut links) = (LinkSender::new(sender), Links::default());
        links.answer(&sender, frame(0));
        assert!(links.links.is_empty());
        links.answer(&sender, frame(1));
        assert_eq!(links.links.len(), 1, "an answer waits for room");
        drop(frames);
        links.poll(&mut Context::from_waker(Waker::noop()), &mut Vec::new());
        assert!(links.links.is_empty());
        let link = links.attach(&sender);
        assert_eq!(links.send(link, None, frame(2)), Handed::Lost);
    }
}
