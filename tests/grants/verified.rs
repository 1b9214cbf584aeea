//! A password that the provider has found right, once it is a day old.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use saslgate::account::Verdict;
use saslgate::oauth::{App, Delegated, Dialect, Endpoint, Grant, Proof, Registration, Scopes, UsualSignIn};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::secret::Secret;
use saslgate::sim::directory::Platform;
use saslgate::sim::entra::TokenFault;
use saslgate::sim::{Demo, Settings, Sim};
use saslgate::token::store::{Content, MemoryStore, Record, Swap, TokenStore as _};
use saslgate::token::{StoreSlot, Tokens, Unproven};

use crate::people::{DELEGATED, client_id, free_port, person, registration};
use crate::sim_support::logins::{accounts, check};
use crate::sim_support::trusting;

/// What outlives a process: the store. Everything else is made anew for each login.
struct Machine {
    sim: Sim,
    mailbox: String,
    app: Arc<App>,
    store: Arc<MemoryStore>,
}

impl Machine {
    fn new() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.directory()
            .add_app(registration(1, Platform::Native, free_port()));
        sim.directory()
            .consent(&client_id(1), Demo::TENANT, None, &DELEGATED);
        let grant = Grant::Password(Delegated {
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
        });
        Self {
            mailbox: person(&sim, "grace"),
            app: Arc::new(App {
                name: "passwords".into(),
                grant,
                token_export: false,
                secret_expires: None,
            }),
            store: Arc::new(MemoryStore::new()),
            sim,
        }
    }

    /// A login with that password in a process that has just started.
    async fn login(&self, password: &str) -> Result<(), Unproven> {
        let endpoint = Endpoint::new(Outgoing::new(&Arc::new(trusting(&self.sim)), &Proxy::Direct).unwrap());
        let tokens = Tokens::new(endpoint, StoreSlot::open(Arc::clone(&self.store) as _));
        let accounts = accounts(&self.app, &self.mailbox, Vec::new());
        let Verdict::Ask(candidate) = check(&accounts, &self.mailbox, password).await else {
            panic!("nothing here knows the password")
        };
        tokens.judge(candidate).await.map(|_| ())
    }

    fn questions(&self) -> usize {
        self.sim.entra().requests_of("password")
    }

    /// Makes what was verified older.
    async fn age(&self, by: Duration) {
        let verified = self
            .store
            .list()
            .await
            .unwrap()
            .into_iter()
            .find(|listed| matches!(&listed.content, Some(Content::VerifiedPassword { .. })));
        let key = verified.unwrap().key;
        let stored = self.store.load(key).await.unwrap().unwrap();
        let record = Record {
            account: stored.record.account.clone(),
            app: stored.record.app.clone(),
            content: Content::VerifiedPassword {
                verified: SystemTime::now() - by,
            },
            secret: Secret::new(stored.record.secret.expose().clone()),
        };
        let swapped = self.store.swap(key, Some(stored.generation), record).await;
        assert!(matches!(swapped, Ok(Swap::Saved(_))), "{swapped:?}");
    }
}

const TODAY: Duration = Duration::from_secs(23 * 60 * 60);
const YESTERDAY: Duration = Duration::from_secs(25 * 60 * 60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_about_once_a_day() {
    let machine = Machine::new();
    machine.login(Demo::PASSWORD).await.unwrap();
    assert_eq!(machine.questions(), 1);
    machine.age(TODAY).await;
    machine.login(Demo::PASSWORD).await.unwrap();
    assert_eq!(machine.questions(), 1);
    machine.age(YESTERDAY).await;
    machine.login(Demo::PASSWORD).await.unwrap();
    assert_eq!(machine.questions(), 2);
    // That answer holds for another day.
    machine.login(Demo::PASSWORD).await.unwrap();
    assert_eq!(machine.questions(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_does_not_make_yesterdays_password_wrong() {
    let machine = Machine::new();
    machine.login(Demo::PASSWORD).await.unwrap();
    machine.age(YESTERDAY).await;
    machine.sim.entra().fail_next(1, TokenFault::ServerError);
    machine.login(Demo::PASSWORD).await.unwrap();
    let wrong = machine.login("it was never this").await;
    assert!(matches!(wrong, Err(Unproven::Login(_))), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_was_changed_elsewhere_is_good_here_for_a_day_at_most() {
    let machine = Machine::new();
    machine.login(Demo::PASSWORD).await.unwrap();
    machine.sim.directory().change_person(&machine.mailbox, |person| {
        person.change_password("Another pass-word of 2026");
    });
    machine.age(YESTERDAY).await;
    for _ in 0..2 {
        let old = machine.login(Demo::PASSWORD).await;
        assert!(matches!(old, Err(Unproven::Login(_))), "{old:?}");
    }
    machine.login("Another pass-word of 2026").await.unwrap();
}
