//! Everything that a configuration is written on: its files one after the other, so that a span tells which one it is of.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::excerpt::{Source, Syntax};
use super::problem::Place;
use super::reader::Span;
use crate::secret::Secret;

/// One file, or one environment variable.
struct Page {
    name: Arc<str>,
    /// From where relative paths count that are written there.
    directory: PathBuf,
    /// Where it starts, in bytes of all pages.
    start: usize,
    /// None for a variable, whose value is not shown.
    source: Option<Source>,
}

/// All of them, in the order in which they were added.
#[derive(Default)]
pub(super) struct Pages {
    list: Vec<Page>,
    end: usize,
}

impl Pages {
    /// Adds a file; every span of it is to be moved by what is returned.
    pub(super) fn add_file(&mut self, path: &Path, text: Rc<Secret<String>>, syntax: Syntax) -> usize {
        let length = text.expose().len();
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        let source = Source::new(text, syntax);
        self.add(path.display().to_string().into(), directory, length, Some(source))
    }

    /// Adds something without lines, and returns the span that stands for it.
    pub(super) fn add_name(&mut self, name: &str) -> Span {
        let start = self.add(name.into(), PathBuf::new(), 0, None);
        start..start
    }

    fn add(&mut self, name: Arc<str>, directory: PathBuf, length: usize, source: Option<Source>) -> usize {
        let start = self.end;
        // One more byte than there is: where a page ends, no other begins.
        self.end += length + 1;
        self.list.push(Page {
            name,
            directory,
            start,
            source,
        });
        start
    }

    /// The place among them of a span's page. There is always one: spans are made here alone.
    fn number(&self, span: &Span) -> usize {
        let after = self.list.partition_point(|page| page.start <= span.start);
        after.saturating_sub(1)
    }

    fn of(&self, span: &Span) -> &Page {
        &self.list[self.number(span)]
    }

    /// The name of a span's page, the page's place among them, and the place within.
    pub(super) fn place(&self, span: &Span, is_key: bool) -> (Arc<str>, usize, Option<Place>) {
        let page = self.of(span);
        let within = span.start - page.start..span.end - page.start;
        let place = page.source.as_ref().map(|source| source.place(&within, is_key));
        (Arc::clone(&page.name), self.number(span), place)
    }

    /// From where a relative path counts.
    pub(super) fn directory(&self, span: &Span) -> &Path {
        &self.of(span).directory
    }

    /// Whether a span is of an account's own line.
    pub(super) fn is_line(&self, span: &Span) -> bool {
        let source = self.of(span).source.as_ref();
        source.is_some_and(|source| source.syntax() == Syntax::Users)
    }

    /// How a sentence about `here` points at another place.
    pub(super) fn elsewhere(&self, other: &Span, here: &Span) -> String {
        let page = self.of(other);
        let Some(source) = &page.source else {
            return page.name.to_string();
        };
        let line = source.line(other.start - page.start);
        if self.number(other) == self.number(here) {
            format!("line {line}")
        } else {
            format!("line {line} of {}", page.name)
        }
    }
}
