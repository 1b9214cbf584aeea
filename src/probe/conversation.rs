//! Commands and answers behind a greeting or a login, line by line: only what a probe says itself, so neither literals nor
//! messages come back.

use crate::name::shown;
use crate::transport::{Link, Patience};
use crate::upstream::Cause;
use crate::wire::{Closing, Framer, MAX_LINE};

/// Bytes read at once.
const CHUNK: usize = 4 * 1024;

/// Lines of one answer: an EXAMINE has about ten, an EHLO fifteen.
const MAX_LINES: usize = 200;

/// The longest answer that is told, in characters.
const MAX_TOLD: usize = 500;

/// A peer that answers. Also for who sends something: a body is a command whose last line is a dot.
pub(crate) struct Conversation {
    link: Link,
    framer: Framer,
    patience: Patience,
}

/// What a command was answered with: the lines before, and the last one, which says yes or no.
pub(crate) struct Answer {
    pub(crate) before: Vec<String>,
    pub(crate) verdict: String,
}

impl Conversation {
    /// Goes on with a peer that has sent `unread` beyond what was read so far.
    pub(crate) fn new(link: Link, unread: &[u8], patience: Patience) -> Self {
        let mut framer = Framer::default();
        framer.push(unread);
        Self {
            link,
            framer,
            patience,
        }
    }

    /// One line.
    pub(crate) async fn line(&mut self) -> Result<String, Cause> {
        loop {
            match self.framer.line(MAX_LINE) {
                Ok(Some(line)) => return Ok(shown(&line, MAX_TOLD)),
                Ok(None) => {}
                Err(_) => return Err(Cause::Protocol(Closing::TooLong)),
            }
            let mut chunk = [0; CHUNK];
            let read = self.patience.wait(self.link.read(&mut chunk)).await;
            match read.map_err(|_| Cause::Timeout)?.map_err(Cause::Broken)? {
                0 => return Err(Cause::Protocol(Closing::PeerClosed)),
                count => self.framer.push(&chunk[..count]),
            }
        }
    }

    /// Says a command.
    async fn say(&mut self, command: &str) -> Result<(), Cause> {
        let line = format!("{command}\r\n");
        let written = self.patience.wait(self.link.write(line.as_bytes())).await;
        written.map_err(|_| Cause::Timeout)?.map_err(Cause::Broken)
    }

    /// An IMAP command; its verdict is without the tag. A BYE is a verdict too, because nothing follows it.
    pub(crate) async fn imap(&mut self, tag: &str, command: &str) -> Result<Answer, Cause> {
        self.say(&format!("{tag} {command}")).await?;
        self.until(|line| {
            let farewell = line.strip_prefix("* ").filter(|text| text.starts_with("BYE"));
            let tagged = || line.strip_prefix(tag)?.strip_prefix(' ');
            farewell.or_else(tagged).map(ToOwned::to_owned)
        })
        .await
    }

    /// A POP3 command with one line as answer.
    pub(crate) async fn pop3(&mut self, command: &str) -> Result<Answer, Cause> {
        self.say(command).await?;
        self.until(|line| Some(line.to_owned())).await
    }

    /// An SMTP command; or none, to hear the greeting.
    pub(crate) async fn smtp(&mut self, command: Option<&str>) -> Result<Answer, Cause> {
        if let Some(command) = command {
            self.say(command).await?;
        }
        self.until(|line| (line.as_bytes().get(3) != Some(&b'-')).then(|| line.to_owned()))
            .await
    }

    async fn until(&mut self, verdict: impl Fn(&str) -> Option<String>) -> Result<Answer, Cause> {
        let mut before = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(verdict) = verdict(&line) {
                return Ok(Answer { before, verdict });
            }
            if before.len() == MAX_LINES {
                return Err(Cause::Protocol(Closing::TooLong));
            }
            before.push(line);
        }
    }

    /// Says goodbye; whatever comes of it.
    pub(crate) async fn leave(mut self, goodbye: &str) {
        if self.say(goodbye).await.is_ok() {
            let _ = self.line().await;
        }
        self.link.close().await;
    }

    /// The bare connection, to start TLS on it. What was sent in clear behind the last answer is forgotten with it.
    pub(crate) fn into_link(self) -> Link {
        self.link
    }
}
