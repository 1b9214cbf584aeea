//! What fuzzers start from, replayed on the stable toolchain. A finding goes into `fuzz/corpus/` once it is mended.

#![allow(clippy::unwrap_used)] // a test may fail

use std::fs;
use std::path::Path;

use saslgate::fuzzing::{config, downstream, framer, proxy, sasl, upstream, users_file};
use saslgate::provider::Protocol;

type Target = (&'static str, fn(&[u8]), usize);

/// Every target, and how many files its corpus has at least: an empty folder would prove nothing.
const TARGETS: [Target; 11] = [
    ("config", config, 38),
    ("downstream_imap", |data| downstream(Protocol::Imap, data), 52),
    ("downstream_pop3", |data| downstream(Protocol::Pop3, data), 37),
    ("downstream_smtp", |data| downstream(Protocol::Smtp, data), 40),
    ("framer", framer, 24),
    ("proxy", proxy, 30),
    ("sasl", sasl, 55),
    ("upstream_imap", |data| upstream(Protocol::Imap, data), 47),
    ("upstream_pop3", |data| upstream(Protocol::Pop3, data), 26),
    ("upstream_smtp", |data| upstream(Protocol::Smtp, data), 45),
    ("users_file", users_file, 19),
];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn nothing_in_a_corpus_is_a_finding() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (target, replay, at_least) in TARGETS {
        let folder = fuzz.join("corpus").join(target);
        let files = names(&folder);
        assert!(
            files.len() >= at_least,
            "{target}: {} files, once there were {at_least}",
            files.len()
        );
        for file in files {
            // Shown if it panics.
            println!("{target}/{file}");
            replay(&fs::read(folder.join(file)).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_corpus_that_is_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let known = TARGETS.map(|(target, ..)| target.to_owned());
    let programs = names(&fuzz.join("fuzz_targets"));
    let programs: Vec<_> = programs
        .iter()
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(programs, known);
    assert_eq!(names(&fuzz.join("corpus")), known);
}
