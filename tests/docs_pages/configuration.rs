//! Every piece of TOML in a page is what a reader can paste: a whole configuration, or, where its fence says `fragment`, a part of
//! one in which every key is known. Every key that a sentence names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use saslgate::config::{Config, Given, Problems, load};

use super::{Page, Piece, pages, pieces, root};

/// What pages write in the place of a line that `saslgate password` prints.
const SOME_HASH: &str = "\"sg1:…\"";
const HASH: &str = "\"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";

/// The files that pages name.
fn machine(text: &str) -> Given {
    let made = rcgen::generate_simple_self_signed(["mail.contoso.lan".to_owned()]).unwrap();
    let users = format!("support@contoso.com {}\n", HASH.trim_matches('"'));
    let mut machine = Given::default()
        .file("/etc/saslgate/certs/server.pem", made.cert.pem())
        .file("/etc/saslgate/certs/server.key", made.signing_key.serialize_pem())
        .file("/etc/saslgate/contoso.secret", "value")
        .file("/etc/saslgate/webhook.header", "Bearer value")
        .file("/run/secrets/saslgate/client_secret", "value")
        .file("/run/secrets/saslgate/users", users)
        .file("/etc/saslgate/page.toml", text.replace(SOME_HASH, HASH));
    machine.programs.push("/usr/local/bin/saslgate-alert".into());
    machine
}

fn read(text: &str) -> Result<Config, Problems> {
    load(Path::new("/etc/saslgate/page.toml"), &machine(text))
}

/// What is wrong with a fragment even if the rest is put around it.
fn wrong_in_a_fragment(text: &str) -> Vec<String> {
    let Err(problems) = read(text) else {
        return Vec::new();
    };
    let told = problems.iter().map(|problem| problem.to_string());
    told.filter(|problem| {
        ["is not known", "TOML", "is not in this version"]
            .iter()
            .any(|words| problem.contains(words))
    })
    .collect()
}

#[test]
fn every_piece_of_toml_is_a_configuration_or_says_that_it_is_a_part_of_one() {
    let (mut whole, mut parts) = (0, 0);
    for page in pages() {
        for piece in pieces(&page.text) {
            let Piece::Block { kind, text } = piece else {
                continue;
            };
            let whence = page.path.display();
            match kind {
                "toml" => {
                    let config =
                        read(&text).unwrap_or_else(|problems| panic!("{whence}: {problems}\n{text}"));
                    assert!(config.warnings.list.is_empty(), "{whence}: {}", config.warnings);
                    assert!(!config.accounts.is_empty(), "{whence}: {text}");
                    whole += 1;
                }
                "toml fragment" => {
                    assert_eq!(wrong_in_a_fragment(&text), [""; 0], "{whence}: {text}");
                    parts += 1;
                }
                other => assert!(!other.starts_with("toml"), "{whence}: {other}"),
            }
        }
    }
    assert!(whole >= 4 && parts >= 8, "{whole} whole, {parts} parts");
}

#[test]
fn a_key_that_is_not_there_is_found_in_a_fragment() {
    let wrong = wrong_in_a_fragment("[[listener]]\nprotocol = \"imap\"\nblind = \"0.0.0.0:993\"\n");
    assert!(wrong[0].contains("`blind` is not known"), "{wrong:?}");
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong_in_a_fragment("[[listener]]\nprotocol = imap\n").len(), 1);
}

/// The keys and tables of the reference, which a test of the configuration holds complete.
fn reference() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = fs::read_to_string(root().join("config/reference.toml")).unwrap();
    let (mut keys, mut tables) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(table) = line.strip_prefix('[') {
            let name = table.trim_start_matches('[').split(['.', ']']).next().unwrap();
            tables.insert(name.to_owned());
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.extend(key.split('.').map(ToOwned::to_owned));
        }
    }
    assert!(keys.len() > 70 && tables.len() > 10, "{keys:?} {tables:?}");
    (keys, tables)
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.contains('_') && word.chars().all(|one| one.is_ascii_lowercase() || one == '_')
}

/// Words with underscores that are no keys: everything that saslgate itself says, and what manifests call theirs.
fn said_by_the_program() -> String {
    fn add(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, text);
            } else {
                *text += &fs::read_to_string(path).unwrap_or_default();
            }
        }
    }
    let mut text = String::new();
    add(&root().join("src"), &mut text);
    add(&root().join("config/examples"), &mut text);
    text
}

/// Settings of email-oauth2-proxy's and Dovecot's files, which docs/moving-over.md names.
const OF_OTHERS: &[&str] = &[
    "proxy_mech",
    "ssl_cert",
    "ssl_key",
    "login_trusted_networks",
    "haproxy_trusted_networks",
    "mail_max_userip_connections",
];

/// Settings of other programs' files.
fn is_of_another_program(page: &Page, word: &str) -> bool {
    (page.path.ends_with("linux-admin.md") && (word.starts_with("smtp_") || word.starts_with("sender_")))
        || (page.path.ends_with("moving-over.md") && OF_OTHERS.contains(&word))
        || ["stop_grace_period", "read_only"].contains(&word)
        // Metrics have a test of their own.
        || word.starts_with("saslgate_")
}

#[test]
fn every_key_and_table_that_a_sentence_names_is_there() {
    let (keys, tables) = reference();
    let program = said_by_the_program();
    let (mut seen_keys, mut seen_tables, mut found) = (0, 0, Vec::new());
    for page in pages() {
        // What has changed names what is gone; what was measured names tests.
        if page.path.ends_with("CHANGELOG.md") || page.path.ends_with("evidence.md") {
            continue;
        }
        // Exchange has words in brackets of its own.
        let has_tables = !page.path.ends_with("errors.md");
        for piece in pieces(&page.text) {
            let Piece::Span(span) = piece else {
                continue;
            };
            let table = span.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(table) = table.map(|table| table.trim_matches(['[', ']'])) {
                let name = table.split('.').next().unwrap();
                if has_tables && name.chars().all(|one| one.is_ascii_lowercase()) {
                    seen_tables += 1;
                    if !tables.contains(name) {
                        found.push(format!("{}: [{table}]", page.path.display()));
                    }
                }
            }
            let key = span.split([' ', '=', '.']).next().unwrap();
            if is_key(key) && !is_of_another_program(&page, key) {
                seen_keys += 1;
                if !keys.contains(key) && !program.contains(key) {
                    found.push(format!("{}: {key}", page.path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(
        seen_keys > 100 && seen_tables > 10,
        "{seen_keys} keys, {seen_tables} tables"
    );
}
