//! The commands that a fix names, each by itself, so that an administrator can paste them as they are.

use crate::failure::{Diagnosis, Facts};

/// In the order in which they have to be run.
const COMMANDS: &[&str] = &[
    new_service_principal!(),
    full_access_for_app!(),
    full_access_for_person!(),
    send_as_for_app!(),
    send_as_for_person!(),
    "Set-CASMailbox -Identity MAILBOX PROTOCOL_SWITCH",
    "Set-CASMailbox -Identity MAILBOX -SmtpClientAuthenticationDisabled $false",
    "Set-Mailbox -Identity MAILBOX -RecipientLimits 1000",
    "Set-Mailbox -Identity MAILBOX -MaxSendSize 150MB",
];

/// Those of them that the fix names, filled in as they are there.
pub(in crate::failure) fn commands(diagnosis: &Diagnosis, facts: &Facts) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for command in COMMANDS {
        let filled = facts.fill(command, None);
        // For SMTP the switch of the protocol is the command that another fix names in full.
        if diagnosis.fix.contains(&filled) && !named.contains(&filled) {
            named.push(filled);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Access;
    use crate::failure::exchange::rows;
    use crate::provider::Protocol;

    /// A command that a fix names and this list does not know could not be pasted.
    #[test]
    fn every_command_of_every_fix_is_known() {
        let mut seen = 0;
        for access in [Access::AppOnly, Access::Owner, Access::Delegate] {
            for row in rows() {
                let fix = row.fix.text(access);
                let known: Vec<_> = COMMANDS
                    .iter()
                    .filter(|command| fix.contains(**command))
                    .collect();
                let verbs = ["New-ServicePrincipal -", "Add-", "Set-"];
                let named = verbs.iter().map(|verb| fix.matches(verb).count()).sum::<usize>();
                assert_eq!(known.len(), named, "{fix}");
                seen += named;
            }
        }
        assert!(seen > 20, "only {seen} commands seen");
    }

    #[test]
    fn commands_come_filled_in_and_in_their_order() {
        let facts = Facts {
            protocol: Some(Protocol::Imap),
            identity: Some("a@x.org".into()),
            client_id: Some("app".into()),
            object_id: Some("oid".into()),
            access: Access::AppOnly,
            ..Facts::default()
        };
        let rejection = crate::upstream::handshake::Rejection {
            reply: "BAD User is authenticated but not connected.".into(),
            kind: crate::upstream::handshake::Kind::NotConnected,
            challenge: None,
        };
        let diagnosis = crate::failure::exchange::explain("host", &rejection, &facts);
        assert_eq!(
            commands(&diagnosis, &facts),
            [
                "New-ServicePrincipal -AppId app -ObjectId oid",
                "Add-MailboxPermission -Identity a@x.org -User (Get-ServicePrincipal -Identity app).Identity -AccessRights FullAccess",
                "Set-CASMailbox -Identity a@x.org -ImapEnabled $true",
            ]
        );
    }
}
