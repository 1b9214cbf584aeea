//! Logins that saslgate itself refused.

use super::Diagnosis;
use crate::account::RefusedLogin;

/// Explains a refused login. The mail client heard the same sentence for all of them.
pub(super) fn explain(refused: RefusedLogin) -> Diagnosis {
    let (why, fix) = why_and_fix(refused);
    Diagnosis {
        code: None,
        what: refused.to_string(),
        why: why.into(),
        fix: fix.into(),
    }
}

fn why_and_fix(refused: RefusedLogin) -> (&'static str, &'static str) {
    match refused {
        RefusedLogin::BadName(_) => (
            "the mail client is set up wrongly, or somebody is trying something",
            "set the user name in the mail client to the account's `login`",
        ),
        RefusedLogin::UnknownUser => (
            "a typing error, an account that is not configured yet, or somebody is guessing",
            "correct the user name in the mail client: it is the account's `login`; if there is no account for it yet, add an [[account]] with this \
             `login` (or add the spelling to `logins`) and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::WrongPassword => (
            "the mail client has another password than the configuration, or somebody is guessing",
            "enter the password that `saslgate setup` or `saslgate password` showed (not the one at Microsoft) into the mail client again; if \
             nobody has it any more, make a new one with `saslgate password`, put the line that it prints into the account, and reload \
             saslgate (`saslgate reload`)",
        ),
        RefusedLogin::NoPasswordSet => (
            "an account without a password lets nobody in",
            "add the line that `saslgate password` prints to the account, and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::ProtocolNotAllowed(_) => (
            "`protocols` of the account leaves it out",
            "add the protocol that is named above to `protocols` of the account, and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::ForbiddenSource => (
            "`allow_from` of the account does not contain it",
            "add the address (`peer` in the log) or its network to `allow_from` and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::MailboxNotAllowed => (
            "the mail client asked for a mailbox besides its own name (its authorization identity, a field that few have)",
            "leave that field empty in the mail client; or add the mailbox to `may_open` of the account and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::NotGenerated => (
            "`passwords = \"generated\"`: a listener that many can reach takes no password that a person chose; or a generated one was mistyped",
            "enter the generated password again, all of it; if there is none, make one with `saslgate password`, put the line that it prints into \
             the account, and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::UnknownDevice => (
            "`devices` of the listener names no account for it, or no more",
            "log in with a user name and a password; or add `devices = { \"ADDRESS\" = \"LOGIN\" }` to the SMTP listener, and reload saslgate (`saslgate reload`)",
        ),
        RefusedLogin::Busy => (
            "very many logins at once with passwords that a person chose; checking one of those is slow on purpose",
            "wait: mail clients try again by themselves; if it lasts, use generated passwords (`saslgate password`), which cost almost nothing to check",
        ),
        RefusedLogin::TooManyGuesses => (
            "too many wrong passwords for this account or from this address lately",
            "find out who is guessing (`peer` in the log); a right password gets in again by itself within seconds",
        ),
    }
}
