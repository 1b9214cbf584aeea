//! Bytes in any pieces, cut into lines and literals.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::framer(data));
