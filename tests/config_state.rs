//! What saslgate writes, and where, if nothing or something is said.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, account, loaded, machine};
use saslgate::config::{Config, Given, load};
use saslgate::token::store::KeySource;

fn on(machine: &Given, path: &str, more: &str) -> Config {
    let text = format!("{APP}{}{more}", account("a@contoso.com", ""));
    let secret = Path::new(path).with_file_name("secret");
    let machine = machine.clone().file(secret.to_str().unwrap(), "the-Value");
    load(Path::new(path), &machine.file(path, text)).unwrap()
}

/// The store and the control socket.
fn places(config: &Config) -> [&str; 2] {
    let state = &config.state;
    [&state.store.path, &state.control].map(|path| path.to_str().unwrap())
}

#[test]
fn state_goes_where_a_service_and_a_person_find_the_same_of_it() {
    let home = || machine().variable("HOME", "/home/alice");
    let own = "/home/alice/saslgate.toml";
    let etc = "/etc/saslgate/saslgate.toml";
    let cases = [
        (
            home(),
            etc,
            ["/var/lib/saslgate/tokens", "/var/lib/saslgate/control/socket"],
        ),
        (
            home().variable("STATE_DIRECTORY", "/var/lib/private/x"),
            etc,
            ["/var/lib/private/x/tokens", "/var/lib/private/x/control/socket"],
        ),
        (
            home(),
            own,
            [
                "/home/alice/.local/state/saslgate/tokens",
                "/home/alice/.local/state/saslgate/control/socket",
            ],
        ),
        (
            home().variable("XDG_STATE_HOME", "/state"),
            own,
            ["/state/saslgate/tokens", "/state/saslgate/control/socket"],
        ),
        (
            machine(),
            own,
            ["/home/alice/state/tokens", "/home/alice/state/control/socket"],
        ),
    ];
    for (machine, path, expected) in &cases {
        assert_eq!(places(&on(machine, path, "")), *expected);
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn places_that_are_named_count_from_the_file() {
    let text = format!(
        "{APP}{}[store]\npath = \"state/tokens\"\n[server]\ncontrol = \"/run/saslgate/control\"\n",
        account("a@contoso.com", "")
    );
    assert_eq!(
        places(&loaded(&text)),
        ["/etc/saslgate/state/tokens", "/run/saslgate/control"]
    );
}

#[test]
fn the_key_of_the_store_comes_from_where_the_file_says_or_is_found() {
    let etc = "/etc/saslgate/saslgate.toml";
    let machine = machine()
        .variable("STORE_KEY", "CANARY")
        .variable("CREDENTIALS_DIRECTORY", "/run/credentials/saslgate");
    let key = |more: &str| on(&machine, etc, more).state.store.key;
    let file = key("[store]\nkey_file = \"store.key\"\n");
    assert!(matches!(file, KeySource::File(path) if path == Path::new("/etc/saslgate/store.key")));
    let value = key("[store]\nkey_env = \"STORE_KEY\"\n");
    assert!(matches!(value, KeySource::Value(key) if key.expose() == "CANARY"));
    let KeySource::Found {
        credentials: Some(path),
    } = key("")
    else {
        panic!("no credentials")
    };
    assert_eq!(path, Path::new("/run/credentials/saslgate"));
    let shown = format!("{:?}", on(&machine, etc, "[store]\nkey_env = \"STORE_KEY\"\n"));
    assert!(!shown.contains("CANARY"));
}
