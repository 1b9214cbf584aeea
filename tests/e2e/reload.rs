//! Another configuration while mail clients are connected.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use saslgate::config::{self, System};
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::entra::EntraError;
use saslgate::sim::{Demo, Settings, Sim};
use serde_json::Value;

use crate::support::config::{Account, Config, DEMO_SECRET};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Gate, free_port, mailbox, until};

/// A simulator and one account per protocol: penalties for guessing are per account, so that they don't add up.
fn one_account_per_protocol(sim: &Sim) -> [Account; 3] {
    Protocol::ALL.map(|protocol| mailbox(sim, protocol.name()))
}

async fn removed_accounts_are_out(
    gate: &mut impl Gate,
    config: Config,
    leaving: &[Account; 3],
    staying: &Account,
) {
    let mut waiting = Vec::new();
    let mut relaying = Vec::new();
    let mut going_on = Vec::new();
    for (protocol, account) in Protocol::ALL.into_iter().zip(leaving) {
        let address = gate.addresses().of(protocol);
        waiting.push((MailClient::greeted(protocol, address).await, account));
        relaying.push(MailClient::logged_in(protocol, address, account).await);
        going_on.push(MailClient::logged_in(protocol, address, staying).await);
    }

    let without = leaving
        .iter()
        .fold(config, |config, account| config.without(&account.login));
    gate.reload(&without).await;

    for session in &mut relaying {
        session.rest().await;
    }
    for session in &mut going_on {
        assert!(session.is_relayed().await, "a session of another account ended");
    }
    for (client, account) in &mut waiting {
        let reply = client.log_in(&account.login, &account.password).await;
        assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
        let reply = client.log_in(&staying.login, &staying.password).await;
        assert!(reply.is_yes(), "{reply:?}");
    }
    assert_eq!((relaying.len(), going_on.len(), waiting.len()), (3, 3, 3));
}

fn config_for(sim: &Sim, accounts: &[Account], another: &Account) -> Config {
    let config = Config::new(sim).account(another);
    accounts.iter().fold(config, Config::account)
}

#[tokio::test]
async fn a_removed_account_logs_in_on_a_connection_opened_before() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (leaving, staying) = (one_account_per_protocol(&sim), Account::new(Demo::ALICE));
    let config = config_for(&sim, &leaving, &staying);
    let mut gate = InProcess::start(Place::new(&sim), &config);
    removed_accounts_are_out(&mut gate, config, &leaving, &staying).await;
}

#[tokio::test]
async fn a_removed_account_logs_in_after_a_hangup_signal() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (leaving, staying) = (one_account_per_protocol(&sim), Account::new(Demo::ALICE));
    let config = config_for(&sim, &leaving, &staying);
    let mut gate = Program::start(Place::new(&sim), &config).await;
    removed_accounts_are_out(&mut gate, config, &leaving, &staying).await;
}

async fn removed_password_is_out(gate: &mut impl Gate, sim: &Sim, both: &Account, lost: &Account) {
    let address = gate.addresses().of(Protocol::Imap);
    let mut waiting = MailClient::greeted(Protocol::Imap, address).await;
    let mut with_lost = MailClient::logged_in(Protocol::Imap, address, lost).await;
    let mut with_other = MailClient::logged_in(Protocol::Imap, address, both).await;

    let one = both.clone().keep_passwords(1);
    gate.reload(&Config::new(sim).account(&one)).await;

    with_lost.rest().await;
    assert!(with_other.is_relayed().await);
    let reply = waiting.log_in(&lost.login, &lost.password).await;
    assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
    let reply = waiting.log_in(&both.login, &both.password).await;
    assert!(reply.is_yes(), "{reply:?}");
}

#[tokio::test]
async fn the_password_of_a_lost_phone_goes_on_opening_the_mailbox() {
    let sim = Sim::start(Settings::default()).unwrap();
    let mut both = Account::new(Demo::ALICE);
    let lost = both.add_password();
    let config = Config::new(&sim).account(&both);
    let mut gate = InProcess::start(Place::new(&sim), &config);
    removed_password_is_out(&mut gate, &sim, &both, &lost).await;
    let mut gate = Program::start(Place::new(&sim), &config).await;
    removed_password_is_out(&mut gate, &sim, &both, &lost).await;
}

#[tokio::test]
async fn a_login_under_way_outruns_the_removal_of_its_account() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (alice, bob) = (Account::new(Demo::ALICE), Account::new(Demo::BOB));
    let config = Config::new(&sim).account(&alice).account(&bob);
    let mut gate = InProcess::start(Place::new(&sim), &config);
    sim.entra().latency.set(Duration::from_secs(1));
    let mut client = MailClient::greeted(Protocol::Imap, gate.addresses.of(Protocol::Imap)).await;
    client
        .say(&format!("a LOGIN {} {}", alice.login, alice.password))
        .await;
    until(Duration::from_secs(30), "the password is checked", || {
        gate.server.logged_in() == 1
    })
    .await;

    gate.reload(&config.without(&alice.login)).await;

    let reply = client.reply().await;
    assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
    sim.exchange().until(|counts, _| counts.open == 0).await;
    assert_eq!(gate.server.logged_in(), 0);
}

/// Twelve ways to leave a file that can't be used, and what the log says of the place.
fn broken(good: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let with = |line: &str| format!("{line}\n{good}").into_bytes();
    vec![
        ("empty", Vec::new(), "saslgate.toml: error: "),
        (
            "half written",
            good.as_bytes()[..good.len() / 2].to_vec(),
            "saslgate.toml:",
        ),
        (
            "not UTF-8",
            [good.as_bytes(), b"# \xff\n"].concat(),
            "saslgate.toml: error: ",
        ),
        (
            "a line without a value",
            with("lines"),
            "saslgate.toml:1:6: error: ",
        ),
        ("an open quote", with("log = \"oops"), "saslgate.toml:1:"),
        (
            "an unknown table",
            with("[lmits]\nattempts = 3"),
            "saslgate.toml:1:2: error: ",
        ),
        (
            "an unknown key",
            with("[limits]\natempts = 3"),
            "saslgate.toml:2:1: error: ",
        ),
        (
            "a wrong type",
            with("[limits]\nattempts = \"three\""),
            "saslgate.toml:2:12: error: ",
        ),
        (
            "out of range",
            with("[limits]\nattempts = 0"),
            "saslgate.toml:2:12: error: ",
        ),
        ("a NUL", with("log = \"\0\""), "saslgate.toml:1:"),
        (
            "no account",
            good.split("[[account]]").next().unwrap().as_bytes().to_vec(),
            "saslgate.toml: error: there is no [[account]]",
        ),
        (
            "a conflict left by git",
            with("<<<<<<< HEAD"),
            "saslgate.toml:1:1: error: ",
        ),
    ]
}

#[tokio::test]
async fn a_file_with_a_problem_changes_something_or_does_not_say_where() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = Config::new(&sim).account(&alice);
    let gate = Program::start(Place::new(&sim), &config).await;
    let address = gate.addresses.of(Protocol::Imap);
    let mut before = MailClient::logged_in(Protocol::Imap, address, &alice).await;
    let files = broken(&config.text());
    assert_eq!(files.len(), 12);

    for (name, content, place) in files {
        std::fs::write(gate.place.path("saslgate.toml"), content).unwrap();
        let mark = gate.log.mark();
        gate.signal(rustix::process::Signal::HUP);
        let says_where = |line: &Value| line["problem"].as_str().is_some_and(|text| text.contains(place));
        let line = gate.log.wait(mark, &format!("{name}: {place}"), says_where).await;
        assert_eq!(
            line["message"], "not reloaded; the old configuration stays in use",
            "{name}"
        );
        assert_eq!(line["level"], "ERROR", "{name}");
        assert!(before.is_relayed().await, "{name}");
        MailClient::logged_in(Protocol::Imap, address, &alice).await;
    }
    std::fs::remove_file(gate.place.path("saslgate.toml")).unwrap();
    let mark = gate.log.mark();
    gate.signal(rustix::process::Signal::HUP);
    gate.log
        .message(mark, "not reloaded; the old configuration stays in use")
        .await;

    let mark = gate.reread(&config);
    gate.log.message(mark, "configuration reloaded").await;
    assert!(before.is_relayed().await);
}

#[tokio::test]
async fn a_changed_listener_keeps_its_socket_and_its_sessions() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let imap_and_smtp = [(Protocol::Imap, "off"), (Protocol::Smtp, "off")];
    let config = Config::new(&sim).account(&alice).listeners(imap_and_smtp);
    let mut gate = InProcess::start(Place::new(&sim), &config);
    let imap = gate.addresses.of(Protocol::Imap);
    let mut before = MailClient::logged_in(Protocol::Imap, imap, &alice).await;
    let mut on_removed =
        MailClient::logged_in(Protocol::Smtp, gate.addresses.of(Protocol::Smtp), &alice).await;

    // One stays and speaks TLS now, one goes, one comes.
    let changed = config.listeners([(Protocol::Imap, "implicit"), (Protocol::Pop3, "off")]);
    let plan = gate.reread(&changed).await;

    assert_eq!(plan.needs_restart().count(), 0, "{plan}");
    let now = gate.server.addresses();
    assert_eq!(now[0], (Protocol::Imap, imap), "the socket is the same");
    let client = MailClient::connect(Protocol::Imap, imap).await;
    let mut client = client.start_tls(&gate.place.trusting()).await.unwrap();
    client.line().await;
    assert!(client.log_in(&alice.login, &alice.password).await.is_yes());
    MailClient::logged_in(Protocol::Pop3, now[1].1, &alice).await;
    let gone = tokio::net::TcpStream::connect(gate.addresses.of(Protocol::Smtp)).await;
    assert!(gone.is_err(), "the removed listener still accepts");
    // Sessions belong to no listener.
    assert!(before.is_relayed().await);
    assert!(on_removed.is_relayed().await);
}

#[tokio::test]
async fn a_listener_that_cannot_be_had_takes_the_others_down() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let base = Config::new(&sim).account(&alice);
    let at = |binds: &[SocketAddr]| {
        let table = format!(
            "protocol = \"imap\"\nbind = {:?}",
            binds.iter().map(ToString::to_string).collect::<Vec<_>>()
        );
        base.clone().listeners([]).table("[listener]", &table)
    };
    let port = free_port();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let here: SocketAddr = ([127, 0, 0, 1], port).into();
    let mut gate = InProcess::start(Place::new(&sim), &at(&[here]));

    // The port of a program that is there.
    let config = config::load(&gate.place.configure(&at(&[taken])), &System).unwrap();
    let error = gate.server.reload(config).await.unwrap_err().to_string();
    assert!(error.contains("another program"), "{error}");
    MailClient::logged_in(Protocol::Imap, here, &alice).await;

    // The same port on every address: the old socket has to go first.
    let everywhere: SocketAddr = ([0, 0, 0, 0], port).into();
    let plan = gate.reread(&at(&[everywhere])).await;
    assert_eq!(
        plan.to_string(),
        "accounts and apps unchanged, +1 listener, 1 removed"
    );
    MailClient::logged_in(Protocol::Imap, here, &alice).await;

    // And back, but together with one that can't be had: what was stopped for it is there again.
    let config = config::load(&gate.place.configure(&at(&[here, taken])), &System).unwrap();
    assert!(gate.server.reload(config).await.is_err());
    MailClient::logged_in(Protocol::Imap, here, &alice).await;
}

/// Two products that were configured the wrong way round, or whose ports are opened to the network at the same time.
#[tokio::test]
async fn two_listeners_cannot_have_each_others_ports() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let base = Config::new(&sim).account(&alice);
    let at = |imap: SocketAddr, smtp: SocketAddr| {
        let imap = format!("protocol = \"imap\"\nbind = \"{imap}\"\n");
        let smtp = format!("[[listener]]\nprotocol = \"smtp\"\nbind = \"{smtp}\"");
        base.clone().listeners([]).table("[listener]", &(imap + &smtp))
    };
    let [one, other] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
    let everywhere = |address: SocketAddr| SocketAddr::from(([0, 0, 0, 0], address.port()));
    let mut gate = InProcess::start(Place::new(&sim), &at(one, other));
    let mut before = MailClient::logged_in(Protocol::Imap, one, &alice).await;
    let turns = [
        (other, one),
        (everywhere(one), everywhere(other)),
        (everywhere(other), everywhere(one)),
        (one, everywhere(other)),
        (everywhere(other), one),
    ];
    for (imap, smtp) in turns {
        gate.reread(&at(imap, smtp)).await;
        let here = |address: SocketAddr| SocketAddr::from(([127, 0, 0, 1], address.port()));
        MailClient::logged_in(Protocol::Imap, here(imap), &alice).await;
        MailClient::logged_in(Protocol::Smtp, here(smtp), &alice).await;
    }
    assert_eq!(turns.len(), 5);
    assert!(before.is_relayed().await);
}

/// The admin page goes on until the reload is done, so whoever wants its port has to come a second time, and is told so.
#[tokio::test]
async fn a_port_of_this_saslgate_is_searched_for_at_another_program() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let base = Config::new(&sim).account(&alice).listeners([]);
    let at = |imap: SocketAddr, page: SocketAddr| {
        let imap = format!("protocol = \"imap\"\nbind = \"{imap}\"");
        let page = format!("bind = \"{page}\"\nurl = \"http://localhost:{}\"", page.port());
        base.clone().table("[listener]", &imap).table("admin", &page)
    };
    let [one, other, third] = [(); 3].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
    let mut gate = InProcess::start(Place::new(&sim), &at(one, other));
    for (imap, page, holder) in [
        (other, third, format!("the admin page {other} of this saslgate")),
        (third, one, format!("the imap listener {one} of this saslgate")),
        (other, one, format!("the imap listener {one} of this saslgate")),
    ] {
        let config = config::load(&gate.place.configure(&at(imap, page)), &System).unwrap();
        let error = gate.server.reload(config).await.unwrap_err().to_string();
        assert!(
            error.contains(&holder) && error.contains("in two steps"),
            "{error}"
        );
        assert!(!error.contains("another program"), "{error}");
        MailClient::logged_in(Protocol::Imap, one, &alice).await;
    }
    // What it says works.
    gate.reread(&at(one, third)).await;
    let is_free = || std::net::TcpListener::bind(other).is_ok();
    until(Duration::from_secs(30), "the page's old port to be free", is_free).await;
    gate.reread(&at(other, third)).await;
    MailClient::logged_in(Protocol::Imap, other, &alice).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_a_broken_one_is_refused() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = Config::new(&sim)
        .account(&alice)
        .listeners([(Protocol::Imap, "implicit")]);
    let gate = Program::start(Place::new(&sim), &config).await;
    let trusting = gate.place.trusting();
    let still_serves = async |trusting: &Arc<ClientConfig>| {
        let address = gate.addresses.with_tls(Protocol::Imap, "implicit");
        let client = MailClient::connect(Protocol::Imap, address).await;
        let Ok(mut client) = client.start_tls(trusting).await else {
            return false;
        };
        client.line().await;
        client.log_in(&alice.login, &alice.password).await.is_yes()
    };
    assert!(still_serves(&trusting).await);

    gate.place
        .write("listener.key", "-----BEGIN PRIVATE KEY-----\ncut");
    let mark = gate.reread(&config);
    let line = gate
        .log
        .message(mark, "not reloaded; the old configuration stays in use")
        .await;
    let problem = line["problem"].as_str().unwrap();
    assert!(problem.contains("saslgate.toml:"), "{problem}");
    assert!(still_serves(&trusting).await);

    let renewed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    gate.place.write("listener.pem", &renewed.cert.pem());
    gate.place
        .write("listener.key", &renewed.signing_key.serialize_pem());
    let mark = gate.reread(&config);
    gate.log.message(mark, "configuration reloaded").await;
    assert!(!still_serves(&trusting).await, "the old certificate is shown");
    assert!(still_serves(&gate.place.trusting_file("listener.pem")).await);
}

/// Logs in twice and hears that the administrator is needed; the token endpoint is asked once.
async fn needs_the_administrator(sim: &Sim, client: &mut MailClient, account: &Account) {
    let before = sim.entra().request_count();
    for _ in 0..2 {
        let reply = client.log_in(&account.login, &account.password).await;
        assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    }
    assert_eq!(
        sim.entra().request_count(),
        before + 1,
        "the failure is remembered"
    );
}

#[tokio::test]
async fn what_was_mended_has_to_wait_until_its_failure_is_forgotten() {
    let sim = Sim::start(Settings::default()).unwrap();
    let alice = Account::new(Demo::ALICE);
    let config = Config::new(&sim).account(&alice);
    let place = Place::new(&sim);
    place.write(DEMO_SECRET, "the-secret-of-last-year");
    let mut gate = Program::start(place, &config).await;
    let address = gate.addresses.of(Protocol::Imap);

    // Mended at Entra, with nothing new in the configuration.
    sim.entra().refuse(EntraError::new(
        700_016,
        "unauthorized_client",
        "No such application.",
    ));
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    needs_the_administrator(&sim, &mut client, &alice).await;
    sim.entra().recover();
    gate.reload(&config).await;

    // And then the secret turns out to be wrong.
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    needs_the_administrator(&sim, &mut client, &alice).await;
    gate.place.write(DEMO_SECRET, Demo::CLIENT_SECRET);
    gate.reload(&config).await;

    let reply = client.log_in(&alice.login, &alice.password).await;
    assert!(reply.is_yes(), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_under_load_loses_logins_or_sessions() {
    let sim = Sim::start(Settings::default()).unwrap();
    sim.exchange().submissions_at_once.set(None);
    let (alice, bob) = (Account::new(Demo::ALICE), Account::new(Demo::BOB));
    let with_bob = Config::new(&sim).account(&alice).account(&bob);
    let without_bob = Config::new(&sim).account(&alice);
    let mut gate = InProcess::start(Place::new(&sim), &with_bob);
    let mut sessions = Vec::new();
    for protocol in Protocol::ALL {
        sessions.push(MailClient::logged_in(protocol, gate.addresses.of(protocol), &alice).await);
    }
    let addresses = gate.addresses.clone();
    let logins = tokio::spawn(async move {
        for number in 0..300 {
            let protocol = Protocol::ALL[number % 3];
            MailClient::logged_in(protocol, addresses.of(protocol), &alice).await;
        }
    });

    let mut reloads = 0;
    while reloads < 100 || !logins.is_finished() {
        let config = if reloads % 2 == 0 { &without_bob } else { &with_bob };
        gate.reload(config).await;
        reloads += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    logins.await.unwrap();
    for session in &mut sessions {
        assert!(session.is_relayed().await);
    }
    assert_eq!(sessions.len(), 3);
}
