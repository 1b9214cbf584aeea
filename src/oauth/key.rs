//! What makes a grant that grant, and a token that token: the only wall between the tokens of two people.

use aws_lc_rs::digest::{Context, SHA256};

use super::{
    App, ClientCredentials, Command, Grant, GrantKey, ManagedIdentity, Registration, ServiceAccount, TokenKey,
};
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
    /// A token of the client-credentials grant or of a managed identity belongs to the app and opens every mailbox that
    /// Exchange lets the app open, so nobody's name is in its key. A service account asks for one person's token, whichever
    /// account it is for. A command may print another token for each holder, so all of it is.
    pub fn of(app: &App, holder: Holder<'_>) -> Self {
        match &app.grant {
            Grant::ClientCredentials(grant) => client_credentials(grant),
            Grant::ManagedIdentity(identity) => managed_identity(identity),
            Grant::ServiceAccount(service) => service_account(service, holder),
            // However it was done: what was once consented to opens the same mailbox.
            Grant::SignIn(app) => delegated("sign_in", &app.registration, holder),
            // Never one that a sign-in could have left, nor the other way round.
            Grant::Password(app) => delegated("password", &app.registration, holder),
            Grant::Command(command) => for_command(command, holder),
        }
    }

    /// The key of the verified password that belongs to a grant.
    #[must_use]
    pub fn of_verified_password(self) -> Self {
        digest_of("verified_password", &[&self.0])
    }

    /// The key of the local password that the store keeps for an account: whatever its apps are.
    #[must_use]
    pub fn of_local_password(account: &str) -> Self {
        digest_of("local_password", &[account.as_bytes()])
    }

    /// Where the token store keeps a link to sign in by. Whoever reads the key there can't tell the link: 256 random bits
    /// are not guessed.
    #[must_use]
    pub fn of_sign_in_link(link: &str) -> Self {
        digest_of("sign_in_link", &[link.as_bytes()])
    }

    /// Which links to sign in by there may be one of: those of an account's app.
    #[must_use]
    pub fn of_sign_in_links(account: &str, app: &str) -> Self {
        digest("sign_in_links", &[&account.to_ascii_lowercase(), app])
    }

    /// The digest itself: what seals a stored record to its grant.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TokenKey {
    /// The key of the token that the app's grant gives for one holder.
    pub fn of(app: &App, holder: Holder<'_>) -> Self {
        let scopes = match &app.grant {
            Grant::ClientCredentials(grant) => grant.scope.clone(),
            Grant::ManagedIdentity(identity) => identity.resource.clone(),
            Grant::ServiceAccount(service) => service.scopes().to_string().into(),
            Grant::SignIn(app) | Grant::Password(app) => app.scopes.to_string().into(),
            Grant::Command(_) => Box::default(),
        };
        Self {
            grant: GrantKey::of(app, holder),
            scopes,
        }
    }
}

fn client_credentials(grant: &ClientCredentials) -> GrantKey {
    let app = &grant.registration;
    digest("client_credentials", &[app.token_url.as_str(), &app.client_id])
}

fn managed_identity(identity: &ManagedIdentity) -> GrantKey {
    let (platform, client_id) = (identity.platform.to_string(), identity.client_id.as_deref());
    digest("managed_identity", &[&platform, client_id.unwrap_or_default()])
}

fn service_account(service: &ServiceAccount, holder: Holder<'_>) -> GrantKey {
    let parts = [
        service.token_url().as_str(),
        service.address(),
        holder.owner.as_str(),
    ];
    digest("service_account", &parts)
}

fn delegated(kind: &str, app: &Registration, holder: Holder<'_>) -> GrantKey {
    // Exchange ignores ASCII case in addresses: another spelling is nobody else.
    let owner = holder.owner.as_str().to_ascii_lowercase();
    digest(
        kind,
        &[app.token_url.as_str(), &app.client_id, holder.account, &owner],
    )
}

fn for_command(command: &Command, holder: Holder<'_>) -> GrantKey {
    let mut parts = vec![holder.account, holder.owner.as_str(), holder.mailbox.as_str()];
    parts.extend(command.argv.iter().map(AsRef::as_ref));
    digest("command", &parts)
}

fn digest(kind: &str, parts: &[&str]) -> GrantKey {
    let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
    digest_of(kind, &parts)
}

/// Each part goes in with its length: parts that are cut differently never meet.
fn digest_of(kind: &str, parts: &[&[u8]]) -> GrantKey {
    let mut context = Context::new(&SHA256);
    for part in [&[kind.as_bytes()], parts].concat() {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
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
    use crate::oauth::flow::Platform;
    use crate::oauth::{Delegated, Dialect, Proof, Scopes, UsualSignIn};
    use crate::secret::Secret;

    fn app(grant: Grant) -> App {
        App {
            name: "app".into(),
            grant,
            token_export: false,
            secret_expires: None,
        }
    }

    fn app_only(tenant: &str, client_id: &str, secret: &str, scope: &str) -> App {
        app(Grant::ClientCredentials(ClientCredentials {
            registration: registration(tenant, client_id, Proof::Secret(Secret::new(secret.into()))),
            scope: scope.into(),
        }))
    }

    fn registration(tenant: &str, client_id: &str, proof: Proof) -> Registration {
        Registration {
            token_url: format!("https://login.example/{tenant}/token").parse().unwrap(),
            client_id: client_id.into(),
            proof,
            dialect: Dialect::Scope,
        }
    }

    fn delegated_app(registration: Registration) -> Delegated {
        Delegated {
            registration,
            scopes: Scopes::parse("scope").unwrap(),
            browser: None,
            device_url: None,
            admin_consent_url: None,
            usual: UsualSignIn::Browser,
        }
    }

    fn managed(client_id: Option<&str>, platform: Platform) -> App {
        app(Grant::ManagedIdentity(ManagedIdentity {
            platform,
            resource: "https://outlook.office365.com".into(),
            client_id: client_id.map(Into::into),
        }))
    }

    fn service_account(address: &str, scope: &str) -> App {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let json = serde_json::json!({
            "type": "service_account",
            "private_key_id": "1",
            "private_key": key.serialize_pem(),
            "client_email": address,
        });
        let token_url = "https://login.example/t/token".parse().unwrap();
        let scopes = Scopes::parse(scope).unwrap();
        let service = ServiceAccount::from_json(json.to_string().as_bytes(), token_url, scopes);
        app(Grant::ServiceAccount(service.unwrap()))
    }

    fn command(argv: &[&str], seconds: u64) -> App {
        app(Grant::Command(Command {
            argv: argv.iter().map(|part| (*part).into()).collect(),
            timeout: Duration::from_secs(seconds),
        }))
    }

    /// What a key is for an account, its owner and a mailbox.
    fn held<T>([account, owner, mailbox]: [&str; 3], by: impl FnOnce(Holder<'_>) -> T) -> T {
        let (owner, mailbox) = (Mailbox::parse(owner).unwrap(), Mailbox::parse(mailbox).unwrap());
        by(Holder {
            account,
            owner: &owner,
            mailbox: &mailbox,
        })
    }

    fn key(app: &App, holder: [&str; 3]) -> TokenKey {
        held(holder, |holder| TokenKey::of(app, holder))
    }

    const ALICE: [&str; 3] = ["alice", "alice@x", "alice@x"];
    const BOB: [&str; 3] = ["bob", "bob@x", "bob@x"];

    #[test]
    fn a_key_survives_being_written() {
        let key = key(&app_only("t", "id", "s", "scope"), ALICE).grant;
        let text = key.to_hex();
        assert_eq!(GrantKey::from_hex(&text), Some(key));
        let wrong = [
            "",
            &text[1..],
            &text[2..],
            &format!("{text}00"),
            &text.to_uppercase(),
            &"é".repeat(32),
        ];
        for text in wrong {
            assert_eq!(GrantKey::from_hex(text), None, "{text}");
        }
        assert_eq!(wrong.len(), 6);
    }

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
        let service = service_account("a@p", "scope");
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
            key(&managed(None, Platform::VirtualMachine), ALICE),
            key(&managed(Some("id"), Platform::VirtualMachine), ALICE),
            key(
                &managed(
                    None,
                    Platform::app_service("http://localhost/", Secret::new("x".into())).unwrap(),
                ),
                ALICE,
            ),
            key(&service, ALICE),
            key(&service, BOB),
            key(&service_account("b@p", "scope"), ALICE),
        ];
        for (at, one) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                assert_ne!(one.grant, other.grant);
            }
        }
        assert_eq!(keys.len(), 17);
        assert_eq!(
            key(&print, ALICE),
            key(&command(&["print", "{mailbox}"], 60), ALICE)
        );
    }

    #[test]
    fn a_managed_identity_has_one_token_and_a_service_account_one_for_each_person() {
        let identity = managed(None, Platform::VirtualMachine);
        assert_eq!(key(&identity, ALICE), key(&identity, BOB));
        let service = service_account("a@p", "scope");
        assert_eq!(
            key(&service, ALICE),
            key(&service, ["other", "alice@x", "shared@x"])
        );
        let more = service_account("a@p", "scope more");
        assert_ne!(key(&service, ALICE), key(&more, ALICE));
        assert_eq!(key(&service, ALICE).grant, key(&more, ALICE).grant);
    }

    #[test]
    fn what_a_person_has_consented_to_is_that_persons_alone() {
        let sign_in = |tenant, client_id, proof, holder| {
            let delegated = delegated_app(registration(tenant, client_id, proof));
            key(&app(Grant::SignIn(delegated)), holder).grant
        };
        let password = delegated_app(registration("t", "id", Proof::None));
        let password = key(&app(Grant::Password(password)), ALICE).grant;
        let keys = [
            sign_in("t", "id", Proof::None, ALICE),
            sign_in("t", "id", Proof::None, BOB),
            sign_in("t", "id", Proof::None, ["alice", "bob@x", "alice@x"]),
            sign_in("t", "id", Proof::None, ["other", "alice@x", "alice@x"]),
            sign_in("u", "id", Proof::None, ALICE),
            sign_in("t", "id2", Proof::None, ALICE),
            password,
            password.of_verified_password(),
            GrantKey::of_local_password("alice"),
            key(&app_only("t", "id", "s", "scope"), ALICE).grant,
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at}");
        }
        assert_eq!(keys.len(), 10);
        // Another proof, another mailbox of the same person, another spelling: the same consent.
        let proof = Proof::Secret(Secret::new("s".into()));
        assert_eq!(sign_in("t", "id", proof, ALICE), keys[0]);
        for holder in [["alice", "alice@x", "shared@x"], ["alice", "Alice@X", "alice@x"]] {
            assert_eq!(sign_in("t", "id", Proof::None, holder), keys[0]);
        }
    }
}
