//! Every command line that a text shows is one that saslgate takes.

use std::fs;

use clap::error::ErrorKind;
use saslgate::cli;

use super::{Piece, listed, pages, pieces, root};

/// Long options in backticks that belong to other programs.
const FOREIGN: &[&str] = &["--cap-drop", "--selector", "--network"];

/// What stands before `saslgate` where a line is typed in a shell.
fn is_typed(before: &[&str]) -> bool {
    const FIRST: &[&str] = &["sudo", "docker", "kubectl"];
    let first = before.iter().find(|word| !word.contains('='));
    first.is_none_or(|first| FIRST.contains(first))
}

fn is_program(word: &str) -> bool {
    // Or an image, by its version.
    let version = word.strip_prefix("saslgate:").unwrap_or_default();
    word == "saslgate" || version.starts_with(|first: char| first.is_ascii_digit())
}

fn is_command(word: &str) -> bool {
    word != "saslgate"
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.chars().all(|one| one.is_ascii_lowercase() || one == '-')
}

/// The arguments of saslgate in a piece of a command line, if it is one.
fn arguments(typed: &str) -> Option<Vec<&str>> {
    let words: Vec<_> = typed
        .split_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .collect();
    let at = words
        .windows(2)
        .rposition(|pair| is_program(pair[0]) && is_command(pair[1]))?;
    if !is_typed(&words[..at]) {
        return None;
    }
    let end = |word: &&str| !word.starts_with(['<', '>', '2', '…']) || word.len() > 2;
    Some(words[at + 1..].iter().copied().take_while(end).collect())
}

/// The command lines of a text: one line may have several, with `&&`, `|` or `;` between.
fn command_lines(line: &str) -> Vec<Vec<&str>> {
    let line = line.trim().trim_start_matches("$ ");
    // Behind two blanks a column with what it does begins.
    let line = line.split("  ").next().unwrap();
    let parts = line.split("&&").flat_map(|part| part.split(['|', ';', '(', ')']));
    parts.filter_map(arguments).collect()
}

/// Why saslgate does not take them. In the middle of a sentence a command may stand for itself, without what it needs.
fn refused(arguments: &[&str], in_sentence: bool) -> Option<String> {
    let command = arguments[0];
    let definition = cli::command();
    let is_there = definition.get_subcommands().any(|one| one.get_name() == command);
    if !is_there && command == "demo" && !cfg!(feature = "demo") {
        return None;
    }
    let words = arguments.iter().map(|word| match *word {
        // Whole numbers and names of shells are asked for by word.
        "SECONDS" | "DAYS" => "1",
        word => word.trim_end_matches([',', '.']).trim_matches(['"', '\'']),
    });
    let error = definition
        .try_get_matches_from(["saslgate"].into_iter().chain(words))
        .err()?;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if in_sentence =>
        {
            None
        }
        _ => Some(format!("{arguments:?}: {error}")),
    }
}

/// Lines of files that are no Markdown: configurations, manifests, what tests expect. What is to be typed is indented in a comment.
fn other_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for (folder, ending) in [
        ("config", ".toml"),
        ("config/examples", ".toml"),
        ("config/examples", ".yaml"),
        ("tests/golden", ".txt"),
    ] {
        for path in listed(folder, ending) {
            let text = fs::read_to_string(root().join(path)).unwrap();
            lines.extend(
                text.lines()
                    .map(|line| line.trim_start_matches(['#', ' ']).to_owned()),
            );
        }
    }
    lines
}

#[test]
fn every_command_line_of_every_text_is_taken() {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut look = |whence: &str, line: &str, in_sentence: bool| {
        for arguments in command_lines(line) {
            seen += 1;
            found.extend(refused(&arguments, in_sentence).map(|why| format!("{whence}: {why}")));
        }
    };
    for page in pages() {
        let whence = page.path.display().to_string();
        for piece in pieces(&page.text) {
            match piece {
                Piece::Span(span) => look(&whence, span, true),
                Piece::Block { text, .. } => text.lines().for_each(|line| look(&whence, line, false)),
            }
        }
    }
    for line in other_lines() {
        for span in line.split('`').skip(1).step_by(2) {
            look("config or golden", span, true);
        }
        if let Some(typed) = line.strip_prefix("#   ") {
            look("config", typed, false);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(seen > 200, "{seen}");
}

/// What `--help` shows as an example is what people type first.
#[test]
fn every_example_of_every_help_is_taken() {
    let mut seen = 0;
    let definition = cli::command();
    let every = definition
        .get_subcommands()
        .flat_map(|command| [vec![command], command.get_subcommands().collect()].concat());
    for command in std::iter::once(&definition).chain(every) {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            for arguments in command_lines(line) {
                let name = command.get_name();
                assert_eq!(refused(&arguments, false), None, "saslgate {name} --help: {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 45, "{seen}");
}

/// An option that stands alone in a sentence is one of some command.
#[test]
fn every_option_that_a_page_names_is_there() {
    let mut definition = cli::command();
    definition.build();
    let known: Vec<_> = definition
        .get_subcommands()
        .flat_map(|command| [vec![command], command.get_subcommands().collect()].concat())
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_long)
        .collect();
    let mut seen = 0;
    for page in pages() {
        for piece in pieces(&page.text) {
            let Piece::Span(span) = piece else {
                continue;
            };
            let Some(option) = span.strip_prefix("--") else {
                continue;
            };
            let option = option.split([' ', '=']).next().unwrap();
            let is_foreign = FOREIGN.contains(&format!("--{option}").as_str());
            assert!(
                is_foreign || known.contains(&option),
                "{}: {span}",
                page.path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn lines_are_taken_apart_as_a_shell_would() {
    let table: [(&str, &[&[&str]]); 9] = [
        ("$ sudo -u saslgate saslgate check   # here", &[&["check"]]),
        ("saslgate check && saslgate reload", &[&["check"], &["reload"]]),
        ("docker run --rm saslgate:0.1.0 password", &[&["password"]]),
        (
            "$ kubectl exec a -- saslgate sign-in b --device",
            &[&["sign-in", "b", "--device"]],
        ),
        ("sudo apt remove saslgate", &[]),
        ("install -o saslgate -m 600 from to", &[]),
        (
            "saslgate sign-in a --refresh-token < token.txt",
            &[&["sign-in", "a", "--refresh-token"]],
        ),
        ("journalctl -u saslgate has it", &[]),
        ("made=$(saslgate password)", &[&["password"]]),
    ];
    for (line, expected) in table {
        assert_eq!(command_lines(line), expected, "{line}");
    }
    assert!(refused(&["sign-in", "a", "--devise"], false).is_some());
    assert!(refused(&["sing-in"], true).is_some());
    assert!(refused(&["sign-in"], false).is_some());
    assert!(refused(&["sign-in"], true).is_none());
}
