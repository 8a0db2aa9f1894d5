//! The metrics of the front, the links, the directory's end and the streams. `docs/metrics.md` says what they tell.

use std::sync::Arc;

use hubplane_backplane_stream::Stats;
use hubplane_gateway_shard as shard;
use hubplane_node::metrics::Metric;
use hubplane_router_directory::GatewayCounts;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::core::Core;

const NEGOTIATED: Metric = Metric::gauge(
    "hubplane_gateway_negotiated_connections",
    "{connection}",
    "Connections that were negotiated and have no transport yet.",
);

const CLOSED: Metric = Metric::counter(
    "hubplane_gateway_closed_connections_total",
    "{connection}",
    "Connections that ended, by reason.",
);

type OfShards = (Metric, fn(&shard::Metrics) -> u64);
type OfStreams = (Metric, fn(&Stats) -> u64);
type OfDirectory = (Metric, fn(&GatewayCounts) -> u64);

const SHARDS: &[OfShards] = &[
    (
        Metric::gauge(
            "hubplane_gateway_connections",
            "{connection}",
            "Connections that are attached.",
        ),
        |shards| shards.connections,
    ),
    (
        Metric::gauge(
            "hubplane_gateway_memberships",
            "{membership}",
            "Connections in groups, one per group each.",
        ),
        |shards| shards.memberships,
    ),
    (
        Metric::counter(
            "hubplane_gateway_attached_connections_total",
            "{connection}",
            "Connections attached.",
        ),
        |shards| shards.attached,
    ),
    (
        Metric::counter(
            "hubplane_gateway_resumed_connections_total",
            "{connection}",
            "Connections that went on over another WebSocket.",
        ),
        |shards| shards.resumed,
    ),
    (
        Metric::counter(
            "hubplane_gateway_invocations_total",
            "{invocation}",
            "Invocations handed to hub-hosts.",
        ),
        |shards| shards.invocations,
    ),
    (
        Metric::counter(
            "hubplane_gateway_stream_items_total",
            "{item}",
            "Items of streams that hubs answered with.",
        ),
        |shards| shards.stream_items,
    ),
    (
        Metric::counter(
            "hubplane_gateway_upload_items_total",
            "{item}",
            "Items of streams that clients sent.",
        ),
        |shards| shards.upload_items,
    ),
    (
        Metric::counter(
            "hubplane_gateway_client_results_total",
            "{request}",
            "Clients asked for a result.",
        ),
        |shards| shards.client_results,
    ),
    (
        Metric::counter(
            "hubplane_gateway_deliveries_total",
            "{message}",
            "Messages put into the queue of one connection each.",
        ),
        |shards| shards.deliveries,
    ),
    (
        Metric::counter(
            "hubplane_gateway_frames_written_total",
            "{frame}",
            "WebSocket frames written whole.",
        ),
        |shards| shards.frames_written,
    ),
    (
        Metric::counter(
            "hubplane_gateway_writes_total",
            "{write}",
            "Vectored writes to sockets.",
        ),
        |shards| shards.writes,
    ),
    (
        Metric::counter(
            "hubplane_gateway_read_bytes_total",
            "By",
            "Read from sockets.",
        ),
        |shards| shards.bytes_in,
    ),
    (
        Metric::counter(
            "hubplane_gateway_written_bytes_total",
            "By",
            "Taken by sockets.",
        ),
        |shards| shards.bytes_out,
    ),
    (
        Metric::counter(
            "hubplane_gateway_unserializable_total",
            "{message}",
            "Messages that had no form in the protocol of one receiver each.",
        ),
        |shards| shards.unserializable,
    ),
];

const STREAMS: &[OfStreams] = &[
    (
        Metric::counter(
            "hubplane_backplane_sent_total",
            "{message}",
            "Numbers given: one per message and target gateway.",
        ),
        |stats| stats.sent,
    ),
    (
        Metric::counter(
            "hubplane_backplane_delivered_total",
            "{message}",
            "Messages of other gateways delivered, in order.",
        ),
        |stats| stats.delivered,
    ),
    (
        Metric::counter(
            "hubplane_backplane_skipped_total",
            "{message}",
            "Messages of other gateways that are lost for good.",
        ),
        |stats| stats.skipped,
    ),
    (
        Metric::counter(
            "hubplane_backplane_duplicates_total",
            "{message}",
            "Messages that came again and were dropped.",
        ),
        |stats| stats.duplicates,
    ),
    (
        Metric::counter(
            "hubplane_backplane_fetches_total",
            "{fetch}",
            "Times that an origin was asked for what the carrier lost.",
        ),
        |stats| stats.fetches,
    ),
    (
        Metric::gauge(
            "hubplane_backplane_ring_bytes",
            "By",
            "Sent and not yet acked by every target.",
        ),
        |stats| stats.ring_bytes as u64,
    ),
    (
        Metric::gauge(
            "hubplane_backplane_hold_bytes",
            "By",
            "Arrived before its turn.",
        ),
        |stats| stats.hold_bytes as u64,
    ),
];

const DIRECTORY: &[OfDirectory] = &[
    (
        Metric::gauge(
            "hubplane_directory_keys",
            "{key}",
            "Connections, users, groups and hubs that this gateway announces.",
        ),
        |counts| counts.keys,
    ),
    (
        Metric::gauge(
            "hubplane_directory_cached_keys",
            "{key}",
            "Keys whose holders this gateway is told of.",
        ),
        |counts| counts.cached,
    ),
    (
        Metric::counter(
            "hubplane_directory_lookups_total",
            "{lookup}",
            "Questions asked of routers.",
        ),
        |counts| counts.asked_total,
    ),
    (
        Metric::counter(
            "hubplane_directory_hits_total",
            "{send}",
            "Sends that found their targets in the cache.",
        ),
        |counts| counts.hits_total,
    ),
    (
        Metric::counter(
            "hubplane_directory_untargeted_total",
            "{send}",
            "Sends that went to every live gateway, because no router could say where to.",
        ),
        |counts| counts.untargeted_total,
    ),
    (
        Metric::counter(
            "hubplane_directory_changes_total",
            "{change}",
            "Keys that this gateway was first or last to hold.",
        ),
        |counts| counts.changes_total,
    ),
    (
        Metric::gauge(
            "hubplane_directory_live_gateways",
            "{gateway}",
            "Other gateways that are live.",
        ),
        |counts| counts.live,
    ),
];

/// What this crate declares.
#[cfg(test)]
fn all() -> Vec<Metric> {
    let streams = STREAMS.iter().map(|(metric, _)| *metric);
    let directory = DIRECTORY.iter().map(|(metric, _)| *metric);
    let shards = SHARDS.iter().map(|(metric, _)| *metric);
    [NEGOTIATED, CLOSED]
        .into_iter()
        .chain(shards)
        .chain(streams)
        .chain(directory)
        .collect()
}

pub(crate) fn register(meter: &Meter, core: &Arc<Core>) {
    let weak = Arc::downgrade(core);
    NEGOTIATED.observe(meter, move |number| {
        if let Some(core) = weak.upgrade() {
            number.observe(core.registry.waiting() as u64, &[]);
        }
    });
    let weak = Arc::downgrade(core);
    CLOSED.observe(meter, move |number| {
        if let Some(core) = weak.upgrade() {
            let closes = core.shards.metrics().closes;
            for (reason, count) in shard::CLOSE_REASONS.into_iter().zip(closes) {
                number.observe(count, &[KeyValue::new("reason", reason)]);
            }
        }
    });
    for (metric, read) in SHARDS {
        let weak = Arc::downgrade(core);
        metric.observe(meter, move |number| {
            if let Some(core) = weak.upgrade() {
                number.observe(read(&core.shards.metrics()), &[]);
            }
        });
    }
    for (metric, read) in STREAMS {
        let weak = Arc::downgrade(core);
        metric.observe(meter, move |number| {
            if let Some(core) = weak.upgrade() {
                number.observe(read(&core.backplane.stats()), &[]);
            }
        });
    }
    for (metric, read) in DIRECTORY {
        let weak = Arc::downgrade(core);
        metric.observe(meter, move |number| {
            if let Some(core) = weak.upgrade() {
                number.observe(read(&core.directory.lock().counts()), &[]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use hubplane_node::metrics::compare_with_docs;

    #[test]
    fn every_metric_is_documented() {
        let docs = include_str!("../../../docs/metrics.md");
        compare_with_docs(docs, "hubplane-gateway-server", &super::all()).unwrap();
    }
}
