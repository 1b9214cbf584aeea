//! A file with an account a line, with anything in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| saslgate::fuzzing::users_file(data));
