//! The fuzz target `webauthn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::webauthn(bytes));
