//! The layer between socket and front ends: connections, deadlines, and limits for unauthenticated clients.
//!
//! A caller is known only after their complete request is verified. Until then everything that a client makes the
//! server hold is counted by source: connections in [`connections`], bytes of heads, bodies and answers in [`memory`].
//! A source that exceeds its share loses its own connections; other sources are not refused.
//!
//! Start reading at [`listen::serve`].

mod connection;
mod connections;
mod date;
mod exchange;
mod frames;
#[cfg(test)]
mod fuzz_targets;
mod gate;
mod handshake;
mod head_timer;
pub(crate) mod listen;
mod measure;
mod memory;
mod open_files;
mod proxy;
mod proxy_protocol;
mod seconds;
mod stall_guard;
mod tasks;

pub(crate) use connections::{Connections, Shares};
pub(crate) use exchange::Received;
pub(crate) use measure::measure;
pub(crate) use memory::Memory;
pub(crate) use open_files::raise_limit;
pub(crate) use proxy::TrustedProxies;
pub(crate) use seconds::Seconds;
