//! What an operator reads about a configuration that is wrong.
//!
//! Each `tests/golden/config/NAME.toml` is loaded and its report compared with `NAME.txt`. After a change that is meant,
//! `SASLGATE_BLESS=1 cargo test --test config_problems` writes the reports anew; read the difference.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

use std::fs;
use std::path::{Path, PathBuf};

use saslgate::config::{Given, Problems, load};

/// What the golden files refer to. `CANARY` is a secret wherever it stands: no report may show it.
fn machine() -> Given {
    let mut machine = Given::default()
        .file("secret", "abc8Q~the-value-of-a-client-secret\n")
        .file("secret-id", "0a0b0c0d-1111-2222-3333-444455556666\n")
        .file("two-lines", "one\ntwo\n")
        .file("empty", "")
        .file("writable", "CANARY")
        .file("readable", "CANARY")
        .file("plain", "CANARY horse battery staple\n")
        .file("hash", "sg2:19456:2:1:CANARY:CANARY")
        .variable("SECRET", "CANARY")
        .variable("PLAIN", "CANARY CANARY")
        .variable("TENANT", "CANARY/");
    machine.files.get_mut(Path::new("writable")).unwrap().1 = 0o666;
    machine.files.get_mut(Path::new("readable")).unwrap().1 = 0o644;
    machine
}

fn report(text: &[u8]) -> Problems {
    let machine = machine().file("saslgate.toml", text);
    match load(Path::new("saslgate.toml"), &machine) {
        Ok(config) => config.warnings,
        Err(problems) => problems,
    }
}

fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

#[test]
fn every_problem_of_a_file_is_told_at_once_in_words_that_mend_it() {
    let files = golden();
    for file in &files {
        let said = format!("{}\n", report(&fs::read(file).unwrap()));
        let expected = file.with_extension("txt");
        if std::env::var_os("SASLGATE_BLESS").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap();
        for (said, expected) in said.lines().zip(expected.lines()) {
            assert_eq!(said, expected, "{}", file.display());
        }
        assert_eq!(
            said.lines().count(),
            expected.lines().count(),
            "{}",
            file.display()
        );
        assert!(!said.contains("CANARY"), "{}", file.display());
    }
    assert_eq!(files.len(), 12);
}
