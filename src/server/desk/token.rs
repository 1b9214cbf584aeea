//! An access token for a program that speaks XOAUTH2 itself.

use super::{Desk, Refused, explained, refused};
use crate::audit;
use crate::control::{News, Talk, Told};
use crate::provider::Protocol;
use crate::secret::Secret;

impl Desk {
    /// Gives a token away, if the app's configuration allows it. Whoever has it opens the mailbox until it expires.
    pub(super) async fn token(
        &self,
        account: &str,
        protocol: Protocol,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let (name, found) = self.account(account)?;
        let login = self.context.rooms.load().accounts.for_operator(&name, protocol);
        let login = login.ok_or_else(|| {
            refused(
                format!("{} is not allowed to use {protocol}", found.name),
                "`protocols` of the account leaves it out, or its name stands for many mailboxes",
                "choose another with --protocol imap, pop3 or smtp, or name one mailbox",
            )
        })?;
        let app = &login.route().app;
        if !app.token_export {
            return Err(refused(
                format!("the app \"{}\" gives no tokens away", app.name),
                "whoever has one opens the mailbox without saslgate and without its log",
                "add token_export = true to the app, if a program has to speak XOAUTH2 itself, and reload saslgate (`saslgate reload`)",
            ));
        }
        let token = self.context.tokens.pending(&login).token().await;
        let token = token.map_err(|error| Refused::from(explained(&error, &login)))?;
        let fingerprint = token.fingerprint().to_string();
        audit::token_printed(&found.name.to_string(), protocol, &app.name, &fingerprint);
        let token = Secret::new(token.secret().expose().clone());
        talk.tell(News::Token(Told(token))).await;
        Ok(())
    }
}
