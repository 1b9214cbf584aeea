//! A balancer's PROXY protocol header, and what is behind it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::proxy(data));
