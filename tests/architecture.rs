//! The shape of the source tree: who may import whom, which rooms do no I/O, how long a file or function may be.

#![allow(clippy::panic, clippy::unwrap_used)] // a test may fail

use std::fs;
use std::path::{Path, PathBuf};

/// A module imports only from lines below its own. Within a folder, its parts import each other freely.
const ORDER: &[&[&str]] = &[
    &["main"],
    &["cli", "fuzzing"],
    &["server"],
    &["config"],
    &["admin"],
    &["control", "health", "hook"],
    &["listener"],
    &["session", "probe"],
    &["failure"],
    &["relay", "upstream"],
    &["token"],
    &["account"],
    &["oauth"],
    &["downstream", "upstream::handshake", "transport"],
    &["sasl"],
    &["wire"],
    &["pace"],
    &["sessions", "devices", "complaints"],
    &["metrics"],
    &["audit"],
    &["log", "web"],
    &[
        "provider",
        "name",
        "secret",
        "peer",
        "certificates",
        "subprocess",
        "outgoing",
    ],
];

/// Rooms without I/O, and the words that would give it away.
const SANS_IO: &[&str] = &[
    "wire/",
    "sasl/",
    "downstream/",
    "upstream/handshake/",
    "relay/observer",
    "oauth/authority.rs",
    "oauth/dialect.rs",
    "oauth/flow/authorize.rs",
    "oauth/flow/pkce.rs",
    "oauth/flow/redirect.rs",
    "oauth/flow/sign_in.rs",
    "oauth/scopes.rs",
    "provider.rs",
    "provider/",
];
const IO_WORDS: &[&str] = &[
    "tokio",
    "tracing::",
    "std::fs",
    "std::io",
    "TcpStream",
    "UdpSocket",
    "std::time",
    "SystemTime",
    "Instant",
    "crate::log",
];

const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 70;

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The room: the first part of the path, except that `upstream::handshake` is one of its own.
    fn room(&self) -> &str {
        if self.path.starts_with("upstream/handshake/") {
            return "upstream::handshake";
        }
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The text without its tests.
    fn product(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap()
    }

    /// The lines of code that are compiled into the program, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.product()
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    assert!(
        found.len() > 60,
        "only {} files found: is this the source tree?",
        found.len()
    );
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    found
        .iter()
        .map(|path| Source {
            path: relative(path),
            text: fs::read_to_string(path).unwrap(),
        })
        .collect()
}

fn line_of(room: &str) -> Option<usize> {
    ORDER.iter().position(|line| line.contains(&room))
}

/// The rooms that a line of code names by `crate::…`, one by one or in braces.
fn imports(line: &str) -> Vec<String> {
    let first_word = |path: &str| {
        let end = path
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(path.len());
        if path.starts_with("upstream::handshake") {
            "upstream::handshake".to_owned()
        } else {
            path[..end].to_owned()
        }
    };
    let mut rooms = Vec::new();
    for (at, word) in line.match_indices("crate::") {
        let path = &line[at + word.len()..];
        match path.strip_prefix('{') {
            None => rooms.push(first_word(path)),
            Some(group) => {
                // Only the outermost names are rooms: `{config::{a, b}, log}`.
                let mut depth = 0;
                let outer = group.split(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth <= 0 && (c == ',' || c == '}')
                });
                rooms.extend(
                    outer
                        .map(|path| first_word(path.trim()))
                        .filter(|room| !room.is_empty()),
                );
            }
        }
    }
    rooms
}

#[test]
fn a_room_imports_only_from_rooms_below() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources() {
        let room = source.room();
        if matches!(room, "lib" | "sim") {
            continue;
        }
        let own =
            line_of(room).unwrap_or_else(|| panic!("{} is in a room that has no line in ORDER", source.path));
        for (at, line) in source.code() {
            for target in imports(line)
                .into_iter()
                .filter(|target| target != room && target != "sim")
            {
                seen += 1;
                // Its own folder's parts.
                let inside = room == "upstream" && target == "upstream::handshake";
                if !inside && line_of(&target).is_none_or(|line| line <= own) {
                    wrong.push(format!("src/{}:{at}: {room} imports {target}", source.path));
                }
            }
        }
    }
    assert!(
        seen > 100,
        "only {seen} imports seen: is the reader of `crate::` broken?"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_simulator_stands_alone() {
    let mut seen = 0;
    for source in sources() {
        let inside = source.room() == "sim";
        seen += usize::from(inside);
        for (at, line) in source.code() {
            for target in imports(line) {
                let fine = if inside {
                    target == "sim"
                } else {
                    target != "sim" || source.path.starts_with("cli/demo")
                };
                assert!(
                    fine,
                    "src/{}:{at}: {} names crate::{target}",
                    source.path,
                    source.room()
                );
            }
        }
    }
    assert!(seen > 5, "only {seen} files of the simulator seen");
}

#[test]
fn dialogues_do_no_io() {
    let mut seen = 0;
    for source in sources() {
        if !SANS_IO.iter().any(|place| source.path.starts_with(place)) || source.path.ends_with("tests.rs") {
            continue;
        }
        seen += 1;
        for (at, line) in source.code() {
            for word in IO_WORDS {
                assert!(
                    !line.contains(word),
                    "src/{}:{at}: {word} in a room without I/O: {line}",
                    source.path
                );
            }
        }
    }
    assert!(seen > 15, "only {seen} files without I/O seen");
}

#[test]
fn files_and_functions_fit_on_a_few_screens() {
    let mut functions = 0;
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(
            lines <= MAX_FILE,
            "src/{} has {lines} lines; two rooms in one?",
            source.path
        );
        if source.path.contains("/tests") {
            continue;
        }
        for (name, length) in function_lengths(source.product()) {
            functions += 1;
            assert!(
                length <= MAX_FUNCTION,
                "src/{}: {name} has {length} lines",
                source.path
            );
        }
    }
    assert!(
        functions > 500,
        "only {functions} functions seen: is the reader of `fn` broken?"
    );
}

/// Functions as rustfmt writes them: from the line with `fn` to the closing brace at the same depth.
fn function_lengths(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let is_fn = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().take(5).collect();
        let modifiers = ["pub", "pub(crate)", "pub(super)", "async", "const"];
        words.iter().find(|word| !modifiers.contains(word)) == Some(&"fn")
    };
    let starts = lines.iter().enumerate().filter(|(_, line)| is_fn(line));
    let measured = starts.filter_map(|(start, line)| {
        let close = format!("{}}}", " ".repeat(depth(line)));
        let length = lines[start..].iter().position(|line| *line == close)? + 1;
        Some((line.trim().to_owned(), length))
    });
    measured.collect()
}

/// rustls is told twice to ask another verifier: upstream one that asks webpki itself, and when we knock at our own listeners one that
/// believes a single certificate, byte for byte. Nothing but webpki ever says that any other is good.
#[test]
fn nothing_turns_certificate_verification_off() {
    let never = [
        "danger_accept",
        "set_certificate_verifier",
        "HandshakeSignatureValid::assertion",
    ];
    let counted = [
        "dangerous()",
        "with_custom_certificate_verifier",
        "ServerCertVerified::assertion",
    ];
    let mut seen = Vec::new();
    for source in sources() {
        for (at, line) in source.code() {
            assert!(
                !never.iter().any(|word| line.contains(word)),
                "src/{}:{at}: {line}",
                source.path
            );
            let words = counted.iter().filter(|word| line.contains(**word));
            seen.extend(words.map(|word| (source.path.clone(), *word)));
        }
    }
    seen.sort();
    let [dangerous, custom, good] = counted;
    let expected = [
        ("probe/pin.rs", good),
        ("probe/pin.rs", dangerous),
        ("probe/pin.rs", custom),
        ("upstream/trust.rs", dangerous),
        ("upstream/trust.rs", custom),
    ];
    assert_eq!(seen, expected.map(|(path, word)| (path.to_owned(), word)));
}
