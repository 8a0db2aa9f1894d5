//! The texts that clients read, byte for byte those of the reference (signalr-core 12.4): client applications compare
//! them.

use hubplane_proto_ids::InvocationId;

use crate::HubError;
use crate::value::BindError;

/// Text for an invocation whose method failed.
pub(super) fn failed(target: &str, error: &HubError, detailed: bool) -> String {
    let base = format!("An unexpected error occurred invoking '{target}' on the server.");
    with_detail(base, error, detailed)
}

/// Text for the Close message of a connection whose `on_connected` failed.
pub(super) fn refused(error: &HubError, detailed: bool) -> String {
    with_detail(
        "Connection closed with an error.".to_owned(),
        error,
        detailed,
    )
}

/// Text for the handshake response of a connection whose user the hub failed to name (reference signalr-core 10.2).
pub(super) fn handshake_failed(error: &HubError, detailed: bool) -> String {
    let base = "An unexpected error occurred during connection handshake.";
    with_detail(base.to_owned(), error, detailed)
}

/// The long form is for errors that are meant for clients, and for hubs with detailed errors.
fn with_detail(base: String, error: &HubError, detailed: bool) -> String {
    if detailed || error.is_shown() {
        format!("{base} {}: {}", error.name(), error.text())
    } else {
        base
    }
}

/// Text for a target that no method has.
pub(super) fn unknown(target: &str) -> String {
    format!(
        "Failed to invoke '{target}' due to an error on the server. HubException: Method does not exist."
    )
}

/// Text for arguments that do not fit.
pub(super) fn unbound(target: &str, error: &BindError, detailed: bool) -> String {
    let base = format!("Failed to invoke '{target}' due to an error on the server.");
    if !detailed {
        return base;
    }
    match error {
        BindError::Count { given, expected } => format!(
            "{base} InvalidDataException: Invocation provides {given} argument(s) but target expects {expected}."
        ),
        BindError::Type(_) => format!(
            "{base} InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked."
        ),
    }
}

/// Text for who may not invoke this (reference signalr-core 12.5).
pub(super) fn unauthorized(target: &str) -> String {
    format!("Failed to invoke '{target}' because user is unauthorized")
}

/// Text for an invocation in the other mode than that of its method.
pub(super) fn other_mode(target: &str, streams: bool) -> String {
    let (is, with) = if streams {
        ("streaming", "non-streaming")
    } else {
        ("non-streaming", "streaming")
    };
    format!("The client attempted to invoke the {is} '{target}' method with a {with} invocation.")
}

/// Text for a streaming method that gave something else.
pub(super) fn no_stream(name: &str) -> String {
    format!(
        "The value returned by the streaming method '{name}' is not a ChannelReader<> or IAsyncEnumerable<>."
    )
}

/// Text for a streaming invocation under the id of one that runs.
pub(super) fn in_use(id: &InvocationId) -> String {
    format!("Invocation ID '{id}' is already in use.")
}

/// Text for a stream that failed behind its first items.
pub(super) fn stream_failed(error: &HubError, detailed: bool) -> String {
    let base = "An error occurred on the server while streaming results.";
    with_detail(base.to_owned(), error, detailed)
}

/// Text for an invocation with the wrong number of upload streams.
pub(super) fn stream_count(target: &str, given: usize, expected: usize) -> String {
    format!(
        "An unexpected error occurred invoking '{target}' on the server. HubException: Client sent {given} stream(s), Hub method expects {expected}."
    )
}
