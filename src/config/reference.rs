//! The list of keys, the code that reads them and `config/reference.toml` say the same.

use std::collections::BTreeSet;
use std::path::Path;

use super::keys::{self, SHAPES, Shape};
use super::{Config, Given, Problems, load};
use crate::oauth::Grant;

const REFERENCE: &str = include_str!("../../config/reference.toml");

const APP: &str = "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                   client_secret_file = \"contoso.secret\"\ngrant = \"client_credentials\"\n";
const PROVEN: &str = "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                      grant = \"client_credentials\"\n";
const PEOPLE: &str = "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                      grant = \"authorization_code\"\n";
const PASSWORD: &str = "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                        grant = \"password\"\n";
const COMMAND: &str = "[app]\ngrant = \"command\"\ncommand = [\"/usr/local/bin/token\"]\n";
const ACCOUNT: &str = "[[account]]\nlogin = \"a@contoso.com\"\n\
                       password = \"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";

fn read(text: &str) -> Result<Config, Problems> {
    let mut machine = Given::default()
        .file("contoso.secret", "value")
        .file("support.password", "a plain password")
        .file("server.pem", "")
        .file("server.key", "")
        .file("company-ca.pem", "")
        .file("admin.password", "a plain password")
        .file("support.upstream", "a plain password")
        .file("webhook.header", "Bearer token")
        .file("app.pem", "")
        .file("users", "# nobody yet\n")
        .variable("STORE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .variable("CONTOSO_SECRET", "value")
        .variable("SUPPORT_PASSWORD", "a plain password");
    machine
        .programs
        .extend(["/usr/local/bin/token".into(), "/usr/local/bin/alert".into()]);
    load(Path::new("reference.toml"), &machine.file("reference.toml", text))
}

/// How the reference writes the keys of a shape: the table's name and the path within.
fn path(shape: &Shape, key: &str) -> String {
    let within = |outer: &str, inner: &str| format!("{outer}.{inner}.{key}");
    match shape.name {
        name if name == keys::ROOT.name => key.to_owned(),
        name if name.starts_with('`') => {
            let inner = name.split('`').nth(1).unwrap();
            let outer = if name.contains("provider") {
                "provider"
            } else {
                "account"
            };
            within(outer, inner)
        }
        name => {
            let name = name.trim_matches(['[', ']']);
            format!("{}.{key}", name.strip_suffix(".NAME").unwrap_or(name))
        }
    }
}

/// A line that sets a key, or would without the `#` right before it.
fn setting(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix('#').unwrap_or(line).split_once(" = ")?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.' | b'0'..=b'9');
    key.bytes().all(plain).then_some(key)
}

#[test]
fn the_reference_names_every_key_and_no_other() {
    let mut named = BTreeSet::new();
    let mut table = "";
    for line in REFERENCE.lines() {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).split('.').next().unwrap();
            named.insert(table.to_owned());
        } else if let Some(key) = setting(line) {
            // `smtp.app` names the key `smtp` too.
            let mut path = table.to_owned();
            for part in key.split('.') {
                path = format!("{path}.{part}").trim_start_matches('.').to_owned();
                named.insert(path.clone());
            }
        }
    }
    let known: BTreeSet<_> = SHAPES
        .iter()
        .flat_map(|shape| shape.keys.iter().map(|key| path(shape, key)))
        .collect();
    assert_eq!(named, known);
    assert!(known.len() > 60, "{}", known.len());
}

#[test]
fn every_key_of_the_reference_is_taken_also_those_that_are_not_set() {
    let as_it_is = read(REFERENCE).unwrap();
    assert!(as_it_is.warnings.list.is_empty(), "{}", as_it_is.warnings);
    let mut refused = Vec::new();
    let mut seen = 0;
    for (at, line) in REFERENCE
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('#'))
    {
        let Some(key) = setting(line) else { continue };
        let mut lines: Vec<_> = REFERENCE.lines().collect();
        lines[at] = &line[1..];
        let Err(problems) = read(&lines.join("\n")) else {
            seen += 1;
            continue;
        };
        refused.push((key, problems.list[0].what.clone()));
        seen += 1;
    }
    assert_eq!(seen, 34);
    // The others need a neighbour, or exclude one.
    let expected = [
        (
            "client_secret_env",
            "both `client_secret_file` and `client_secret_env` are given",
        ),
        (
            "certificate",
            "both `client_secret_file` and `certificate` are given",
        ),
        (
            "federated_token_file",
            "both `client_secret_file` and `federated_token_file` are given",
        ),
        (
            "managed_identity",
            "both `client_secret_file` and `managed_identity` are given",
        ),
        (
            "service_account_file",
            "both `client_secret_file` and `service_account_file` are given",
        ),
        ("tls", "this is not TOML"),
        (
            "upstream_password_file",
            "`upstream_password_file` has no use here",
        ),
        ("ca_file", "`ca_file` cannot be used"),
        ("certificate", "[admin] has no `key`"),
        ("key", "[admin] has no `certificate`"),
    ];
    assert_eq!(refused, expected.map(|(key, what)| (key, what.to_owned())));
}

#[test]
fn the_defaults_of_the_reference_are_the_defaults() {
    let reference = read(REFERENCE).unwrap();
    let smallest = read(&format!("{APP}{ACCOUNT}")).unwrap();
    assert_eq!(reference.limits, smallest.limits);
    assert_eq!(reference.log, smallest.log);
    assert_eq!(reference.server, smallest.server);
    assert_eq!(
        format!("{:?}", reference.upstream),
        format!("{:?}", smallest.upstream)
    );
    assert_eq!(
        format!("{:?}", reference.listeners[0]),
        format!("{:?}", smallest.listeners[0])
    );
    let app = |config: &Config| format!("{:?}", config.apps[0].app.grant);
    assert_eq!(
        app(&reference).replace("contoso.onmicrosoft.com", "contoso.com"),
        app(&smallest)
    );
    let people = |config: &Config| {
        let mut grants = config.apps.iter().map(|app| &app.app.grant);
        let grant = grants.find(|grant| matches!(grant, Grant::SignIn(_))).unwrap();
        format!("{grant:?}").replace("contoso.onmicrosoft.com", "contoso.com")
    };
    assert_eq!(
        people(&reference),
        people(&read(&format!("{PEOPLE}{ACCOUNT}")).unwrap())
    );
    let flags = |config: &Config| {
        let account = &config.accounts[0];
        (account.watch, account.notify_in_client)
    };
    assert_eq!(flags(&reference), flags(&smallest));
    let timeout = |text: &str| {
        format!("{:?}", read(text).unwrap().apps.last().unwrap().app.grant).contains("timeout: 30s")
    };
    assert!(timeout(REFERENCE) && timeout(&format!("{COMMAND}{ACCOUNT}")));
}

#[test]
fn every_key_is_read() {
    let mut seen = 0;
    for shape in SHAPES {
        for key in shape.keys {
            let path = path(shape, key);
            let (table, within) = path.split_once('.').unwrap_or(("", &path));
            let app = match within {
                "command" | "command_timeout" => COMMAND.to_owned(),
                "redirect_uri" | "domain_hint" | "prompt" => PEOPLE.to_owned(),
                "upstream_password_file" => PASSWORD.to_owned(),
                "key" | "certificate_algorithm" => format!("{PROVEN}certificate = \"app.pem\"\n"),
                "client_secret_env"
                | "certificate"
                | "federated_token_file"
                | "managed_identity"
                | "service_account_file" => PROVEN.to_owned(),
                _ => APP.to_owned(),
            };
            let provider = "[provider.x]\nimap = \"x:993\"\n";
            let listener = "[[listener]]\nprotocol = \"imap\"\nbind = \"localhost:1143\"\n";
            let (own, others) = match table {
                "" => ("", String::new()),
                "app" => (app.as_str(), ACCOUNT.to_owned()),
                "account" => (ACCOUNT, app.clone()),
                "provider" => (provider, format!("{APP}{ACCOUNT}")),
                "listener" => (listener, format!("{APP}{ACCOUNT}")),
                _ => ("", format!("{APP}{ACCOUNT}[{table}]\n")),
            };
            let kept: String = own
                .lines()
                .filter(|line| !line.starts_with(&format!("{within} =")))
                .flat_map(|line| [line, "\n"])
                .collect();
            // No key takes a time of day.
            let text = format!("{others}{kept}{within} = 07:32:00\n");
            let problems = read(&text)
                .err()
                .map(|problems| problems.to_string())
                .unwrap_or_default();
            let line = text.lines().count();
            let found = problems.lines().any(|problem| {
                problem.starts_with(&format!("reference.toml:{line}:"))
                    && problem.contains("is a date or time")
                    || problem.contains("is not a list of tables")
            });
            assert!(found, "{path}:\n{text}\n{problems}");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}
