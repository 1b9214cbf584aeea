//! One pass over one file: collects problems, and reads what the file refers to.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::environment::{Content, Environment};
use super::excerpt::Source;
use super::fingerprint::{Fingerprint, Sum};
use super::problem::{Problem, Problems, Severity};
use super::sources::Sources;
use crate::name::shown;
use crate::secret::Secret;

/// Bytes of the source text.
pub(super) type Span = Range<usize>;

/// The most characters of a value that a message repeats.
const SHOWN: usize = 80;

/// A value and where it stands.
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A string of the file: as it counts, and as it is written. It may be a secret, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) value: String,
    /// Before `${NAME}` was replaced: what a message may repeat, because a variable's value is nobody's to see.
    pub(super) written: String,
    pub(super) span: Span,
}

impl Text {
    /// The string as a message repeats it.
    pub(super) fn shown(&self) -> String {
        format!("\"{}\"", shown(self.written.as_bytes(), SHOWN))
    }
}

/// What is being read, what was found wrong so far, and a fingerprint of everything it depended on.
pub(super) struct Reader<'a> {
    environment: &'a dyn Environment,
    directory: PathBuf,
    source: Source<'a>,
    problems: Problems,
    sources: Sources,
    seen: Sum,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &Path,
        text: &'a str,
        sources: Sources,
        environment: &'a dyn Environment,
    ) -> Self {
        let mut seen = Sum::new();
        seen.add(text.as_bytes());
        Self {
            environment,
            directory: file.parent().unwrap_or(Path::new("")).to_owned(),
            source: Source::new(text),
            problems: Problems::new(file.display().to_string()),
            sources,
            seen,
        }
    }

    /// Notes what makes the file unusable.
    pub(super) fn error(
        &mut self,
        span: &Span,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(
            Severity::Error,
            Some((span, false)),
            [what.into(), why.into(), fix.into()],
        );
    }

    /// Notes what works and should be looked at.
    pub(super) fn warning(
        &mut self,
        span: &Span,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(
            Severity::Warning,
            Some((span, false)),
            [what.into(), why.into(), fix.into()],
        );
    }

    /// Notes a problem with the name of a key, which is then shown whatever it is.
    pub(super) fn key_error(&mut self, span: &Span, what: String, why: &str, fix: String) {
        self.push(Severity::Error, Some((span, true)), [what, why.into(), fix]);
    }

    /// Notes a problem with the file as a whole.
    pub(super) fn file_error(&mut self, what: &str, why: &str, fix: &str) {
        self.push(Severity::Error, None, [what, why, fix].map(Into::into));
    }

    /// Notes that a key does nothing where it stands: somebody believes that it does something.
    pub(super) fn no_effect(&mut self, span: &Span, key: &str, why: &str) {
        self.warning(span, format!("`{key}` has no effect here"), why, "remove it");
    }

    fn push(&mut self, severity: Severity, at: Option<(&Span, bool)>, [what, why, fix]: [String; 3]) {
        let place = at.map(|(span, is_key)| self.source.place(span, is_key));
        self.problems.push(Problem {
            severity,
            place,
            what,
            why,
            fix,
        });
    }

    /// How many errors there are so far: what was read between two equal counts is sound.
    pub(super) fn errors(&self) -> usize {
        self.problems.errors
    }

    /// The line of a span's start, from 1, to point at another place in words.
    pub(super) fn line(&self, span: &Span) -> usize {
        self.source.line(span.start)
    }

    /// A path of the file: relative ones count from the file's directory.
    pub(super) fn path(&self, named: &Text) -> PathBuf {
        self.directory.join(&named.value)
    }

    /// A file that may be read by anybody, such as a certificate.
    pub(super) fn public_file(&mut self, named: &Text) -> Option<Secret<Vec<u8>>> {
        let shown = format!(
            "`{}`",
            shown(self.path(named).as_os_str().as_encoded_bytes(), SHOWN)
        );
        self.read(named, &shown).map(|content| content.bytes)
    }

    /// A file with a secret in it: refused when others may write it, because they could put in one that they know.
    pub(super) fn secret_file(&mut self, named: &Text) -> Option<Secret<Vec<u8>>> {
        let shown = self.guarded(named);
        let content = self.read(named, &shown)?;
        let mode = content.mode.unwrap_or(0);
        if mode & 0o022 != 0 {
            self.error(
                &named.span,
                format!("{shown} may be written by other users (mode {mode:03o})"),
                "whoever can write it decides which secret is used",
                "chmod 600",
            );
            return None;
        }
        if mode & 0o004 != 0 {
            self.warning(
                &named.span,
                format!("{shown} may be read by every user of this machine (mode {mode:03o})"),
                "its content opens mailboxes",
                "chmod 600, or 640 with a group of its own",
            );
        }
        Some(content.bytes)
    }

    /// A secret's path, shown only if it surely is one: people put the secret itself where its file's name belongs.
    fn guarded(&self, named: &Text) -> String {
        if named.written.starts_with(['/', '.']) {
            format!("the file `{}`", shown(named.written.as_bytes(), SHOWN))
        } else {
            format!("the file named here, in `{}`,", self.directory().display())
        }
    }

    fn directory(&self) -> &Path {
        if self.directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.directory
        }
    }

    fn read(&mut self, named: &Text, shown: &str) -> Option<Content> {
        match self.sources.read(&self.path(named), self.environment) {
            Ok(content) => {
                self.seen.add(content.bytes.expose());
                Some(content)
            }
            Err(error) => {
                let (why, fix) = unreadable(error.kind());
                self.error(&named.span, format!("{shown} cannot be read"), why, fix);
                None
            }
        }
    }

    /// Whether a file can be read at this moment: if not, its name as it may be shown, and why. What is in it counts for
    /// nothing, so that it may change at any time.
    pub(super) fn unreadable_now(&self, named: &Text) -> Option<(String, String)> {
        let error = self.environment.read(&self.path(named)).err()?;
        Some((self.guarded(named), unreadable(error.kind()).0))
    }

    /// The variable that a `…_env` key names. Neither its name nor its value is repeated: people put the secret there.
    pub(super) fn secret_variable(&mut self, named: &Text) -> Option<Secret<String>> {
        match self.variable(&named.value) {
            Ok(value) => Some(Secret::new(value)),
            Err(why) => {
                self.error(
                    &named.span,
                    "the environment variable named here cannot be used",
                    why,
                    "name a variable that is set where saslgate is started (the variable's name, not its value)",
                );
                None
            }
        }
    }

    /// The value of a variable, or why there is none.
    pub(super) fn variable(&mut self, name: &str) -> Result<String, &'static str> {
        let value = self.environment.variable(name).ok_or("it is not set")?;
        let value = value.into_string().map_err(|_| "its value is not UTF-8")?;
        if value.is_empty() {
            return Err("it is empty");
        }
        self.seen.add(value.as_bytes());
        Ok(value)
    }

    pub(super) fn is_program(&self, path: &Path) -> bool {
        self.environment.is_program(path)
    }

    pub(super) fn now(&self) -> SystemTime {
        self.environment.now()
    }

    pub(super) fn descriptors(&self) -> u64 {
        self.environment.descriptors()
    }

    /// Ends the pass.
    pub(super) fn finish(self) -> (Problems, Fingerprint, Sources) {
        let mut problems = self.problems;
        problems.sort();
        (problems, self.seen.end(), self.sources)
    }
}

/// Why a file cannot be read, and what to do about it.
pub(super) fn unreadable(kind: io::ErrorKind) -> (String, &'static str) {
    let (why, fix) = match kind {
        io::ErrorKind::NotFound => ("there is no such file", "write it, or name the one that is there"),
        io::ErrorKind::PermissionDenied => ("this user may not", "let the user that runs saslgate read it"),
        io::ErrorKind::IsADirectory => ("it is a directory", "name a file in it"),
        io::ErrorKind::FileTooLarge => ("it has more than 8 MiB", "name another file"),
        other => return (other.to_string(), "name a readable file"),
    };
    (why.to_owned(), fix)
}
