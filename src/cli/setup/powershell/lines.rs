//! The Exchange part by hand: exactly these mailboxes, each line as it is pasted.

use std::fmt::Write as _;

use super::super::answers::Answers;
use super::super::product::Product;
use super::{environments, quoted};
use crate::provider::Protocol;

/// What stands for the Object ID, which only the portal knows.
const OBJECT_ID: &str = "OBJECT_ID";

/// The lines; none where Exchange has nothing to be told.
pub(in super::super) fn lines(answers: &Answers) -> Option<String> {
    let commands = commands(answers);
    if commands.is_empty() {
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
    if answers.way.is_app_only() {
        let _ = writeln!(
            text,
            "New-ServicePrincipal -AppId {} -ObjectId {OBJECT_ID} -DisplayName saslgate",
            quoted(answers.client_id())
        );
    }
    if let (Some(person), true) = (&answers.signs_in_as, sends(answers)) {
        let _ = writeln!(text, "{}", smtp_auth(&quoted(person)));
    }
    for_each_mailbox(&mut text, answers, &commands);
    Some(text)
}

fn sends(answers: &Answers) -> bool {
    answers.protocols.contains(&Protocol::Smtp)
}

fn smtp_auth(mailbox: &str) -> String {
    format!("Set-CASMailbox -Identity {mailbox} -SmtpClientAuthenticationDisabled $false")
}

/// What is run for each mailbox. Whoever opens a mailbox of another's, an app or a person, has to be let in; SMTP AUTH is a
/// switch of whoever signs in.
fn commands(answers: &Answers) -> Vec<String> {
    let sends = sends(answers);
    let user = match &answers.signs_in_as {
        Some(person) => Some(quoted(person)),
        None => answers.way.is_app_only().then(|| {
            let client_id = quoted(answers.client_id());
            format!("(Get-ServicePrincipal -Identity {client_id}).Identity")
        }),
    };
    let mut commands = Vec::new();
    if let Some(user) = user {
        commands.push(format!(
            "Add-MailboxPermission -Identity MAILBOX -User {user} -AccessRights FullAccess"
        ));
    }
    match &answers.signs_in_as {
        Some(person) if sends => commands.push(format!(
            "Add-RecipientPermission -Identity MAILBOX -Trustee {} -AccessRights SendAs -Confirm:$false",
            quoted(person)
        )),
        None if sends => commands.push(smtp_auth("MAILBOX")),
        _ => {}
    }
    commands
}

fn for_each_mailbox(text: &mut String, answers: &Answers, commands: &[String]) {
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
            for command in commands {
                let _ = writeln!(text, "    {}", command.replace("MAILBOX", "$mailbox"));
            }
            let _ = writeln!(text, "}}");
        }
    }
}

/// What is said before the lines to whoever is probably no administrator.
pub(in super::super) const fn before(answers: &Answers) -> &'static str {
    match answers.product {
        Product::MailProgram => "If you are no administrator, send these lines to yours.\n\n",
        _ => "",
    }
}

/// What has to be known of the lines.
pub(in super::super) fn about(answers: &Answers) -> String {
    let clicks = if sends(answers) && !answers.way.is_app_only() {
        let whose = if answers.signs_in_as.is_some() {
            "that person"
        } else {
            "the mailbox"
        };
        format!(
            "SMTP AUTH by clicks: Microsoft 365 admin center > Users > Active users > {whose} > Mail > Manage email apps > Authenticated SMTP.\n"
        )
    } else {
        String::new()
    };
    clicks + why(answers)
}

fn why(answers: &Answers) -> &'static str {
    if answers.way.is_app_only() {
        "OBJECT_ID is the Object ID under Enterprise applications > the app > Overview, which is another one than under App registrations:\n\
         with that one every command succeeds and every login fails. What is set here takes from minutes to an hour."
    } else if !sends(answers) {
        "What is set here takes from minutes to an hour."
    } else {
        "SMTP AUTH is switched off in most tenants, also for logins with a token. What is set here takes from minutes to an hour."
    }
}
