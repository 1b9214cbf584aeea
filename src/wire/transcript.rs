//! The conversation as a person may read it: whole lines, secrets masked by the dialogue that understood them.

/// Who spoke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaker {
    /// The other end of this dialogue.
    Peer,
    /// saslgate.
    Us,
}

/// One masked line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// Who said it.
    pub by: Speaker,
    /// The line without its end; nothing in it acts on a terminal.
    pub line: String,
}

/// Collects masked lines if somebody listens; costs nothing otherwise.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Option<Vec<Said>>,
}

impl Transcript {
    /// A transcript that keeps what it is told, or one that drops it.
    pub fn new(recording: bool) -> Self {
        Self {
            lines: recording.then(Vec::new),
        }
    }

    /// Notes a line; `line` is only made if somebody listens.
    pub fn note(&mut self, by: Speaker, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(Said { by, line: line() });
        }
    }

    /// Hands over what was collected.
    pub fn take(&mut self) -> Vec<Said> {
        self.lines.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
