//! `saslgate password` and `saslgate certs` as a person and a script meet them: exit codes, what goes where, and that
//! `saslgate check` accepts what they print.

#![allow(clippy::unwrap_used)] // a test may fail

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a command with that standard input.
fn saslgate(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that takes no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_command_says_by_its_exit_code_and_on_standard_error_what_went_wrong() {
    let table: [(&[&str], &[u8], i32, &str); 12] = [
        (&["password"], b"", 0, ""),
        (&["password", "--choose"], b"correct horse battery\n", 0, ""),
        (&["password", "--stdin"], b"correct horse battery", 0, ""),
        (
            &["password", "--stdin"],
            b"hunter2\n",
            1,
            "saslgate: warning: it has fewer than 12 characters",
        ),
        (
            &["password", "--stdin"],
            b"",
            2,
            "saslgate: the password is empty",
        ),
        (
            &["password", "--stdin"],
            b"\xff\n",
            2,
            "saslgate: the password is not UTF-8",
        ),
        (
            &["password", "correct horse battery"],
            b"",
            2,
            "error: unexpected argument",
        ),
        (&["certs"], b"", 2, "error: the following required arguments"),
        (
            &["certs", "/dev/null/tls"],
            b"",
            2,
            "saslgate: /dev/null/tls can't be made",
        ),
        (
            &["certs", "app"],
            b"",
            2,
            "error: the following required arguments",
        ),
        (
            &["certs", "app", "/dev/null/app"],
            b"",
            2,
            "saslgate: /dev/null/app can't be made",
        ),
        (
            &["certs", "app", "/dev/null/app", "--days", "0"],
            b"",
            2,
            "error: invalid value '0' for '--days <DAYS>'",
        ),
    ];
    for (args, input, code, expected) in table {
        let output = saslgate(args, input);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(
            stderr(&output).starts_with(expected),
            "{args:?}: {}",
            stderr(&output)
        );
        assert_eq!(stderr(&output).is_empty(), expected.is_empty(), "{args:?}");
        assert_eq!(stdout(&output).is_empty(), code == 2, "{args:?}");
        assert!(!stderr(&output).contains("hunter2"));
    }
}

/// The lines of a text from one that starts so to one that starts so.
fn between(text: &str, first: &str, end: &str) -> String {
    let lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with(first));
    let lines = lines.take_while(|line| !line.starts_with(end)).map(str::trim);
    lines.collect::<Vec<_>>().join("\n")
}

fn check(dir: &Path, configuration: &str) -> Output {
    let file = dir.join("saslgate.toml");
    fs::write(&file, configuration).unwrap();
    saslgate(&["check", "--config", file.to_str().unwrap()], b"")
}

#[test]
fn check_accepts_what_password_and_certs_print() {
    let dir = tempfile::tempdir().unwrap();
    let tls = dir.path().join("tls");
    let made = saslgate(
        &[
            "certs",
            tls.to_str().unwrap(),
            "--ecdsa",
            "--name",
            "mail.example.net",
        ],
        b"",
    );
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let listeners = between(&stdout(&made), "[[listener]]", "How to trust");
    let generated = between(&stdout(&saslgate(&["password"], b"")), "password = ", "never");
    let chosen = saslgate(&["password", "--stdin"], b"correct horse battery");
    let chosen = between(&stdout(&chosen), "password = ", "never");
    for password in [generated, chosen] {
        let configuration = format!(
            "[app]\ngrant = \"command\"\ncommand = [\"/bin/true\"]\n\n\
             [[account]]\nlogin = \"alice@contoso.com\"\n{password}\n{listeners}"
        );
        let checked = check(dir.path(), &configuration);
        assert_eq!(checked.status.code(), Some(0), "{}", stdout(&checked));
        assert!(stdout(&checked).contains("passwords: 1"), "{}", stdout(&checked));
        assert!(stdout(&checked).contains("Listeners: 3"), "{}", stdout(&checked));
    }
}

#[test]
fn certificates_are_renewed_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let tls = dir.path().to_str().unwrap();
    let server = || fs::read_to_string(dir.path().join("server.pem")).unwrap();
    assert_eq!(saslgate(&["certs", tls, "--ecdsa"], b"").status.code(), Some(0));
    let first = server();

    let again = saslgate(&["certs", tls], b"");
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).contains("nothing was made"), "{}", stdout(&again));
    let named = saslgate(&["certs", tls, "--name", "mail.example.net"], b"");
    assert_eq!(named.status.code(), Some(2));
    assert!(stderr(&named).contains("is there already"), "{}", stderr(&named));
    assert_eq!(server(), first);

    let renewed = saslgate(&["certs", tls, "--renew"], b"");
    assert_eq!(renewed.status.code(), Some(0), "{}", stderr(&renewed));
    assert!(stdout(&renewed).starts_with("Renewed "));
    assert_ne!(server(), first);
}

#[test]
fn check_accepts_the_certificate_of_an_app() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app");
    let made = saslgate(&["certs", "app", app.to_str().unwrap()], b"");
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let lines = between(&stdout(&made), "[app]", "Before");
    let configuration = format!(
        "{lines}\ngrant = \"client_credentials\"\ntenant = \"contoso.com\"\n\
         client_id = \"11111111-2222-3333-4444-555555555555\"\n\n[[account]]\nlogin = \"alice@contoso.com\"\n{}",
        between(&stdout(&saslgate(&["password"], b"")), "password = ", "never")
    );
    let checked = check(dir.path(), &configuration);
    assert_eq!(checked.status.code(), Some(0), "{}", stdout(&checked));
    let proof = format!("proof: the certificate {}", app.join("app.pem").display());
    assert!(stdout(&checked).contains(&proof), "{}", stdout(&checked));

    let key = fs::read(app.join("app.key")).unwrap();
    let again = saslgate(&["certs", "app", app.to_str().unwrap()], b"");
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
    assert_eq!(fs::read(app.join("app.key")).unwrap(), key);
}

/// The commands that the help of one lists, the ones below them included, each with its long options.
fn commands_below(above: &[&str], found: &mut Vec<(Vec<String>, Vec<String>)>) {
    let help = stdout(&saslgate(&[above, &["--help"]].concat(), b""));
    let options = help.lines().filter_map(|line| {
        let (_, option) = line.split_once("--").filter(|(before, _)| before.len() <= 6)?;
        Some(option.split([' ', '.', '=']).next().unwrap().to_owned())
    });
    let name = above.iter().map(|word| (*word).to_owned()).collect();
    found.push((name, options.collect()));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap_or("help");
        if command != "help" {
            commands_below(&[above, &[command]].concat(), found);
        }
    }
}

#[test]
fn the_manual_page_and_the_completions_know_every_command_and_option() {
    let mut commands = Vec::new();
    commands_below(&[], &mut commands);
    let man = stdout(&saslgate(&["man"], b""));
    let scripts = ["bash", "zsh", "fish"].map(|shell| {
        let output = saslgate(&["completions", shell], b"");
        assert_eq!(output.status.code(), Some(0), "{shell}");
        stdout(&output)
    });
    let mut options_seen = 0;
    for (words, options) in &commands {
        let heading = format!(".SH \"saslgate {}\"\n", words.join(" ").replace('-', "\\-"));
        assert!(words.is_empty() || man.contains(&heading), "{heading}");
        for script in &scripts {
            assert!(
                words.iter().all(|word| script.contains(word.as_str())),
                "{words:?}"
            );
        }
        for option in options {
            let in_man = format!("\\-\\-{}", option.replace('-', "\\-"));
            assert!(man.contains(&in_man), "{words:?} {in_man}");
            for script in &scripts {
                assert!(script.contains(option.as_str()), "{words:?} --{option}");
            }
            options_seen += 1;
        }
    }
    let of_demo = usize::from(cfg!(feature = "demo"));
    assert!(commands.len() >= 12 + of_demo, "{commands:?}");
    assert!(options_seen > 40, "only {options_seen} options seen");
    assert!(man.contains("\n.TH saslgate 1 "), "{man}");
}

/// The page makes its list of the table by which variables are read; what the reference says of them is held against it.
#[test]
fn the_manual_page_has_every_variable_of_a_saslgate_without_a_file() {
    let man = stdout(&saslgate(&["man"], b""));
    let reference =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reference.toml")).unwrap();
    let (_, without_a_file) = reference.split_once("# --- Without a file ---").unwrap();
    let words = without_a_file.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    let named: BTreeSet<_> = words
        .filter(|word| word.len() > "SASLGATE_".len() && word.starts_with("SASLGATE_"))
        .collect();
    let (_, environment) = man.split_once("\n.SH ENVIRONMENT\n").unwrap();
    let listed: BTreeSet<_> = environment
        .lines()
        .filter_map(|line| line.strip_prefix(".B "))
        .filter(|name| {
            name.starts_with("SASLGATE_") && !["SASLGATE_CONFIG", "SASLGATE_CONTAINER"].contains(name)
        })
        .collect();
    assert_eq!(listed, named);
    assert!(listed.len() >= 24, "{listed:?}");
    for said in [
        ".B SASLGATE_LOGIN\n`login` of [[account]]\n",
        ".B SASLGATE_HEALTH\n`bind` of [health], with commas between several\n",
    ] {
        assert!(environment.contains(said), "{environment}");
    }
}

/// The variables that the compose file sets for saslgate, with what the shell is asked for filled in.
fn variables_of_the_compose_file() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples/compose.yaml");
    let text = fs::read_to_string(file).unwrap();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("SASLGATE_"));
    let pairs = lines.filter_map(|line| line.split_once(": "));
    pairs
        .map(|(name, value)| {
            let value = if value.starts_with("${") {
                "correct-horse-battery"
            } else {
                value
            };
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

#[test]
fn check_accepts_the_variables_of_the_compose_file() {
    let variables = variables_of_the_compose_file();
    assert_eq!(variables.len(), 7, "{variables:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_saslgate"))
        .args(["check"])
        .env_remove("SASLGATE_CONFIG")
        .envs(variables)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    assert!(stdout(&output).contains("Accounts: 1"), "{}", stdout(&output));
}
