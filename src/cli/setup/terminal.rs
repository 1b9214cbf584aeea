//! Whoever answers: lines in, one at a time, a secret without its echo; and Ctrl-C, which leaves nothing behind.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::answers::Answers;
use super::dialogue::{Ask, Dialogue, Step};
use crate::cli::runtime;
use crate::secret::Secret;

/// The longest line that is read, in bytes: one with two hundred mailboxes fits.
const LONGEST: u64 = 64 * 1024;

/// What shells report of a command that was ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// How a heading stands out, where there are colours.
pub(super) const HEADING: Style = AnsiColor::Cyan.on_default().bold();

/// Held while files are written, so that Ctrl-C comes before or after and never between.
pub(super) type Busy = Arc<Mutex<()>>;

/// Has Ctrl-C end the program with the terminal as it was. It does so as long as what is returned lives.
pub(super) fn watch(busy: &Busy) -> io::Result<Runtime> {
    let before = tcgetattr(io::stdin()).ok();
    let busy = Arc::clone(busy);
    let runtime = runtime()?;
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _waits = busy.lock().unwrap_or_else(PoisonError::into_inner);
            restore(before.as_ref());
            let _ = writeln!(io::stderr());
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(runtime)
}

/// Has the questions answered. The error says why nothing is to be written.
pub(super) fn answers(mut dialogue: Dialogue<'_>) -> Result<Answers, String> {
    loop {
        match dialogue.step() {
            Step::Say(text) => say(&format!("{text}\n"))?,
            Step::Ask(ask) => match read(&ask)? {
                Some(line) => dialogue.receive(&line),
                None => dialogue.closed(),
            },
            Step::Done(answers) => return Ok(*answers),
            Step::GaveUp(why) => return Err(why.to_owned()),
        }
    }
}

fn read(ask: &Ask) -> Result<Option<Secret<String>>, String> {
    let mut text = String::new();
    if !ask.heading.is_empty() {
        text = format!("\n{HEADING}{}{HEADING:#}\n", ask.heading);
    }
    if !ask.body.is_empty() {
        text += &ask.body;
        text.push('\n');
    }
    // Before the prompt: whoever sees it may type at once.
    let before = if ask.hidden { hide() } else { None };
    let line = say(&(text + &ask.prompt)).map(|()| line());
    restore(before.as_ref());
    line?.map_err(|error| format!("the answer can't be read: {error}; nothing was written"))
}

/// The next line; none at the end.
fn line() -> io::Result<Option<Secret<String>>> {
    // Read in one piece: a buffer that grows leaves copies of a secret behind.
    let mut line = Zeroizing::new(String::with_capacity(4 * 1024));
    let read = io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    if read == 0 || line.starts_with('\u{4}') {
        return Ok(None);
    }
    Ok(Some(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())))
}

/// Switches the echo off, but for the line's end; how it was before, if this is a terminal.
fn hide() -> Option<Termios> {
    let before = io::stdin().is_terminal().then(|| tcgetattr(io::stdin()).ok())??;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(io::stdin(), OptionalActions::Now, &hidden).ok()?;
    Some(before)
}

fn restore(before: Option<&Termios>) {
    if let Some(before) = before {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
    }
}

/// Nobody answers who does not see the question.
fn say(text: &str) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("nobody could be asked: {error}; nothing was written"))
}
