//! Tokens of email-oauth2-proxy, which each mail client's first login opens.

use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use saslgate::account::{Accounts, Authorized, RefusedLogin, Verdict};
use saslgate::oauth::{
    App, Delegated, Dialect, Endpoint, Grant, GrantKey, Proof, Registration, Scopes, UsualSignIn,
};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::secret::Secret;
use saslgate::sim::directory::Platform;
use saslgate::sim::{Demo, Settings, Sim};
use saslgate::token::imported::{self, Holds, Sealed, Written};
use saslgate::token::store::{Content, MemoryStore, Record, Stored, Swap, TokenStore as _};
use saslgate::token::{StoreSlot, Tokens, Unproven};
use tokio::task::JoinSet;

use crate::people::{DELEGATED, client_id, free_port, person, registration};
use crate::sim_support::logins::{accounts, check, imported_accounts};
use crate::sim_support::trusting;

const PASSWORD: &str = "as it always was";
const SALT: &[u8] = b"sixteen bytes of";

/// Seals a text as email-oauth2-proxy does: what is opened here was made by other code.
fn fernet(password: &str, iterations: u32, text: &str) -> String {
    let mut key = [0; 32];
    let count = NonZeroU32::new(iterations).unwrap();
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        count,
        SALT,
        password.as_bytes(),
        &mut key,
    );
    let (vector, mut sealed) = ([7; 16], text.as_bytes().to_vec());
    let cipher = UnboundCipherKey::new(&AES_128, &key[16..]).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).unwrap();
    let context = EncryptionContext::Iv128(FixedLength::from(&vector));
    cipher.less_safe_encrypt(&mut sealed, context).unwrap();
    let mut token = [&[0x80; 1][..], &[0; 8], &vector, &sealed].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key[..16]), &token);
    token.extend(tag.as_ref());
    URL_SAFE.encode(token)
}

fn sealed(token: &str, iterations: Option<u32>, holds: Holds) -> Sealed {
    let salt = STANDARD.encode(SALT);
    let written = Written {
        salt: &salt,
        iterations,
        token,
        holds,
        used: Some(1_795_000_000),
    };
    Sealed::new(written).unwrap()
}

struct Machine {
    sim: Sim,
    mailbox: String,
    app: Arc<App>,
    store: Arc<MemoryStore>,
    tokens: Tokens,
}

impl Machine {
    fn new() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        let native = registration(1, Platform::Native, free_port());
        sim.directory().add_app(native);
        sim.directory()
            .consent(&client_id(1), Demo::TENANT, None, &DELEGATED);
        let store = Arc::new(MemoryStore::new());
        let endpoint = Endpoint::new(Outgoing::new(&Arc::new(trusting(&sim)), &Proxy::Direct).unwrap());
        Self {
            mailbox: person(&sim, "grace"),
            app: app(&sim, Grant::SignIn),
            tokens: Tokens::new(endpoint, StoreSlot::open(Arc::clone(&store) as _)),
            store,
            sim,
        }
    }

    /// A refresh token of the person's, got as another program would.
    async fn refresh_token(&self) -> Secret<String> {
        let store = Arc::new(MemoryStore::new());
        let endpoint = Endpoint::new(Outgoing::new(&Arc::new(trusting(&self.sim)), &Proxy::Direct).unwrap());
        let tokens = Tokens::new(endpoint, StoreSlot::open(Arc::clone(&store) as _));
        let accounts = accounts(&app(&self.sim, Grant::Password), &self.mailbox, Vec::new());
        let Verdict::Ask(candidate) = check(&accounts, &self.mailbox, Demo::PASSWORD).await else {
            panic!("the provider judges");
        };
        tokens.judge(candidate).await.unwrap();
        for listed in store.list().await.unwrap() {
            if matches!(listed.content, Some(Content::SignIn(_))) {
                let stored = store.load(listed.key).await.unwrap().unwrap();
                return Secret::new(stored.record.secret.expose().clone());
            }
        }
        panic!("no sign-in");
    }

    async fn imports(&self, sealed: &Sealed) {
        let key = GrantKey::of_local_password(&self.mailbox);
        let record = imported::record(&self.mailbox, "app", sealed);
        assert!(matches!(
            self.store.swap(key, None, record).await,
            Ok(Swap::Saved(_))
        ));
    }

    /// With a refresh token sealed under [`PASSWORD`].
    async fn imported() -> Self {
        let machine = Self::new();
        let token = fernet(PASSWORD, 1_000, machine.refresh_token().await.expose());
        machine
            .imports(&sealed(&token, Some(1_000), Holds::RefreshToken))
            .await;
        machine
    }

    fn accounts(&self) -> Accounts {
        imported_accounts(&self.app, &self.mailbox)
    }

    async fn login(&self, password: &str) -> Result<Authorized, Unproven> {
        self.login_to(&self.accounts(), password).await
    }

    async fn login_to(&self, accounts: &Accounts, password: &str) -> Result<Authorized, Unproven> {
        match check(accounts, &self.mailbox, password).await {
            Verdict::Ask(candidate) => self.tokens.judge(candidate).await,
            other => panic!("{other:?}"),
        }
    }

    async fn kept(&self) -> Stored {
        let key = GrantKey::of_local_password(&self.mailbox);
        self.store.load(key).await.unwrap().unwrap()
    }

    async fn sign_ins(&self) -> usize {
        let listed = self.store.list().await.unwrap();
        listed
            .iter()
            .filter(|listed| matches!(listed.content, Some(Content::SignIn(_))))
            .count()
    }
}

fn app(sim: &Sim, grant: fn(Delegated) -> Grant) -> Arc<App> {
    let delegated = Delegated {
        registration: Registration {
            token_url: sim.addresses().token_url(Demo::TENANT).parse().unwrap(),
            client_id: client_id(1).into(),
            proof: Proof::None,
            dialect: Dialect::Scope,
        },
        scopes: Scopes::parse(Demo::DELEGATED_SCOPE).unwrap(),
        browser: None,
        device_url: None,
        admin_consent_url: None,
        usual: UsualSignIn::Browser,
    };
    Arc::new(App {
        name: "app".into(),
        grant: grant(delegated),
        token_export: false,
        secret_expires: None,
    })
}

fn is_wrong(outcome: &Result<Authorized, Unproven>) -> bool {
    matches!(outcome, Err(Unproven::Login(RefusedLogin::WrongPassword)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_login_opens_its_own_token_and_its_password_stays() {
    let machine = Machine::imported().await;
    let requests = machine.sim.entra().request_count();
    let login = machine.login(PASSWORD).await.unwrap();
    assert_eq!(
        machine.sim.entra().request_count(),
        requests,
        "nobody had to be asked"
    );
    assert!(matches!(
        machine.kept().await.record.content,
        Content::LocalPassword { .. }
    ));
    assert!(machine.kept().await.record.secret.expose().starts_with("sg2:"));
    assert_eq!(machine.sign_ins().await, 1);
    let token = machine.tokens.pending(&login).token().await;
    assert!(token.is_ok(), "{:?}", token.err());
    assert_eq!(machine.sim.entra().requests_of("refresh_token"), 1);
    // Accounts made anew remember nothing: the hash decides.
    machine.login(PASSWORD).await.unwrap();
    assert!(is_wrong(&machine.login("as it never was").await));
    assert_eq!(machine.sign_ins().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_that_nobody_is_asked_to_sign_in() {
    let machine = Machine::imported().await;
    let accounts = machine.accounts();
    let name = saslgate::name::LoginName::parse(machine.mailbox.as_bytes()).unwrap();
    let login = accounts
        .for_operator(&name, saslgate::provider::Protocol::Imap)
        .unwrap();
    assert!(machine.tokens.waits_for_first_login(&login).await);
    let error = machine.tokens.pending(&login).token().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
    assert!(error.what.contains("first login"), "{error}");
    // What failed a moment ago is no reason to wait once the token is there.
    let login = machine.login(PASSWORD).await.unwrap();
    assert!(machine.tokens.pending(&login).token().await.is_ok());
    assert!(!machine.tokens.waits_for_first_login(&login).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_leaves_the_record_as_it_was() {
    let machine = Machine::imported().await;
    let before = machine.kept().await;
    for wrong in ["guess", "As it always was", "as it always was ", "\\"] {
        assert!(is_wrong(&machine.login(wrong).await), "{wrong}");
    }
    let after = machine.kept().await;
    assert_eq!(after.generation, before.generation);
    assert_eq!(after.record.secret.expose(), before.record.secret.expose());
    assert_eq!(machine.sign_ins().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_connections_of_one_mail_program_move_it_once() {
    let machine = Arc::new(Machine::imported().await);
    let accounts = Arc::new(machine.accounts());
    let before = machine.kept().await.generation;
    let mut logins = JoinSet::new();
    for _ in 0..10 {
        let (machine, accounts) = (Arc::clone(&machine), Arc::clone(&accounts));
        logins.spawn(async move { machine.login_to(&accounts, PASSWORD).await.is_ok() });
    }
    assert_eq!(logins.join_all().await, [true; 10]);
    assert_eq!(machine.sign_ins().await, 1);
    // The sign-in, and the hash in the place of the seal: two changes, not twenty.
    let of_sign_in = machine.store.list().await.unwrap();
    let newest = of_sign_in.iter().map(|listed| listed.generation).max().unwrap();
    assert_eq!(newest, machine.kept().await.generation);
    assert_eq!(format!("{before} {newest}"), "1 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_signed_in_for_meanwhile_is_newer_and_stays() {
    let machine = Machine::imported().await;
    machine.login(PASSWORD).await.unwrap();
    let listed = machine.store.list().await.unwrap();
    let sign_in = listed
        .iter()
        .find(|listed| matches!(listed.content, Some(Content::SignIn(_))))
        .unwrap();
    // The seal again, with another token in it.
    machine
        .store
        .remove(GrantKey::of_local_password(&machine.mailbox))
        .await
        .unwrap();
    let older = fernet(PASSWORD, 1_000, "an older one");
    machine
        .imports(&sealed(&older, Some(1_000), Holds::RefreshToken))
        .await;
    machine.login(PASSWORD).await.unwrap();
    let after = machine.store.load(sign_in.key).await.unwrap().unwrap();
    assert_eq!(after.generation, sign_in.generation);
}

/// email-oauth2-proxy takes what stands between the quotes of IMAP as it is, and has written down how often it derives only since
/// October 2023.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_it_was_sealed_by_the_mail_client_needs_no_other_password() {
    let table: [(&str, &str, u32, Option<u32>); 4] = [
        (r"back\slash", r"back\slash", 1_200_000, Some(1_200_000)),
        (r"back\slash", r"back\\slash", 1_000, Some(1_000)),
        ("first years", "first years", 100_000, None),
        ("Grüße", "Grüße", 100_000, Some(1_200_000)),
    ];
    for (typed, sealed_under, iterations, written) in table {
        let machine = Machine::new();
        let token = fernet(sealed_under, iterations, "proof");
        machine.imports(&sealed(&token, written, Holds::Proof)).await;
        assert!(machine.login(typed).await.is_ok(), "{typed} {iterations}");
        assert_eq!(machine.sign_ins().await, 0, "it was no refresh token");
    }
    assert_eq!(table.len(), 4);
}

/// Whatever a record has become, it is its own account that can't log in, and nothing is taken out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_costs_its_own_account_only() {
    let whole = fernet(PASSWORD, 1_000, "token");
    let text = sealed(&whole, Some(1_000), Holds::RefreshToken).stored();
    let text = text.expose();
    let half = &text[..text.len() / 2];
    let table = [
        "",
        "{}",
        "null",
        half,
        "\u{7f}",
        &text.replace("fernet", "brandy"),
        &text.replace("1000", "0"),
    ];
    for damaged in table {
        let machine = Machine::imported().await;
        let other = "henry@contoso.onmicrosoft.com";
        let record = Record {
            account: other.into(),
            app: "app".into(),
            content: Content::Imported {
                imported: std::time::SystemTime::now(),
            },
            secret: Secret::new(damaged.to_owned()),
        };
        let key = GrantKey::of_local_password(other);
        assert!(matches!(
            machine.store.swap(key, None, record).await,
            Ok(Swap::Saved(_))
        ));
        let henry = imported_accounts(&machine.app, other);
        let Verdict::Ask(candidate) = check(&henry, other, PASSWORD).await else {
            panic!("judged here");
        };
        match machine.tokens.judge(candidate).await {
            Err(Unproven::Token(error)) => assert!(error.fix.contains("import"), "{error:?}"),
            other => panic!("{damaged}: {other:?}"),
        }
        assert!(machine.store.load(key).await.unwrap().is_some());
        machine.login(PASSWORD).await.unwrap();
    }
    assert_eq!(table.len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_record_nobody_gets_in() {
    let machine = Machine::new();
    let refused = machine.login(PASSWORD).await;
    assert!(
        matches!(refused, Err(Unproven::Login(RefusedLogin::NoPasswordSet))),
        "{refused:?}"
    );
}
