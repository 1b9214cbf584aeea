//! One pass over one configuration: collects problems, and reads what its files refer to.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use super::environment::{Content, Environment};
use super::excerpt::Syntax;
use super::fingerprint::{Fingerprint, Sum};
use super::origin::Origin;
use super::pages::Pages;
use super::problem::{Problem, Problems, Severity};
use super::sources::Sources;
use super::variables;
use crate::name::shown;
use crate::secret::Secret;

/// Bytes of the source texts, which stand one after the other: see `Pages`.
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

/// A file of the configuration's own.
pub(super) struct Opened {
    pub(super) text: Rc<Secret<String>>,
    /// By how much spans within it are to be moved.
    pub(super) start: usize,
}

/// What of a line a problem is about.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Shown {
    Value,
    Key,
    /// Of no line: of the file as a whole.
    Nothing,
}

/// What is being read, what was found wrong so far, and a fingerprint of everything it depended on.
pub(super) struct Reader<'a> {
    environment: &'a dyn Environment,
    pages: Pages,
    problems: Problems,
    sources: Sources,
    /// The variables that were asked for.
    asked: BTreeSet<String>,
    seen: Sum,
    /// Says what is written for a file in the words of whoever wrote no file.
    words: fn(String) -> String,
}

impl<'a> Reader<'a> {
    /// Begins one.
    pub(super) fn new(origin: &Origin, environment: &'a dyn Environment) -> Self {
        Self {
            environment,
            pages: Pages::default(),
            problems: Problems::new(origin.to_string()),
            sources: Sources::default(),
            asked: BTreeSet::new(),
            seen: Sum::new(),
            words: match origin {
                Origin::File(_) => |said| said,
                Origin::Variables => variables::worded,
            },
        }
    }

    /// Reads a file of the configuration's own. None beside an error.
    pub(super) fn open(&mut self, path: &Path) -> Option<Opened> {
        let content = self.sources.read(path, self.environment);
        let text = content
            .map_err(|error| unreadable(error.kind()))
            .and_then(|content| utf8(content.bytes.expose()));
        self.opened(path, text, Syntax::Toml)
    }

    /// Reads the file with accounts that a key names, each on a line of its own. None beside an error.
    pub(super) fn open_users(&mut self, named: &Text) -> Option<Opened> {
        let bytes = self.public_file(named)?;
        self.opened(&self.path(named), utf8(bytes.expose()), Syntax::Users)
    }

    fn opened(
        &mut self,
        path: &Path,
        text: Result<String, (String, &'static str)>,
        syntax: Syntax,
    ) -> Option<Opened> {
        match text {
            Ok(text) => Some(self.page(path, text, syntax)),
            Err((why, fix)) => {
                let start = self.page(path, String::new(), syntax).start;
                self.file_error(start, "the configuration cannot be read", &why, fix);
                None
            }
        }
    }

    fn page(&mut self, path: &Path, text: String, syntax: Syntax) -> Opened {
        self.seen.add(text.as_bytes());
        let text = Rc::new(Secret::new(text));
        Opened {
            start: self.pages.add_file(path, Rc::clone(&text), syntax),
            text,
        }
    }

    /// The files beside the configuration's own that add to it.
    pub(super) fn list(&mut self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.sources.list(directory, self.environment)
    }

    /// A span for something without lines, such as a variable.
    pub(super) fn name(&mut self, name: &str) -> Span {
        self.pages.add_name(name)
    }

    /// Notes what makes the configuration unusable.
    pub(super) fn error(
        &mut self,
        span: &Span,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let said = [what.into(), why.into(), fix.into()];
        self.push(Severity::Error, span, Shown::Value, said);
    }

    /// Notes what works and should be looked at.
    pub(super) fn warning(
        &mut self,
        span: &Span,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let said = [what.into(), why.into(), fix.into()];
        self.push(Severity::Warning, span, Shown::Value, said);
    }

    /// Notes a problem with the name of a key, which is then shown whatever it is.
    pub(super) fn key_error(&mut self, span: &Span, what: String, why: &str, fix: String) {
        self.push(Severity::Error, span, Shown::Key, [what, why.into(), fix]);
    }

    /// Notes a problem with the file as a whole that starts there; 0 is the configuration's own.
    pub(super) fn file_error(&mut self, start: usize, what: &str, why: &str, fix: &str) {
        let said = [what, why, fix].map(Into::into);
        self.push(Severity::Error, &(start..start), Shown::Nothing, said);
    }

    /// Notes that a key does nothing where it stands: somebody believes that it does something.
    pub(super) fn no_effect(&mut self, span: &Span, key: &str, why: &str) {
        self.warning(span, format!("`{key}` has no effect here"), why, "remove it");
    }

    fn push(&mut self, severity: Severity, span: &Span, shown: Shown, said: [String; 3]) {
        let (file, page, place) = self.pages.place(span, shown == Shown::Key);
        let [what, why, fix] = said.map(|said| (self.words)(said));
        self.problems.push(Problem {
            severity,
            file,
            place: place.filter(|_| shown != Shown::Nothing),
            what,
            why,
            fix,
            page,
        });
    }

    /// How many errors there are so far: what was read between two equal counts is sound.
    pub(super) fn errors(&self) -> usize {
        self.problems.errors
    }

    /// How a sentence about `here` points at another place.
    pub(super) fn elsewhere(&self, other: &Span, here: &Span) -> String {
        self.pages.elsewhere(other, here)
    }

    /// Whether a span is of an account's own line in a `users_file`.
    pub(super) fn is_line(&self, span: &Span) -> bool {
        self.pages.is_line(span)
    }

    /// A path: relative ones count from the directory of the file that they are written in.
    pub(super) fn path(&self, named: &Text) -> PathBuf {
        self.pages.directory(&named.span).join(&named.value)
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
        let shown = self.found(named);
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
        let name = shown(named.written.as_bytes(), SHOWN);
        if named.written.starts_with(['/', '.']) {
            return format!("the file `{name}`");
        }
        let directory = match self.pages.directory(&named.span) {
            here if here.as_os_str().is_empty() => Path::new("."),
            directory => directory,
        };
        let is_there = |folder: &Path| {
            !folder.as_os_str().is_empty() && self.environment.list(&directory.join(folder)).is_ok()
        };
        let folder = Path::new(&named.written).parent();
        if has_ending(&named.written) || folder.is_some_and(is_there) {
            return format!("the file `{name}` in `{}`", directory.display());
        }
        format!("the file named here, in `{}`,", directory.display())
    }

    /// A secret's path, once it was read: what leads to a file is a path. A variable's value is still nobody's to see.
    pub(super) fn found(&self, named: &Text) -> String {
        if named.written != named.value {
            return self.guarded(named);
        }
        let path = self.path(named);
        format!("the file `{}`", shown(path.as_os_str().as_encoded_bytes(), SHOWN))
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
        self.asked.insert(name.to_owned());
        let value = self.environment.variable(name).ok_or("it is not set")?;
        let value = value.into_string().map_err(|_| "its value is not UTF-8")?;
        if value.is_empty() {
            return Err("it is empty");
        }
        self.seen.add(value.as_bytes());
        Ok(value)
    }

    /// Whether something in the configuration named that variable.
    pub(super) fn has_asked(&self, name: &str) -> bool {
        self.asked.contains(name)
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

/// Whether it ends as files of secrets do, which no secret does by chance.
fn has_ending(written: &str) -> bool {
    const ENDINGS: [&str; 9] = [
        "secret", "pem", "key", "txt", "toml", "token", "json", "jwt", "password",
    ];
    written
        .rsplit_once('.')
        .is_some_and(|(stem, ending)| !stem.is_empty() && ENDINGS.contains(&ending))
}

/// The text of a file, or why it is none and what to do about it.
fn utf8(bytes: &[u8]) -> Result<String, (String, &'static str)> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = 1 + sound.matches('\n').count();
        (format!("line {line} is not UTF-8"), "save it as UTF-8")
    })?;
    Ok(text.to_owned())
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
