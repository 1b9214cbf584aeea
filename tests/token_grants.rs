//! Real logins, real requests: local accounts, the token cache, and an endpoint as strict as Entra ID's.
#![cfg(feature = "demo")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod sim_support;

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use saslgate::oauth::{App, ClientCredentials, Command, Dialect, Endpoint, Grant, Proof, Registration};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::secret::Secret;
use saslgate::sim::directory::ClientSecret;
use saslgate::sim::entra::TokenFault;
use saslgate::sim::{Demo, Settings, Sim};
use saslgate::token::store::MemoryStore;
use saslgate::token::{Kind, StoreSlot, TokenError, Tokens};
use sim_support::logins::authorized;
use sim_support::trusting;
use tokio::task::JoinSet;
use tracing_subscriber::fmt::MakeWriter;

/// The app as an operator configures it.
struct Configured {
    tenant: &'static str,
    client_id: &'static str,
    secret: &'static str,
    scope: &'static str,
}

const DEMO: Configured = Configured {
    tenant: Demo::TENANT,
    client_id: Demo::CLIENT_ID,
    secret: Demo::CLIENT_SECRET,
    scope: Demo::SCOPE,
};

fn app_only(sim: &Sim, app: &Configured) -> Arc<App> {
    Arc::new(App {
        name: "app".into(),
        grant: Grant::ClientCredentials(ClientCredentials {
            registration: Registration {
                token_url: sim.addresses().token_url(app.tenant).parse().unwrap(),
                client_id: app.client_id.into(),
                proof: Proof::Secret(Secret::new(app.secret.into())),
                dialect: Dialect::Scope,
            },
            scope: app.scope.into(),
        }),
        token_export: false,
        secret_expires: None,
    })
}

fn printer(script: &str) -> Arc<App> {
    Arc::new(App {
        name: "printer".into(),
        grant: Grant::Command(Command {
            argv: ["sh", "-c", script].map(Into::into).into(),
            timeout: Duration::from_secs(30),
        }),
        token_export: false,
        secret_expires: None,
    })
}

/// A simulator; from before it on, everything is logged.
fn start() -> Sim {
    // For all tests of this file, before any of them: what is enabled is remembered where it is logged first.
    LOG.get_or_init(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone());
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
        log
    });
    Sim::start(Settings::default()).unwrap()
}

fn tokens(sim: &Sim) -> Tokens {
    let store = StoreSlot::open(Arc::new(MemoryStore::new()));
    Tokens::new(
        Endpoint::new(Outgoing::new(&Arc::new(trusting(sim)), &Proxy::Direct).unwrap()),
        store,
    )
}

async fn error(sim: &Sim, app: &Configured) -> Arc<TokenError> {
    let login = authorized(&app_only(sim, app), Demo::ALICE).await;
    tokens(sim).pending(&login).token().await.unwrap_err()
}

#[tokio::test]
async fn a_thousand_first_logins_of_many_mailboxes_are_one_request() {
    let sim = start();
    sim.entra().latency.set(Duration::from_millis(100));
    let (tokens, app) = (tokens(&sim), app_only(&sim, &DEMO));
    let logins = [
        authorized(&app, Demo::ALICE).await,
        authorized(&app, Demo::BOB).await,
    ];
    let mut waiting = JoinSet::new();
    for login in logins.iter().cycle().take(1000) {
        let pending = tokens.pending(login);
        assert!(pending.is_near());
        waiting.spawn(async move { pending.token().await.unwrap().fingerprint() });
    }
    let mut fingerprints = waiting.join_all().await;
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1);
    assert_eq!((sim.entra().request_count(), tokens.counts().issued), (1, 1));
    tokens.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_app_registration_is_told_by_its_code() {
    let sim = start();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.secrets.push(ClientSecret {
            value: "of-last-year".to_owned(),
            expires: 1,
        });
    });
    let cases = [
        (
            Configured {
                tenant: "nowhere.example",
                ..DEMO
            },
            "AADSTS90002",
            "tenant",
        ),
        (
            Configured {
                client_id: "99999999-1111-4222-8333-444455556666",
                ..DEMO
            },
            "AADSTS700016",
            "client_id",
        ),
        (
            Configured {
                secret: "the-secret-id",
                ..DEMO
            },
            "AADSTS7000215",
            "Value",
        ),
        (
            Configured {
                secret: "of-last-year",
                ..DEMO
            },
            "AADSTS7000222",
            "new client secret",
        ),
        (
            Configured {
                scope: "https://outlook.office365.com/IMAP.AccessAsApp",
                ..DEMO
            },
            "AADSTS1002012",
            "/.default",
        ),
        (
            Configured {
                scope: "https://outlook.example/.default",
                ..DEMO
            },
            "AADSTS500011",
            "scope",
        ),
    ];
    for (app, code, fix) in &cases {
        let error = error(&sim, app).await;
        assert_eq!(error.kind, Kind::Misconfigured, "{error}");
        assert_eq!(error.code.as_deref(), Some(*code), "{error}");
        assert!(error.fix.contains(fix), "{code}: {}", error.fix);
        assert!(
            error
                .detail
                .as_deref()
                .is_some_and(|detail| detail.contains("Trace ID: ")),
            "{error}"
        );
        assert!(!error.to_string().contains(app.secret), "{error}");
    }
    assert_eq!(cases.len(), 6);
}

#[tokio::test]
async fn a_faulty_endpoint_is_a_temporary_error_and_asked_once() {
    let faults = [
        TokenFault::Reset,
        TokenFault::TooManyRequests(Some("60".to_owned())),
        TokenFault::ServerError,
        TokenFault::Unavailable,
        TokenFault::CloseMidBody,
        TokenFault::Huge(1 << 30),
        TokenFault::Body("<html>Please log in to this hotspot".to_owned()),
    ];
    let count = faults.len();
    for fault in faults {
        let sim = start();
        sim.entra().fail(fault.clone());
        let (tokens, login) = (
            tokens(&sim),
            authorized(&app_only(&sim, &DEMO), Demo::ALICE).await,
        );
        for _ in 0..5 {
            let error = tokens.pending(&login).token().await.unwrap_err();
            assert!(error.is_temporary(), "{fault:?}: {error:?}");
        }
        assert_eq!(tokens.counts().temporary, 1, "{fault:?}");
        assert_eq!(sim.entra().connections(), 1, "{fault:?}");

        // Who has mended something need not wait.
        sim.entra().recover();
        tokens.forget_failures();
        tokens.pending(&login).token().await.unwrap();
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn a_command_is_run_for_each_mailbox_and_its_token_kept() {
    let sim = start();
    let tokens = tokens(&sim);
    let app = printer(r#"echo "token-of-$SASLGATE_MAILBOX""#);
    for mailbox in [Demo::ALICE, Demo::BOB, Demo::ALICE] {
        let token = tokens
            .pending(&authorized(&app, mailbox).await)
            .token()
            .await
            .unwrap();
        assert_eq!(token.secret().expose(), &format!("token-of-{mailbox}"));
    }
    assert_eq!(tokens.counts().issued, 2);
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Everything that is logged, by us and by what we use.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_level_shows_a_secret_or_a_token() {
    let sim = start();
    let login = authorized(&app_only(&sim, &DEMO), Demo::ALICE).await;
    let tokens = tokens(&sim);
    let token = tokens.pending(&login).token().await.unwrap();
    let wrong = Configured {
        secret: "CANARY8Q~not.the+secret",
        ..DEMO
    };
    error(&sim, &wrong).await;
    let printer = printer("echo CANARYtoken; echo CANARYtoken >&2; exit 1");
    tokens
        .pending(&authorized(&printer, Demo::BOB).await)
        .token()
        .await
        .unwrap_err();

    let log = String::from_utf8_lossy(&LOG.get().unwrap().0.lock().unwrap()).into_owned();
    for line in [
        "first token",
        "no token: Entra ID does not accept the client secret",
        "AADSTS7000215",
        "failed (exit status: 1)",
    ] {
        assert!(log.contains(line), "{line} is not in the log");
    }
    let encoded: String = form_urlencoded::byte_serialize(Demo::CLIENT_SECRET.as_bytes()).collect();
    for secret in [token.secret().expose(), Demo::CLIENT_SECRET, &encoded, "CANARY"] {
        assert!(
            !log.contains(secret),
            "{} bytes of a secret are in the log",
            secret.len()
        );
    }
}
