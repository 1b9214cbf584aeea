//! Where the program's words go: text for people, JSON for machines.

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
