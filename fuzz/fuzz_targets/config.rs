//! A configuration with anything in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::config(data));
