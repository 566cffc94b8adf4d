//! The fuzz target `policy_template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::policy_template(bytes));
