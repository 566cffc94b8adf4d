//! The fuzz target `saml_response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bailiwick_testing::fuzz::saml_response(bytes));
