//! What is wrong with a configuration, said so that it can be mended: where, what, why, and the fix.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// More problems than this are counted, not listed: a file of another kind has one per line.
const MAX_LISTED: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Nothing of the file is used.
    Error,
    /// It works, and somebody should look at it.
    Warning,
}

impl Severity {
    /// The word in front of a message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Where in the file a problem is. The line is kept as it may be shown: values that could be secrets are masked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The source line without what must not be shown.
    pub excerpt: String,
    /// The bytes of `excerpt` that the problem is about.
    pub mark: Range<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The path of the file that it is in, as it was given, or the name of the environment variable.
    pub file: Arc<str>,
    /// Where it is; none if it is about the file as a whole, or about a variable.
    pub place: Option<Place>,
    /// What was found.
    pub what: String,
    /// Why that is a problem.
    pub why: String,
    /// What mends it.
    pub fix: String,
    /// The place of its file among those that were read.
    pub(super) page: usize,
}

/// Everything that is wrong with one configuration, in the order of its files and their lines. No secret is in it, so it
/// may be shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Problems {
    /// The path of the configuration's own file as it was given, or what stands for it.
    pub file: String,
    /// The problems, at most a hundred of them, errors first if there are more.
    pub list: Vec<Problem>,
    /// How many errors there are, with those that are not listed.
    pub errors: usize,
    /// How many warnings there are, with those that are not listed.
    pub warnings: usize,
}

impl Problems {
    pub(super) fn new(file: String) -> Self {
        Self {
            file,
            list: Vec::new(),
            errors: 0,
            warnings: 0,
        }
    }

    /// Takes one more; what is found once for each protocol of an account is said once.
    pub(super) fn push(&mut self, problem: Problem) {
        if self.list.contains(&problem) {
            return;
        }
        match problem.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.list.len() < MAX_LISTED {
            self.list.push(problem);
        } else if problem.severity == Severity::Error {
            // Whoever has many warnings still wants to see what keeps the file from being used.
            let warning = self
                .list
                .iter_mut()
                .rfind(|listed| listed.severity == Severity::Warning);
            if let Some(warning) = warning {
                *warning = problem;
            }
        }
    }

    /// Takes a warning about the configuration as a whole that was found behind it, such as in the files that it leads to.
    pub fn warn(&mut self, what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) {
        self.push(Problem {
            severity: Severity::Warning,
            file: self.file.as_str().into(),
            place: None,
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
            page: 0,
        });
    }

    /// Puts them in the order in which an editor shows the lines; what is about the whole file comes first.
    pub(super) fn sort(&mut self) {
        self.list.sort_by_key(|Problem { page, place, .. }| {
            (*page, place.as_ref().map(|place| (place.line, place.column)))
        });
    }

    /// Each with its file and place in front, for a log line of its own.
    pub fn iter(&self) -> impl Iterator<Item = Located<'_>> {
        self.list.iter().map(Located)
    }

    /// How many there are that are not listed.
    pub fn unlisted(&self) -> usize {
        self.errors + self.warnings - self.list.len()
    }

    /// Whether nothing of the file can be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }
}

/// One of the problems with its file and place in front.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a>(&'a Problem);

/// As compilers write it, so that editors and log collectors can take it apart.
impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(problem) = self;
        write!(f, "{}:", problem.file)?;
        if let Some(place) = &problem.place {
            write!(f, "{}:{}:", place.line, place.column)?;
        }
        write!(f, " {problem}")
    }
}

/// One problem a line.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, located) in self.iter().enumerate() {
            let end = if index > 0 { "\n" } else { "" };
            write!(f, "{end}{located}")?;
        }
        match self.unlisted() {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.file),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, why, fix, .. } = self;
        write!(f, "{}: {what}: {why}; fix: {fix}", self.severity.name())
    }
}
