//! Streams, both ways, as a test sees them.

use std::fmt;
use std::marker::PhantomData;

use hubplane_proto_ids::InvocationId;
use hubplane_proto_link::{Encoding, InvocationKind, Outcome, Payload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::Invoking;
use super::executor::Slot;
use super::world::Part;
use super::{TestClient, stalled};
use crate::ClientArguments;
use crate::value::{self, Writing};

impl TestClient {
    /// Invokes a method that answers by a stream.
    ///
    /// # Panics
    /// If the arguments cannot be written.
    #[track_caller]
    pub fn stream<T: DeserializeOwned>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> Streaming<T> {
        self.stream_with_uploads::<T, 0>(target, arguments).0
    }

    /// Invokes a method that answers by a stream, with so many streams of the client.
    ///
    /// # Panics
    /// If the arguments cannot be written.
    #[track_caller]
    pub fn stream_with_uploads<T: DeserializeOwned, const N: usize>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> (Streaming<T>, [TestUpload; N]) {
        let mut invocation = self.invocation(target, arguments);
        invocation.kind = InvocationKind::Stream;
        let taken = self.hub.parts.world.invoke(invocation, true, N);
        self.hub.run();
        let streaming = Streaming {
            client: self.clone(),
            id: taken.id,
            end: taken.answer,
            items: PhantomData,
        };
        (streaming, self.uploads(taken.uploads))
    }

    /// Begins an invocation with so many streams of the client, in the order of the method's parameters.
    ///
    /// # Panics
    /// If the arguments cannot be written.
    #[track_caller]
    pub fn start_with_uploads<T: DeserializeOwned, const N: usize>(
        &self,
        target: &str,
        arguments: impl ClientArguments,
    ) -> (Invoking<T>, [TestUpload; N]) {
        let invocation = self.invocation(target, arguments);
        let taken = self.hub.parts.world.invoke(invocation, true, N);
        self.hub.run();
        let invoking = Invoking::new(&self.hub, taken.answer, self.encoding);
        (invoking, self.uploads(taken.uploads))
    }

    fn uploads<const N: usize>(&self, ids: Vec<InvocationId>) -> [TestUpload; N] {
        let mut ids = ids.into_iter();
        std::array::from_fn(|_| TestUpload {
            client: self.clone(),
            id: ids.next(),
        })
    }
}

/// A stream that answers an invocation. At most 100 items of it come before one is taken.
#[must_use = "the end says whether the method failed"]
pub struct Streaming<T> {
    client: TestClient,
    id: Option<InvocationId>,
    end: Slot<Outcome>,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Streaming<T> {
    /// Takes the next item, if one is there.
    ///
    /// # Panics
    /// If it is no `T`.
    #[track_caller]
    pub fn next_item(&mut self) -> Option<T> {
        self.client.hub.run();
        let world = &self.client.hub.parts.world;
        let Payload { encoding, bytes } = world.next_item(self.client.id(), self.id.as_ref()?)?;
        match value::read(encoding, &bytes) {
            Ok(item) => Some(item),
            Err(error) => panic!("the item is another: {error}"),
        }
    }

    /// Whether it has ended; items may still be there.
    pub fn is_finished(&self) -> bool {
        self.client.hub.run();
        self.end.is_filled()
    }

    /// The client no longer wants it. Items that are there stay.
    pub fn cancel(&self) {
        if let Some(id) = &self.id {
            self.client.hub.parts.world.cancel(self.client.id(), id);
        }
        self.client.hub.run();
    }

    /// All items, and how it ended: the text that the client reads if it failed.
    ///
    /// # Panics
    /// If it waits for something that nothing in this test does, or if an item is no `T`.
    #[track_caller]
    pub fn collect(mut self) -> (Vec<T>, Result<(), String>) {
        let mut items = Vec::new();
        while let Some(item) = self.next_item() {
            items.push(item);
        }
        match self.end.take() {
            Some(Outcome::Void) => (items, Ok(())),
            Some(Outcome::Error(text)) => (items, Err(text)),
            Some(Outcome::Value(_)) => panic!("the result is a value"),
            None => stalled(),
        }
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming")
            .field("finished", &self.end.is_filled())
            .finish_non_exhaustive()
    }
}

/// A stream that a client sends.
pub struct TestUpload {
    client: TestClient,
    id: Option<InvocationId>,
}

impl TestUpload {
    /// Sends an item; it waits while ten are under way.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn send(&self, item: impl Serialize) {
        let encoding: Encoding = self.client.encoding;
        let mut bytes = Vec::new();
        if let Err(error) = value::write(&item, Writing::only(encoding), &mut bytes) {
            panic!("the item cannot be written: {error}");
        }
        let bytes = bytes.into();
        self.part(Part::Item(Payload { encoding, bytes }));
    }

    /// Ends it.
    pub fn complete(&self) {
        self.part(Part::End(None));
    }

    /// Ends it with an error of the client.
    pub fn fail(&self, text: &str) {
        self.part(Part::End(Some(text.to_owned())));
    }

    /// Whether the hub does not read it any more.
    pub fn is_closed(&self) -> bool {
        self.client.hub.run();
        let world = &self.client.hub.parts.world;
        let closed = |id| world.is_upload_closed(self.client.id(), id);
        self.id.as_ref().is_none_or(closed)
    }

    fn part(&self, part: Part) {
        if let Some(id) = &self.id {
            let world = &self.client.hub.parts.world;
            world.upload(self.client.id(), id, part);
        }
        self.client.hub.run();
    }
}

impl fmt::Debug for TestUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestUpload").field(&self.id).finish()
    }
}
