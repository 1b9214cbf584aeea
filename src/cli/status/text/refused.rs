//! Logins that were refused for their name or password: what whoever sets a mail client up looks for first.

use std::fmt::Write as _;

use super::ago;
use crate::control::{UnknownLogin, WrongPasswords};

/// The wrong passwords of one account; their remedy once, as it is mostly the same.
pub(super) fn of_passwords(text: &mut String, all: &[WrongPasswords]) {
    for wrong in all {
        let WrongPasswords {
            protocol,
            count,
            last,
            from,
            ..
        } = wrong;
        let logins = if *count == 1 { "login" } else { "logins" };
        let _ = writeln!(
            text,
            "  {protocol}: {count} {logins} with a wrong password, the last {} ago from {from} (none right since)",
            ago(*last)
        );
    }
    let mut fixes: Vec<_> = all.iter().map(|wrong| wrong.fix.as_str()).collect();
    fixes.dedup();
    for fix in fixes {
        let _ = writeln!(text, "    fix:  {fix}");
    }
}

/// What the user name should have been, if that is clear: a shared mailbox's own name, not that of the person who signs in for it.
fn meant(unknown: &UnknownLogin) -> String {
    let UnknownLogin {
        name,
        nearest,
        signs_in_for,
        ..
    } = unknown;
    match (signs_in_for.as_slice(), nearest) {
        ([], None) => String::new(),
        ([], Some(nearest)) => format!(": did you mean {nearest}?"),
        ([login], _) => format!(": {name} signs in for {login}: the user name is {login}"),
        ([login, next, rest @ ..], _) => {
            let others = if rest.is_empty() { "" } else { " and others" };
            format!(": {name} signs in for {login}, {next}{others}: the user name is that of the account")
        }
    }
}

/// The names that no account has.
pub(super) fn of_names(text: &mut String, unknown: &[UnknownLogin]) {
    if unknown.is_empty() {
        return;
    }
    *text += "\nlogins in the last day under a name that no account has:\n";
    for one in unknown {
        let meant = meant(one);
        let _ = writeln!(
            text,
            "  {}  {}, the last {} ago from {} by {}{meant}",
            one.name,
            one.count,
            ago(one.last),
            one.from,
            one.protocol
        );
    }
    *text += "    fix:  set the user name in the mail client to the account's `login`, or add the spelling to its `logins`\n";
}
