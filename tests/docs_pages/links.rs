//! Every link of every page leads somewhere.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{pages, root};

/// The text without its blocks and spans of code, in which brackets are no links.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            for (at, part) in line.split('`').enumerate() {
                prose += if at % 2 == 0 { part } else { "code" };
            }
            prose.push('\n');
        }
    }
    prose
}

/// The targets of `[text](target)`.
fn targets(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    parts
        .map(|part| part.split(')').next().unwrap().to_owned())
        .collect()
}

/// The anchors of a page, as web front ends make them of headings: lower case, no punctuation, hyphens for blanks.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let titles = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    titles
        .map(|title| {
            let kept = title.chars().filter_map(|one| match one {
                ' ' => Some('-'),
                '-' | '_' => Some(one),
                one => one.is_alphanumeric().then_some(one),
            });
            kept.collect()
        })
        .collect()
}

/// The path without `..`, as a web front end resolves it.
fn resolved(page: &Path, target: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{target} leads out of the project"),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let pages = pages();
    let anchors: BTreeMap<_, _> = pages
        .iter()
        .map(|page| (page.path.clone(), anchors(&page.text)))
        .collect();
    let (mut files, mut headings, mut found) = (0, 0, Vec::new());
    for page in &pages {
        for target in targets(&prose(&page.text)) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() {
                page.path.clone()
            } else {
                resolved(&page.path, file)
            };
            if !root().join(&path).exists() {
                found.push(format!("{}: {target} is not there", page.path.display()));
            }
            files += 1;
            if anchor.is_empty() {
                continue;
            }
            headings += 1;
            let known = anchors
                .get(&path)
                .is_some_and(|known| known.iter().any(|one| one == anchor));
            if !known {
                found.push(format!("{}: {target} has no such heading", page.path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(
        files > 120 && headings > 50,
        "{files} links, {headings} of them to headings"
    );
}

#[test]
fn anchors_are_made_as_web_front_ends_make_them() {
    let text = "# Day 1, day 90, day 400\n## Guessers are kept out: fail2ban\n";
    assert_eq!(
        anchors(text),
        ["day-1-day-90-day-400", "guessers-are-kept-out-fail2ban"]
    );
    assert_eq!(
        targets("see [a](b.md#c), [d](https://e)"),
        ["b.md#c", "https://e"]
    );
}
