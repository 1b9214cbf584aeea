//! The grant for everything else: a program of the operator's that prints an access token.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command as Process};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Command;
use super::error::TokenError;
use super::issued::{Issued, Unusable};
use super::printed;
use super::readable::readable;
use crate::name::{self, Mailbox};
use crate::subprocess::{Group, read_end};

/// How many run at once. They are often interpreters of 20 MiB and half a second of CPU, and after a restart every
/// account may need one.
const AT_ONCE: usize = 16;

/// The most that is read of what a command prints: a token has 2 KiB.
const MAX_PRINTED: usize = 64 * 1024;

/// How much of the end of its complaints is kept.
const COMPLAINT: usize = 2 * 1024;

/// How much of that is shown.
const SHOWN: usize = 400;

/// How long its output is waited for once it has ended: something that it left running may hold the other end open.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Shorter words of what it has printed may stand in its complaints: `null`, `error`.
const SHORTEST_SECRET: usize = 8;

const PRINTS_OTHER: &str = "it prints something else than one access token";
const PRINT_A_TOKEN: &str = "have it print the token alone on one line, or JSON with access_token and expires_in, expires_on or expiry; \
    messages belong on its standard error";

/// For whom a token is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct For<'a> {
    /// The mailbox that is opened.
    pub(crate) mailbox: &'a Mailbox,
    /// Whose token it is.
    pub(crate) owner: &'a Mailbox,
}

/// Runs commands, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    places: Arc<Semaphore>,
}

impl Default for Commands {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Commands {
    /// One token, by one run of the command.
    pub(crate) async fn token(&self, command: &Command, whom: For<'_>) -> Result<Issued, TokenError> {
        let (program, arguments) = arguments(command, whom)?;
        // The semaphore is never closed; without a place there would only be more company.
        let _place = self.places.acquire().await.ok();
        let run = Run::start(program, &arguments, whom)?;
        match timeout(command.timeout, run.finish()).await {
            Ok(output) => output.map_err(|error| unread(program, &error))?.token(program),
            Err(_) => Err(too_slow(program, command.timeout)),
        }
    }
}

/// The program and its arguments, with the placeholders replaced.
fn arguments<'c>(command: &'c Command, whom: For<'_>) -> Result<(&'c str, Vec<String>), TokenError> {
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err(TokenError::misconfigured(
            "the command is empty",
            "command = [] names no program",
            "name one",
        ));
    };
    let filled = arguments.iter().map(|argument| filled(argument, whom));
    Ok((program, filled.collect::<Result<_, _>>()?))
}

fn filled(argument: &str, whom: For<'_>) -> Result<String, TokenError> {
    let filled = argument
        .replace("{mailbox}", whom.mailbox.as_str())
        .replace("{owner}", whom.owner.as_str());
    // With a catch-all account the mailbox is what somebody typed, and a program would take `--config=…` for an option.
    if filled.starts_with('-') && !argument.starts_with('-') {
        return Err(TokenError::misconfigured(
            "the command is not run: an address that begins with - would be taken for an option",
            "an argument begins with {mailbox} or {owner}",
            "put something before the placeholder, as in --user={mailbox}, or read SASLGATE_MAILBOX",
        ));
    }
    Ok(filled)
}

/// A running command. Dropping it ends it with everything that it has started.
struct Run {
    // Dropped before the child: as long as nobody has reaped the child, its number is nobody else's.
    group: Group,
    child: Child,
}

/// What a command left behind.
struct Output {
    status: ExitStatus,
    printed: Zeroizing<Vec<u8>>,
    complaint: Vec<u8>,
}

impl Run {
    fn start(program: &str, arguments: &[String], whom: For<'_>) -> Result<Self, TokenError> {
        let child = Process::new(program)
            .args(arguments)
            .env("SASLGATE_MAILBOX", whom.mailbox.as_str())
            .env("SASLGATE_OWNER", whom.owner.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| not_started(program, &error))?;
        Ok(Self {
            group: Group::of(&child),
            child,
        })
    }

    /// Waits for its end, and reads what it has to say meanwhile: a full pipe would stop it.
    async fn finish(mut self) -> io::Result<Output> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let mut printed = Zeroizing::new(Vec::with_capacity(MAX_PRINTED));
        let mut complaint = Vec::new();
        let status = {
            let reading = async {
                tokio::try_join!(
                    read_all(stdout, &mut printed),
                    read_end(stderr, COMPLAINT, &mut complaint)
                )
            };
            tokio::pin!(reading);
            tokio::select! {
                read = &mut reading => {
                    read?;
                    self.child.wait().await?
                }
                status = self.child.wait() => {
                    // No news is what a program leaves that has gone into the background with our pipe.
                    timeout(AFTERWARDS, reading).await.unwrap_or(Ok(((), ())))?;
                    status?
                }
            }
        };
        self.group.ended();
        Ok(Output {
            status,
            printed,
            complaint,
        })
    }
}

/// Everything up to [`MAX_PRINTED`]; more is an error.
async fn read_all(from: Option<ChildStdout>, into: &mut Vec<u8>) -> io::Result<()> {
    let Some(from) = from else { return Ok(()) };
    let cap = MAX_PRINTED as u64;
    if from.take(cap + 1).read_to_end(into).await? > MAX_PRINTED {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it prints more than 64 KiB",
        ));
    }
    Ok(())
}

impl Output {
    /// The token in it, or what went wrong: in the program's own last words.
    fn token(self, program: &str) -> Result<Issued, TokenError> {
        if self.status.success() {
            return printed::token(&self.printed, SystemTime::now()).map_err(|why| unusable(program, why));
        }
        Err(TokenError::temporary(
            format!("the command {} failed ({})", name(program), self.status),
            "the program itself says why, on its standard error",
            "run it by hand as the user that saslgate runs as",
        )
        .with_detail(self.last_words()))
    }

    /// The end of its standard error, without anything that it has printed: `sh -x` repeats a token before it fails.
    fn last_words(&self) -> String {
        let printed = String::from_utf8_lossy(&self.printed);
        let words = printed.split(|c: char| c.is_whitespace() || matches!(c, '"' | '{' | '}' | ','));
        let secrets: Vec<&str> = words.filter(|word| word.len() >= SHORTEST_SECRET).collect();
        let said = String::from_utf8_lossy(self.whole_words());
        let said = readable(&said, &secrets, usize::MAX);
        // The reason stands at the end, below the greeting and the traceback.
        match said.char_indices().rev().nth(SHOWN) {
            Some((at, _)) => format!("…{}", &said[at..]),
            None => said,
        }
    }

    /// Its complaints, without a word that was cut at their beginning: the rest of a token would not be known for one.
    fn whole_words(&self) -> &[u8] {
        if self.complaint.len() < COMPLAINT {
            return &self.complaint;
        }
        let cut = self.complaint.iter().position(u8::is_ascii_whitespace);
        &self.complaint[cut.unwrap_or(self.complaint.len())..]
    }
}

fn name(program: &str) -> String {
    name::shown(program.as_bytes(), SHOWN)
}

fn not_started(program: &str, error: &io::Error) -> TokenError {
    let what = format!("the command {} can't be started", name(program));
    let detail = error.kind().to_string();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => TokenError::misconfigured(
            what,
            "the program is not there, or not executable for the user that saslgate runs as",
            "give its full path, and make it executable for that user",
        ),
        _ => TokenError::temporary(
            what,
            "the machine is out of processes, memory or descriptors",
            "look at the limits of the service and at what else runs on this machine",
        ),
    }
    .with_detail(detail)
}

fn unread(program: &str, error: &io::Error) -> TokenError {
    TokenError::misconfigured(
        format!("what the command {} prints can't be read", name(program)),
        PRINTS_OTHER,
        PRINT_A_TOKEN,
    )
    .with_detail(error.to_string())
}

fn too_slow(program: &str, limit: Duration) -> TokenError {
    TokenError::temporary(
        format!(
            "the command {} was ended: it ran longer than {} s",
            name(program),
            limit.as_secs()
        ),
        "it waits for something: for a person, a network, or another run of itself",
        "run it by hand as the user that saslgate runs as, with its input closed",
    )
}

fn unusable(program: &str, why: Unusable) -> TokenError {
    let what = format!("the command {} printed no usable token", name(program));
    let error = if why == Unusable::Expired {
        TokenError::temporary(
            what,
            "it keeps a token of its own longer than that lives",
            "have it print a new one",
        )
    } else {
        TokenError::misconfigured(what, PRINTS_OTHER, PRINT_A_TOKEN)
    };
    error.with_detail(why.text())
}

#[cfg(test)]
mod tests;
