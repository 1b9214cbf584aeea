//! What a configuration was read from, and whether it is still the same.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, account, machine};
use saslgate::config::{Given, Origin, Sources, read};

const FILE: &str = "/etc/saslgate/saslgate.toml";

const PARTS: &str = "/etc/saslgate/conf.d";

fn with(text: &str) -> Given {
    machine().file(FILE, text)
}

fn sources(machine: &Given) -> Sources {
    read(&Origin::File(FILE.into()), machine).1
}

fn paths(sources: &Sources) -> Vec<&str> {
    sources.paths().map(|path| path.to_str().unwrap()).collect()
}

#[test]
fn every_file_that_was_read_is_watched_and_each_change_of_one_is_seen() {
    let more = "password_file = \"plain\"\n[upstream]\nca_file = \"ca.pem\"";
    let text = format!(
        "{APP}{}",
        account("a@contoso.com", "").replace("password =", "#") + more
    );
    let machine = with(&text).file("/etc/saslgate/plain", "a plain password");
    let sources = sources(&machine);
    let read = [
        "/etc/saslgate/ca.pem",
        "/etc/saslgate/plain",
        FILE,
        "/etc/saslgate/secret",
    ];
    // A file can come there.
    assert_eq!(paths(&sources), [&read[..], &[PARTS]].concat());
    assert!(!sources.changed(&machine));
    for path in read {
        assert!(
            sources.changed(&machine.clone().file(path, "otherwise")),
            "{path}"
        );
        let mut without = machine.clone();
        without.files.remove(Path::new(path)).unwrap();
        assert!(sources.changed(&without), "{path} is gone");
        // `chmod` mends what others could write.
        let mut open = machine.clone();
        open.files.get_mut(Path::new(path)).unwrap().1 = 0o666;
        assert!(sources.changed(&open), "{path} is open to others");
    }
    assert!(!sources.changed(&machine.file("/etc/saslgate/neighbour", "")));
}

#[test]
fn what_keeps_a_configuration_from_being_used_is_watched_too() {
    let missing = Given::default();
    let nothing = sources(&missing);
    assert_eq!(paths(&nothing), [FILE, PARTS]);
    assert!(!nothing.changed(&missing));
    assert!(nothing.changed(&with("")));

    let without_secret = {
        let mut machine = with(&format!("{APP}{}", account("a@contoso.com", "")));
        machine.files.remove(Path::new("/etc/saslgate/secret"));
        machine
    };
    let wrong = sources(&without_secret);
    assert_eq!(paths(&wrong), [FILE, "/etc/saslgate/secret", PARTS]);
    assert!(wrong.changed(&without_secret.file("/etc/saslgate/secret", "the-Value")));

    let broken = sources(&with("[app"));
    assert_eq!(paths(&broken), [FILE, PARTS]);
    assert!(broken.changed(&with("[app]")) && !broken.changed(&with("[app")));
}

#[test]
fn nothing_of_a_secret_is_in_what_is_kept_of_it() {
    let machine =
        with(&format!("{APP}{}", account("a@contoso.com", ""))).file("/etc/saslgate/secret", "CANARY");
    assert!(!format!("{:?}", sources(&machine)).contains("CANARY"));
}
