//! What a person typed or pasted, read at once: the value, or what is wrong with it.

mod client_id;
mod client_secret;
mod day;
mod host;
mod mailboxes;
mod networks;
mod tenant;

pub(super) use client_id::client_id;
pub(super) use client_secret::client_secret;
pub(super) use day::day;
pub(super) use host::{host, public_host};
pub(super) use mailboxes::mailboxes;
pub(super) use networks::{Reach, networks};
pub(super) use tenant::{every_cloud, tenant};

use crate::oauth::authority::is_guid;

/// Whose id a GUID is, by the portal's word that was copied together with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    Client,
    Tenant,
    Object,
    Secret,
}

/// A GUID as the portal shows it: alone, or behind its name when a whole line was copied.
fn labelled(typed: &str) -> Option<(Option<Label>, &str)> {
    let is_between =
        |c: char| c.is_whitespace() || matches!(c, ':' | '=' | '"' | '\'' | '{' | '}' | '<' | '>');
    let guid = typed.split(is_between).find(|word| is_guid(word))?;
    let before = typed[..typed.find(guid)?].to_ascii_lowercase();
    let has = |word| before.contains(word);
    let label = if has("object") {
        Some(Label::Object)
    } else if has("secret") {
        Some(Label::Secret)
    } else if has("tenant") || has("directory") {
        Some(Label::Tenant)
    } else if has("client") || has("application") || has("app") {
        Some(Label::Client)
    } else {
        None
    };
    Some((label, guid))
}

/// The GUID behind a word of an address of the portal, such as `/appId/…`.
fn guid_behind<'t>(address: &'t str, word: &str) -> Option<&'t str> {
    let at = address.to_ascii_lowercase().find(word)? + word.len();
    let rest = address.get(at..)?.trim_start_matches(['/', '=', ':']);
    rest.get(..36).filter(|guid| is_guid(guid))
}

/// One of a list, by its number from 1, its key, or a word that only it begins with.
pub(super) fn choice(typed: &str, keys: &[&str]) -> Result<usize, String> {
    let typed = typed.trim().to_ascii_lowercase();
    if let Ok(number) = typed.parse::<usize>() {
        return match number.checked_sub(1).filter(|at| *at < keys.len()) {
            Some(at) => Ok(at),
            None => Err(format!(
                "there is no {number}: they are numbered from 1 to {}",
                keys.len()
            )),
        };
    }
    let squeezed = |text: &str| text.replace([' ', '-', '_'], "");
    let wanted = squeezed(&typed);
    if let Some(at) = keys.iter().position(|key| squeezed(key) == wanted) {
        return Ok(at);
    }
    let begins = |key: &&str| !wanted.is_empty() && squeezed(key).starts_with(&wanted);
    let mut found = keys.iter().enumerate().filter(|(_, key)| begins(key));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some((_, one)), Some((_, other))) => Err(format!("{one} or {other}? Write it in full")),
        _ => Err(format!("that is no choice: write one of {}", keys.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_number_a_name_or_the_beginning_of_one() {
        let keys = ["app-secret", "app-certificate", "browser"];
        let cases = [
            ("1", Ok(0)),
            (" 3 ", Ok(2)),
            ("Browser", Ok(2)),
            ("app secret", Ok(0)),
            ("app-c", Ok(1)),
            ("b", Ok(2)),
            ("0", Err("from 1 to 3")),
            ("4", Err("from 1 to 3")),
            ("app", Err("app-secret or app-certificate?")),
            (
                "carrier pigeon",
                Err("one of app-secret, app-certificate, browser"),
            ),
            ("", Err("no choice")),
        ];
        for (typed, expected) in cases {
            match expected {
                Ok(at) => assert_eq!(choice(typed, &keys), Ok(at), "{typed}"),
                Err(word) => assert!(choice(typed, &keys).unwrap_err().contains(word), "{typed}"),
            }
        }
        assert_eq!(cases.len(), 11);
    }
}
