//! `saslgate setup`: questions in; a configuration that works out, and what others have to do for it.
//!
//! Exit codes: 0 if everything is written and `check` finds nothing, 1 if it is written and something is left open, 2 if
//! nothing was written.

mod answers;
mod answers_file;
mod card;
mod certificate;
mod config_text;
mod dialogue;
mod draft;
mod explanation;
mod files;
mod kept;
mod layout;
mod made;
mod next;
mod place;
mod portal;
mod powershell;
mod product;
mod question;
mod report;
mod surroundings;
mod terminal;
#[cfg(test)]
mod tests;
mod typed;
mod users;
mod way;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::PoisonError;
use std::time::SystemTime;

use clap::Args;

use self::answers::Answers;
use self::dialogue::Dialogue;
use self::surroundings::{Machine, Surroundings as _};
use super::complain;
use crate::config::{Becoming, Origin, System};
use crate::server::keep_memory_private;
use place::Place;

const EXAMPLES: &str = "Examples:
  saslgate setup                              ask, one question at a time
  saslgate setup --directory ./try            into a directory of your own
  saslgate setup --powershell saslgate.ps1    also a file that does the administrator's part
  saslgate setup --answers-template osticket > answers.toml
  saslgate setup --answers answers.toml       the same without a question

It knows Email This Issue, Highstage, osTicket, Efecte ESM, Oracle B2C Service, mail programs,
scanners, Postfix, scripts and 200 mailboxes at once. Nothing is changed at Microsoft: it says
what to do there. The client secret is asked for without showing it, or named by a file; it is
never on the command line. Passwords for mail clients are made here and shown once, or written
into the file that password_file names in the answers.

Exit codes: 0 written, and `saslgate check` finds nothing; 1 written, and something is left to
do; 2 nothing was written.";

/// What `setup` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SetupArgs {
    /// Take the answers from a file instead of asking
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Print a file of answers to fill in, as they suit a product
    #[arg(long, exclusive = true, value_name = "PRODUCT", num_args = 0..=1, default_missing_value = "mail-program")]
    answers_template: Option<String>,
    /// Where files go: by default /etc/saslgate if this user may write there, else ~/.config/saslgate
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write a PowerShell file too, which does the administrator's part
    #[arg(long, value_name = "FILE")]
    powershell: Option<PathBuf>,
    /// With --answers: replace files that are there and change; each old one stays beside it as .old, and each local password as it is
    #[arg(long, requires = "answers")]
    replace: bool,
}

/// Sets up.
pub(super) fn run(args: &SetupArgs) -> ExitCode {
    keep_memory_private();
    let done = match &args.answers_template {
        Some(product) => answers_file::template(product, &Machine).map(|text| (text.into(), 0)),
        None => set_up(args),
    };
    match done {
        Ok((report, code)) => told(&report, code),
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

/// Whoever reads us may stop reading; the files are there, and the exit code still tells.
fn told(text: &str, code: u8) -> ExitCode {
    let _ = anstream::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

fn set_up(args: &SetupArgs) -> Result<(zeroize::Zeroizing<String>, u8), String> {
    let busy = terminal::Busy::default();
    let watch = terminal::watch(&busy).map_err(|error| format!("Ctrl-C can't be watched for: {error}"))?;
    let powershell = args.powershell.as_deref().map(absolute).transpose()?;
    let directory = args.directory.as_deref().map(absolute).transpose()?;
    if let Some(directory) = &directory {
        Machine.usable(directory)?;
    }
    let answers = match &args.answers {
        Some(file) => answers_file::read(file, directory.as_deref(), &Machine)?,
        None => terminal::answers(Dialogue::new(&Machine, directory, powershell.clone()))?,
    };
    let layout = layout::of(&answers, powershell.as_deref(), &Machine);
    refuse(&layout, args.answers.is_some() && !args.replace)?;
    let mut shown = layout.to_string();
    let certs_are_new = layout.files.iter().any(|file| file.kind == layout::Kind::Server);
    let kept = Machine.kept(&answers.directory);
    let now = SystemTime::now();
    let work = made::work(&answers, layout, &kept, now)?;
    let writing = busy.lock().unwrap_or_else(PoisonError::into_inner);
    let unchanged = files::write(&answers.directory, &work.files)?;
    let certificate = certificate::suited(&answers, certs_are_new, now);
    drop(writing);
    shown += &layout::as_before(&answers.directory, &unchanged);
    shown += &certificate.written();
    // What is left is only said.
    watch.shutdown_background();
    let known = next::Known {
        has_exchange: powershell::lines(&answers).is_some(),
        certs_are_new,
        certificate_lacks: certificate.left(),
        is_sound: false,
        is_found: Origin::usual(&System) == answers.directory.join(layout::CONFIG),
        answers_file: args.answers.as_deref(),
    };
    Ok(report::of(&answers, &work, &shown, &known))
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, String> {
    let typed = path
        .to_str()
        .ok_or("a path that is not UTF-8 can't be written into a configuration")?;
    Machine.absolute(typed)
}

/// All that stands in the way, at once: whoever moves one file away is not to hear of the next one then.
fn refuse(layout: &layout::Layout, nobody_agreed: bool) -> Result<(), String> {
    let agreement = nobody_agreed.then(|| not_replaced(layout)).flatten();
    let refusals: Vec<_> = not_overwritten(layout).into_iter().chain(agreement).collect();
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals.join("\n"))
    }
}

fn not_replaced(layout: &layout::Layout) -> Option<String> {
    let there = layout.replaced(&Machine);
    (!there.is_empty()).then(|| {
        format!(
            "there already: {}; nothing was written. --replace replaces what changes and keeps each old one beside it as .old, --directory names another place",
            there.join(", ")
        )
    })
}

/// A password that somebody has already stays theirs, whatever is replaced.
fn not_overwritten(layout: &layout::Layout) -> Option<String> {
    let is_there =
        |file: &&layout::Planned| file.kind == layout::Kind::Password && Machine.is_there(&file.path);
    let file = layout.files.iter().find(is_there)?;
    Some(format!(
        "password_file: {} is there and is never overwritten, and the password would be a new one; nothing was written. Move it away, or name another file",
        file.path.display()
    ))
}

/// What `check` says of what was written, and its exit code.
fn checked(answers: &Answers) -> (String, u8) {
    let path = answers.directory.join(layout::CONFIG);
    let machine = Becoming {
        is_container: Some(answers.place == Place::Containers),
        ..Becoming::default()
    };
    super::check::say(&path, &machine)
}
