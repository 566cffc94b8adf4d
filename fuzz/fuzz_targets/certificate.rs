//! The fuzz target `certificate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::certificate(bytes));
