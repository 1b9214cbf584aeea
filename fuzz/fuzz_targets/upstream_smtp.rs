//! A mail provider that says anything over SMTP.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::upstream(saslgate::provider::Protocol::Smtp, data));
