//! Clients are asked for results (reference signalr-core 12.3).

use hubplane_gateway_connection::AskedId;
use hubplane_proto_ids::ConnectionId;
use hubplane_proto_link::ClientOutcome;

use crate::Ask;
use crate::shard::Shard;

impl Shard {
    /// Asks a client. Whoever waits is answered when the client has answered or cannot any more; nobody is asked for
    /// whom nobody waits.
    pub(crate) fn ask(&mut self, ask: Ask) {
        if ask.reply.is_closed() {
            return;
        }
        let place = self.ids.get(&ask.connection).copied();
        let known = place.and_then(|place| {
            let entry = self.entries.get_mut(place)?;
            let is_known = entry.held && entry.connection.info().hub == ask.hub;
            is_known.then_some((place, entry))
        });
        let Some((place, entry)) = known else {
            return answer(ask, ClientOutcome::UnknownConnection);
        };
        if entry.queue.charged_bytes() > entry.connection.options().queue.bytes_max {
            // No window bounds what is asked from elsewhere.
            return answer(ask, ClientOutcome::Unavailable);
        }
        self.metrics.client_results += 1;
        entry.asked.push((ask.id, ask.reply));
        entry
            .connection
            .handle_ask(ask.id, &ask.target, &ask.arguments, self.now);
        self.pump(place);
    }

    /// The client has answered, or will not.
    pub(crate) fn answered(&mut self, place: usize, id: AskedId, outcome: ClientOutcome) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if let Some(known) = entry.asked.iter().position(|(asked, _)| *asked == id) {
            let (_, reply) = entry.asked.swap_remove(known);
            // Whoever asked may have stopped waiting in this moment.
            let _ = reply.send(outcome);
        }
        if entry.asked.is_empty() {
            entry.asked = Vec::new();
        }
    }

    /// Late answers to those who do not wait any more will be ignored.
    pub(crate) fn forget(&mut self, connection: &ConnectionId) {
        let place = self.ids.get(connection).copied();
        let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) else {
            return;
        };
        for (id, _) in entry.asked.extract_if(.., |(_, reply)| reply.is_closed()) {
            entry.connection.handle_forgotten(id);
        }
    }
}

fn answer(ask: Ask, outcome: ClientOutcome) {
    // As above.
    let _ = ask.reply.send(outcome);
}
