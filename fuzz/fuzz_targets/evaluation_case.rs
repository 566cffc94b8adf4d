//! The fuzz target `evaluation_case`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::evaluation_case(bytes));
