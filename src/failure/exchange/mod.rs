//! What upstream's refusals mean, and what mends them. Texts are matched by short phrases and by enhanced status codes:
//! Exchange documents few of its replies, varies them, and adds host, time and session.

/// A command for an administrator of Exchange Online, who may never have had the module for it.
macro_rules! powershell {
    ($($command:tt)+) => {
        concat!(
            "run in PowerShell as an Exchange administrator (first `Install-Module ExchangeOnlineManagement -Scope CurrentUser`, then \
             `Connect-ExchangeOnline`): `",
            $($command)+,
            "`"
        )
    };
}

/// What lets an app open a mailbox.
macro_rules! full_access_for_app {
    () => {
        "Add-MailboxPermission -Identity MAILBOX -User (Get-ServicePrincipal -Identity CLIENT_ID).Identity -AccessRights FullAccess"
    };
}

/// What makes an app known to Exchange, which knows none by itself.
macro_rules! new_service_principal {
    () => {
        "New-ServicePrincipal -AppId CLIENT_ID -ObjectId OBJECT_ID"
    };
}

/// The value that everybody gets wrong.
macro_rules! object_id {
    () => {
        "OBJECT_ID is the app's Object ID under entra.microsoft.com > Entra ID > Enterprise apps (the one under App registrations looks alike and does \
         not work)"
    };
}

/// For whoever begins with the second step.
macro_rules! if_no_service_principal {
    () => {
        concat!(
            "; if Exchange finds no such service principal, first `",
            new_service_principal!(),
            "`, where ",
            object_id!()
        )
    };
}

/// A user without a mailbox.
macro_rules! licence {
    ($user:literal) => {
        concat!(
            "assign a licence with Exchange Online to ",
            $user,
            " (admin.microsoft.com > Users > Active users > the user > Licenses and apps)"
        )
    };
}

/// A page of the mailbox's own, for those who have no PowerShell.
macro_rules! mailbox_page {
    ($page:literal) => {
        concat!(
            "admin.microsoft.com > Users > Active users > MAILBOX > Mail > ",
            $page
        )
    };
}

/// Why waiting is asked for: rights and settings spread through Exchange slowly.
macro_rules! within_the_hour {
    () => {
        "; then wait: it takes up to an hour"
    };
}

/// What lets a person open a mailbox that is not their own.
macro_rules! full_access_for_person {
    () => {
        concat!(
            "add OWNER under ",
            mailbox_page!("Read and manage permissions > Add permissions"),
            ", or ",
            powershell!("Add-MailboxPermission -Identity MAILBOX -User OWNER -AccessRights FullAccess")
        )
    };
}

/// What lets an app send as an address.
macro_rules! send_as_for_app {
    () => {
        "Add-RecipientPermission -Identity SENDER -Trustee (Get-ServicePrincipal -Identity CLIENT_ID).Identity -AccessRights SendAs"
    };
}

/// What lets a person send as an address that is not their own.
macro_rules! send_as_for_person {
    () => {
        "Add-RecipientPermission -Identity SENDER -Trustee OWNER -AccessRights SendAs"
    };
}

mod login;
mod powershell;
mod sending;
mod session;

pub(super) use powershell::commands;

use std::borrow::Cow;

use super::Diagnosis;
use super::facts::{Access, Facts};
use crate::provider::Protocol;
use crate::upstream::handshake::{Kind, Rejection};

/// One recognised refusal.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Where it is said.
    pub protocols: &'static [Protocol],
    /// In lower case; any of them, found anywhere in the reply.
    pub phrases: &'static [&'static str],
    /// Enhanced status codes (RFC 3463) that tell as much; any of them, behind the reply code (SMTP).
    pub statuses: &'static [&'static str],
    /// Exchange's own name for it where it has one, else ours.
    pub code: &'static str,
    /// What causes this.
    pub why: &'static str,
    /// What mends it.
    pub fix: Fix,
}

/// What mends a refusal; begins with what to do.
#[derive(Clone, Copy, Debug)]
pub enum Fix {
    /// The same for everybody.
    Same(&'static str),
    /// Something else for each kind of access.
    ByAccess {
        /// For an app that signs in as itself.
        app_only: &'static str,
        /// For the mailbox's own person.
        owner: &'static str,
        /// For a person who was let into it.
        delegate: &'static str,
    },
}

impl Fix {
    /// The text for one kind of access.
    pub fn text(&self, access: Access) -> Cow<'static, str> {
        match (self, access) {
            (Self::Same(text), _) => (*text).into(),
            (Self::ByAccess { app_only, .. }, Access::AppOnly) => (*app_only).into(),
            (Self::ByAccess { owner, .. }, Access::Owner) => (*owner).into(),
            (Self::ByAccess { delegate, .. }, Access::Delegate) => (*delegate).into(),
            (
                Self::ByAccess {
                    app_only, delegate, ..
                },
                Access::Unknown,
            ) => format!("{app_only}. Where a person signs in for it: {delegate}").into(),
        }
    }
}

/// What can be said to a login. The first row that fits counts, so the more telling ones come first.
const AT_LOGIN: &[&[Known]] = &[session::ROWS, login::ROWS];

/// What can be said in a running session: a message's refusal names the setting that a login's only hints at, and what is
/// not understood comes from the mail client.
const IN_SESSION: &[&[Known]] = &[sending::ROWS, session::COMMANDS, session::ROWS, login::ROWS];

/// Every refusal that has a cause and a fix of its own.
pub fn rows() -> impl Iterator<Item = &'static Known> {
    IN_SESSION.iter().copied().flatten()
}

impl Known {
    fn fits(&self, protocol: Option<Protocol>, reply: &str) -> bool {
        let here = protocol.is_none_or(|protocol| self.protocols.contains(&protocol));
        here && (self.phrases.iter().any(|phrase| reply.contains(phrase))
            || status(reply).is_some_and(|status| self.statuses.contains(&status)))
    }

    fn diagnosis(&self, what: String, facts: &Facts, sender: Option<&str>) -> Diagnosis {
        Diagnosis {
            code: Some(self.code.into()),
            what,
            why: facts.fill(self.why, sender).into(),
            fix: facts.fill(&self.fix.text(facts.access), sender).into(),
        }
    }
}

/// The enhanced status code of an SMTP reply: the word behind the reply code. Elsewhere such digits are an address or a time.
fn status(reply: &str) -> Option<&str> {
    let (code, rest) = reply.split_at_checked(3)?;
    let rest = rest.strip_prefix([' ', '-'])?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    rest.split([' ', ';']).next()
}

fn find(tables: &[&'static [Known]], facts: &Facts, reply: &str) -> Option<&'static Known> {
    let reply = reply.to_ascii_lowercase();
    tables
        .iter()
        .copied()
        .flatten()
        .find(|row| row.fits(facts.protocol, &reply))
}

/// Explains upstream's no to a login.
pub(super) fn explain(host: &str, rejection: &Rejection, facts: &Facts) -> Diagnosis {
    let said = match &rejection.challenge {
        None => Cow::from(&rejection.reply),
        Some(challenge) => format!("{} {challenge}", rejection.reply).into(),
    };
    let what = match &facts.identity {
        Some(identity) => format!("{host} refused the login to {identity}: {said}"),
        None => format!("{host} refused the login: {said}"),
    };
    if rejection.kind == Kind::TokenRefused && facts.asks_for_graph() {
        return of_graph(what);
    }
    let row = find(AT_LOGIN, facts, &said).unwrap_or_else(|| by_kind(rejection.kind));
    row.diagnosis(what, facts, None)
}

/// Explains upstream's no to a command of ours behind a login.
pub(super) fn explain_command(command: &str, host: &str, rejection: &Rejection, facts: &Facts) -> Diagnosis {
    // No row that blames a command of the mail client's.
    let tables = [sending::ROWS, session::ROWS, login::ROWS];
    let row = find(&tables, facts, &rejection.reply).unwrap_or_else(|| by_kind(rejection.kind));
    let what = match &facts.mailbox {
        Some(mailbox) => format!("{host} refused {command} to {mailbox}: {}", rejection.reply),
        None => format!("{host} refused {command}: {}", rejection.reply),
    };
    row.diagnosis(what, facts, sender(&rejection.reply))
}

/// Explains a refusal that was seen in a running session, if it is a known one.
pub(super) fn explain_note(note: &str, facts: &Facts) -> Option<Diagnosis> {
    let row = find(IN_SESSION, facts, note)?;
    let what = match &facts.mailbox {
        Some(mailbox) => format!("upstream refused in a session of {mailbox}: {note}"),
        None => format!("upstream refused: {note}"),
    };
    Some(row.diagnosis(what, facts, sender(note)))
}

/// Whom a message claimed to come from, as Exchange repeats it: `a@x not allowed to send as b@x;`.
fn sender(note: &str) -> Option<&str> {
    let (_, rest) = note.split_once("not allowed to send as ")?;
    let name = rest.split([';', ' ', ',']).next()?.trim_end_matches('.');
    name.contains('@').then_some(name)
}

/// The wrong resource: permissions are picked under Microsoft Graph, and asked for as those of Outlook.
fn of_graph(what: String) -> Diagnosis {
    Diagnosis {
        code: Some("WrongResource".into()),
        what,
        why: "the token is for Microsoft Graph, because `scope` of the app asks for that; Exchange wants one of its own".into(),
        fix: "remove `scope` from the app, or set it to https://outlook.office365.com/.default, and reload saslgate (`saslgate reload`)".into(),
    }
}

/// For a reply that no row knows.
fn by_kind(kind: Kind) -> &'static Known {
    match kind {
        Kind::TokenRefused => &login::REFUSED,
        Kind::NotConnected => &session::NOT_CONNECTED,
        Kind::Denied => &login::DENIED,
        Kind::Limit => &login::LIMIT,
        Kind::Temporary => &login::TEMPORARY,
        Kind::Protocol => &login::PROTOCOL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `10.5.7.139` is an address, `08DCE9686F3D146F` a session.
    #[test]
    fn a_status_is_read_where_it_stands_and_nowhere_else() {
        let cases = [
            ("535 5.7.139 no", Some("5.7.139")),
            ("554-5.2.252 SendAsDenied", Some("5.2.252")),
            ("432 4.3.2; x", Some("4.3.2")),
            ("550 blocked [10.5.7.139]", Some("blocked")),
            ("a1 NO 5.7.139", None),
            ("-ERR 5.7.139", None),
            ("550", None),
            ("", None),
            ("äöü", None),
        ];
        for (reply, expected) in cases {
            assert_eq!(status(reply), expected, "{reply}");
        }
        assert_eq!(cases.len(), 9);
    }

    #[test]
    fn the_sender_is_taken_from_exchanges_own_words() {
        let said = "554 5.2.252 SendAsDenied; a@x.org not allowed to send as b@x.org; STOREDRV.Submission";
        assert_eq!(sender(said), Some("b@x.org"));
        assert_eq!(
            sender("554 5.2.252 SendAsDenied; not allowed to send as; STOREDRV"),
            None
        );
        assert_eq!(sender("550 5.7.60 SMTP; Client does not have permissions"), None);
    }
}
