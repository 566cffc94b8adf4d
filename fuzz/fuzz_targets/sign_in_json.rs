//! The fuzz target `sign_in_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::sign_in_json(bytes));
