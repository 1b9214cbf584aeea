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
    check_with(config, &[])
}

fn check_with(config: &Path, more: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .arg("check")
        .arg("--config")
        .arg(config)
        .args(more)
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
Listeners: 3
  imap  127.0.0.1:1143 [::1]:1143  no TLS, logins from 127.0.0.0/8, ::1/128
  pop3  127.0.0.1:1110 [::1]:1110  no TLS, logins from 127.0.0.0/8, ::1/128
  smtp  127.0.0.1:1587 [::1]:1587  no TLS, logins from 127.0.0.0/8, ::1/128

Accounts: 1
  support@contoso.com  opens support@contoso.com  imap by \"app\", pop3 by \"app\", smtp by \"app\"  passwords: 1

Apps: 1
  \"app\"  preset microsoft365
    tokens: client credentials from https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token
    proof: a client secret
    permissions: IMAP.AccessAsApp, POP.AccessAsApp, SMTP.SendAsApp; application, of Office 365 Exchange Online, with admin consent
    mail: imap outlook.office365.com:993 TLS, pop3 outlook.office365.com:995 TLS, smtp smtp.office365.com:587 STARTTLS

Alerts: none, and no [health] to probe: who does not look at the log or at `saslgate status` hears of no trouble

DIR/saslgate.toml is sound
";
    assert_eq!(said, expected);
}

/// One of the two is enough: who scrapes metrics needs no mail about them, and the other way round.
#[test]
fn it_says_who_is_told_of_trouble() {
    let program = env!("CARGO_BIN_EXE_saslgate");
    let alert = format!(
        "[alert]\ncommand = [\"{program}\", \"CANARY\"]\nwebhook = \"https://chat.example.com/hook/CANARY\"\n\
         mail_from = \"support@contoso.com\"\nmail_to = [\"operator@example.com\"]\n"
    );
    let health = "[health]\nbind = \"127.0.0.1:9143\"\n";
    let alerts = format!(
        "\nAlerts: 3\n  command  {program}\n  webhook  chat.example.com\n  mail  operator@example.com\n"
    );
    let probed = "\nHealth: 1\n  http  127.0.0.1:9143\n";
    let open =
        health.replace("127.0.0.1", "0.0.0.0") + "allow_from = [\"10.0.0.0/8\"]\naccount_names = true\n";
    let cases = [
        (alert.clone(), alerts.clone()),
        (health.to_owned(), probed.to_owned()),
        (format!("{alert}{health}"), format!("{alerts}{probed}")),
        (
            open,
            "\nHealth: 1\n  http  0.0.0.0:9143  reachable from 10.0.0.0/8 only  names accounts\n".to_owned(),
        ),
    ];
    for (tables, expected) in &cases {
        let (code, said) = check_text(&format!("{SOUND}{tables}"), 0o600);
        assert!(code < 2 && said.contains(expected.as_str()), "{said}");
        assert!(!said.contains("Alerts: none"), "{said}");
    }
    assert_eq!(cases.len(), 4);
}

#[test]
fn warnings_errors_and_a_missing_file_have_exit_codes_of_their_own() {
    let listener = "\n[[listener]]\nprotocol = \"imap\"\nbind = \"0.0.0.0:1143\"\nplaintext_from = [\"10.0.0.0/8\"]\nallow_from = [\"10.0.0.0/8\"]\n";
    let cases = [
        (SOUND.to_owned(), 0o640, 0, "DIR/saslgate.toml is sound"),
        (
            SOUND.to_owned(),
            0o644,
            1,
            "DIR/saslgate.toml:5:22: warning: the file `DIR/secret` may be read by",
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
            "DIR/saslgate.toml:5:22: error: the file `DIR/secret` may be written by",
        ),
        (
            SOUND.replace("login", "logn"),
            0o600,
            2,
            "DIR/saslgate.toml:9:1: error: `logn` is not known in [[account]]",
        ),
    ];
    for (text, mode, code, beginning) in &cases {
        let (found, said) = check_text(text, *mode);
        assert_eq!(found, *code, "{said}");
        assert!(said.lines().any(|line| line.starts_with(beginning)), "{said}");
        assert!(
            said.lines().last().unwrap().starts_with("DIR/saslgate.toml "),
            "the line that counts is the last: {said}"
        );
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
                 proof: a client secret\n    mail: imap mail.example.com:993 TLS\n";
    assert!(said.contains(&format!("{shown}\nAlerts: none, ")), "{said}");
}

const PEOPLE: &str = r#"
[app]
tenant = "contoso.com"
client_id = "11111111-2222-3333-4444-555555555555"
grant = "GRANT"

[[account]]
login = "alice@contoso.com"
password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
protocols = ["imap"]

[[account]]
login = "bob@contoso.com"
password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
protocols = ["smtp"]
watch = false
"#;

/// What is said of one app, however many accounts make it another.
fn said_of_app(text: &str) -> String {
    let (code, said) = check_text(text, 0o600);
    assert_eq!(code, 0, "{said}");
    let (_, said) = said.split_once("Apps: 1\n").unwrap();
    said.split_once("\nAlerts: ").unwrap().0.to_owned()
}

const MAIL: &str = "    mail: imap outlook.office365.com:993 TLS, pop3 outlook.office365.com:995 TLS, smtp smtp.office365.com:587 STARTTLS\n";

#[test]
fn what_has_to_stand_in_the_portal_is_shown_as_it_is_pasted_there() {
    let with = |grant: &str, more: &str| PEOPLE.replace("\"GRANT\"", &format!("\"{grant}\"\n{more}"));
    let url = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token";
    let scope = "    scope: https://outlook.office.com/IMAP.AccessAsUser.All offline_access openid profile \
                 https://outlook.office.com/SMTP.Send\n    \
                 permissions: IMAP.AccessAsUser.All, offline_access, SMTP.Send; delegated, listed under Microsoft Graph\n";
    let public = "    proof: none: \"Allow public client flows\" has to be Yes (else AADSTS7000218)\n";
    let secret = "    proof: a client secret; a public app refuses it (AADSTS700025)\n";
    let redirect = |uri: &str, platform: &str| {
        format!(
            "    redirect URI: {uri}\n      register it to the letter under Authentication, platform {platform}\n"
        )
    };
    let head = "  \"app\"  preset microsoft365\n";
    let desktop = redirect("http://localhost:8425/", "Mobile and desktop applications");
    let web = redirect("https://desk.example.net/Callback", "Web");
    let cases = [
        (
            with("authorization_code", ""),
            format!(
                "{head}    tokens: a person's sign-in by browser, from {url}\n{public}{scope}{desktop}{MAIL}"
            ),
        ),
        (
            with(
                "authorization_code",
                "client_secret_file = \"secret\"\nredirect_uri = \"https://desk.example.net/Callback\"\ntoken_export = true",
            ),
            format!(
                "{head}    tokens: a person's sign-in by browser, from {url}\n{secret}{scope}{web}    \
                 token_export: whoever may run `saslgate token` gets its access tokens\n{MAIL}",
            ),
        ),
        (
            with("device_code", ""),
            format!(
                "{head}    tokens: a person's sign-in on another device, from {url}\n{public}{scope}{desktop}{MAIL}"
            ),
        ),
        (
            with("refresh_token", ""),
            format!(
                "{head}    tokens: a refresh token that is handed in, from {url}\n{public}{scope}{desktop}{MAIL}"
            ),
        ),
        (
            with("client_credentials", "managed_identity = true")
                .replace("tenant = \"contoso.com\"\n", "")
                .replace("client_id = \"11111111-2222-3333-4444-555555555555\"\n", ""),
            format!(
                "{head}    tokens: the managed identity of this virtual machine\n    \
                 permissions: IMAP.AccessAsApp, SMTP.SendAsApp; application, of Office 365 Exchange Online, with admin consent\n{MAIL}"
            ),
        ),
    ];
    for (text, expected) in &cases {
        assert_eq!(said_of_app(text), *expected, "{text}");
    }
    assert_eq!(cases.len(), 5);
    let (_, said) = check_text(&with("device_code", ""), 0o600);
    assert!(
        said.contains("passwords: 1\n") && said.contains("passwords: 1  not watched\n"),
        "{said}"
    );
}

#[test]
fn a_password_that_the_provider_judges_is_no_missing_one() {
    let password =
        "password = \"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";
    let text = PEOPLE
        .replace("GRANT", "password")
        .replacen(password, "", 1)
        .replace("watch = false", "upstream_password_file = \"secret\"");
    let (code, said) = check_text(&text, 0o600);
    assert_eq!(code, 0, "{said}");
    let expected = [
        "alice@contoso.com  opens alice@contoso.com  imap by \"app\"  passwords: the provider's\n",
        "smtp by \"app\"  passwords: 1, and one for the provider\n",
        "tokens: a person's password, shown to https://login.microsoftonline.com/contoso.com/",
    ];
    for line in expected {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("redirect URI"), "{said}");
}

#[test]
fn what_the_environment_says_of_an_app_is_shown() {
    let text = PEOPLE
        .replace("GRANT", "client_credentials")
        .replace("tenant = \"contoso.com\"\n", "");
    let folder = folder(&text, 0o600);
    let output = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .args(["check", "--config"])
        .arg(folder.path().join("saslgate.toml"))
        .env("AZURE_FEDERATED_TOKEN_FILE", folder.path().join("secret"))
        .env("AZURE_TENANT_ID", "contoso.com")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let expected = [
        "/secret\n    permissions: IMAP.AccessAsApp, SMTP.SendAsApp;",
        "    by: AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID of the environment\n",
    ];
    for line in expected {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("CANARY"), "{said}");
}

/// Listeners that are reached in all the ways there are.
const EXPOSED: &str = r#"
[app.people]
tenant = "contoso.onmicrosoft.com"
client_id = "11111111-2222-3333-4444-555555555555"
client_secret_file = "secret"
grant = "authorization_code"

[[account]]
login = "support@contoso.com"
app = "people"
password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
allow_from = ["10.0.0.0/8", "192.0.2.7"]

[[account]]
login = "scanner@contoso.com"
app = "people"
password_file = "secret"
protocols = ["smtp", "imap"]

[[listener]]
protocol = "pop3"
bind = ["0.0.0.0:995", "[::]:995"]
tls = "implicit"
certificate = "server.pem"
key = "server.key"
allow_from = ["192.0.2.0/25"]
passwords = "generated"

[[listener]]
protocol = "imap"
bind = "10.0.0.1:143"
tls = "starttls"
certificate = "server.pem"
key = "server.key"
proxy_protocol = true
proxy_from = ["10.0.0.5"]
allow_from = ["10.0.0.0/8"]

[[listener]]
protocol = "smtp"
bind = "10.0.0.1:25"
allow_from = ["10.0.0.0/8"]
devices = { "10.1.2.3" = "scanner@contoso.com", "10.1.3.0/24" = "scanner@contoso.com" }

[[listener]]
protocol = "pop3"
bind = "localhost:1110"

[server]
control = "/run/saslgate/control"

[health]
bind = "10.0.0.1:9143"
allow_from = ["10.9.0.0/16"]

[admin]
bind = "10.0.0.1:8424"
url = "https://mail.contoso.com"
behind_proxy = true
allow_from = ["10.0.0.6"]
"#;

#[test]
fn what_is_exposed_is_told_to_people_and_to_programs() {
    let folder = folder(EXPOSED, 0o600);
    let made = rcgen::generate_simple_self_signed(["mail.contoso.com".to_owned()]).unwrap();
    fs::write(folder.path().join("server.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("server.key"), made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(
        folder.path().join("server.key"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    let config = folder.path().join("saslgate.toml");
    let (code, said) = check_with(&config, &["--exposed"]);
    let expected = "\
What can be reached, from where, and who gets in

pop3 at 0.0.0.0:995 and [::]:995
  reached from  192.0.2.0/25
  TLS           1.2 or newer, from the first byte
  passwords     generated ones only
  logs in       support@contoso.com, by a generated password, only from 10.0.0.0/8, 192.0.2.7/32

imap at 10.0.0.1:143
  reached from  10.0.0.0/8, through 10.0.0.5/32 (PROXY protocol)
  TLS           1.2 or newer, by STARTTLS before any login or mail
  passwords     generated ones and those that a person chose
  logs in       support@contoso.com, by a generated password, only from 10.0.0.0/8, 192.0.2.7/32
  logs in       scanner@contoso.com, by a chosen password

smtp at 10.0.0.1:25
  reached from  10.0.0.0/8
  TLS           none; logins from 127.0.0.0/8, ::1/128 are taken in clear, others refused
  passwords     generated ones and those that a person chose
  logs in       support@contoso.com, by a generated password, only from 10.0.0.0/8, 192.0.2.7/32
  logs in       scanner@contoso.com, by a chosen password
  no password   10.1.2.3/32 sends as scanner@contoso.com
  no password   10.1.3.0/24 sends as scanner@contoso.com

pop3 at 127.0.0.1:1110 and [::1]:1110
  reached from  this machine only
  TLS           none; logins from 127.0.0.0/8, ::1/128 are taken in clear, others refused
  passwords     generated ones and those that a person chose
  logs in       support@contoso.com, by a generated password, only from 10.0.0.0/8, 192.0.2.7/32

probes and scrapes at 10.0.0.1:9143
  reached from  this machine and 10.9.0.0/16
  TLS           none: plain HTTP, GET only
  who gets in   anybody, without a login; it shows states and numbers without any name, and changes nothing

the admin page at 10.0.0.1:8424
  reached from  this machine and 10.0.0.6/32, as https://mail.contoso.com/ only
  TLS           none here: the proxy in front does it
  who gets in   whoever knows the token in the file admin-token beside the token store; a link for one sign-in opens that alone

While somebody signs in by browser: http://localhost:8425/, from this machine only.
Commands: the socket /run/saslgate/control, for saslgate's own user and root.
No other port is opened.
";
    assert_eq!(said, expected);
    assert_eq!(code, 0);

    let (code, said) = check_with(&config, &["--exposed", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 0);
    assert_eq!(told["listeners"].as_array().unwrap().len(), 4);
    assert_eq!(
        told["listeners"][0]["addresses"],
        serde_json::json!(["0.0.0.0:995", "[::]:995"])
    );
    assert_eq!(told["listeners"][0]["only_generated"], true);
    assert_eq!(
        told["listeners"][1]["balancers"],
        serde_json::json!(["10.0.0.5/32"])
    );
    assert_eq!(
        told["listeners"][2]["devices"][0],
        serde_json::json!({"network": "10.1.2.3/32", "sends_as": "scanner@contoso.com"})
    );
    assert_eq!(told["admin"]["url"], "https://mail.contoso.com/");
    assert_eq!(told["health"]["from"], serde_json::json!(["10.9.0.0/16"]));
    assert_eq!(
        told["during_sign_in"],
        serde_json::json!(["http://localhost:8425/"])
    );
}

/// Nobody finds one warning above 200 accounts.
#[test]
fn of_two_hundred_accounts_the_warnings_stand_on_the_last_screen() {
    const SCREEN: usize = 24;
    let password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let account =
        |number| format!("\n[[account]]\nlogin = \"user{number}@contoso.com\"\npassword = \"{password}\"\n");
    let accounts: Vec<_> = (0..200).map(account).collect();
    let accounts = accounts.concat();
    let (code, said) = check_text(&format!("{SOUND}{accounts}"), 0o644);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("\nAccounts: 201\n"), "{said}");
    let lines: Vec<_> = said.lines().collect();
    let screen = lines[lines.len() - SCREEN..].join("\n");
    assert!(screen.contains("DIR/saslgate.toml:5:22: warning: "), "{screen}");
    assert_eq!(
        *lines.last().unwrap(),
        "DIR/saslgate.toml can be used; warnings: 1"
    );
}

/// A file without errors was sound, and nobody could sign in or log in with the key that there was.
#[test]
fn a_token_store_that_its_key_does_not_open_is_told() {
    let text = SOUND
        .replace("client_secret_file = \"secret\"\n", "")
        .replace("client_credentials", "device_code")
        + "[store]\npath = \"tokens\"\n";
    let folder = folder(&text, 0o600);
    let file = folder.path().join("saslgate.toml");
    assert_eq!(check(&file).0, 0, "{}", check(&file).1);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "a check makes nothing"
    );

    let store = folder.path().join("tokens");
    fs::write(&store, "saslgate\n").unwrap();
    let key = folder.path().join("tokens.key");
    for (content, what) in [(None, "is missing"), (Some(""), "is no key")] {
        if let Some(content) = content {
            fs::write(&key, content).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let (code, said) = check(&file);
        assert_eq!(code, 1, "{said}");
        let files = ["", ".prev", ".key"].map(|ending| format!("{}{ending}", store.display()));
        assert!(
            said.contains(what) && said.contains(&format!("`rm -f {}`", files.join(" "))),
            "{said}"
        );
        assert!(
            said.lines().last().unwrap().ends_with("can be used; warnings: 1"),
            "{said}"
        );
    }
}
