//! `saslgate import`: from another program's configuration and tokens to saslgate's.
//!
//! Exit codes: 0 if all of it was taken over, 1 if somebody has something to do, 2 if nothing was.

mod apply;
mod davmail;
mod draft;
mod emailproxy;
mod endpoint;
mod ini;
mod render;
mod sasl_xoauth2;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::{complain, runtime};
use crate::certificates::read;
use apply::Plan;
use draft::{Draft, Password};
use render::{Rendered, render};

const EXAMPLES: &str = "Examples:
  saslgate import emailproxy emailproxy.config --dry-run    what would be written, and what has no equivalent
  saslgate import emailproxy emailproxy.config --to /etc/saslgate
  saslgate import emailproxy emailproxy.config --cache-store tokens.cache
  saslgate import sasl-xoauth2 /etc/sasl-xoauth2.conf /etc/tokens/alice@contoso.com
  saslgate import davmail ~/.davmail.properties

Nothing of the other program is changed, and no file is written over. Run it as root, or as the user that saslgate runs as,
with saslgate and the other program stopped. docs/moving-over.md goes through each of them from the beginning to the end.

Exit codes: 0 all taken over, 1 taken over and something is left to do, 2 not taken over.";

const OF_EMAILPROXY: &str = "Examples:
  saslgate import emailproxy                                what is in ./emailproxy.config
  saslgate import emailproxy emailproxy.config --dry-run    what would be written, and what has no equivalent
  saslgate import emailproxy emailproxy.config --cache-store tokens.cache

Exit codes: 0 all taken over, 1 taken over and something is left to do, 2 not taken over.";

const OF_SASL_XOAUTH2: &str = "Examples:
  saslgate import sasl-xoauth2 /etc/sasl-xoauth2.conf /etc/tokens/alice@contoso.com
  saslgate import sasl-xoauth2 /etc/sasl-xoauth2.conf alice@contoso.com=/etc/tokens/1 --dry-run

Exit codes: 0 all taken over, 1 taken over and something is left to do, 2 not taken over.";

const OF_DAVMAIL: &str = "Examples:
  saslgate import davmail ~/.davmail.properties
  saslgate import davmail ~/.davmail.properties --dry-run    what would be written, and what has no equivalent

Exit codes: 0 all taken over, 1 taken over and something is left to do, 2 not taken over.";

const EMAILPROXY: &str = "Take over email-oauth2-proxy: mail clients keep their passwords

Its tokens are sealed under the password that each mail client sends. They are kept as they are; each mail client's first
login opens its own, and its password is the account's from then on. Nobody signs in again, and no mail client is changed.";

/// What `import` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand)]
enum From {
    /// Take over email-oauth2-proxy: mail clients keep their passwords
    #[command(name = "emailproxy", aliases = ["email-oauth2-proxy", "emailproxy.config"], long_about = EMAILPROXY, after_help = OF_EMAILPROXY)]
    Emailproxy {
        /// Its configuration
        #[arg(default_value = "emailproxy.config")]
        file: PathBuf,
        /// Where its --cache-store keeps tokens: a file; what AWS Secrets Manager has can be saved to one
        #[arg(long, value_name = "FILE")]
        cache_store: Option<PathBuf>,
        #[command(flatten)]
        to: ToArgs,
    },
    /// Take over sasl-xoauth2: its app, and the refresh token of each mailbox
    #[command(name = "sasl-xoauth2", after_help = OF_SASL_XOAUTH2)]
    SaslXoauth2 {
        /// Its configuration
        file: PathBuf,
        /// Its token files, or MAILBOX=FILE where a file does not tell whose it is
        #[arg(required = true, value_name = "TOKEN_FILE")]
        tokens: Vec<String>,
        #[command(flatten)]
        to: ToArgs,
    },
    /// Take over DavMail's ports and mailboxes; its tokens can't be
    #[command(after_help = OF_DAVMAIL)]
    Davmail {
        /// Its davmail.properties
        file: PathBuf,
        #[command(flatten)]
        to: ToArgs,
    },
}

/// Where it goes.
#[derive(Args)]
struct ToArgs {
    /// The directory for saslgate.toml and the files that it names
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
    /// Write nothing: show the configuration, and what is left to do
    #[arg(long)]
    dry_run: bool,
}

/// Takes another program's settings over.
pub(super) fn run(args: &ImportArgs) -> ExitCode {
    let done = args.from.draft().and_then(|(draft, to)| import(&draft, to));
    match done {
        Ok((text, code)) => {
            let _ = anstream::stdout().write_all(text.as_bytes());
            ExitCode::from(code)
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

impl From {
    fn draft(&self) -> Result<(Draft, &ToArgs), String> {
        let (file, to) = match self {
            Self::Emailproxy { file, to, .. }
            | Self::SaslXoauth2 { file, to, .. }
            | Self::Davmail { file, to } => (file, to),
        };
        let text = read(file)?;
        let draft = match self {
            Self::Emailproxy { cache_store, .. } => {
                let cache = cache_store.as_deref().map(read).transpose()?;
                let folder = file.parent().unwrap_or(Path::new(""));
                let folder = std::path::absolute(if folder.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    folder
                });
                let folder = folder.map_err(|error| error.to_string())?;
                emailproxy::draft(&text, cache.as_ref().map(|text| text.as_str()), &folder)
            }
            Self::SaslXoauth2 { tokens, .. } => {
                sasl_xoauth2::draft(&text, &sasl_xoauth2::texts(tokens, read)?)
            }
            Self::Davmail { .. } => davmail::draft(&text),
        };
        let mut draft = draft.map_err(|why| format!("{}: {why}", file.display()))?;
        draft.source = format!("{} ({})", file.display(), draft.source);
        Ok((draft, to))
    }
}

/// Writes it, or shows it: what to tell, and the exit code.
fn import(draft: &Draft, to: &ToArgs) -> Result<(Zeroizing<String>, u8), String> {
    if draft.accounts.is_empty() {
        return Err(format!("no account could be taken over\n{}", notes(draft)));
    }
    let folder = std::path::absolute(&to.to).map_err(|error| error.to_string())?;
    let rendered = render(draft, &folder);
    let plan = Plan::new(&folder.join("saslgate.toml"), &rendered, draft)?;
    let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
    let code = u8::from(!draft.notes.is_empty());
    if to.dry_run {
        text.push_str(&rendered.text);
        let _ = writeln!(text, "\n# Nothing was written.");
        text.push_str(&notes(draft));
        return Ok((text, code));
    }
    let (path, store) = (plan.path.clone(), plan.store.clone());
    let runtime = runtime().map_err(|error| error.to_string())?;
    let kept = runtime.block_on(plan.carry_out(&rendered))?;
    tell(&mut text, draft, &rendered, &path, &store);
    for account in &kept {
        let _ = writeln!(
            text,
            "\nThe token store had something for {account} already, which was left as it is."
        );
    }
    next(&mut text, &path);
    Ok((text, code))
}

/// What was made. New passwords are shown here and nowhere else.
fn tell(text: &mut String, draft: &Draft, rendered: &Rendered, path: &Path, store: &Path) {
    let (accounts, listeners, apps) = (draft.accounts.len(), draft.listeners.len(), draft.apps.len());
    let _ = writeln!(
        text,
        "Taken over from {}: accounts {accounts}, listeners {listeners}, apps {apps}\n",
        draft.source
    );
    let _ = writeln!(text, "Written:\n  {}", path.display());
    for (path, _) in &rendered.secrets {
        let _ = writeln!(text, "  {} (a secret)", path.display());
    }
    let is_imported = |password: &Password| matches!(password, Password::Imported(_));
    let waiting = draft
        .accounts
        .iter()
        .filter(|account| is_imported(&account.password))
        .count();
    if waiting > 0 {
        let _ = writeln!(
            text,
            "  {}: accounts that wait for their mail client's first login: {waiting}. It logs in with the\n    \
             password that it has; that is the account's local password from then on, and its sign-in goes on.",
            store.display()
        );
    }
    let made = draft
        .accounts
        .iter()
        .filter_map(|account| match &account.password {
            Password::Made { password, .. } => Some((&account.login, password)),
            _ => None,
        });
    for (at, (login, password)) in made.enumerate() {
        if at == 0 {
            text.push_str(
                "\nNew passwords for mail clients, shown this once (hyphens and capitals do not matter):\n",
            );
        }
        let _ = writeln!(text, "  {login}  {}", password.text());
    }
    text.push_str(&notes(draft));
}

/// What has no equivalent, and what to do about it.
fn notes(draft: &Draft) -> String {
    if draft.notes.is_empty() {
        return String::new();
    }
    let mut text = format!("\nLeft to do: {}\n", draft.notes.len());
    for note in &draft.notes {
        let _ = writeln!(text, "  {}: {}\n    fix: {}", note.of, note.what, note.fix);
    }
    text
}

fn next(text: &mut String, path: &Path) {
    let path = path.display();
    let _ = write!(
        text,
        "\nNext:\n  saslgate check --config {path}\n  stop the other program, whose ports these are; then\n  \
         saslgate run --config {path}\n  saslgate status --config {path}    who has logged in, and who is still waited for\n"
    );
}
