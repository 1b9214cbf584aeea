//! What upstream's refusals mean, and what mends them. Texts are matched by short phrases: Exchange varies their tails.

use super::Diagnosis;
use crate::upstream::handshake::{Kind, Rejection};

/// One recognised refusal.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// In lower case; found anywhere in the reply.
    pub phrase: &'static str,
    /// Exchange's own name for it.
    pub code: &'static str,
    /// What causes this.
    pub why: &'static str,
    /// What mends it.
    pub fix: &'static str,
}

/// Every refusal that has a cause and a fix of its own. The first that matches counts, so the more telling ones come first.
pub const KNOWN: &[Known] = &[
    Known {
        phrase: "smtpclientauthentication is disabled for the tenant",
        code: "5.7.139",
        why: "SMTP AUTH is switched off for the whole organisation, and that holds for OAuth too",
        fix: "Exchange PowerShell: Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false (takes up to an hour)",
    },
    Known {
        phrase: "smtpclientauthentication is disabled for the mailbox",
        code: "5.7.139",
        why: "SMTP AUTH is switched off for this mailbox, and that holds for OAuth too",
        fix: "Exchange PowerShell: Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false (takes up to an hour); personal accounts can't change it",
    },
    Known {
        phrase: "did not meet the criteria to be authenticated",
        code: "5.7.139",
        why: "a Conditional Access or authentication policy refuses this sign-in",
        fix: "let an administrator look at the sign-in log of Entra ID for this app and allow it in the policy",
    },
    Known {
        phrase: "security defaults policy",
        code: "5.7.139",
        why: "the organisation's security defaults refuse this sign-in",
        fix: "let an administrator look at the sign-in log of Entra ID for this app",
    },
    Known {
        phrase: "basic authentication is disabled",
        code: "5.7.139",
        why: "upstream understood our login as one with a password",
        fix: "check that imap, pop3 or smtp of the provider point at the mail service, and that nothing between rewrites the login",
    },
    Known {
        phrase: "will expire soon",
        code: "5.5.127",
        why: "this service takes no token that has less than ten minutes left",
        fix: "nothing: the next login takes a fresh token; if it lasts, check this machine's clock",
    },
    Known {
        phrase: "5.7.139",
        code: "5.7.139",
        why: "a policy of the organisation refuses this mailbox or app",
        fix: "let an administrator look at the sign-in log of Entra ID and at `Get-CASMailbox MAILBOX`",
    },
    Known {
        phrase: "concurrent connections limit",
        code: "4.3.2",
        why: "Exchange allows three concurrent submissions for one mailbox",
        fix: "let fewer programs send through this mailbox at once; they will succeed when they try again",
    },
    Known {
        phrase: "mailbox logon failure",
        code: "4.2.0",
        why: "the app may log in, but has no right to this mailbox",
        fix: "Exchange PowerShell: Add-MailboxPermission -Identity MAILBOX -User SERVICE_PRINCIPAL_ID -AccessRights FullAccess (wait up to an hour)",
    },
    Known {
        phrase: "noadrecipient",
        code: "NoADRecipient",
        why: "IMAP or POP3 is switched off for this mailbox, or the mailbox does not exist",
        fix: "Exchange PowerShell: Set-CASMailbox -Identity MAILBOX -ImapEnabled $true -PopEnabled $true",
    },
];

/// Explains upstream's no.
pub(super) fn explain(host: &str, rejection: &Rejection) -> Diagnosis {
    let reply = rejection.reply.to_ascii_lowercase();
    let said = match &rejection.challenge {
        None => rejection.reply.clone(),
        Some(challenge) => format!("{} {challenge}", rejection.reply),
    };
    let what = format!("{host} refused the login: {said}");
    if let Some(known) = KNOWN.iter().find(|known| reply.contains(known.phrase)) {
        return Diagnosis::new(Some(known.code.into()), what, known.why, known.fix);
    }
    let (why, fix) = by_kind(rejection.kind);
    Diagnosis::new(None, what, why, fix)
}

fn by_kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::TokenRefused => (
            "the token is fine for Entra ID, but not for this mailbox: the app lacks the permission of this protocol (IMAP.AccessAsApp, POP.AccessAsApp, SMTP.SendAsApp), \
             Exchange does not know its service principal, or `mailbox` names another mailbox",
            "grant the permission with admin consent; Exchange PowerShell: New-ServicePrincipal -AppId CLIENT_ID -ObjectId OBJECT_ID_OF_THE_ENTERPRISE_APPLICATION, \
             then Add-MailboxPermission -Identity MAILBOX -User SERVICE_PRINCIPAL_ID -AccessRights FullAccess (wait up to an hour)",
        ),
        Kind::NotConnected => (
            "upstream took the token and did not open the mailbox: the app or user has no right to it, it has no licence, IMAP or POP3 is off for it, or rights have not spread yet",
            "check `Get-MailboxPermission MAILBOX` and `Get-CASMailbox MAILBOX`; after a change wait up to an hour",
        ),
        Kind::Denied => (
            "a setting at the mail provider refuses this mailbox or app",
            "read what it said; let an administrator look at the sign-in log and the mailbox's settings",
        ),
        Kind::Limit => (
            "the mail provider limits connections or messages of this mailbox",
            "nothing, if it passes; else let fewer programs use this mailbox at once",
        ),
        Kind::Temporary => (
            "the mail provider is in trouble",
            "nothing: mail programs try again by themselves",
        ),
        Kind::Protocol => (
            "upstream did not understand us, or something between rewrites what is said",
            "check that imap, pop3 or smtp of the provider point at the right ports, and that no firewall inspects mail",
        ),
    }
}
