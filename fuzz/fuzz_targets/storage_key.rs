//! The fuzz target `storage_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::storage_key(bytes));
