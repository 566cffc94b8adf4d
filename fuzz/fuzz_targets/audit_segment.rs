//! The fuzz target `audit_segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::audit_segment(bytes));
