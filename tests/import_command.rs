//! `saslgate import` as a person meets it: what is written, for whom, and what never is.

#![allow(clippy::unwrap_used)] // a test may fail

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A token and its salt, made by Python; the password is the first field.
fn vector() -> Vec<&'static str> {
    let vectors = include_str!("golden/fernet.txt");
    let line = vectors.lines().find(|line| !line.starts_with('#')).unwrap();
    line.split('\t').collect()
}

fn configuration() -> String {
    let fields = vector();
    let (salt, iterations, token) = (fields[1], fields[2], fields[5]);
    format!(
        "[IMAP-1993]\nserver_address = outlook.office365.com\nserver_port = 993\nlocal_address = 127.0.0.1\n\n\
         [alice@contoso.com]\npermission_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize\n\
         token_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\n\
         oauth2_scope = https://outlook.office365.com/IMAP.AccessAsUser.All offline_access\n\
         redirect_uri = http://localhost\nclient_id = 11111111-2222-3333-4444-555555555555\nclient_secret = s~ecret\n\
         token_salt = {salt}\ntoken_iterations = {iterations}\nrefresh_token = {token}\n"
    )
}

/// Runs saslgate with its state in that folder.
fn saslgate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .args(args)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("STATE_DIRECTORY")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let [out, error] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    out + &error
}

fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("emailproxy.config"), configuration()).unwrap();
    folder
}

const IMPORT: [&str; 5] = ["import", "emailproxy", "emailproxy.config", "--to", "new"];

#[test]
fn what_is_written_can_be_used_and_its_secrets_are_for_their_owner_alone() {
    let folder = prepared();
    let done = saslgate(folder.path(), &IMPORT);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(said(&done).contains("first login: 1"), "{}", said(&done));

    let secret = folder.path().join("new/microsoft365.secret");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "s~ecret");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let checked = saslgate(folder.path(), &["check", "--config", "new/saslgate.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert!(
        said(&checked).contains("passwords: imported"),
        "{}",
        said(&checked)
    );
    let status = saslgate(folder.path(), &["status", "--config", "new/saslgate.toml"]);
    assert!(
        said(&status).contains("waits for its mail client's first login"),
        "{}",
        said(&status)
    );
    // Neither the store nor the configuration has what could be guessed at in clear.
    for file in ["new/saslgate.toml", "state/saslgate/tokens"] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!text.contains(vector()[5]), "{file}");
    }
}

#[test]
fn nothing_is_written_over_and_nothing_at_all_in_a_dry_run() {
    let folder = prepared();
    let shown = saslgate(folder.path(), &[&IMPORT[..], &["--dry-run"]].concat());
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(
        said(&shown).contains("password = \"imported\""),
        "{}",
        said(&shown)
    );
    assert!(!folder.path().join("new").exists() && !folder.path().join("state").exists());
    fs::create_dir(folder.path().join("new")).unwrap();
    let own = folder.path().join("new/saslgate.toml");
    fs::write(&own, "mine").unwrap();
    let refused = saslgate(folder.path(), &IMPORT);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
    assert!(
        !folder.path().join("new/microsoft365.secret").exists(),
        "all or none"
    );
}

#[test]
fn a_configuration_whose_store_is_elsewhere_is_refused_by_check() {
    let folder = prepared();
    assert_eq!(saslgate(folder.path(), &IMPORT).status.code(), Some(0));
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let checked = saslgate(folder.path(), &["check", "--config", "new/saslgate.toml"]);
    assert_eq!(checked.status.code(), Some(2), "{}", said(&checked));
    assert!(
        said(&checked).contains("alice@contoso.com: the token store"),
        "{}",
        said(&checked)
    );
    assert!(
        said(&checked).contains("fix: run `saslgate import`"),
        "{}",
        said(&checked)
    );
}

#[test]
fn another_file_is_told_apart() {
    let folder = prepared();
    let table: [(&[&str], &str); 4] = [
        (&["import", "emailproxy", "missing"], "missing can't be read"),
        (
            &["import", "davmail", "emailproxy.config"],
            "is this davmail.properties?",
        ),
        (
            &["import", "sasl-xoauth2", "emailproxy.config", "emailproxy.config"],
            "is this sasl-xoauth2.conf?",
        ),
        (
            &["import", "thunderbird", "emailproxy.config"],
            "unrecognized subcommand",
        ),
    ];
    for (args, expected) in table {
        let done = saslgate(folder.path(), args);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert!(said(&done).contains(expected), "{}", said(&done));
    }
}
