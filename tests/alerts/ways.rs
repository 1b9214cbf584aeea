//! An account dies and lives again, and everybody hears of it once.

use std::fs;

use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Person, Platform};
use saslgate::sim::entra::EntraError;
use saslgate::sim::{Demo, Settings, Sim};

use crate::stage::{HEADER, SOON, Stage, by_command, heard, heard_so_many, log_in};
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Gate as _, mailbox, until};

#[tokio::test]
async fn every_way_tells_each_change_once() {
    let stage = Stage::new().await;
    stage.imap(Demo::SUPPORT, false);
    for _ in 0..3 {
        assert!(!stage.log_in(&stage.support).await.is_yes());
    }
    stage.each_has_told(1).await;
    stage.imap(Demo::SUPPORT, true);
    for _ in 0..2 {
        assert!(stage.log_in(&stage.support).await.is_yes());
    }
    stage.each_has_told(2).await;

    let by_command = heard(&stage.gate.place);
    assert_eq!(by_command, stage.receiver.heard());
    let [worse, mended] = &by_command[..] else {
        panic!("{by_command:?}");
    };
    let of = |alert: &serde_json::Value| {
        let fields = ["event", "account", "protocol", "was", "state"];
        fields.map(|field| alert[field].as_str().unwrap().to_owned())
    };
    assert_eq!(
        of(worse),
        ["account", Demo::SUPPORT, "imap", "ready", "needs admin"]
    );
    assert_eq!(
        of(mended),
        ["account", Demo::SUPPORT, "imap", "needs admin", "ready"]
    );
    assert!(
        worse["fix"].as_str().unwrap().contains(Demo::CLIENT_ID),
        "{worse}"
    );

    let sent = stage.sim.exchange().sent();
    assert_eq!(
        (sent[0].mailbox.as_str(), sent[0].sender.as_str()),
        (Demo::ALICE, Demo::ALICE)
    );
    assert_eq!(sent[0].recipients, [Demo::BOB]);
    let mail = String::from_utf8(sent[0].message.to_vec()).unwrap();
    let subject = format!("{} (imap): needs admin\r\n", Demo::SUPPORT);
    assert!(
        mail.contains(&subject) && mail.contains("\r\nAuto-Submitted: auto-generated\r\n"),
        "{mail}"
    );
    assert!(mail.contains("  fix:  "), "{mail}");

    assert!(stage.receiver.heads()[0].contains(HEADER));
    let told = format!("{by_command:?}{mail}");
    let secrets = [
        HEADER,
        Demo::CLIENT_SECRET,
        "eyJ",
        "Bearer",
        &stage.support.password,
        &stage.alice.password,
    ];
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

/// A new client secret that nobody has put in place: all of a tenant's accounts, within a moment.
#[tokio::test]
async fn a_cause_that_breaks_every_account_is_one_alert() {
    const ACCOUNTS: usize = 12;
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|number| mailbox(&sim, &format!("user{number}")))
        .collect();
    let config = accounts.iter().fold(Config::new(&sim), Config::account);
    let config = by_command(config, &place, "");
    let gate = InProcess::start(place, &config);
    sim.entra().refuse(EntraError::new(
        7_000_222,
        "invalid_client",
        "The provided client secret keys are expired.",
    ));
    for account in &accounts {
        assert!(!log_in(&gate, account).await.is_yes());
    }
    heard_so_many(&gate.place, 1).await;
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    // Where this machine was slow, the first few were told before there were many.
    let told = heard(&place);
    let of = |alert: &serde_json::Value| alert["accounts"].as_array().unwrap().len();
    assert_eq!(told.iter().map(of).sum::<usize>(), ACCOUNTS, "{told:?}");
    assert!(told.len() <= 6, "{told:?}");
    let summary = told.last().unwrap();
    let what = format!("{} accounts (", of(summary));
    assert!(summary["what"].as_str().unwrap().starts_with(&what), "{summary}");
    assert_eq!(summary["code"], "AADSTS7000222");
}

/// The account that would mail is the one that has died.
#[tokio::test]
async fn mail_never_goes_by_the_account_that_is_in_trouble() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let alice = mailbox(&sim, "postman");
    let more = format!("mail_from = \"{}\"\nmail_to = [\"{}\"]", alice.login, Demo::BOB);
    let config = by_command(Config::new(&sim).account(&alice), &place, &more);
    let gate = Program::start(place, &config).await;
    let switches = |is_on| {
        let mailbox = sim.directory().mailbox(&alice.login).unwrap();
        mailbox
            .switches
            .change(|switches| switches.smtp_auth = Some(is_on));
    };
    switches(false);
    let mut client = MailClient::greeted(Protocol::Smtp, gate.addresses().of(Protocol::Smtp)).await;
    assert!(!client.log_in(&alice.login, &alice.password).await.is_yes());
    let told = heard_so_many(&gate.place, 1).await;
    assert_eq!(
        (&told[0]["account"], &told[0]["state"]),
        (&alice.login.as_str().into(), &"needs admin".into())
    );
    let line = gate
        .log
        .message(0, "an alert did not arrive; it is tried again")
        .await;
    assert!(
        line["what"].as_str().unwrap().contains("is itself in trouble"),
        "{line}"
    );
    // Once it can, it may tell that it was.
    let sessions = sim.exchange().sessions().len();
    switches(true);
    let mut client = MailClient::greeted(Protocol::Smtp, gate.addresses().of(Protocol::Smtp)).await;
    assert!(client.log_in(&alice.login, &alice.password).await.is_yes());
    heard_so_many(&gate.place, 2).await;
    assert!(
        sim.exchange().sent().is_empty(),
        "nobody was mailed that it was in trouble"
    );
    assert_eq!(sim.exchange().sessions().len(), sessions + 1);
}

#[tokio::test]
async fn what_is_still_to_be_told_is_tried_once_when_saslgate_stops() {
    let stage = Stage::new().await;
    stage.imap(Demo::SUPPORT, false);
    assert!(!stage.log_in(&stage.support).await.is_yes());
    // It waits for others now.
    assert_eq!(heard(&stage.gate.place).len(), 0);
    let (sim, receiver, InProcess { server, place, .. }) = (stage.sim, stage.receiver, stage.gate);
    server.stop().await;
    assert_eq!((heard(&place).len(), receiver.heard().len()), (1, 1));
    assert_eq!(sim.exchange().sent().len(), 1);
}

/// A webhook that fails is told once, and hears it all once it works; nobody waits for it.
#[tokio::test]
async fn a_way_that_fails_holds_up_neither_mail_clients_nor_other_ways() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (place, receiver) = (Place::new(&sim), crate::receiver::Receiver::start().await);
    receiver.answer(500);
    let support = mailbox(&sim, "desk");
    let more = format!("webhook = \"{}\"", receiver.url());
    let config = by_command(Config::new(&sim).account(&support), &place, &more);
    let gate = Program::start(place, &config).await;
    let address = gate.addresses().of(Protocol::Imap);
    let switch = |is_on| {
        let mailbox = sim.directory().mailbox(&support.login).unwrap();
        mailbox.switches.change(|switches| switches.imap = is_on);
    };
    for count in 1..=3 {
        switch(count == 2);
        let mut client = MailClient::greeted(Protocol::Imap, address).await;
        assert_eq!(
            client.log_in(&support.login, &support.password).await.is_yes(),
            count == 2
        );
        heard_so_many(&gate.place, count).await;
    }
    until(SOON, "the webhook is tried", || receiver.heard().len() == 2).await;
    let failed = "an alert did not arrive; it is tried again";
    let lines = gate.log.since(0);
    let lines: Vec<_> = lines.iter().filter(|line| line["message"] == failed).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]["what"].as_str().unwrap().contains("answered 500"),
        "{lines:?}"
    );
}

/// An app that asks the provider about people's passwords and keeps what comes of it, and people of those names.
fn people<const N: usize>(sim: &Sim, names: [&str; N]) -> (Config, [Account; N]) {
    const CLIENT: &str = "5a51aa7e-4444-4222-8333-444455556666";
    const RIGHTS: [&str; 3] = ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"];
    let app = App::new(CLIENT, Demo::TENANT)
        .redirect(Platform::Native, "http://localhost:8425/")
        .public_flows()
        .delegated(&RIGHTS);
    sim.directory().add_app(app);
    sim.directory().consent(CLIENT, Demo::TENANT, None, &RIGHTS);
    let people = names.map(|name| {
        let address = format!("{name}@{}", Demo::DOMAIN);
        sim.directory()
            .add_person(Person::new(&address).password(Demo::PASSWORD));
        sim.directory().add_mailbox(&address);
        Account::of_person(&address, Demo::PASSWORD).app("people")
    });
    let text = format!(
        "tenant = \"{}\"\nclient_id = \"{CLIENT}\"\nscope = \"{}\"\ngrant = \"password\"\n",
        Demo::TENANT,
        Demo::DELEGATED_SCOPE
    );
    let config = Config::new(sim).app("people", SIMULATOR, &text);
    (people.iter().fold(config, Config::account), people)
}

/// Logins go on, and one alert says that a restart would lose tokens.
#[tokio::test]
async fn a_store_that_can_not_be_saved_is_one_alert_and_one_when_it_is_saved_again() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let (config, people) = people(&sim, ["grace", "ada"]);
    let config = by_command(config.table("store", "path = \"state/tokens\""), &place, "");
    let gate = InProcess::start(place, &config);
    assert!(log_in(&gate, &people[0]).await.is_yes());
    // Also root can't write into a folder that is not there.
    let (state, away) = (gate.place.path("state"), gate.place.path("away"));
    fs::rename(&state, &away).unwrap();
    assert!(log_in(&gate, &people[1]).await.is_yes(), "logins go on");
    let told = heard_so_many(&gate.place, 1).await;
    assert_eq!(
        (&told[0]["event"], &told[0]["state"]),
        (&"store".into(), &"degraded".into())
    );
    fs::rename(&away, &state).unwrap();
    let told = heard_so_many(&gate.place, 2).await;
    assert_eq!(
        (&told[1]["event"], &told[1]["state"]),
        (&"store".into(), &"ready".into())
    );
    gate.server.stop().await;
}

/// A key from another machine's backup, say. Those who can't log in are told nothing of it, so somebody else has to be; and nothing
/// has to be restarted once the right key is back.
#[tokio::test]
async fn a_store_that_can_not_be_opened_is_one_alert_and_one_when_it_is_open() {
    let keys = ["a", "b"].map(|letter| letter.repeat(32));
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let (config, [grace]) = people(&sim, ["grace"]);
    let config = config.table("store", "path = \"state/tokens\"\nkey_file = \"store.key\"");
    let config = by_command(config, &place, "");
    place.write("store.key", &keys[0]);
    let gate = InProcess::start(place, &config);
    assert!(log_in(&gate, &grace).await.is_yes());
    let InProcess { server, place, .. } = gate;
    server.stop().await;

    place.write("store.key", &keys[1]);
    let gate = InProcess::start(place, &config);
    let of_store = || {
        let heard = heard(&gate.place).into_iter();
        heard
            .filter(|alert| alert["event"] == "store")
            .collect::<Vec<_>>()
    };
    assert!(!log_in(&gate, &grace).await.is_yes());
    until(SOON, "an alert", || of_store().len() == 1).await;
    gate.place.write("store.key", &keys[0]);
    until(SOON, "the end of it", || of_store().len() == 2).await;
    assert!(log_in(&gate, &grace).await.is_yes());

    let told = of_store();
    let of =
        |alert: &serde_json::Value| ["was", "state"].map(|field| alert[field].as_str().unwrap().to_owned());
    assert_eq!(
        [of(&told[0]), of(&told[1])],
        [["ready", "closed"], ["closed", "ready"]]
    );
    let [what, fix] = ["what", "fix"].map(|field| told[0][field].as_str().unwrap());
    assert!(
        what.ends_with("; accounts that need it can't log in") && fix.contains("key"),
        "{}",
        told[0]
    );
    assert!(
        !keys.iter().any(|key| format!("{told:?}").contains(key.as_str())),
        "{told:?}"
    );
    gate.server.stop().await;
}
