//! Metrics of connections and their memory.

use std::sync::Arc;

use bailiwick_service::Metrics;

use super::{Connections, Memory};

const STATES: [&str; 2] = ["unauthenticated", "authenticated"];

/// Registers the metrics: connections of one listener, memory of all.
pub(crate) fn measure(metrics: &Metrics, connections: &Arc<Connections>, memory: &Arc<Memory>) {
    let of = Arc::clone(connections);
    let help = "Open connections, by whether they have had an authenticated request.";
    metrics.gauge("bailiwick_connections", help, &["state"], move |samples| {
        let (unauthenticated, authenticated) = of.counts();
        for (state, count) in STATES.iter().zip([unauthenticated, authenticated]) {
            samples.add(&[state], count as f64);
        }
    });
    let of = Arc::clone(connections);
    let help = "Connections that the server closed to keep its limits, by reason.";
    metrics.counter("bailiwick_connections_closed_total", help, &["reason"], move |samples| {
        for (reason, count) in of.closed().read().filter(|(_, count)| *count > 0) {
            samples.add(&[reason], count as f64);
        }
    });
    let of = Arc::clone(memory);
    let help = "Memory counted for requests that wait for their clients, by the state of their connections.";
    metrics.gauge("bailiwick_request_memory_bytes", help, &["state"], move |samples| {
        let (unauthenticated, authenticated) = of.used();
        for (state, bytes) in STATES.iter().zip([unauthenticated, authenticated]) {
            samples.add(&[state], bytes as f64);
        }
    });
    let of = Arc::clone(memory);
    let help = "Requests refused because their source, or all sources, held too much memory.";
    metrics.counter("bailiwick_requests_refused_total", help, &[], move |samples| {
        samples.add(&[], of.refused() as f64);
    });
}
