//! The Exchange part by hand: exactly these mailboxes, each line as it is pasted.

use std::fmt::Write as _;

use super::super::answers::Answers;
use super::{environments, quoted};
use crate::provider::Protocol;

/// What stands for the Object ID, which only the portal knows.
const OBJECT_ID: &str = "OBJECT_ID";

/// The lines; none where Exchange has nothing to be told.
pub(in super::super) fn lines(answers: &Answers) -> Option<String> {
    let sends = answers.protocols.contains(&Protocol::Smtp);
    let is_app = answers.way.is_app_only();
    if !is_app && !sends {
        return None;
    }
    let mut text = String::from("Install-Module ExchangeOnlineManagement -Scope CurrentUser     # once\n");
    let _ = match environments(answers.preset).1 {
        "O365Default" => writeln!(text, "Connect-ExchangeOnline"),
        environment => writeln!(
            text,
            "Connect-ExchangeOnline -ExchangeEnvironmentName {environment}"
        ),
    };
    let client_id = quoted(answers.client_id());
    if is_app {
        let _ = writeln!(
            text,
            "New-ServicePrincipal -AppId {client_id} -ObjectId {OBJECT_ID} -DisplayName saslgate"
        );
    }
    let mut commands = Vec::new();
    if is_app {
        commands.push(format!(
            "Add-MailboxPermission -Identity MAILBOX -User (Get-ServicePrincipal -Identity {client_id}).Identity -AccessRights FullAccess"
        ));
    }
    if sends {
        commands.push("Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false".to_owned());
    }
    match answers.mailboxes.as_slice() {
        [one] => commands.iter().for_each(|command| {
            let _ = writeln!(text, "{}", command.replace("MAILBOX", &quoted(one)));
        }),
        several => {
            let _ = writeln!(text, "$mailboxes = @(");
            for mailbox in several {
                let _ = writeln!(text, "    {}", quoted(mailbox));
            }
            let _ = writeln!(text, ")\nforeach ($mailbox in $mailboxes) {{");
            for command in &commands {
                let _ = writeln!(text, "    {}", command.replace("MAILBOX", "$mailbox"));
            }
            let _ = writeln!(text, "}}");
        }
    }
    Some(text)
}

/// What has to be known of the lines.
pub(in super::super) fn about(answers: &Answers) -> &'static str {
    if answers.way.is_app_only() {
        "OBJECT_ID is the Object ID under Enterprise applications > the app > Overview, which is another one than under App registrations:\n\
         with that one every command succeeds and every login fails. What is set here takes from minutes to an hour."
    } else {
        "SMTP AUTH is switched off in most tenants, also for logins with a token. What is set here takes from minutes to an hour."
    }
}
