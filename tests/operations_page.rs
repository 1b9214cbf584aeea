//! docs/operations.md and the alert rules say of metrics what the code says: every one of them, with its type and its labels,
//! and none beside them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // a test may fail

#[path = "health/exposition.rs"]
mod exposition;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use saslgate::account::state::State;
use saslgate::metrics::{AccountSample, Certificate, Degraded, Metrics, Sample};
use saslgate::provider::Protocol;

use exposition::Family;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A page on which nothing is missing.
fn everything() -> Vec<Family> {
    let sample = Sample {
        ready: true,
        logged_in: vec![(Protocol::Imap, 1)],
        accounts: State::ALL.map(|state| (state.name(), 1)).into(),
        token_requests: ["issued", "same", "temporary", "misconfigured", "needs_sign_in"]
            .map(|outcome| (outcome, 1))
            .into(),
        token_seconds: Some(1),
        secrets: vec![("contoso".into(), -1)],
        certificates: vec![Certificate {
            kind: "listener",
            name: "imap [::1]:993".into(),
            seconds: 1,
        }],
        degraded: vec![(Degraded::Store, "a word".into())],
        unsaved: Some(1),
        open_files: Some(1),
        open_files_limit: Some(1),
        each_account: vec![AccountSample {
            account: "a \"quoted\" \\ name\nin two lines".into(),
            state: "ready",
            sessions: 1,
            token_seconds: Some(1),
        }],
    };
    exposition::read(&Metrics::new().page(sample))
}

/// The words in backticks of a cell.
fn quoted(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_metrics_is_the_registry() {
    let page = text("docs/operations.md");
    let rows = page.lines().filter(|line| line.starts_with("| `saslgate_"));
    let mut told = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row
            .split(" |")
            .map(|cell| cell.trim_matches([' ', '|']))
            .collect();
        let name = *quoted(cells[0]).first().unwrap();
        let before = told.insert(name.to_owned(), (cells[1].to_owned(), quoted(cells[2])));
        assert!(before.is_none(), "{name} stands twice");
        assert!(!cells[3].is_empty(), "{name} says nothing");
    }
    let families = everything();
    let known: BTreeMap<_, _> = families
        .iter()
        .map(|family| (family.queried(), (family.kind.clone(), family.keys())))
        .collect();
    assert_eq!(told, known);
    assert!(known.len() > 30, "{}", known.len());
}

/// A word that the table names and that no series has would be looked for in vain.
#[test]
fn every_value_of_a_label_stands_in_the_table() {
    let page = text("docs/operations.md");
    let mut seen = 0;
    for family in everything() {
        let start = format!("| `{}` |", family.queried());
        let row = page.lines().find(|line| line.starts_with(&start)).unwrap();
        // Refusals have a page of their own.
        if family.name == "saslgate_logins" {
            continue;
        }
        let values = family.samples.iter().flat_map(|sample| &sample.labels);
        for (key, value) in values {
            if matches!(
                key.as_str(),
                "cause" | "reason" | "stage" | "direction" | "kind" | "outcome"
            ) {
                assert!(row.contains(&format!("`{value}`")), "{start} {key}={value}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

/// The words that a rule's expression could name a metric with.
fn words(rules: &str) -> impl Iterator<Item = &str> {
    let part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    rules.split(move |character| !part(character))
}

#[test]
fn the_alert_rules_name_metrics_that_there_are() {
    let rules = text("config/examples/prometheus-alerts.yaml");
    let families = everything();
    let known: BTreeSet<_> = families.iter().map(Family::queried).collect();
    let named: BTreeSet<_> = words(&rules)
        .filter(|word| word.starts_with("saslgate_"))
        .collect();
    for name in &named {
        assert!(known.contains(*name), "{name}");
    }
    assert!(named.len() >= 14, "{named:?}");
    // A selector that no series can match never fires.
    let mut matched = 0;
    for (at, _) in rules.match_indices("saslgate_") {
        let rest = &rules[at..];
        let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        let (name, rest) = rest.split_at(end.unwrap());
        let Some(selector) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            continue;
        };
        let family = families.iter().find(|family| family.queried() == name).unwrap();
        for part in selector.0.split(',') {
            let (key, values) = part.split_at(part.find(['=', '!']).unwrap());
            for value in values
                .trim_start_matches(['=', '!', '~'])
                .trim_matches('"')
                .split('|')
            {
                let label = (key.to_owned(), value.to_owned());
                let one = |sample: &exposition::Sample| sample.labels.contains(&label);
                assert!(family.samples.iter().any(one), "{name} {label:?}");
                matched += 1;
            }
        }
    }
    assert!(matched >= 12, "{matched}");
}

#[test]
fn every_rule_says_what_happened_and_what_to_do() {
    let rules = text("config/examples/prometheus-alerts.yaml");
    let count = |word: &str| rules.matches(word).count();
    let alerts = count("- alert: ");
    assert_eq!(alerts, 19);
    for word in ["expr: ", "summary: ", "description: ", "severity: "] {
        assert!(count(word) >= alerts, "{word}");
    }
}
