//! How everything stands, for a person: whatever is wrong comes last, the worst right above the line that counts, so that nobody
//! has to scroll for it.

mod refused;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::{is_mistyped, is_well, left, of_expiry};
use crate::account::state::State;
use crate::cli::paint::{Mood, paint};
use crate::control::{
    AccountStatus, ConfigurationStatus, Expiry, LinkStatus, Orphan, ProtocolStatus, SignedIn, Status,
    StoreStatus, TroubleTold,
};

/// With fewer accounts everything is on one screen.
const MANY: usize = 20;

/// The whole text. `count` is that of all accounts, whichever of them are shown; `absent` says of the server that none answers.
pub(super) fn of(status: &Status, count: &str, absent: Option<&TroubleTold>) -> String {
    let mut text = head(status);
    for orphan in &status.orphans {
        of_orphan(&mut text, orphan);
    }
    let (harmless, due): (Vec<_>, Vec<_>) = status.expiries.iter().partition(|one| of_expiry(one) == 0);
    for expiry in harmless {
        of_expiring(&mut text, expiry);
    }
    let store = status.store.as_ref();
    if let Some(store) = store.filter(|store| is_well(store)) {
        of_store(&mut text, store);
    }
    for account in worst_last(&status.accounts) {
        of_account(&mut text, account);
    }
    refused::of_names(&mut text, &status.unknown_logins);
    for expiry in due {
        of_expiring(&mut text, expiry);
    }
    if let Some(store) = store.filter(|store| !is_well(store)) {
        of_store(&mut text, store);
    }
    if let Some(configuration) = &status.configuration {
        of_refused(&mut text, configuration);
    }
    let _ = writeln!(text, "\n{count}");
    if status.accounts.len() > MANY
        && status
            .accounts
            .iter()
            .any(|account| account.state != State::Ready)
    {
        text += "`saslgate status --problems` shows only what is not ready.\n";
    }
    if let Some(absent) = absent {
        of_absent(&mut text, absent);
    }
    text
}

/// How many accounts are in each state, the best state first.
pub(super) fn count(accounts: &[AccountStatus]) -> String {
    let all = match accounts.len() {
        1 => "1 account".to_owned(),
        many => format!("{many} accounts"),
    };
    let mut states = State::ALL;
    states.sort_by_key(|state| severity(*state));
    let counts = states.map(|state| (state, accounts.iter().filter(|one| one.state == state).count()));
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| paint(state, format!("{count} {state}")))
        .collect();
    let mistyped = match accounts.iter().filter(|one| is_mistyped(one)).count() {
        0 => String::new(),
        some => paint(
            Mood::Fair,
            format!(" ({some} with a wrong password in the last day)"),
        ),
    };
    match counts.as_slice() {
        [] => all,
        some => format!("{all}: {}{mistyped}", some.join(", ")),
    }
}

/// An account that is off is nobody's trouble until somebody looks for it.
fn severity(state: State) -> (bool, State) {
    (state != State::Ready, state)
}

fn worst_last(accounts: &[AccountStatus]) -> Vec<&AccountStatus> {
    let mut accounts: Vec<_> = accounts.iter().collect();
    accounts.sort_by_key(|account| (severity(account.state), is_mistyped(account)));
    accounts
}

fn head(status: &Status) -> String {
    let running = match status.running_since {
        Some(since) => format!("running for {}", ago(since)),
        None => "not running: only what is on the disk is known".into(),
    };
    let mut text = format!("saslgate {}, {running}\n", status.version);
    if let Some(ConfigurationStatus {
        generation, since, ..
    }) = &status.configuration
    {
        let _ = writeln!(text, "configuration {generation}, in use for {}", ago(*since));
    }
    text
}

/// Below everything else: nobody can log in, however well the accounts are.
fn of_absent(text: &mut String, absent: &TroubleTold) {
    let TroubleTold { what, why, fix, .. } = absent;
    let what = paint(Mood::Bad, what);
    let _ = writeln!(text, "\n{what}\n    why:  {why}\n    fix:  {fix}");
}

fn of_refused(text: &mut String, configuration: &ConfigurationStatus) {
    if let Some(problems) = &configuration.refused {
        let not = paint(Mood::Bad, "NOT in use");
        let _ = writeln!(text, "\nwhat is in the file now is {not}:");
        for line in problems.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
}

fn of_account(text: &mut String, account: &AccountStatus) {
    let sessions = match account.sessions {
        0 => String::new(),
        one => format!(", sessions: {one}"),
    };
    let state = paint(account.state, account.state);
    let _ = writeln!(text, "\n{}  {state}{sessions}", account.account);
    for sign_in in &account.sign_ins {
        of_sign_in(text, sign_in);
    }
    for link in &account.links {
        of_link(text, link, &account.account);
    }
    // The same trouble in three protocols is one to read.
    let mut told: Vec<&TroubleTold> = Vec::new();
    for protocol in &account.protocols {
        let _ = writeln!(text, "  {}", of_protocol(protocol));
        if let Some(trouble) = protocol
            .trouble
            .as_ref()
            .filter(|trouble| !told.contains(trouble))
        {
            told.push(trouble);
            of_trouble(text, trouble);
        }
    }
    refused::of_passwords(text, &account.wrong_passwords);
}

fn of_protocol(protocol: &ProtocolStatus) -> String {
    let ProtocolStatus {
        protocol: name,
        app,
        host,
        state,
        last_login,
        token_seconds,
        ..
    } = protocol;
    let login = last_login.map_or("no successful login yet".into(), |at| {
        format!("last login {} ago", ago(at))
    });
    let token = token_seconds.map_or(String::new(), |seconds| {
        format!(", token for {} min", seconds / 60)
    });
    format!("{name:<5} {state}, {login}{token}  (app \"{app}\", {host})")
}

fn of_sign_in(text: &mut String, sign_in: &SignedIn) {
    let Some(since) = sign_in.signed_in else {
        return;
    };
    let who = sign_in.owner.as_deref().unwrap_or(&sign_in.expected);
    let renewed = sign_in
        .refreshed
        .map_or(String::new(), |at| format!(", renewed {} ago", ago(at)));
    let _ = writeln!(
        text,
        "  signed in as {who} {} ago{renewed} (app \"{}\")",
        ago(since),
        sign_in.app
    );
    if !sign_in.permissions.is_empty() {
        let short: Vec<_> = sign_in
            .permissions
            .iter()
            .map(|scope| scope.rsplit('/').next().unwrap_or(scope))
            .collect();
        let _ = writeln!(text, "  permissions: {}", short.join(", "));
    }
}

fn of_link(text: &mut String, link: &LinkStatus, of: &str) {
    let whom = if link.account.eq_ignore_ascii_case(of) {
        String::new()
    } else {
        format!(" as {}", link.account)
    };
    let left = left(link.expires).unwrap_or_default().as_secs();
    let _ = writeln!(
        text,
        "  link to sign in{whom}: not used yet, good for {}, asked for by {} (app \"{}\")",
        lasting(left),
        link.asked_by,
        link.app
    );
}

fn of_trouble(text: &mut String, trouble: &TroubleTold) {
    let code = trouble
        .code
        .as_deref()
        .map_or(String::new(), |code| format!(" [{code}]"));
    let _ = writeln!(text, "    what: {}{code}", trouble.what);
    let _ = writeln!(text, "    why:  {}", trouble.why);
    let _ = writeln!(text, "    fix:  {}", trouble.fix);
}

fn of_store(text: &mut String, store: &StoreStatus) {
    let unsaved = match store.unsaved.len() {
        0 => String::new(),
        many => format!(", not saved: {many} ({})", store.unsaved.join(", ")),
    };
    let _ = writeln!(text, "\ntoken store {}{unsaved}", store.path);
    if let Some(trouble) = &store.trouble {
        of_trouble(text, trouble);
    }
}

fn of_orphan(text: &mut String, orphan: &Orphan) {
    let who = orphan
        .owner
        .as_deref()
        .map_or(String::new(), |owner| format!(", signed in as {owner}"));
    let _ = writeln!(
        text,
        "\nnobody uses the sign-in of {} (app \"{}\"{who}). Leave it: nothing reads it. An account that has gone uses it again once it is back in the configuration; one that is there signs in by another app, tenant or person now",
        orphan.account, orphan.app
    );
}

fn of_expiring(text: &mut String, expiry: &Expiry) {
    let ends = match left(expiry.at) {
        None => paint(Mood::Bad, "has ended"),
        Some(left) => {
            let ends = format!("ends in {} days", left.as_secs() / 86_400);
            if of_expiry(expiry) > 0 {
                paint(Mood::Fair, ends)
            } else {
                ends
            }
        }
    };
    let fix = if of_expiry(expiry) > 0 {
        format!(". Fix: {}", expiry.fix)
    } else {
        String::new()
    };
    let _ = writeln!(text, "\n{} {ends}{fix}", expiry.what);
}

/// How long ago, in the largest unit that fits.
fn ago(at: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    lasting(SystemTime::now().duration_since(at).unwrap_or_default().as_secs())
}

/// So many seconds, in the largest unit that fits.
fn lasting(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
