//! What makes a grant that grant, and a token that token: the only wall between the tokens of two people.

use aws_lc_rs::digest::{Context, SHA256};

use super::{App, ClientCredentials, Command, Grant, GrantKey, TokenKey};
use crate::name::Mailbox;

/// On whose behalf a token is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The local account.
    pub account: &'a str,
    /// Who signs in.
    pub owner: &'a Mailbox,
    /// Which mailbox is to be opened.
    pub mailbox: &'a Mailbox,
}

impl GrantKey {
    /// The key of an app's grant for one holder.
    ///
    /// A token of the client-credentials grant belongs to the app and opens every mailbox that Exchange lets the app
    /// open, so nobody's name is in its key. A command may print another token for each holder, so all of it is.
    pub fn of(app: &App, holder: Holder<'_>) -> Self {
        match &app.grant {
            Grant::ClientCredentials(grant) => client_credentials(grant),
            Grant::Command(command) => for_command(command, holder),
        }
    }
}

impl TokenKey {
    /// The key of the token that the app's grant gives for one holder.
    pub fn of(app: &App, holder: Holder<'_>) -> Self {
        let scopes = match &app.grant {
            Grant::ClientCredentials(grant) => grant.scope.clone(),
            Grant::Command(_) => Box::default(),
        };
        Self {
            grant: GrantKey::of(app, holder),
            scopes,
        }
    }
}

fn client_credentials(grant: &ClientCredentials) -> GrantKey {
    digest(
        "client_credentials",
        &[grant.token_url.as_str(), &grant.client_id],
    )
}

fn for_command(command: &Command, holder: Holder<'_>) -> GrantKey {
    let mut parts = vec![holder.account, holder.owner.as_str(), holder.mailbox.as_str()];
    parts.extend(command.argv.iter().map(AsRef::as_ref));
    digest("command", &parts)
}

/// Each part goes in with its length: parts that are cut differently never meet.
fn digest(kind: &str, parts: &[&str]) -> GrantKey {
    let mut context = Context::new(&SHA256);
    for part in [&[kind], parts].concat() {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    GrantKey(key)
}

impl GrantKey {
    /// As the token store writes it: 64 lower-case hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        let digit = |four: u8| char::from_digit(four.into(), 16);
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(digit).collect()
    }

    /// What [`Self::to_hex`] wrote, and nothing else.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let mut key = [0; 32];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return None;
        };
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
        }
        let key = Self(key);
        (key.to_hex() == text).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::secret::Secret;

    fn app(grant: Grant) -> App {
        App {
            name: "app".into(),
            grant,
        }
    }

    fn app_only(tenant: &str, client_id: &str, secret: &str, scope: &str) -> App {
        app(Grant::ClientCredentials(ClientCredentials {
            token_url: format!("https://login.example/{tenant}/token").parse().unwrap(),
            client_id: client_id.into(),
            secret: Secret::new(secret.into()),
            scope: scope.into(),
        }))
    }

    fn command(argv: &[&str], seconds: u64) -> App {
        app(Grant::Command(Command {
            argv: argv.iter().map(|part| (*part).into()).collect(),
            timeout: Duration::from_secs(seconds),
        }))
    }

    /// The key for an account, its owner and a mailbox.
    fn key(app: &App, [account, owner, mailbox]: [&str; 3]) -> TokenKey {
        let (owner, mailbox) = (Mailbox::parse(owner).unwrap(), Mailbox::parse(mailbox).unwrap());
        TokenKey::of(
            app,
            Holder {
                account,
                owner: &owner,
                mailbox: &mailbox,
            },
        )
    }

    const ALICE: [&str; 3] = ["alice", "alice@x", "alice@x"];
    const BOB: [&str; 3] = ["bob", "bob@x", "bob@x"];

    #[test]
    fn an_app_has_one_token_for_every_mailbox() {
        let app = app_only("t", "id", "s", "scope");
        assert_eq!(key(&app, ALICE), key(&app, BOB));
        assert_eq!(
            key(&app, ALICE),
            key(&app_only("t", "id", "rotated", "scope"), ALICE)
        );
    }

    #[test]
    fn other_scopes_are_another_token_of_the_same_grant() {
        let (old, new) = (
            app_only("t", "id", "s", "scope"),
            app_only("t", "id", "s", "other"),
        );
        assert_ne!(key(&old, ALICE), key(&new, ALICE));
        assert_eq!(key(&old, ALICE).grant, key(&new, ALICE).grant);
    }

    #[test]
    fn whatever_makes_a_grant_another_makes_another_key() {
        let print = command(&["print", "{mailbox}"], 10);
        let keys = [
            key(&app_only("t", "id", "s", "scope"), ALICE),
            key(&app_only("u", "id", "s", "scope"), ALICE),
            key(&app_only("t", "id2", "s", "scope"), ALICE),
            key(&print, ALICE),
            key(&print, BOB),
            key(&print, ["alice", "alice@x", "shared@x"]),
            key(&print, ["alice", "bob@x", "alice@x"]),
            key(&print, ["other", "alice@x", "alice@x"]),
            // The same letters, cut elsewhere.
            key(&print, ["alic", "ealice@x", "alice@x"]),
            key(&command(&["print{mailbox}"], 10), ALICE),
            key(&command(&["print", "{owner}"], 10), ALICE),
        ];
        for (at, one) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                assert_ne!(one.grant, other.grant);
            }
        }
        assert_eq!(keys.len(), 11);
        assert_eq!(
            key(&print, ALICE),
            key(&command(&["print", "{mailbox}"], 60), ALICE)
        );
    }
}
