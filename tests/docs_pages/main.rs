//! What the pages tell a reader to type, write or open is there: every command line with its options, every link with its anchor,
//! every piece of TOML with its keys.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // a test may fail

mod commands;
mod configuration;
mod links;

use std::fs;
use std::path::{Path, PathBuf};

/// A page, with its path from the root of the project.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A place in a page where a reader looks for something to copy.
pub(crate) enum Piece<'a> {
    /// Words in backticks, in the middle of a sentence.
    Span(&'a str),
    /// A block, with what stands behind its first fence.
    Block { kind: &'a str, text: String },
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Page {
    let text = fs::read_to_string(root().join(path)).unwrap();
    Page {
        path: path.into(),
        text,
    }
}

/// The names of the files of a folder that end so, in order.
pub(crate) fn listed(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<_> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    paths.sort();
    paths
}

/// Every page that is written in Markdown.
pub(crate) fn pages() -> Vec<Page> {
    let at_root = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "certs/README.md",
    ];
    let mut pages: Vec<_> = at_root.into_iter().map(read).collect();
    pages.extend(listed("docs", ".md").iter().map(|path| read(path)));
    assert!(pages.len() >= 18, "{} pages", pages.len());
    pages
}

/// The spans and blocks of a page, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = text.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let block = lines.by_ref().take_while(|line| line.trim() != "```");
            let text = block.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()));
            let text = text.collect();
            pieces.push(Piece::Block { kind, text });
        } else if line.starts_with("    ") && before.is_empty() {
            let text = format!("{}\n", line.trim());
            pieces.push(Piece::Block { kind: "", text });
            continue;
        } else {
            pieces.extend(line.split('`').skip(1).step_by(2).map(Piece::Span));
        }
        before = line;
    }
    pieces
}

/// A reader with one question finds the page for it in the README.
#[test]
fn the_readme_is_short_and_names_every_page() {
    let readme = read("README.md").text;
    assert!(readme.lines().count() < 150, "{}", readme.lines().count());
    let (_, documentation) = readme.split_once("\n## Documentation\n").unwrap();
    let mut named = 0;
    for page in listed("docs", ".md") {
        assert!(
            documentation.contains(&format!("]({page})")),
            "{page} is not named"
        );
        named += 1;
    }
    assert!(named >= 14, "{named}");
}
