//! The admin listener: what operators, orchestrators and monitoring ask of a node.
//!
//! - `/healthz` answers 200 while the process can answer at all, and says its phase, what it waits for and
//!   what it makes do without.
//! - `/readyz` says the same with 200 in the phase *ready* and 503 in any other.
//! - `/metrics` is every metric in the text format of Prometheus.

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::config;
use crate::phases::{Phase, Phases};
use crate::tasks::{OnFailure, Tasks};
use crate::telemetry::Telemetry;

/// Binds the admin listener: at its address or, where that is configured, at any free port when it is busy.
///
/// # Errors
/// When the address cannot be had.
pub async fn bind(config: &config::Admin) -> io::Result<TcpListener> {
    match TcpListener::bind(config.address).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && config.free_port_if_busy => {
            let any_port = SocketAddr::new(config.address.ip(), 0);
            TcpListener::bind(any_port).await
        }
        bound => bound,
    }
}

/// A running admin listener. It answers until the node's tasks end, also when this is dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
}

#[derive(Clone)]
struct Shown {
    phases: Phases,
    telemetry: Telemetry,
}

/// What `/healthz` and `/readyz` say.
#[derive(Debug, Serialize)]
struct Health {
    phase: Phase,
    waiting_for: Vec<&'static str>,
    degraded: Vec<&'static str>,
    version: &'static str,
}

impl Admin {
    /// Answers on `listener`, through the whole drain, until the tasks are shut down.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve(
        listener: TcpListener,
        phases: Phases,
        telemetry: Telemetry,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(Shown { phases, telemetry });
        let serving = async move { axum::serve(listener, router).await };
        tasks.spawn("admin", OnFailure::StopNode, serving);
        Ok(Self { address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn healthz(State(shown): State<Shown>) -> Json<Health> {
    Json(health(&shown.phases))
}

async fn readyz(State(shown): State<Shown>) -> (StatusCode, Json<Health>) {
    let health = health(&shown.phases);
    let status = match health.phase {
        Phase::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health))
}

fn health(phases: &Phases) -> Health {
    Health {
        phase: phases.current(),
        waiting_for: phases.waiting_for(),
        degraded: phases.degraded_by(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let content_type = [(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)];
    match shown.telemetry.to_text() {
        Ok(text) => (content_type, text).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
