//! The fuzz target `condition_value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::condition_value(bytes));
