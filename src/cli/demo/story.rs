//! Prints who said what to whom, secrets masked.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use anstyle::{AnsiColor, Style};

use crate::transport::{Leg, Overhear};
use crate::wire::{Said, Speaker};

const MAIL_CLIENT: &str = "mail client";
const SASLGATE: &str = "saslgate";
const EXCHANGE: &str = "Exchange";

/// Characters of a line that are shown: a capability list is longer than a terminal is wide.
const MAX_LINE: usize = 100;

/// Prints conversations as they happen.
pub(super) struct Story {
    overheard: Receiver<(Leg, Said)>,
    out: anstream::AutoStream<io::Stdout>,
}

/// Listens on the proxy's own dialogues.
struct Ear(Sender<(Leg, Said)>);

impl Overhear for Ear {
    fn line(&self, _: &str, leg: Leg, said: Said) {
        // After the last conversation nobody reads on.
        let _ = self.0.send((leg, said));
    }
}

impl Story {
    /// A story, and the ear by which it learns what is said before a login.
    pub(super) fn new() -> (Self, impl Overhear + 'static) {
        let (sender, overheard) = channel();
        (
            Self {
                overheard,
                out: anstream::stdout(),
            },
            Ear(sender),
        )
    }

    /// A heading.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        let bold = Style::new().bold();
        writeln!(self.out, "\n{bold}{text}{bold:#}")
    }

    /// A sentence.
    pub(super) fn tell(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// What was said before the login, on both legs.
    pub(super) fn tell_login(&mut self) -> io::Result<()> {
        while let Ok((leg, said)) = self.overheard.try_recv() {
            let far = match leg {
                Leg::Downstream => MAIL_CLIENT,
                Leg::Upstream => EXCHANGE,
            };
            match said.by {
                Speaker::Peer => self.line(far, SASLGATE, &said.line)?,
                Speaker::Us => self.line(SASLGATE, far, &said.line)?,
            }
        }
        Ok(())
    }

    /// A line of the mail client that the relay carried.
    pub(super) fn asked(&mut self, line: &str) -> io::Result<()> {
        self.line(MAIL_CLIENT, EXCHANGE, line)
    }

    /// A line of upstream that the relay carried.
    pub(super) fn answered(&mut self, line: &str) -> io::Result<()> {
        self.line(EXCHANGE, MAIL_CLIENT, line)
    }

    fn line(&mut self, from: &str, to: &str, line: &str) -> io::Result<()> {
        let dim = Style::new().dimmed();
        let color = Style::new().fg_color(Some(match from {
            MAIL_CLIENT => AnsiColor::Cyan.into(),
            SASLGATE => AnsiColor::Green.into(),
            _ => AnsiColor::Magenta.into(),
        }));
        let shown: String = line.chars().take(MAX_LINE).collect();
        let more = if shown.len() < line.len() { "…" } else { "" };
        writeln!(
            self.out,
            "  {color}{from:>11}{color:#} {dim}→{dim:#} {to:<11}  {shown}{more}"
        )
    }
}
