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
use std::sync::OnceLock;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use saslgate::config::{Given, Problems, load, report};

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
        .file("upstream", "CANARY of the provider")
        .file("token", "a.CANARY.c")
        .file("service.json", keys().service_account.clone())
        .file("app.pem", keys().app[0].clone())
        .file("app.key", keys().app[1].clone())
        .file("ending.pem", keys().ending.clone())
        .file("other.key", keys().other.clone())
        .file("elliptic.pem", keys().elliptic[0].clone())
        .file("elliptic.key", keys().elliptic[1].clone())
        .variable("SECRET", "CANARY")
        .variable("PLAIN", "CANARY CANARY")
        .variable("TENANT", "CANARY/");
    machine.files.get_mut(Path::new("writable")).unwrap().1 = 0o666;
    machine.files.get_mut(Path::new("readable")).unwrap().1 = 0o644;
    machine
}

/// Keys and certificates. They are made once, because RSA keys take their time.
struct Keys {
    app: [String; 2],
    ending: String,
    other: String,
    elliptic: [String; 2],
    service_account: String,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let signed = |key: &KeyPair, until| {
        let mut params = CertificateParams::new(["saslgate".to_owned()]).unwrap();
        params.not_after = until;
        params.self_signed(key).unwrap().pem()
    };
    KEYS.get_or_init(|| {
        let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let elliptic = KeyPair::generate().unwrap();
        let (late, soon) = (date_time_ymd(2099, 1, 1), date_time_ymd(2026, 11, 30));
        Keys {
            app: [signed(&rsa, late), rsa.serialize_pem()],
            ending: signed(&rsa, soon),
            other: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem(),
            elliptic: [signed(&elliptic, late), elliptic.serialize_pem()],
            service_account: format!(
                r#"{{"type":"service_account","client_email":"mail@p.iam.gserviceaccount.com","private_key_id":"1","private_key":{:?}}}"#,
                rsa.serialize_pem()
            ),
        }
    })
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
    assert_eq!(files.len(), 24);
}

/// Ways in which a secret gets into a file, rightly or by mistake.
const SECRETS: &[&str] = &[
    "password = \"CANARY\"",
    "password = \"sg2:19456:2:1:CANARY:CANARY\"",
    "password = \"CANARY",
    "password = CANARY",
    "password = 'CANARY'",
    "password = \"\"\"\nCANARY\nlogin = \"CANARY\"\n\"\"\"",
    "password = '''\nCANARY",
    "password = [\n  \"CANARY\",\n  CANARY,\n]",
    "password = [\n  \"CANARY",
    "password = { value = \"CANARY\" }",
    "\"password\" = \"CANARY\"",
    "pasword = \"CANARY\"",
    "passwort = \"CANARY\" # CANARY",
    "login = \"a@contoso.com\" password = \"CANARY\"",
    "# password = \"CANARY\"\nlogin = 7 # CANARY",
    "password_file = \"CANARY\"",
    "password_env = \"CANARY\"",
    "smtp.password = \"CANARY\"",
    "password.imap = \"CANARY\"",
    "[app]\nclient_secret = \"CANARY\"",
    "[app]\nclient_secret_file = \"CANARY\"",
    "[app]\nclient_secret_env = \"CANARY~CANARY\"",
    "[app]\nclient_secret_expires = \"CANARY\"",
    "[app]\nclient_secret_file = [\"CANARY\"]",
    "[app]\ncertificate = \"CANARY\"",
    "[app]\ncertificate = \"plain\"\nkey = \"CANARY\"",
    "[app]\ncertificate = \"app.pem\"\nkey = \"plain\"\ngrant = \"client_credentials\"",
    "[app]\nservice_account_file = \"CANARY\"",
    "[app]\npreset = \"google\"\ngrant = \"client_credentials\"\nservice_account_file = \"plain\"",
    "upstream_password_file = \"CANARY\"",
    "[app]\ntenant = \"${SECRET}\"\nclient_id = \"${SECRET}\"",
    "[app]\ngrant = \"command\"\ncommand = [\"CANARY\", \"CANARY\"]",
    "[app]\ngrant = \"command\"\ncommand = [\"/bin/x\", \"CANARY",
    "[provider.mine]\ntoken_url = \"http://CANARY:CANARY@example.com/\"",
    "[upstream]\nproxy = \"http://CANARY:CANARY@example.com/\"",
    "[upstream]\nproxy = \"CANARY\"",
    "[store]\nkey = \"CANARY\"",
    "app = { client_secret = \"CANARY\" }",
];

/// Everything that somebody could be shown about a file.
fn shown(text: &[u8]) -> String {
    let problems = report(text);
    format!("{problems}\n{}\n{problems:?}", report::snippets(&problems))
}

#[test]
fn no_report_shows_a_secret_whatever_is_wrong_around_it() {
    let mut seen = 0;
    for line in SECRETS {
        let text = format!("[[account]]\nlogin = \"x@contoso.com\"\n{line}\nmailbox = 7\n");
        let text = text.as_bytes();
        for at in 0..text.len() {
            let cut = &text[..at];
            let without = [cut, &text[at + 1..]].concat();
            for broken in [cut, without.as_slice()] {
                let shown = shown(broken);
                seen += 1;
                assert!(
                    !shown.contains("CANAR"),
                    "{}\n---\n{shown}",
                    String::from_utf8_lossy(broken)
                );
            }
        }
    }
    assert!(seen > 4000, "{seen}");
}

#[test]
fn a_file_that_is_half_written_is_refused_with_a_reason() {
    let files = golden();
    let mut seen = 0;
    for file in files {
        let text = fs::read(&file).unwrap();
        for end in (0..text.len()).step_by(7) {
            let machine = machine().file("saslgate.toml", &text[..end]);
            if let Err(problems) = load(Path::new("saslgate.toml"), &machine) {
                assert!(problems.has_errors() && !problems.to_string().is_empty());
                seen += 1;
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn a_file_that_is_no_configuration_is_named_and_counted() {
    let cases: [(&[u8], &str); 4] = [
        (
            b"[app]\ntenant = \"caf\xe9\"",
            "saslgate.toml: error: the configuration cannot be read: line 2 is not UTF-8",
        ),
        (b"", "saslgate.toml: error: there is no [app]"),
        (b"\xef\xbb\xbf", "saslgate.toml: error: there is no [app]"),
        (b"\0\0\0\0", "saslgate.toml:1:1: error: this is not TOML"),
    ];
    for (text, beginning) in &cases {
        let said = report(text).to_string();
        assert!(said.starts_with(beginning), "{said}");
    }
    let many = report("x = 1\n".repeat(3).as_bytes());
    assert_eq!(many.errors, 1, "of what is no TOML the first is told");
    let keys: Vec<_> = (0..500).map(|n| format!("key{n} = {n}")).collect();
    let listed = report(keys.join("\n").as_bytes());
    assert_eq!((listed.list.len(), listed.unlisted()), (100, 402));
    assert!(listed.to_string().ends_with("saslgate.toml: and 402 more"));
    let missing = load(Path::new("nowhere.toml"), &Given::default()).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("nowhere.toml: error: the configuration cannot be read: there is no such file")
    );
}

#[test]
fn damaged_files_are_reported_within_their_lines() {
    // A small linear congruential generator: the same damage in every run.
    let mut state: u64 = 7;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut seen = 0;
    for file in golden() {
        let text = fs::read(&file).unwrap();
        for _ in 0..if text.is_empty() { 0 } else { 200 } {
            let mut text = text.clone();
            for _ in 0..=random(4) {
                let at = random(text.len());
                text[at] = *b"\"'[]{}=#.\n\r\t\\\x1b\xc3\xa4 0$".get(random(19)).unwrap();
            }
            saslgate::fuzzing::config(&text);
            seen += 1;
        }
    }
    assert_eq!(seen, 23 * 200);
}

/// O10: whoever writes a configuration has saslgate send an app's secret somewhere. It goes by https alone, and to nobody but the
/// preset's own hosts where a preset is named.
#[test]
fn no_endpoint_is_in_clear_or_in_the_place_of_a_presets() {
    let own = |url: &str| format!("preset = \"mine\"\n[provider.mine]\nimap = \"imap.example:993\"\n{url}\n");
    let cases = [
        (
            own("token_url = \"http://169.254.169.254/latest/token\""),
            "`token_url` is not https",
        ),
        (
            own("token_url = \"http://localhost:8080/token\""),
            "`token_url` is not https",
        ),
        (
            own("token_url = \"file:///etc/shadow\""),
            "`token_url` is not https",
        ),
        (
            own("token_url = \"gopher://127.0.0.1:25/x\""),
            "`token_url` is not https",
        ),
        (
            own("token_url = \"//login.example/token\""),
            "`token_url` is not a URL",
        ),
        (
            own("token_url = \"https://a:b@login.example/token\""),
            "has a user name or password",
        ),
        (
            own("token_url = \"https://login.example/token#x\""),
            "has a `#` in it",
        ),
        (
            own("device_url = \"http://login.example/device\""),
            "`device_url` is not https",
        ),
        (
            own("authorize_url = \"http://login.example/\""),
            "`authorize_url` is not https",
        ),
        (
            own("authorize_url = \"javascript:alert(1)\""),
            "`authorize_url` is not https",
        ),
        (
            "token_url = \"https://evil.example/token\"".to_owned(),
            "token_url",
        ),
        (
            "[provider.microsoft365]\ntoken_url = \"https://evil.example/token\"".to_owned(),
            "is the name of a preset",
        ),
        (
            "tenant = \"https://evil.example/contoso/oauth2/v2.0/token\"".to_owned(),
            "`tenant`",
        ),
        ("tenant = \"contoso.com/../../evil\"".to_owned(), "`tenant`"),
        ("tenant = \"x@evil.example\"".to_owned(), "`tenant`"),
    ];
    for (lines, expected) in &cases {
        let text = format!(
            "[app]\ngrant = \"client_credentials\"\nclient_id = \"a\"\nclient_secret_env = \"TENANT\"\n{lines}\n"
        );
        let said = report(text.as_bytes()).to_string();
        assert!(said.contains(expected), "{lines}: {said}");
    }
    assert_eq!(cases.len(), 15);
}
