//! The limit of open files and sockets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections of the main listener, where the system allows as many.
const MAX_CONNECTIONS: usize = 4_096;
/// Files and sockets that are kept for everything else: the store, the metrics listener, connections on their way out.
const RESERVE: u64 = 256;

/// Raises the process's limit as far as permitted, and returns how many connections fit into it.
pub(crate) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = MAX_CONNECTIONS as u64 + RESERVE;
    let wanted = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let raised = match current {
        Some(current) if current < wanted => {
            match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
                Ok(()) => wanted,
                Err(error) => {
                    tracing::warn!(%error, current, "the limit of open files could not be raised");
                    current
                }
            }
        }
        _ => wanted,
    };
    let places = usize::try_from(raised.saturating_sub(RESERVE).max(raised / 2)).unwrap_or(MAX_CONNECTIONS);
    if places < MAX_CONNECTIONS {
        tracing::warn!(
            open_files = raised,
            connections = places,
            "the limit of open files allows fewer connections than usual"
        );
    }
    places.min(MAX_CONNECTIONS)
}
