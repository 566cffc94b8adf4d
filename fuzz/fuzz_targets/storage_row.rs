//! The fuzz target `storage_row`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::storage_row(bytes));
