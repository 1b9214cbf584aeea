//! Logins that were refused for their name or password, with what mends that.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Desk;
use crate::account::Account;
use crate::account::refusals::{Refused, Unknown};
use crate::control::{UnknownLogin, WrongPasswords, seconds};
use crate::name::{self, LoginName};

/// How long a name that no account has is told: whoever set a mail client up today looks for it.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Desk {
    /// The wrong passwords that one account's mail clients showed.
    pub(super) fn wrong_passwords(&self, account: &Account) -> Vec<WrongPasswords> {
        let refused = self.context.states.refusals().of(&account.name.to_string());
        refused
            .iter()
            .map(|refused| wrong_passwords(account, refused))
            .collect()
    }

    /// The names that mail clients typed in the last day and no account has.
    pub(super) fn unknown_logins(&self) -> Vec<UnknownLogin> {
        let since = SystemTime::now()
            .checked_sub(A_DAY)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let unknown = self.context.states.refusals().unknown_since(since);
        let rooms = self.context.rooms.load();
        let is_known = |unknown: &Unknown| {
            let login = LoginName::parse(unknown.name.as_bytes()).ok();
            login.is_some_and(|login| rooms.accounts.meant_by(&login).is_some())
        };
        let accounts = rooms.accounts.all();
        let logins: Vec<String> = accounts.iter().flat_map(|account| logins(account)).collect();
        // An account of that name may have been added meanwhile.
        let unknown = unknown.into_iter().filter(|unknown| !is_known(unknown));
        unknown
            .map(|unknown| UnknownLogin {
                signs_in_for: signs_in_for(&unknown.name, &accounts),
                ..unknown_login(&unknown, &logins)
            })
            .collect()
    }
}

fn wrong_passwords(account: &Account, refused: &Refused) -> WrongPasswords {
    let route = account.routes.get(&refused.protocol);
    let fix = if route.is_some_and(|route| account.asks_provider(route)) {
        "set the password of the mailbox in the mail client again: the provider judges it"
    } else if account.imported {
        "set the password in the mail client again: it is the one that the program before saslgate knew"
    } else {
        "set the password in the mail client again; `saslgate password` makes a new one, if nobody knows it any more"
    };
    WrongPasswords {
        protocol: refused.protocol,
        count: refused.count,
        last: seconds(refused.last),
        from: refused.from,
        fix: fix.to_owned(),
    }
}

fn unknown_login(unknown: &Unknown, logins: &[String]) -> UnknownLogin {
    UnknownLogin {
        name: unknown.name.to_string(),
        count: unknown.refused.count,
        last: seconds(unknown.refused.last),
        from: unknown.refused.from,
        protocol: unknown.refused.protocol,
        nearest: nearest(&unknown.name, logins).map(ToOwned::to_owned),
        signs_in_for: Vec::new(),
    }
}

/// The accounts for which the person signs in who was named: who signs in by that name is apt to log in by it, too.
fn signs_in_for(typed: &str, accounts: &[&Arc<Account>]) -> Vec<String> {
    let is_owner = |account: &&&Arc<Account>| {
        let owner = account.signs_in_as.as_ref();
        owner.is_some_and(|owner| owner.as_str().eq_ignore_ascii_case(typed))
    };
    let of = accounts.iter().filter(is_owner);
    of.map(|account| account.name.to_string()).collect()
}

fn logins(account: &Account) -> impl Iterator<Item = String> {
    let further = account.logins.iter().map(ToString::to_string);
    [account.name.to_string()].into_iter().chain(further)
}

/// The login that was meant: one that is spelled much alike, or the address of which a mail program took only the part before the
/// `@`, as many offer, or which it was given behind a domain of Windows.
fn nearest<'l>(typed: &str, logins: &'l [String]) -> Option<&'l str> {
    let local = |login: &str| login.split('@').next().unwrap_or(login).to_ascii_lowercase();
    let own = local(typed.rsplit('\\').next().unwrap_or(typed));
    let mut same = logins.iter().filter(|login| local(login) == own);
    let alike = name::nearest(typed, logins.iter().map(String::as_str));
    alike.or_else(|| match (same.next(), same.next()) {
        (Some(only), None) => Some(only.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_leads_to_the_account() {
        let logins = [
            "support@contoso.com",
            "alice@contoso.com",
            "alice@fabrikam.com",
            "*@x.example",
        ];
        let logins = logins.map(ToOwned::to_owned);
        let table = [
            ("suport@contoso.com", Some("support@contoso.com")),
            ("Support", Some("support@contoso.com")),
            (r"CONTOSO\support", Some("support@contoso.com")),
            ("support@contoso.onmicrosoft.com", Some("support@contoso.com")),
            // Two have that name, and either would be a guess.
            ("alice", None),
            ("hunter2", None),
        ];
        for (typed, meant) in table {
            assert_eq!(nearest(typed, &logins), meant, "{typed}");
        }
        assert_eq!(table.len(), 6);
    }
}
