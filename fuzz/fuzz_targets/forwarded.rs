//! The fuzz target `forwarded`. The server is not a library, so its modules are included.
#![no_main]
#![allow(dead_code, reason = "the server uses all of it")]

#[path = "../../crates/server/src/net/fuzz_targets.rs"]
mod fuzz_targets;
#[path = "../../crates/server/src/net/proxy.rs"]
mod proxy;
#[path = "../../crates/server/src/net/proxy_protocol.rs"]
mod proxy_protocol;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::forwarded(bytes));
