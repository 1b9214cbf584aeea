//! SASL responses of any kind.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::sasl(data));
