//! Everything between the socket and the front ends: connections, their deadlines, and what strangers may hold.
//!
//! A caller is known only when their request has arrived whole and is verified. Until then everything that a client
//! makes the server keep is counted by where it comes from: connections in [`connections`], bytes of heads, bodies and
//! answers in [`memory`]. A source that holds more than its share loses its own, nobody else is refused.
//!
//! Start reading at [`listen::serve`].

mod connection;
mod connections;
mod exchange;
mod frames;
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

pub(crate) use connections::{Connections, Shares};
pub(crate) use exchange::Received;
pub(crate) use measure::measure;
pub(crate) use memory::Memory;
pub(crate) use open_files::raise_limit;
pub(crate) use proxy::TrustedProxies;
pub(crate) use seconds::Seconds;
