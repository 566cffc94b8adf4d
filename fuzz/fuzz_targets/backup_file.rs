//! The fuzz target `backup_file`. The server is not a library, so its modules are included.
#![no_main]
#![allow(dead_code, reason = "the server uses all of it")]

#[path = "../../crates/server/src/escapes.rs"]
mod escapes;
#[path = "../../crates/server/src/failure.rs"]
mod failure;
#[path = "../../crates/server/src/backup/format.rs"]
mod format;
#[path = "../../crates/server/src/backup/fuzz_targets.rs"]
mod fuzz_targets;
#[path = "../../crates/server/src/backup/read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::backup_file(bytes));
