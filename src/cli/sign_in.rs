//! `saslgate sign-in`: a person lets saslgate have tokens.

mod forward;
mod link;

use std::fs::OpenOptions;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tokio::sync::mpsc;

use super::operator::{self, Which};
use super::progress::Progress;
use crate::account::state::State;
use crate::control::{News, Order, SignInOrder, SignInWay, Told, Word};
use crate::secret::Secret;

const EXAMPLES: &str = "Examples:
  saslgate sign-in alice@contoso.com               open a browser on this machine
  saslgate sign-in alice@contoso.com --device      a code, typed in a browser anywhere
  saslgate sign-in alice@contoso.com --paste       a browser anywhere; paste what its address line ends with
  saslgate sign-in alice@contoso.com --link        a link for Alice, and a text to forward; needs the admin page
  saslgate sign-in --all-needed --link --asked-by 'Jane (IT)'
                                                   one for each account that needs it
  saslgate sign-in alice@contoso.com --admin-consent
                                                   an administrator allows it for everybody
  saslgate sign-in alice@contoso.com --refresh-token < token.txt
  saslgate sign-in --all-needed --device           every account that needs it, one after the other

Nothing has to be restarted: the next login of a mail client uses it.

Exit codes: 0 signed in, 2 not.";

/// What `sign-in` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[group(id = "way", multiple = false, args = ["device", "paste", "browser", "admin_consent", "refresh_token", "link"])]
pub(super) struct SignInArgs {
    /// The account: what its mail client types as user name
    #[arg(required_unless_present = "all_needed")]
    account: Option<String>,
    /// Which app, where the account uses several (one to read, one to send)
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Print the address and open no browser; it has to be one on this machine
    #[arg(long)]
    no_browser: bool,
    /// In a browser on this machine, whatever the app's grant says
    #[arg(long)]
    browser: bool,
    /// With a code that is typed in a browser on any device
    #[arg(long)]
    device: bool,
    /// In a browser anywhere; what its address line ends with is pasted here
    #[arg(long)]
    paste: bool,
    /// An administrator consents for everybody of the tenant
    #[arg(long)]
    admin_consent: bool,
    /// Take a refresh token from standard input
    #[arg(long)]
    refresh_token: bool,
    /// Print a link by which the owner of the mailbox signs in, once, within a day; needs the admin page and its `url`
    #[arg(long)]
    link: bool,
    /// Who asks the owner to sign in, as the link's page and its text say it
    #[arg(long, value_name = "NAME", requires = "link")]
    asked_by: Option<String>,
    /// Print links as JSON, for scripts
    #[arg(long, requires = "link")]
    json: bool,
    /// Every account that needs a sign-in
    #[arg(long, conflicts_with_all = ["account", "refresh_token", "admin_consent"])]
    all_needed: bool,
    /// Keep the sign-in even of somebody whom upstream does not let open the mailbox
    #[arg(long, conflicts_with = "link")]
    accept_owner: bool,
    #[command(flatten)]
    which: Which,
}

/// Signs in.
pub(super) fn run(args: SignInArgs) -> ExitCode {
    operator::run(async move {
        if args.link {
            return link::run(&args).await;
        }
        let accounts = match &args.account {
            Some(account) => vec![(account.clone(), args.app.clone())],
            None => counted(needed(&args.which).await?),
        };
        let mut code = ExitCode::SUCCESS;
        for (account, app) in accounts {
            // One who is on holiday keeps nobody else from signing in.
            if let Err(failed) = sign_in(&args, account, app).await {
                code = failed;
            }
        }
        Ok(code)
    })
}

/// Accounts that need a sign-in, each with the app that it is needed for.
async fn needed(which: &Which) -> Result<Vec<(String, Option<String>)>, ExitCode> {
    let mut operator = operator::give(which, Order::Status).await?;
    let status = match operator.hear().await {
        Some(News::Status(status)) => status,
        Some(other) => return Err(operator::unexpected(&other)),
        None => return Err(operator::hung_up()),
    };
    let mut needed = Vec::new();
    for account in status.accounts {
        for protocol in account
            .protocols
            .iter()
            .filter(|at| at.state == State::NeedsSignIn)
        {
            let one = (account.account.clone(), Some(protocol.app.clone()));
            if !needed.contains(&one) {
                needed.push(one);
            }
        }
    }
    Ok(needed)
}

fn counted<T>(needed: Vec<T>) -> Vec<T> {
    say(&match needed.len() {
        0 => "No account needs a sign-in.".to_owned(),
        1 => "One account needs a sign-in.".to_owned(),
        many => format!("{many} accounts need a sign-in."),
    });
    needed
}

async fn sign_in(args: &SignInArgs, account: String, app: Option<String>) -> Result<(), ExitCode> {
    let order = SignInOrder {
        account: account.clone(),
        app,
        way: way(args)?,
        accept_owner: args.accept_owner,
    };
    let mut operator = operator::give(&args.which, Order::SignIn(order)).await?;
    let mut lines = None;
    let mut progress = Progress::new();
    loop {
        // Somebody who is to paste something is not disturbed by a line that counts.
        let quiet = &mut Progress::none();
        let progress = if lines.is_some() { quiet } else { &mut progress };
        let news = tokio::select! {
            news = progress.hear(&mut operator, "waiting for the sign-in") => news,
            Some(line) = next(&mut lines) => {
                operator.tell(Word::Paste(Told(line))).await;
                continue;
            }
        };
        match news {
            Some(News::SignedIn {
                account,
                app,
                owner,
                remarks,
            }) => {
                signed_in(&account, &app, owner.as_deref(), &remarks);
                return Ok(());
            }
            Some(News::Consented { tenant }) => {
                let tenant = tenant.map_or(String::new(), |tenant| format!(" for the tenant {tenant}"));
                say(&format!(
                    "An administrator has consented{tenant}. Now sign in: no page will ask for consent any more."
                ));
                return Ok(());
            }
            Some(News::Refused(trouble)) => return Err(operator::refused(&trouble)),
            Some(news) => show(args, &account, news, &mut lines)?,
            None => return Err(operator::hung_up()),
        }
    }
}

fn way(args: &SignInArgs) -> Result<SignInWay, ExitCode> {
    Ok(if args.device {
        SignInWay::Device
    } else if args.paste {
        SignInWay::Paste
    } else if args.admin_consent {
        SignInWay::AdminConsent
    } else if args.refresh_token {
        SignInWay::RefreshToken(Told(read_token()?))
    } else if args.browser || args.no_browser {
        SignInWay::Browser
    } else {
        SignInWay::Usual
    })
}

/// From standard input, never from an argument: arguments are seen by every user of the machine.
fn read_token() -> Result<Secret<String>, ExitCode> {
    if io::stdin().is_terminal() {
        let token = rpassword::prompt_password("Refresh token: ");
        return token
            .map(Secret::new)
            .map_err(|error| operator::failed(&error.to_string()));
    }
    let mut bytes = Vec::new();
    let read = io::stdin().take(64 * 1024).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    let text = str::from_utf8(bytes.expose()).unwrap_or_default().trim();
    match read {
        Ok(_) if !text.is_empty() => Ok(Secret::new(text.to_owned())),
        _ => Err(operator::failed(
            "no refresh token came by standard input: saslgate sign-in ACCOUNT --refresh-token < FILE",
        )),
    }
}

type Lines = mpsc::Receiver<Secret<String>>;

/// Lines that are typed, once they are wanted.
async fn next(lines: &mut Option<Lines>) -> Option<Secret<String>> {
    match lines {
        Some(lines) => lines.recv().await,
        None => None,
    }
}

/// Reads what is typed in a thread of its own: a read of a terminal can't be given up.
fn typed() -> Lines {
    let (tell, lines) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && tell.blocking_send(Secret::new(line)).is_err() {
                return;
            }
        }
    });
    lines
}

fn show(args: &SignInArgs, account: &str, news: News, lines: &mut Option<Lines>) -> Result<(), ExitCode> {
    match news {
        News::OpenBrowser {
            url,
            redirect_uri,
            listening,
            owner,
        } => {
            let url = url.0.expose();
            say(&format!("Sign in as {owner}:\n\n  {url}\n"));
            let opened = listening && !args.no_browser && open_browser(url);
            say(&told_way(listening, opened, &redirect_uri));
            say(BROWSER_SHOWS);
            *lines = Some(typed());
        }
        News::TypeCode {
            user_code,
            verification_uri,
            verification_uri_complete,
            seconds,
            owner,
            ..
        } => {
            if let Some(picture) = qr(verification_uri_complete
                .as_ref()
                .map_or(&verification_uri, |uri| uri.0.expose()))
            {
                say(&picture);
            }
            say(&format!(
                "Open {verification_uri} in any browser, type\n\n  {user_code}\n\nand sign in as {owner}. There are {} minutes for it.",
                seconds / 60
            ));
            // Whoever has the code can be made to sign in for somebody else: it goes to no file and no log unasked.
            if io::stdout().is_terminal() {
                let until = SystemTime::now() + Duration::from_secs(seconds);
                say(&forward::code(
                    account,
                    &owner,
                    &verification_uri,
                    &user_code,
                    until,
                ));
            }
        }
        News::Link { .. } => {
            if let Some(link) = link::Link::of(news, None) {
                let url = link.url.0.expose();
                let opened = !args.no_browser && open_browser(url);
                say(&link.waited_for(opened));
            }
        }
        News::LinkHappens(happening) => say(&link::happening(&happening)),
        News::Silence {
            redirect_uri,
            client_id,
            proves_itself,
        } => say(&silence(&redirect_uri, &client_id, proves_itself)),
        News::NotThat(why) => say(&why),
        News::Probing { mailbox, owner } => say(&format!(
            "Signed in as {owner}. Looking whether they may open {mailbox} ..."
        )),
        other => return Err(operator::unexpected(&other)),
    }
    Ok(())
}

/// Whoever reads an error in the browser looks at neither the log nor this terminal for it: the provider tells nobody else.
const BROWSER_SHOWS: &str = "If the browser shows an error, such as AADSTS50057: what it means stands in docs/entra-setup.md, \"When it does not \
     work\"; the common ones are listed here within a minute.";

fn told_way(listening: bool, opened: bool, redirect_uri: &str) -> String {
    match (listening, opened) {
        (true, true) => {
            format!("A browser was opened with it. It will come back to {redirect_uri} by itself ...")
        }
        (true, false) => format!(
            "Open it in a browser on this machine: it will come back to {redirect_uri} by itself.\n\
             In a browser elsewhere it ends at a page that does not load: paste its whole address here then."
        ),
        (false, _) => {
            "Open it in any browser. It ends at a page that may not load: paste its whole address here then."
                .into()
        }
    }
}

fn silence(redirect_uri: &str, client_id: &str, proves_itself: bool) -> String {
    // Under the other platform Entra ID refuses what the sign-in brings: AADSTS700025 with a secret, 7000218 without one.
    let platform = if proves_itself {
        "Web"
    } else {
        "Mobile and desktop applications"
    };
    format!(
        "\nNothing has come back yet. What the browser may be showing, and what to do:
  AADSTS50011 (redirect URI)      entra.microsoft.com > App registrations > {client_id} > Authentication > platform
                                  {platform}: add exactly {redirect_uri}; others may stay beside it
  AADSTS700016 (no such app)      `tenant` or `client_id` of the app is not the one of the registration's Overview
  \"Need admin approval\"           an administrator runs this command with --admin-consent, or consents in the portal
  AADSTS50057 (user disabled)     nobody can sign in as a shared mailbox: end this, set `signs_in_as` of the account to a person
                                  with Full Access to it (to send: Send As, and SMTP AUTH for that person), `saslgate reload`,
                                  and sign in again, as that person
  AADSTS50020, 90072 (tenant)     the browser is signed in as somebody else: open the address in a private window
Still waiting; Ctrl-C ends it."
    )
}

fn signed_in(account: &str, app: &str, owner: Option<&str>, remarks: &[String]) {
    let owner = owner.map_or(String::new(), |owner| format!(" as {owner}"));
    say(&format!("{account} is signed in{owner} (app \"{app}\")."));
    for remark in remarks {
        say(&format!("Note: {remark}."));
    }
    say(&format!("See whether mail works: saslgate test {account}"));
}

/// A picture of an address, on a terminal.
fn qr(address: &str) -> Option<String> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let code = QrCode::new(address).ok()?;
    Some(code.render::<Dense1x2>().quiet_zone(true).build())
}

/// Opens a browser, if there is a screen. The address goes by a file: it holds the sign-in's state, and arguments are
/// seen by every user of the machine.
fn open_browser(url: &str) -> bool {
    let has_screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    let Some(folder) = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|_| has_screen)
    else {
        return false;
    };
    let page = folder.join(format!("saslgate-sign-in-{}.html", std::process::id()));
    let escaped = url.replace('&', "&amp;");
    let html = format!(
        "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={escaped}\"><a href=\"{escaped}\">Sign in</a>"
    );
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&page)
        .and_then(|mut file| file.write_all(html.as_bytes()));
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let opened = written.is_ok()
        && Command::new(program)
            .arg(&page)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !opened {
        let _ = std::fs::remove_file(&page);
    }
    opened
}

fn say(what: &str) {
    // Whoever reads us may stop reading.
    let _ = writeln!(anstream::stdout(), "{what}");
}
