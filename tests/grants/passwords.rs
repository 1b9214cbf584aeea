//! The password grant: the provider judges, and is asked as seldom as can be, because ten wrong answers lock a person out.

use std::net::Ipv4Addr;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::{Mfa, Person, Platform};
use saslgate::sim::entra::{EntraError, TokenFault};
use saslgate::sim::{Demo, Settings, Sim};
use tokio::task::JoinSet;

use crate::people::{DELEGATED, client_id, free_port, person, registration, text_of_passwords};
use crate::support::Gate as _;
use crate::support::command;
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply};
use crate::support::place::Place;

const APP: &str = "passwords";
const NEW_PASSWORD: &str = "Another pass-word of 2026";

struct Asking {
    sim: Sim,
    gate: InProcess,
    config: Config,
    account: Account,
}

impl Asking {
    fn new() -> Self {
        Self::with(|login| Account::of_person(login, Demo::PASSWORD))
    }

    fn with(account: impl Fn(&str) -> Account) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.exchange().submissions_at_once.set(None);
        sim.directory()
            .add_app(registration(1, Platform::Native, free_port()));
        sim.directory()
            .consent(&client_id(1), Demo::TENANT, None, &DELEGATED);
        let account = account(&person(&sim, "grace")).app(APP);
        let config = Config::new(&sim)
            .app(APP, SIMULATOR, &text_of_passwords(1))
            .account(&account);
        let place = Place::new(&sim);
        place.write("upstream-password", "it was another one");
        Self {
            gate: InProcess::start(place, &config),
            config,
            account,
            sim,
        }
    }

    /// Starts again: with what is on the disk, and nothing else.
    async fn restart(self) -> Self {
        let InProcess { server, place, .. } = self.gate;
        server.stop().await;
        Self {
            gate: InProcess::start(place, &self.config),
            ..self
        }
    }

    async fn reload(&mut self) {
        let config = self.config.clone();
        self.gate.reload(&config).await;
    }

    fn questions(&self) -> usize {
        self.sim.entra().requests_of("password")
    }

    /// A login with a password from somewhere.
    async fn login_from(&self, source: u8, protocol: Protocol, password: &str) -> Reply {
        let address = self.gate.addresses.of(protocol);
        let source = Ipv4Addr::new(127, 0, 0, source);
        let mut client = MailClient::greeted_from(source, protocol, address).await;
        client.log_in(&self.account.login, password).await
    }

    async fn login(&self, protocol: Protocol) -> Reply {
        self.login_from(1, protocol, &self.account.password).await
    }

    /// Logins at once, each from another place.
    async fn logins(&self, passwords: &[String]) -> Vec<Reply> {
        let mut all = JoinSet::new();
        for (source, password) in (10..).zip(passwords) {
            let (address, login) = (self.gate.addresses.of(Protocol::Imap), self.account.login.clone());
            let password = password.clone();
            all.spawn(async move {
                let source = Ipv4Addr::new(127, 0, 0, source);
                let mut client = MailClient::greeted_from(source, Protocol::Imap, address).await;
                client.log_in(&login, &password).await
            });
        }
        all.join_all().await
    }
}

fn guesses(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("guess number {number}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_everywhere_become_three_questions() {
    let asking = Asking::new();
    let mut refused = Vec::new();
    for _ in 0..2 {
        refused.extend(asking.logins(&guesses(12)).await);
    }
    assert_eq!(refused.len(), 24);
    let told = |refusal| {
        refused
            .iter()
            .filter(|reply| reply.refusal() == Some(refusal))
            .count()
    };
    let (wrong, limit) = (told(Refusal::AuthenticationFailed), told(Refusal::LimitReached));
    assert_eq!(wrong + limit, 24, "{refused:?}");
    assert!(wrong >= 3, "{refused:?}");
    // Smart Lockout begins at ten.
    assert_eq!(
        asking.sim.entra().wrong_passwords(&asking.account.login),
        (3, false)
    );
    assert_eq!(asking.questions(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_wrong_password_is_one_question() {
    let asking = Asking::new();
    let refused = asking.logins(&vec!["last year's password".to_owned(); 3]).await;
    for reply in &refused {
        assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
    }
    assert_eq!((refused.len(), asking.questions()), (3, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_connections_with_the_right_password_are_one_question() {
    let asking = Asking::new();
    asking
        .sim
        .entra()
        .latency
        .set(std::time::Duration::from_millis(300));
    let mut all = JoinSet::new();
    for number in 0..10 {
        let protocol = Protocol::ALL[number % 3];
        let (address, account) = (asking.gate.addresses.of(protocol), asking.account.clone());
        all.spawn(async move { MailClient::logged_in(protocol, address, &account).await });
    }
    assert_eq!(all.join_all().await.len(), 10);
    assert_eq!((asking.questions(), asking.sim.entra().request_count()), (1, 1));
}

/// Somebody who guesses must not make the owner's own password a question again: there would be none left for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_known_lets_its_owner_in_whatever_others_guess_and_after_a_restart() {
    let asking = Asking::new();
    assert!(asking.login(Protocol::Imap).await.is_yes());
    asking.logins(&guesses(6)).await;
    let asked = asking.questions();
    assert!(asked > 1, "nobody guessed");
    let asking = asking.restart().await;
    for protocol in Protocol::ALL {
        let reply = asking.login(protocol).await;
        assert!(reply.is_yes(), "{reply:?}");
    }
    assert_eq!(asking.questions(), asked);
    assert!(asking.sim.entra().requests_of("refresh_token") >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_was_changed_at_the_provider_stops_working_and_the_new_one_works() {
    let asking = Asking::new();
    assert!(asking.login(Protocol::Imap).await.is_yes());
    let change = |person: &mut Person| person.change_password(NEW_PASSWORD);
    asking
        .sim
        .directory()
        .change_person(&asking.account.login, change);
    let asking = asking.restart().await;
    let old = asking.login(Protocol::Imap).await;
    assert_eq!(old.refusal(), Some(Refusal::AuthenticationFailed), "{old:?}");
    let new = asking.login_from(2, Protocol::Imap, NEW_PASSWORD).await;
    assert!(new.is_yes(), "{new:?}");
    assert_eq!(asking.questions(), 3);
    let old = asking
        .login_from(3, Protocol::Pop3, &asking.account.password)
        .await;
    assert_eq!(old.refusal(), Some(Refusal::AuthenticationFailed), "{old:?}");
    let new = asking.login_from(2, Protocol::Smtp, NEW_PASSWORD).await;
    assert!(new.is_yes(), "{new:?}");
    let (wrong, locked) = asking.sim.entra().wrong_passwords(&asking.account.login);
    assert!(wrong <= 2 && !locked, "{wrong}");
}

/// What stands between a person and a token.
type Obstacle = fn(&mut Person);

/// What the provider says of a right password, and what the mail client is told.
fn obstacles() -> Vec<(&'static str, Obstacle, Refusal)> {
    vec![
        (
            "50055",
            |person| person.password_expired = true,
            Refusal::PasswordExpired,
        ),
        (
            "50076",
            |person| person.mfa = Mfa::Required,
            Refusal::ContactAdmin,
        ),
        (
            "50079",
            |person| person.mfa = Mfa::NotSetUp,
            Refusal::ContactAdmin,
        ),
        ("50057", |person| person.disabled = true, Refusal::ContactAdmin),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_password_that_is_not_enough_is_never_told_as_a_wrong_one() {
    let mut seen = 0;
    for (number, obstacle, expected) in obstacles() {
        let mut asking = Asking::new();
        asking
            .sim
            .directory()
            .change_person(&asking.account.login, obstacle);
        for protocol in Protocol::ALL {
            let reply = asking.login(protocol).await;
            assert_eq!(reply.refusal(), Some(expected), "{number}: {reply:?}");
            seen += 1;
        }
        // One answer is enough for a while.
        assert_eq!(asking.questions(), 1, "{number}");
        let said = command::run(&asking.gate.place, &["status"]).await;
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.output.contains(&format!("AADSTS{number}")),
            "{}",
            said.output
        );
        asking
            .sim
            .directory()
            .change_person(&asking.account.login, |person| {
                *person = Person::new(&person.upn).password(Demo::PASSWORD);
            });
        asking.reload().await;
        let reply = asking.login(Protocol::Imap).await;
        assert!(reply.is_yes(), "{number}: {reply:?}");
    }
    assert_eq!(seen, 4 * 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_is_locked_out_is_left_alone() {
    let asking = Asking::new();
    asking
        .sim
        .entra()
        .refuse(EntraError::new(50_053, "invalid_grant", "The account is locked."));
    for protocol in Protocol::ALL {
        let reply = asking.login(protocol).await;
        assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    }
    assert_eq!(asking.questions(), 1);
}

/// Each login of a thousand would be a request in an outage, if only answers were remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_no_wrong_password_and_is_not_asked_about_by_each_login() {
    let faults = [
        TokenFault::TooManyRequests(Some("60".into())),
        TokenFault::ServerError,
        TokenFault::Reset,
        TokenFault::CloseMidBody,
        TokenFault::Body("<html>Sign in to the Wi-Fi</html>".into()),
    ];
    let count = faults.len();
    for fault in faults {
        let mut asking = Asking::new();
        asking.sim.entra().fail(fault.clone());
        for protocol in Protocol::ALL.into_iter().cycle().take(9) {
            let reply = asking.login(protocol).await;
            assert_eq!(
                reply.refusal(),
                Some(Refusal::Unavailable),
                "{fault:?}: {reply:?}"
            );
        }
        assert_eq!(asking.sim.entra().connections(), 1, "{fault:?}");
        asking.sim.entra().recover();
        asking.reload().await;
        assert!(asking.login(Protocol::Imap).await.is_yes(), "{fault:?}");
    }
    assert_eq!(count, 5);
}

/// The mail client's own password is right, so it must not be asked for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_of_the_operator_is_the_operators_trouble() {
    let mut asking =
        Asking::with(|login| Account::new(login).line("upstream_password_file = \"upstream-password\""));
    for protocol in Protocol::ALL {
        let reply = asking.login(protocol).await;
        assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    }
    assert_eq!(asking.questions(), 1);
    let said = command::run(&asking.gate.place, &["status"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.output.contains("needs admin"), "{}", said.output);
    assert!(said.output.contains("upstream_password_file"), "{}", said.output);
    asking.gate.place.write("upstream-password", Demo::PASSWORD);
    asking.reload().await;
    let reply = asking.login(Protocol::Imap).await;
    assert!(reply.is_yes(), "{reply:?}");
}
