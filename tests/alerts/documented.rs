//! docs/operations.md says what is told, and nothing else.

use saslgate::account::state;
use saslgate::hook::{Event, FIELDS, State};

const PAGE: &str = include_str!("../../docs/operations.md");

/// The rows of the table below a heading: its cells, as they are written.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let alerts = PAGE.split("\n## Alerts\n").nth(1).unwrap();
    let alerts = alerts.split("\n## ").next().unwrap();
    let part = alerts.split(&format!("\n### {heading}\n")).nth(1).unwrap();
    let rows = part.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The words in backquotes.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_event_and_state_is_documented_and_no_other() {
    let rows = table("Events");
    let events: Vec<_> = rows.iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(events, Event::ALL.map(Event::name));
    let mut documented: Vec<_> = rows.iter().flat_map(|row| words(row[2])).collect();
    let of_accounts = state::State::ALL.map(state::State::name);
    let mut known: Vec<_> = of_accounts
        .into_iter()
        .chain(State::OTHERS.map(State::name))
        .collect();
    for states in [&mut documented, &mut known] {
        states.sort_unstable();
        states.dedup();
    }
    assert_eq!(documented, known);
}

#[test]
fn every_field_is_documented_and_no_other() {
    let rows = table("Fields");
    let fields: Vec<_> = rows.iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(fields, FIELDS);
}
