//! Refusals and farewells of IMAP and POP3, most of them once somebody is logged in.

use super::{Fix, Known};
use crate::provider::Protocol::{self, Imap, Pop3};

const MAILBOX: &[Protocol] = &[Imap, Pop3];

/// The token was accepted, and the mailbox did not open.
pub(super) const NOT_CONNECTED: Known = Known {
    protocols: &Protocol::ALL,
    phrases: &["authenticated but not connected"],
    statuses: &[],
    code: "NotConnected",
    why: "Exchange took the token and did not open MAILBOX: whoever the token belongs to has no right to it, IMAP or POP3 is off for it, it \
          has no licence or is not there, or a right that was just given has not spread yet",
    fix: Fix::ByAccess {
        app_only: concat!(
            "make sure that the protocol is on and that the app may open the mailbox: ",
            powershell!(
                "Set-CASMailbox -Identity MAILBOX PROTOCOL_SWITCH; ",
                full_access_for_app!()
            ),
            within_the_hour!(),
            if_no_service_principal!(),
            "; if there is no such mailbox, give the user a licence"
        ),
        owner: concat!(
            "check that the protocol (IMAP, POP or Authenticated SMTP) is ticked (",
            mailbox_page!("Manage email apps"),
            "), or ",
            powershell!("Set-CASMailbox -Identity MAILBOX PROTOCOL_SWITCH"),
            within_the_hour!(),
            "; if there is no such page, ",
            licence!("OWNER")
        ),
        delegate: concat!(
            "check that the protocol (IMAP, POP or Authenticated SMTP) is ticked (",
            mailbox_page!("Manage email apps"),
            "), and that OWNER may open the mailbox: ",
            powershell!(
                "Set-CASMailbox -Identity MAILBOX PROTOCOL_SWITCH; ",
                full_access_for_person!()
            ),
            within_the_hour!()
        ),
    },
};

pub(super) const ROWS: &[Known] = &[
    NOT_CONNECTED,
    Known {
        protocols: MAILBOX,
        phrases: &["accesstokenexpired"],
        statuses: &[],
        code: "AccessTokenExpired",
        why: "Exchange ends a session when its access token expires, after 60 to 90 minutes",
        fix: Fix::Same(
            "let the mail client connect again, as nearly all do by themselves: saslgate gives the next session a fresh token",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &["session invalidated"],
        statuses: &[],
        code: "SessionInvalidated",
        why: "Exchange ended the session: a password was changed, sign-ins were revoked, or the mailbox was moved",
        fix: Fix::Same(
            "let the mail client connect again; if that is refused, look at that login's line in the log, which says why",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &["backoff time", "throttled"],
        statuses: &[],
        code: "Throttled",
        why: "this mailbox has asked for more than Exchange gives in a short time",
        fix: Fix::Same(
            "wait: Exchange lets go after some minutes; if it comes back, set the mail client to ask less often and to fetch fewer messages at once",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &[
            "session limit",
            "too many connections",
            "too many sessions",
            "too many simultaneous",
        ],
        statuses: &[],
        code: "SessionLimit",
        why: "this mailbox has as many sessions open as Exchange allows, usually 15 to 20",
        fix: Fix::Same(
            "close mail clients that have MAILBOX open, or set each of them to fewer connections; a login works again as soon as a session has \
             ended",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &[
            "connection closed. 14",
            "connection closed. 15",
            "connection is closed. 14",
            "connection is closed. 15",
        ],
        statuses: &[],
        code: "ConnectionClosed",
        why: "Exchange hung up: after commands that it refused, when the mailbox has too many sessions, or while the mailbox is moved",
        fix: Fix::Same(
            "wait some minutes and let the mail client try again; if it comes back, look in the log for what was refused before this (`upstream_said`), and close \
             other mail clients that have MAILBOX open",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &[
            "server unavailable",
            "[unavailable]",
            "[sys/temp]",
            "[in-use]",
            "[inuse]",
        ],
        statuses: &[],
        code: "Unavailable",
        why: "the machine at Microsoft's that holds this mailbox is not there at the moment",
        fix: Fix::Same(
            "wait some minutes and let the mail client try again; if it lasts, look at https://status.cloud.microsoft",
        ),
    },
];

/// What is said to commands of the mail client's. Before the login they are ours.
pub(super) const COMMANDS: &[Known] = &[
    Known {
        protocols: &[Imap],
        phrases: &["command error. 1", "command argument error"],
        statuses: &[],
        code: "CommandError",
        why: "Exchange did not understand a command of the mail client, or found it too long",
        fix: Fix::Same(
            "update the mail client, or have it search and fetch fewer messages in one command; if it stays, send this line to the makers of the mail client",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &["received in invalid state", "not valid in this state"],
        statuses: &[],
        code: "InvalidState",
        why: "the mail client sent a command that does not belong there, such as a second login in the same session",
        fix: Fix::Same(
            "update the mail client; if it stays, send this line to its makers, because waiting does not help",
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mailbox_protocols_have_these() {
        for row in ROWS
            .iter()
            .chain(COMMANDS)
            .filter(|row| row.code != NOT_CONNECTED.code)
        {
            assert!(
                row.protocols
                    .iter()
                    .all(|protocol| [Imap, Pop3].contains(protocol))
            );
        }
    }
}
