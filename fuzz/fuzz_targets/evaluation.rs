//! The fuzz target `evaluation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::evaluation(bytes));
