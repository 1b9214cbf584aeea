//! `saslgate check`, the real binary on real files: what it prints, and its exit code.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const SOUND: &str = r#"
[app]
tenant = "contoso.onmicrosoft.com"
client_id = "11111111-2222-3333-4444-555555555555"
client_secret_file = "secret"
grant = "client_credentials"

[[account]]
login = "support@contoso.com"
password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"#;

/// A folder with a configuration and its secret.
fn folder(text: &str, mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("saslgate.toml"), text).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "CANARY").unwrap();
    fs::set_permissions(secret, fs::Permissions::from_mode(mode)).unwrap();
    folder
}

/// Exit code and output; nothing goes to standard error.
fn check(config: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .arg("check")
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn check_text(text: &str, mode: u32) -> (i32, String) {
    let folder = folder(text, mode);
    let (code, said) = check(&folder.path().join("saslgate.toml"));
    assert!(!said.contains("CANARY") && !said.contains('\u{1b}'), "{said}");
    (code, said.replace(folder.path().to_str().unwrap(), "DIR"))
}

#[test]
fn a_sound_configuration_is_summed_up() {
    let (code, said) = check_text(SOUND, 0o600);
    assert_eq!(code, 0, "{said}");
    let expected = "\
DIR/saslgate.toml is sound

Listeners: 3
  imap  127.0.0.1:1143 [::1]:1143  no TLS, logins from 127.0.0.0/8, ::1/128
  pop3  127.0.0.1:1110 [::1]:1110  no TLS, logins from 127.0.0.0/8, ::1/128
  smtp  127.0.0.1:1587 [::1]:1587  no TLS, logins from 127.0.0.0/8, ::1/128

Accounts: 1
  support@contoso.com  opens support@contoso.com  imap by \"app\", pop3 by \"app\", smtp by \"app\"  passwords: 1

Apps: 1
  \"app\"  preset microsoft365
    tokens: client credentials from https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token
    mail: imap outlook.office365.com:993 TLS, pop3 outlook.office365.com:995 TLS, smtp smtp.office365.com:587 STARTTLS
";
    assert_eq!(said, expected);
}

#[test]
fn warnings_errors_and_a_missing_file_have_exit_codes_of_their_own() {
    let listener =
        "\n[[listener]]\nprotocol = \"imap\"\nbind = \"0.0.0.0:1143\"\nplaintext_from = [\"10.0.0.0/8\"]\n";
    let cases = [
        (SOUND.to_owned(), 0o640, 0, "DIR/saslgate.toml is sound\n"),
        (
            SOUND.to_owned(),
            0o644,
            1,
            "DIR/saslgate.toml:5:22: warning: the file named here, in `DIR`, may be read by",
        ),
        (
            format!("{SOUND}{listener}"),
            0o600,
            1,
            "DIR/saslgate.toml:15:1: warning: passwords from 10.0.0.0/8 may cross",
        ),
        (
            SOUND.to_owned(),
            0o666,
            2,
            "DIR/saslgate.toml:5:22: error: the file named here, in `DIR`, may be written by",
        ),
        (
            SOUND.replace("login", "logn"),
            0o600,
            2,
            "DIR/saslgate.toml:8:1: error: [[account]] has no `login`",
        ),
    ];
    for (text, mode, code, beginning) in &cases {
        let (found, said) = check_text(text, *mode);
        assert_eq!(found, *code, "{said}");
        assert!(said.starts_with(beginning), "{said}");
        assert_eq!(
            said.contains("\nApps: 1\n"),
            *code < 2,
            "what would run is told only if it would: {said}"
        );
    }
    assert_eq!(cases.len(), 5);
    let huge = folder("", 0o600);
    let huge = huge.path().join("saslgate.toml");
    fs::File::create(&huge)
        .unwrap()
        .set_len(8 * 1024 * 1024 + 1)
        .unwrap();
    assert!(
        check(&huge)
            .1
            .contains(": it has more than 8 MiB; fix: name another file\n")
    );
    assert!(
        check(huge.parent().unwrap())
            .1
            .contains(": it is a directory; fix: name a file in it\n")
    );
    let (code, said) = check(Path::new("/nonexistent/saslgate.toml"));
    assert_eq!(code, 2);
    assert!(said.starts_with(
        "/nonexistent/saslgate.toml: error: the configuration cannot be read: there is no such file"
    ));
}

#[test]
fn a_host_that_the_operator_wrote_is_shown_as_such() {
    let own =
        "\n[provider.ours]\ntoken_url = \"https://localhost:8443/token\"\nimap = \"mail.example.com:993\"\n";
    let text = SOUND.replace(
        "tenant = \"contoso.onmicrosoft.com\"",
        "preset = \"ours\"\nscope = \"mail\"",
    ) + own;
    let (code, said) = check_text(&text, 0o600);
    assert_eq!(code, 0, "{said}");
    let shown = "  \"app\"  written in [provider.ours]\n    tokens: client credentials from https://localhost:8443/token\n    \
                 mail: imap mail.example.com:993 TLS\n";
    assert!(said.ends_with(shown), "{said}");
}
