//! A mail client that says anything over IMAP.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::downstream(saslgate::provider::Protocol::Imap, data));
