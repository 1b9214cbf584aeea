//! Every event is really said, and what comes out is what [`EVENTS`] and `docs/operations.md` list.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Says each event once, and those with fields that may be absent both ways.
fn say_all() {
    // Addresses of their own: the floods of other tests are counted per source.
    let peer = Peer::new("192.0.2.77:50123".parse().unwrap());
    let balancer = Peer::new("192.0.2.78:443".parse().unwrap());
    started("1.0.0", "/etc/saslgate/saslgate.toml");
    for via in [None, Some(&balancer)] {
        say_of(&Visit {
            peer: &peer,
            via,
            protocol: Protocol::Imap,
            session: "7Q2M4K9T",
        });
    }
    lines_suppressed("login_refused", "192.0.2.77", 990);
    signed_in("alice@contoso.com", "contoso", None);
    imported("alice@contoso.com", "contoso");
    signed_out("alice@contoso.com", "contoso", 2);
    link_made(
        "alice@contoso.com",
        "contoso",
        "alice@contoso.com",
        "Jane (IT)",
        "2026-11-22T12:00:00Z",
    );
    link_opened("alice@contoso.com", "contoso", "Jane (IT)");
    link_used("alice@contoso.com", "contoso", "Jane (IT)");
    link_withdrawn("alice@contoso.com", "contoso", "Jane (IT)");
    consented("alice@contoso.com", "contoso", Some("contoso.com"));
    token_printed("alice@contoso.com", Protocol::Smtp, "contoso", "5f2b");
    trace_taken("alice@contoso.com");
    log_level_changed("debug", "info");
    reloaded("+1 account", 2, true);
    reloaded("line 3: no such key", 2, false);
    admin_logged_in(&peer);
    admin_login_refused(&peer, "password");
    admin_logged_out(&peer);
    admin_order(&peer, "reload", "-");
    stopped();
}

/// Says everything that may be said of one session.
fn say_of(visit: &Visit<'_>) {
    let login = Login {
        account: "alice@contoso.com",
        mailbox: "alice@contoso.com",
        mechanism: "PLAIN",
    };
    let why = Why {
        what: "what",
        why: "why",
        fix: "fix",
    };
    login_accepted(visit, &login, 120);
    login_refused(
        visit,
        &login,
        "wrong_password",
        "AuthenticationFailed",
        None,
        &why,
    );
    for known in [None, Some((Some("5.2.252"), "why", "fix"))] {
        let ending = Ending {
            outcome: "the mail client closed",
            sent: 1,
            received: 2,
            seconds: 3,
            took: Took::default(),
            upstream_said: "",
            known,
        };
        session_ended(visit, &login, &ending);
    }
    for hint in [None, Some("perhaps")] {
        session_without_login(visit, "the peer closed the connection", 0, 0, hint);
    }
    mechanism_refused(visit, "CRAM-MD5", &why);
    mail_refused(visit, &why);
    tls_refused(visit, &why);
}

/// What was said, in one format or the other.
fn said(json: bool) -> Vec<String> {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone());
    let registry = tracing_subscriber::registry();
    if json {
        tracing::subscriber::with_default(registry.with(layer.json().flatten_event(true)), say_all);
    } else {
        tracing::subscriber::with_default(registry.with(layer.with_ansi(false)), say_all);
    }
    let bytes = lines.0.lock().unwrap();
    let text = str::from_utf8(&bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn known(name: &str) -> &'static Event {
    EVENTS
        .iter()
        .find(|event| event.name == name)
        .unwrap_or_else(|| panic!("{name} is not listed"))
}

#[test]
fn every_event_has_the_fields_that_are_listed() {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in said(true) {
        let Value::Object(mut fields) = serde_json::from_str(&line).unwrap() else {
            panic!("{line}");
        };
        assert_eq!(fields["target"], AUDIT);
        let event = known(fields["event"].as_str().unwrap());
        if event.name != "reloaded" || fields["ok"] == true {
            assert_eq!(fields["message"], event.message);
        }
        for own in ["timestamp", "level", "target", "message", "event"] {
            assert!(fields.remove(own).is_some(), "{own}: {line}");
        }
        for field in event
            .fields
            .iter()
            .filter(|field| !event.sometimes.contains(field))
        {
            assert!(fields.contains_key(*field), "{field}: {line}");
        }
        seen.entry(event.name).or_default().extend(fields.keys().cloned());
    }
    assert_eq!(seen.len(), EVENTS.len(), "an event that is listed is never said");
    for (name, fields) in seen {
        let listed: BTreeSet<_> = known(name)
            .fields
            .iter()
            .map(|field| (*field).to_owned())
            .collect();
        assert_eq!(fields, listed, "{name}");
    }
}

/// What a stranger chooses stands behind everything that a filter reads: a name can't come before it.
#[test]
fn in_a_text_line_the_fields_have_the_order_of_the_list() {
    let lines = said(false);
    for line in &lines {
        let (_, rest) = line.split_once("saslgate::audit: ").unwrap();
        let (_, rest) = rest.split_once(" event=\"").unwrap();
        let (name, mut rest) = rest.split_once('"').unwrap();
        let event = known(name);
        for field in event.fields {
            match rest.split_once(&format!(" {field}=")) {
                Some((_, behind)) => rest = behind,
                None => assert!(event.sometimes.contains(field), "{field}: {line}"),
            }
        }
    }
    // The seven events of a session twice, a session's end with and without what may be known of it, and a reload both ways.
    assert_eq!(lines.len(), EVENTS.len() + 7 + 2 + 2 + 1);
}

#[test]
fn the_handbook_has_every_event_and_field_and_no_other() {
    let page = include_str!("../../docs/operations.md");
    let (_, section) = page.split_once("\n## Log and audit events\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let quoted =
        |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut documented = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let name = quoted(cells[0]).remove(0);
        assert!(documented.insert(name, quoted(cells[2])).is_none(), "{row}");
    }
    let listed = EVENTS.iter().map(|event| {
        let fields = event.fields.iter().map(|field| (*field).to_owned());
        (event.name.to_owned(), fields.collect())
    });
    assert_eq!(documented, listed.collect::<BTreeMap<String, Vec<String>>>());
    for event in EVENTS {
        let example = format!("{}: {} event=\"{}\"", AUDIT, event.message, event.name);
        assert!(section.contains(&example), "no line shows {}", event.name);
    }
}
