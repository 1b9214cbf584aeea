//! Where the program's words go: text for people, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// What `[log]` resolved to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How a line looks.
    pub format: Format,
    /// A `tracing` filter: `info`, `debug`, or per module.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is no filter.
    #[error(
        "the log level is not understood: {0}; write `info`, `debug`, or per module `info,saslgate::token=debug`"
    )]
    Level(#[from] ParseError),
    /// Something else logs already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] TryInitError),
}

/// Checks a level without starting anything.
pub fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    // Libraries below us log what passes through them. Their details help nobody here and could hold what must not be shown.
    EnvFilter::try_new(format!("warn,saslgate={level}"))
        .or_else(|_| EnvFilter::try_new(level))
        .map(|filter| {
            ["rustls", "hyper_util", "reqwest", "h2"]
                .iter()
                .fold(filter, |filter, library| quiet(filter, library))
        })
}

fn quiet(filter: EnvFilter, library: &str) -> EnvFilter {
    match format!("{library}=error").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

/// Starts logging to standard error: standard output belongs to what a command prints.
pub fn start(settings: &Settings) -> Result<(), LogError> {
    let filter = filter(&settings.level)?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match settings.format {
        Format::Json => registry
            .with(lines.json().flatten_event(true).with_target(true))
            .try_init()?,
        Format::Text => registry
            .with(lines.with_ansi(std::io::stderr().is_terminal()))
            .try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_list_of_modules() {
        for good in ["info", "debug", "info,saslgate::token=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        assert!(filter("saslgate=loud").is_err());
    }
}
