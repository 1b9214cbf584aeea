//! Where the program's words go: text for people, JSON for machines; one record is one line, and writing never waits.

mod sink;

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::name::acts;
use sink::Sink;

/// Audit events are said under this target, so that they can be let through whatever the level is.
pub const AUDIT: &str = "saslgate::audit";

/// What is missing in the log, and a defect, is said under this one, at every level.
const ALWAYS: &str = "saslgate::log";

/// How long an exit waits for the last lines to be written: whoever reads may be gone, or hold still for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What `[log]` resolved to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How a line looks.
    pub format: Format,
    /// A `tracing` filter: `info`, `debug`, or per module.
    pub level: String,
    /// Whether audit events are written at every level.
    pub audit: bool,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The levels that may stand alone.
pub const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Why logging could not start, or the level not be changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A word alone that is no level.
    #[error(
        "\"{0}\" is no level: write one of error, warn, info, debug, trace, off, or per module `info,saslgate::token=debug`"
    )]
    Word(String),
    /// The level is no filter.
    #[error(
        "the log level is not understood: {0}; write `info`, `debug`, or per module `info,saslgate::token=debug`"
    )]
    Level(#[from] ParseError),
    /// Something else logs already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] TryInitError),
    /// There is no thread left for it.
    #[error("the thread that writes the log can't be started: {0}; allow saslgate more processes")]
    Thread(#[from] io::Error),
    /// This program does not log.
    #[error("logging was not started by saslgate itself, so it has no level to change")]
    NotStarted,
}

impl From<reload::Error> for LogError {
    fn from(_: reload::Error) -> Self {
        Self::NotStarted
    }
}

/// Logging as it runs. There is one of it, as there is one standard error.
struct Live {
    filter: reload::Handle<EnvFilter, Registry>,
    /// What holds now, as far as it can change.
    now: Mutex<(String, bool)>,
    sink: Arc<Sink>,
}

static LIVE: OnceLock<Live> = OnceLock::new();

/// Keeps an exit waiting for the last lines.
#[derive(Debug)]
#[must_use = "what is not written when it is dropped is lost"]
pub struct Running(Arc<Sink>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.flush(LAST_WORDS);
    }
}

/// The first word of a level that stands alone and is none. A filter takes any word for the name of a module, so that `inof`
/// would silence everything.
pub fn unknown_word(level: &str) -> Option<&str> {
    let words = level.split(',').map(str::trim);
    let mut alone = words.filter(|part| !part.contains(['=', '[']));
    alone.find(|word| !LEVELS.contains(&word.to_ascii_lowercase().as_str()))
}

/// Checks a level and makes a filter of it. With `audit` those events pass it at every level.
pub fn filter(level: &str, audit: bool) -> Result<EnvFilter, LogError> {
    if let Some(word) = unknown_word(level) {
        return Err(LogError::Word(word.to_owned()));
    }
    // Libraries below us log what passes through them. Their details help nobody here and could hold what must not be shown.
    let filter =
        EnvFilter::try_new(format!("warn,saslgate={level}")).or_else(|_| EnvFilter::try_new(level))?;
    // notify warns of each watched file that was replaced, which is what files are watched for.
    let quiet = ["rustls", "hyper_util", "reqwest", "h2", "notify"].map(|library| format!("{library}=error"));
    let audit = audit.then(|| format!("{AUDIT}=info"));
    let always = quiet.into_iter().chain([format!("{ALWAYS}=warn")]).chain(audit);
    let mut filter = filter;
    for directive in always {
        filter = filter.add_directive(directive.parse()?);
    }
    Ok(filter)
}

/// Starts logging to standard error: standard output belongs to what a command prints.
pub fn start(settings: &Settings) -> Result<Running, LogError> {
    let (filter, handle) = reload::Layer::new(filter(&settings.level, settings.audit)?);
    let sink = Sink::open(io::stderr(), |lines| {
        tracing::warn!(
            target: ALWAYS,
            dropped = lines,
            why = "whoever reads the log did not keep up, or its disk was full; mail does not wait for it",
            "lines of the log are missing here"
        );
    })?;
    let colours = settings.format == Format::Text && io::stderr().is_terminal();
    let lines = Lines {
        sink: Arc::clone(&sink),
        format: settings.format,
        colours,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(lines);
    match settings.format {
        Format::Json => registry
            .with(layer.json().flatten_event(true).with_target(true))
            .try_init()?,
        Format::Text => registry.with(layer.with_ansi(colours)).try_init()?,
    }
    let now = Mutex::new((settings.level.clone(), settings.audit));
    let live = Live {
        filter: handle,
        now,
        sink: Arc::clone(&sink),
    };
    // Whoever was first has the subscriber too, and then we are not here.
    let _ = LIVE.set(live);
    Ok(Running(sink))
}

/// Has a task's panic told in the log. By itself it would be written straight to standard error, in several lines, and would
/// wait for whoever does not read them.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(
            target: ALWAYS,
            what = %panic,
            why = "saslgate has a defect; what was done for one mail client or command has ended, the rest goes on",
            fix = "report it where you got saslgate from, with this line",
            "a task has panicked"
        );
    }));
}

/// Takes level and audit of another configuration. Its format is taken at the next start. Where this program did not start
/// logging there is nothing to change.
pub fn change(settings: &Settings) -> Result<(), LogError> {
    let filter = filter(&settings.level, settings.audit)?;
    let Some(live) = LIVE.get() else { return Ok(()) };
    live.filter.reload(filter)?;
    *live.now() = (settings.level.clone(), settings.audit);
    Ok(())
}

/// Another level, until the next [`change`] or restart.
pub fn set_level(level: &str) -> Result<(), LogError> {
    let live = LIVE.get().ok_or(LogError::NotStarted)?;
    let mut now = live.now();
    live.filter.reload(filter(level, now.1)?)?;
    level.clone_into(&mut now.0);
    Ok(())
}

/// The level that holds now.
pub fn level() -> Result<String, LogError> {
    let live = LIVE.get().ok_or(LogError::NotStarted)?;
    Ok(live.now().0.clone())
}

/// How many lines could not be written since the start.
pub fn dropped() -> u64 {
    LIVE.get().map_or(0, |live| live.sink.dropped())
}

impl Live {
    fn now(&self) -> MutexGuard<'_, (String, bool)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes sure that a record is one line in which nothing acts, whatever its fields hold, and hands it on.
#[derive(Clone)]
struct Lines {
    sink: Arc<Sink>,
    format: Format,
    /// The formatter's own escape sequences are left alone; it escapes those of the fields itself.
    colours: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Lines {
    /// Takes a whole record with its end, which is how the formatter writes.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        if body.chars().any(|c| self.escapes(c)) {
            self.sink.push(self.escaped(body).as_bytes());
        } else {
            self.sink.push(record);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn escapes(&self, c: char) -> bool {
        acts(c) && !(self.colours && c == '\u{1b}')
    }

    fn escaped(&self, body: &str) -> String {
        let mut line = String::with_capacity(body.len() + 16);
        for c in body.chars() {
            match self.format {
                _ if !self.escapes(c) => line.push(c),
                Format::Text => line.extend(c.escape_default()),
                // All that act are in the basic plane. Writing to a string can't fail.
                Format::Json => _ = write!(line, "\\u{:04x}", u32::from(c)),
            }
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_list_of_modules() {
        for good in ["info", "debug", "off", "info,saslgate::token=trace"] {
            assert!(filter(good, true).is_ok(), "{good}");
        }
        for bad in ["saslgate=loud", "inof", "info,loud", ""] {
            assert!(filter(bad, true).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn audit_passes_every_level_and_libraries_none() {
        let shown = |level, audit| filter(level, audit).unwrap().to_string();
        assert!(shown("error", true).contains("saslgate::audit=info"));
        assert!(!shown("error", false).contains("saslgate::audit"));
        assert!(shown("trace,rustls=trace", true).contains("rustls=error"));
        assert!(!shown("trace,rustls=trace", true).contains("rustls=trace"));
    }

    #[test]
    fn a_record_is_one_line_in_which_nothing_acts() {
        let evil = "a\nb\rc\u{1b}[2J\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\té";
        for (format, colours) in [(Format::Text, false), (Format::Text, true), (Format::Json, false)] {
            let lines = Lines {
                sink: Arc::default(),
                format,
                colours,
            };
            let line = lines.escaped(evil);
            let body = line.strip_suffix('\n').unwrap();
            assert!(
                !body.chars().any(|c| acts(c) && !(colours && c == '\u{1b}')),
                "{line}"
            );
            if format == Format::Json {
                let value: serde_json::Value = serde_json::from_str(&format!("\"{body}\"")).unwrap();
                assert_eq!(value, evil);
            }
        }
    }
}
