#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| espial::fuzzing::round_trip(octets));
