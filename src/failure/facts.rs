//! What is known of a login besides its failure, so that what the operator is told to do can be pasted as it is.

use crate::account::Authorized;
use crate::oauth::{Claims, Grant};
use crate::provider::Protocol;

/// In whose name a token opens a mailbox: what has to be permitted, and to whom, depends on it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Access {
    /// The app itself: no person is behind it.
    AppOnly,
    /// The person whose mailbox it is.
    Owner,
    /// A person who was let into another's mailbox.
    Delegate,
    /// Whoever made the token knows.
    #[default]
    Unknown,
}

fn access(login: &Authorized, grant: &Grant) -> Access {
    match grant {
        Grant::ClientCredentials(_) | Grant::ManagedIdentity(_) => Access::AppOnly,
        Grant::Command(_) => Access::Unknown,
        Grant::ServiceAccount(_) | Grant::SignIn(_) | Grant::Password(_) => {
            if login.owner().same_as(login.mailbox()) {
                Access::Owner
            } else {
                Access::Delegate
            }
        }
    }
}

/// The facts of one login. What is not known stays a word in capitals where it is told.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What was logged in to.
    pub protocol: Option<Protocol>,
    /// The account's name in the configuration.
    pub account: Option<Box<str>>,
    /// The mailbox that is meant.
    pub mailbox: Option<Box<str>>,
    /// The name that upstream heard with the token.
    pub identity: Option<Box<str>>,
    /// Whose token it is.
    pub owner: Option<Box<str>>,
    /// The app's Application (client) ID.
    pub client_id: Option<Box<str>>,
    /// What Exchange knows the app by: the Object ID of its enterprise application, `oid` in the app's own tokens.
    pub object_id: Option<Box<str>>,
    /// The host that people sign in at, which is another in each national cloud.
    pub sign_in_host: Option<Box<str>>,
    /// The tenant that gave the token.
    pub tenant: Option<Box<str>>,
    /// What the token was asked for.
    pub scope: Option<Box<str>>,
    /// What a message claims to come from, where that is known beforehand.
    pub sender: Option<Box<str>>,
    /// In whose name the token is.
    pub access: Access,
}

impl Facts {
    /// The facts of a login whose password was right.
    pub fn of(login: &Authorized) -> Self {
        let known = Self {
            protocol: Some(login.protocol()),
            account: Some(login.account().name.to_string().into()),
            mailbox: Some(login.mailbox().as_str().into()),
            identity: Some(login.identity().as_str().into()),
            owner: Some(login.owner().as_str().into()),
            ..Self::default()
        };
        let grant = &login.route().app.grant;
        let registration = grant.registration();
        let token_url = registration.map(|app| &app.token_url);
        // The first part of the path, at every cloud of Microsoft's.
        let tenant = token_url.and_then(|url| url.path_segments()?.next());
        Self {
            client_id: registration.map(|app| app.client_id.clone()),
            sign_in_host: token_url.and_then(|url| url.host_str()).map(Into::into),
            tenant: tenant.map(Into::into),
            scope: Some(login.token_wanted().key.scopes).filter(|scope| !scope.is_empty()),
            access: access(login, grant),
            ..known
        }
    }

    /// Takes in what a token says of the app. A person's token has the person's object id in it, which would be no good to
    /// Exchange; only an app's own token knows what Exchange knows the app by.
    pub fn token_known(&mut self, claims: &Claims) {
        if claims.scp.is_empty() && claims.upn.is_none() {
            self.object_id.clone_from(&claims.oid);
        }
        if self.client_id.is_none() {
            self.client_id.clone_from(&claims.appid);
        }
    }

    /// Whether the token was asked for as one of Microsoft Graph, which Exchange refuses whatever is in it.
    pub(super) fn asks_for_graph(&self) -> bool {
        self.scope
            .as_deref()
            .is_some_and(|scope| scope.contains("graph.microsoft"))
    }

    /// The text with what is known in the place of the words in capitals. `sender` is what a message claims to come from.
    pub(super) fn fill(&self, text: &str, sender: Option<&str>) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.find(|c| !in_words(c)).unwrap_or(rest.len());
            filled.push_str(self.value(&rest[..word], sender).unwrap_or(&rest[..word]));
            let after = rest[word..].find(in_words).map_or(rest.len(), |at| word + at);
            filled.push_str(&rest[word..after]);
            rest = &rest[after..];
        }
        filled
    }

    fn value<'a>(&'a self, word: &str, sender: Option<&'a str>) -> Option<&'a str> {
        let value = match word {
            "ACCOUNT" => self.account.as_deref(),
            "MAILBOX" => self.identity.as_deref(),
            "SENDER" => sender.or(self.sender.as_deref()),
            "OWNER" => self.owner.as_deref(),
            "CLIENT_ID" => self.client_id.as_deref(),
            "OBJECT_ID" => self.object_id.as_deref(),
            "SIGN_IN_HOST" => Some(self.sign_in_host.as_deref().unwrap_or(SIGN_IN_HOST)),
            "TENANT" => self.tenant.as_deref(),
            "PERMISSION" => return self.permission(),
            "PROTOCOL_SWITCH" => return Some(self.switch()),
            _ => None,
        };
        value.filter(|value| is_plain(value))
    }

    /// The permission that upstream wants to see in the token.
    fn permission(&self) -> Option<&'static str> {
        Some(match (self.protocol?, self.access) {
            (Protocol::Imap, Access::AppOnly) => "IMAP.AccessAsApp",
            (Protocol::Pop3, Access::AppOnly) => "POP.AccessAsApp",
            (Protocol::Smtp, Access::AppOnly) => "SMTP.SendAsApp",
            (Protocol::Imap, Access::Owner | Access::Delegate) => "IMAP.AccessAsUser.All",
            (Protocol::Pop3, Access::Owner | Access::Delegate) => "POP.AccessAsUser.All",
            (Protocol::Smtp, Access::Owner | Access::Delegate) => "SMTP.Send",
            (Protocol::Imap, Access::Unknown) => "IMAP.AccessAsApp or IMAP.AccessAsUser.All",
            (Protocol::Pop3, Access::Unknown) => "POP.AccessAsApp or POP.AccessAsUser.All",
            (Protocol::Smtp, Access::Unknown) => "SMTP.SendAsApp or SMTP.Send",
        })
    }

    /// What `Set-CASMailbox` calls the protocol.
    fn switch(&self) -> &'static str {
        match self.protocol {
            Some(Protocol::Imap) => "-ImapEnabled $true",
            Some(Protocol::Pop3) => "-PopEnabled $true",
            Some(Protocol::Smtp) => "-SmtpClientAuthenticationDisabled $false",
            None => "-ImapEnabled $true -PopEnabled $true",
        }
    }
}

/// Everywhere but in national clouds.
const SIGN_IN_HOST: &str = "login.microsoftonline.com";

const fn in_words(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a value means itself, and nothing else, to every shell that it may be pasted into. Names come from mail clients
/// and from upstream, and an administrator pastes what stands here into a PowerShell that may do anything.
fn is_plain(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '_' | '+' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(mailbox: &str) -> Facts {
        Facts {
            protocol: Some(Protocol::Pop3),
            identity: Some(mailbox.into()),
            mailbox: Some("shared@contoso.com".into()),
            access: Access::AppOnly,
            ..Facts::default()
        }
    }

    #[test]
    fn whole_words_are_filled_in_and_what_is_not_known_stays() {
        let text = "Set-X MAILBOX; MAILBOXES, XMAILBOX (SENDER) TENANT's PERMISSION: MAILBOX";
        assert_eq!(
            facts("a@x.org").fill(text, None),
            "Set-X a@x.org; MAILBOXES, XMAILBOX (SENDER) TENANT's POP.AccessAsApp: a@x.org"
        );
        assert_eq!(facts("a@x").fill("SENDER", Some("boss@x")), "boss@x");
        let sending = Facts {
            sender: Some("a@x".into()),
            ..facts("a@x")
        };
        assert_eq!(sending.fill("SENDER", None), "a@x");
        assert_eq!(sending.fill("SENDER", Some("boss@x")), "boss@x");
    }

    #[test]
    fn only_an_apps_own_token_tells_what_exchange_knows_the_app_by() {
        let of = |scp: &[&str], upn: Option<&str>| {
            let mut facts = facts("a@x");
            facts.token_known(&Claims {
                scp: scp.iter().map(|scope| (*scope).into()).collect(),
                upn: upn.map(Into::into),
                oid: Some("o".into()),
                appid: Some("app".into()),
                ..Claims::default()
            });
            (facts.object_id, facts.client_id)
        };
        assert_eq!(of(&[], None), (Some("o".into()), Some("app".into())));
        assert_eq!(of(&["SMTP.Send"], None).0, None);
        assert_eq!(of(&[], Some("a@x")).0, None);
    }

    /// The name of a catch-all account's mailbox is what somebody typed, and the sender is what a message claims.
    #[test]
    fn nothing_is_filled_in_that_a_shell_would_act_on() {
        let evil = [
            "a@x; Remove-Mailbox ceo",
            "$(id)@x",
            "`id`@x",
            "a'b@x",
            "a\u{2019}b@x",
            "-Confirm:$false",
            "a b@x",
            "{a}@x",
            "*@contoso.com",
            "",
        ];
        for name in evil {
            assert_eq!(facts(name).fill("-Identity MAILBOX", None), "-Identity MAILBOX");
            assert_eq!(facts("a").fill("SENDER", Some(name)), "SENDER");
        }
        assert_eq!(evil.len(), 10);
    }
}
