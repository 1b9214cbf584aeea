//! What is said in the end: what was written, what others have to do, what is typed into the mail client, what comes next.

use std::fmt::Write as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::card;
use super::layout::{self, Kind};
use super::made::Work;
use super::next::{self, Known};
use super::portal::{self, Registration};
use super::powershell;
use super::terminal::HEADING;
use super::way::Proof;

/// All of it, and the exit code.
pub(super) fn of(answers: &Answers, work: &Work, layout: &str, known: &Known<'_>) -> (Zeroizing<String>, u8) {
    const ROOM: usize = 32 * 1024;
    let (checked, code) = super::checked(answers);
    // Made in one piece: a text that grows leaves copies of the passwords behind.
    let mut text = Zeroizing::new(String::with_capacity(ROOM + work.accounts.len() * 4 * 1024));
    section(&mut text, "Written", layout);
    section(&mut text, "What `saslgate check` says of it", &checked);
    section(
        &mut text,
        "In the portal",
        &portal::steps(&Registration::of(answers)),
    );
    let lines = powershell::lines(answers);
    if let Some(lines) = &lines {
        let about = powershell::about(answers);
        let before = powershell::before(answers);
        section(
            &mut text,
            "In Exchange, as its administrator, in PowerShell",
            &format!("{before}{lines}\n{about}"),
        );
    }
    if let Some((file, _)) = work.files.iter().find(|(file, _)| file.kind == Kind::PowerShell) {
        let about = by_file(answers, &file.path, lines.is_some());
        section(&mut text, "Or by one file", &about);
    }
    settings(&mut text, answers, work);
    let known = Known {
        is_sound: code == 0,
        ..*known
    };
    let steps = next::steps(answers, &known);
    let numbered = steps
        .iter()
        .enumerate()
        .map(|(at, step)| format!("{:>2}. {step}\n", at + 1));
    section(
        &mut text,
        "What to do next, in this order",
        &numbered.collect::<String>(),
    );
    (text, code.min(1).max(u8::from(known.certificate_lacks.is_some())))
}

/// What the PowerShell file does, what it leaves, and where it is run.
fn by_file(answers: &Answers, file: &Path, has_exchange: bool) -> String {
    let does = if has_exchange {
        "does the two sections above"
    } else {
        "does the section above"
    };
    let but = if answers.proof == Proof::Secret {
        ", but for the client secret: it makes none, so that step of the portal stays"
    } else {
        ""
    };
    format!(
        "{} {does}{but}.\nCarry it to a machine that has PowerShell and a browser (there is no secret in it), read it, run it with -WhatIf, then without.",
        file.display()
    )
}

/// Many passwords are in their file, where they do not run out of the screen.
fn settings(text: &mut Zeroizing<String>, answers: &Answers, work: &Work) {
    let facts = answers.product.facts();
    let title = if facts.has_guide {
        format!("In {}", facts.name)
    } else {
        "In the mail client".to_owned()
    };
    let has_cards = work.files.iter().any(|(file, _)| file.kind == Kind::Cards);
    if has_cards {
        let file = answers.directory.join(layout::CARDS);
        let about = format!(
            "{} has a line for each of the {} mailboxes: server, port, security, user name, password.\n{}\n{}",
            file.display(),
            work.accounts.len(),
            card::hint(answers),
            card::switches(answers)
        );
        section(text, &title, &about);
    } else {
        section(text, &title, &card::cards(answers, &work.accounts));
    }
}

fn section(text: &mut String, title: &str, content: &str) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{HEADING}{title}{HEADING:#}\n\n{}\n", content.trim_end());
}
