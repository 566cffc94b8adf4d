//! The fuzz target `policy_document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::policy_document(bytes));
