//! Refused logins.

use super::{Fix, Known};
use crate::provider::Protocol::{self, Imap, Pop3, Smtp};

/// The protocols that open a mailbox.
const MAILBOX: &[Protocol] = &[Imap, Pop3];

/// A token that is not accepted, or not for this mailbox.
pub(super) const REFUSED: Known = Known {
    protocols: &Protocol::ALL,
    phrases: &[
        "authenticate failed",
        "[authenticationfailed]",
        "authentication failure: unknown user name",
        "[auth]",
    ],
    statuses: &[],
    code: "AuthenticateFailed",
    why: "Entra ID gave the token, and Exchange does not take it for MAILBOX: mostly the permission PERMISSION is missing, or whoever the \
          token belongs to has no right to this mailbox (an app that signs in as itself has to be made known to Exchange as well)",
    fix: Fix::ByAccess {
        app_only: concat!(
            "check that PERMISSION of \"Office 365 Exchange Online\" is there with admin consent (entra.microsoft.com > Entra ID > App registrations > \
             All applications > your app (CLIENT_ID) > API permissions); then ",
            powershell!(new_service_principal!(), "; ", full_access_for_app!()),
            "; ",
            object_id!(),
            within_the_hour!()
        ),
        owner: "check that OWNER has a licence with Exchange Online (admin.microsoft.com > Users > Active users > the user > Licenses and \
                apps), that the delegated permission PERMISSION has consent (entra.microsoft.com > Entra ID > App registrations > All applications > \
                your app (CLIENT_ID) > API permissions), and that `scope` of the app, if it is set, begins with https://outlook.office.com/; a new \
                licence takes up to an hour",
        delegate: concat!(
            "check that the delegated permission PERMISSION has consent (entra.microsoft.com > Entra ID > App registrations > All applications > \
             your app (CLIENT_ID) > API permissions); then let OWNER into the mailbox: ",
            full_access_for_person!(),
            within_the_hour!()
        ),
    },
};

/// A setting that refuses, and nothing more is said.
pub(super) const DENIED: Known = Known {
    protocols: &[Smtp],
    phrases: &[],
    statuses: &["5.7.139"],
    code: "5.7.139",
    why: "a setting or policy of the organisation refuses this mailbox or app",
    fix: Fix::Same(concat!(
        "look this login up (entra.microsoft.com > Entra ID > Monitoring & health > Sign-in logs; the entry names the reason), and see whether the \
         protocol (IMAP, POP or Authenticated SMTP) is ticked (",
        mailbox_page!("Manage email apps"),
        "); waiting does not help"
    )),
};

/// Too many connections or messages, and nothing more is said.
pub(super) const LIMIT: Known = Known {
    protocols: MAILBOX,
    phrases: &["[limit]", "[login-delay]"],
    statuses: &[],
    code: "LIMIT",
    why: "the mail provider limits how many connections or logins this mailbox may have",
    fix: Fix::Same(
        "wait: mail clients get in again by themselves after some minutes; if it comes back, let fewer programs use MAILBOX at once, or less often",
    ),
};

/// Trouble that passes.
pub(super) const TEMPORARY: Known = Known {
    protocols: &Protocol::ALL,
    phrases: &["temporary authentication failure", "temporary server error"],
    statuses: &["4.7.0"],
    code: "TemporaryFailure",
    why: "the mail provider is in trouble, or is moving this mailbox",
    fix: Fix::Same(
        "wait: mail clients try again by themselves; if it lasts, look at https://status.cloud.microsoft",
    ),
};

/// A conversation that does not work out.
pub(super) const PROTOCOL: Known = Known {
    protocols: &[Smtp],
    phrases: &["unrecognized authentication type"],
    statuses: &["5.7.4"],
    code: "ProtocolError",
    why: "upstream did not understand the login: its port or host is not the one for logins, or something between rewrites what is said",
    fix: Fix::Same(
        "check that `imap`, `pop3` and `smtp` of a [provider.NAME], if you have one, name the right hosts and ports (those of Exchange Online are \
         outlook.office365.com:993 and :995, and smtp.office365.com:587); else ask the network administrator to exempt them from inspection by a \
         firewall",
    ),
};

pub(super) const ROWS: &[Known] = &[
    Known {
        protocols: &[Smtp],
        phrases: &["is disabled for the tenant"],
        statuses: &[],
        code: "5.7.139",
        why: "SMTP AUTH is switched off for the whole organisation, and that holds for logins with a token too",
        fix: Fix::Same(concat!(
            "tick \"Authenticated SMTP\" (",
            mailbox_page!("Manage email apps"),
            "), which permits it for this mailbox alone, or ",
            powershell!("Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false"),
            within_the_hour!()
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["is disabled for the mailbox"],
        statuses: &[],
        code: "5.7.139",
        why: "SMTP AUTH is switched off for this mailbox, and that holds for logins with a token too",
        fix: Fix::Same(concat!(
            "tick \"Authenticated SMTP\" (",
            mailbox_page!("Manage email apps"),
            "), or ",
            powershell!("Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false"),
            within_the_hour!(),
            "; a personal account at outlook.com can't change it"
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["security defaults"],
        statuses: &[],
        code: "5.7.139",
        why: "the organisation's security defaults refuse this login; they mean logins with a password, and tokens usually pass once SMTP AUTH is permitted for the mailbox",
        fix: Fix::Same(concat!(
            "tick \"Authenticated SMTP\" (",
            mailbox_page!("Manage email apps"),
            ")",
            within_the_hour!(),
            "; if it stays, look this login up (entra.microsoft.com > Entra ID > Monitoring & health > Sign-in logs)"
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["did not meet the criteria"],
        statuses: &[],
        code: "5.7.139",
        why: "a Conditional Access or authentication policy refuses this login",
        fix: Fix::Same(
            "ask whoever administers Entra ID to look the attempt up (entra.microsoft.com > Entra ID > Monitoring & health > Sign-in logs > the entry > \
             Conditional Access), and to exclude the app (CLIENT_ID) or this machine's public address from the policy that stands there; waiting \
             does not help",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &[
            "account is locked",
            "user is locked",
            "account has been disabled",
            "account is disabled",
        ],
        statuses: &[],
        code: "5.7.139",
        why: "the user account of this mailbox is locked or disabled",
        fix: Fix::Same(
            "unblock the user (admin.microsoft.com > Users > Active users > MAILBOX > Unblock sign-in), or ask an administrator to; waiting does not help",
        ),
    },
    Known {
        protocols: &Protocol::ALL,
        phrases: &[
            "basic authentication is",
            "basicauthblocked",
            "user credentials were incorrect",
            "login failed",
            "logon failure: unknown user name",
        ],
        statuses: &["5.7.30"],
        code: "BasicAuthentication",
        why: "upstream took the login for one with a password, and saslgate never sends one: something between rewrites it, or this is \
              another service than the one that was meant",
        fix: Fix::Same(
            "check that `imap`, `pop3` and `smtp` of a [provider.NAME], if you have one, name the mail provider's own hosts; else ask the network administrator \
             which proxy or firewall in between rewrites logins, and to exempt these hosts",
        ),
    },
    DENIED,
    Known {
        protocols: &[Smtp],
        phrases: &["will expire soon"],
        statuses: &["5.5.127"],
        code: "5.5.127",
        why: "this service (High Volume Email) takes no token that has less than ten minutes left",
        fix: Fix::Same(
            "try again: the next login takes a fresh token; if it lasts, check the clock of this machine (`timedatectl`)",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["tls 1.0"],
        statuses: &["4.7.66", "4.7.67", "5.7.66", "5.7.67"],
        code: "4.7.66",
        why: "upstream saw TLS older than 1.2; saslgate speaks 1.2 and 1.3 only, so something between speaks in its place",
        fix: Fix::Same(
            "ask the network administrator to exempt the mail provider's hosts (those of Exchange Online are outlook.office365.com and smtp.office365.com) from \
             TLS inspection, or to update the appliance that inspects",
        ),
    },
    Known {
        protocols: MAILBOX,
        phrases: &["noadrecipient", "authresultfrompopimapend=8"],
        statuses: &[],
        code: "NoADRecipient",
        why: "usually IMAP or POP3 is switched off for this mailbox, or there is no such mailbox in Exchange Online",
        fix: Fix::Same(concat!(
            "tick the protocol, IMAP or POP (",
            mailbox_page!("Manage email apps"),
            "), or ",
            powershell!("Set-CASMailbox -Identity MAILBOX PROTOCOL_SWITCH"),
            within_the_hour!(),
            "; if there is no such mailbox, check `mailbox` of the account, or ",
            licence!("the user")
        )),
    },
    Known {
        protocols: MAILBOX,
        phrases: &["logondenied", "authexc_"],
        statuses: &[],
        code: "LogonDenied",
        why: "Exchange knows whose token it is, and that one has no right to this mailbox, or the right has not spread yet",
        fix: Fix::ByAccess {
            app_only: concat!(
                "let the app into the mailbox: ",
                powershell!(full_access_for_app!()),
                within_the_hour!(),
                if_no_service_principal!()
            ),
            owner: concat!(
                "wait up to an hour, if the mailbox or its licence is new; else ",
                licence!("OWNER")
            ),
            delegate: concat!(
                "give OWNER the right to the mailbox: ",
                full_access_for_person!(),
                within_the_hour!()
            ),
        },
    },
    Known {
        protocols: &[Pop3],
        phrases: &["protocol error"],
        statuses: &[],
        code: "ProtocolError",
        why: "Exchange's POP3 service closes the connection over a login line that is too long for it: usually a token of more than 4,096 characters, and groups in a token make it long",
        fix: Fix::Same(
            "set this mail client to use IMAP, if it can; or remove the groups claim (entra.microsoft.com > Entra ID > App registrations > All applications > \
             your app (CLIENT_ID) > Token configuration); waiting does not help",
        ),
    },
    PROTOCOL,
    Known {
        protocols: &[Smtp],
        phrases: &["client not authenticated", "client was not authenticated"],
        statuses: &["5.7.57"],
        code: "5.7.57",
        why: "upstream has forgotten the login, or never saw it: something between starts the conversation anew",
        fix: Fix::Same(
            "ask the network administrator to exempt saslgate's connections to the mail provider (TCP port 587) from SMTP inspection in the firewall (often called \
             fixup); waiting does not help",
        ),
    },
    Known {
        protocols: &Protocol::ALL,
        phrases: &["insufficient_scope"],
        statuses: &[],
        code: "insufficient_scope",
        why: "the token does not cover what this protocol needs; the scope that would do stands in the answer",
        fix: Fix::Same(
            "add the scope that stands in the answer to `scope` of the app, and to the permissions of the app registration at the provider; then reload saslgate \
             (`saslgate reload`), and run `saslgate sign-in ACCOUNT` where people sign in",
        ),
    },
    TEMPORARY,
    LIMIT,
    Known {
        protocols: &[Smtp],
        phrases: &[],
        statuses: &["5.7.3"],
        code: "5.7.3",
        ..REFUSED
    },
    REFUSED,
];
