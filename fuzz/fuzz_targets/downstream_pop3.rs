//! A mail client that says anything over POP3.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::downstream(saslgate::provider::Protocol::Pop3, data));
