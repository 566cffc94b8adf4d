//! The fuzz target `ssh_public_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::ssh_public_key(bytes));
