//! Beside a running server: its listeners are tried too, its tokens are used, and what comes of it is known to `status`.

use rcgen::{CertificateParams, KeyPair};
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{nothing_was_sent, start, test};
use crate::support::command::run;
use crate::support::config::{Account, Config, DEMO_SECRET};
use crate::support::mail_client::MailClient;
use crate::support::program::Program;

fn find<'a>(steps: &'a [Value], step: &str) -> &'a Value {
    let found = steps.iter().find(|told| told["step"] == step);
    found.unwrap_or_else(|| panic!("no {step} in {steps:?}"))
}

#[tokio::test]
async fn listeners_are_tried_in_every_way_of_tls() {
    for tls in ["off", "starttls", "starttls-optional", "implicit"] {
        let (sim, place, config) = start();
        let config = config
            .account(&Account::new(Demo::SUPPORT))
            .listeners(Protocol::ALL.map(|protocol| (protocol, tls)));
        let gate = Program::start(place, &config).await;
        let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
        assert_eq!(told.code, Some(0), "{tls}: {}{}", told.out, told.err);
        let steps = told.steps();
        let listeners: Vec<_> = steps.iter().filter(|step| step["step"] == "listener").collect();
        assert_eq!(listeners.len(), 3, "{tls}");
        for (listener, protocol) in listeners.iter().zip(Protocol::ALL) {
            let found = listener["passed"].as_str().unwrap();
            assert!(
                found.contains(&gate.addresses.with_tls(protocol, tls).to_string()),
                "{found}"
            );
            assert_eq!(
                found.contains("a certificate for localhost"),
                tls != "off",
                "{found}"
            );
            assert!(listener["account"].is_null());
        }
        nothing_was_sent(&sim, Demo::SUPPORT).await;
        // Whoever looks for what keeps mail clients out must not find the test itself there.
        gate.log.message(0, "session ended without a login").await;
        for line in gate.log.since(0) {
            assert_ne!(line["event"], "tls_refused", "{line}");
            let outcome = line["outcome"].as_str().unwrap_or_default();
            assert!(!outcome.contains("TLS failed"), "{line}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_remarked_and_one_that_has_ended_fails() {
    // In days from now, and what comes of it.
    for (days, code, key) in [(10, 1, "remarked"), (-1, 2, "failed")] {
        let (_sim, place, config) = start();
        let key_pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["mail.example.com".to_owned()]).unwrap();
        let now = std::time::SystemTime::now();
        let at = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let end = at.saturating_add_signed(days * 86_400);
        params.not_before = rcgen::date_time_ymd(1990, 1, 1);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end);
        let certificate = params.self_signed(&key_pair).unwrap();
        place.write("listener.pem", &certificate.pem());
        place.write("listener.key", &key_pair.serialize_pem());
        let config = config
            .account(&Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]"))
            .listeners([(Protocol::Imap, "implicit")]);
        let gate = Program::start(place, &config).await;
        let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
        assert_eq!(told.code, Some(code), "{}{}", told.out, told.err);
        let steps = told.steps();
        let listener = find(&steps, "listener");
        assert!(
            listener[key]["what"]
                .as_str()
                .unwrap()
                .contains("mail.example.com"),
            "{listener}"
        );
        // The mailbox is tried all the same.
        assert!(find(&steps, "mailbox")["passed"].is_string());
    }
}

#[tokio::test]
async fn a_listener_without_room_is_told() {
    let (_sim, place, config) = start();
    let config = config
        .account(&Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]"))
        .table("limits", "connections = 1");
    let gate = Program::start(place, &config).await;
    let occupied = TcpStream::connect(gate.addresses.of(Protocol::Imap))
        .await
        .unwrap();
    occupied.readable().await.unwrap();
    let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
    assert_eq!(told.code, Some(2), "{}", told.out);
    let failed = told.failed();
    assert_eq!(failed["step"], "listener");
    assert!(
        failed["failed"]["what"].as_str().unwrap().contains("[LIMIT]"),
        "{failed}"
    );
    assert!(
        failed["failed"]["fix"]
            .as_str()
            .unwrap()
            .contains("connections_per_source"),
        "{failed}"
    );
}

async fn started(config: Config, place: crate::support::place::Place) -> Program {
    let config = config.account(&Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]"));
    Program::start(place, &config).await
}

/// Somebody reads the fix, does what it says, and tests again: the token of before must not say no for another hour.
#[tokio::test]
async fn a_right_that_was_given_meanwhile_counts_with_the_next_test() {
    let (sim, place, config) = start();
    let apps = sim.directory();
    apps.change_app(Demo::CLIENT_ID, |app| app.roles.clear());
    let gate = started(config, place).await;
    let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
    assert_eq!(
        told.failed()["failed"]["code"],
        "MissingPermission",
        "{}",
        told.out
    );
    let worse = gate.log.message(0, "account in trouble").await;
    assert_eq!(worse["account"], Demo::SUPPORT);

    apps.change_app(Demo::CLIENT_ID, |app| app.roles = vec!["IMAP.AccessAsApp".into()]);
    let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
    assert_eq!(told.code, Some(0), "{}", told.out);
    gate.log.message(0, "account works again").await;
    nothing_was_sent(&sim, Demo::SUPPORT).await;
}

/// Whoever replaces a client secret reloads, tests, and deletes the old one in the portal: the test must have used the new one.
/// Meanwhile mail goes on with the token of the old one, and `status` knows.
#[tokio::test]
async fn a_wrong_client_secret_fails_the_next_test_although_a_token_is_at_hand() {
    let (sim, place, config) = start();
    let support = Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]");
    let config = config.account(&support);
    let gate = Program::start(place, &config).await;
    assert_eq!(test(&gate.place, &[Demo::SUPPORT]).await.code, Some(0));
    let replaced = async |secret: &str| {
        gate.place.write(DEMO_SECRET, secret);
        let mark = gate.reread(&config);
        gate.log.message(mark, "configuration reloaded").await;
    };
    replaced("another").await;
    let imap = gate.addresses.of(Protocol::Imap);
    MailClient::logged_in(Protocol::Imap, imap, &support).await;
    let told = test(&gate.place, &[Demo::SUPPORT, "--json"]).await;
    assert_eq!(told.code, Some(2), "{}", told.out);
    assert_eq!(told.failed()["failed"]["code"], "AADSTS7000215", "{}", told.out);
    MailClient::logged_in(Protocol::Imap, imap, &support).await;
    let status = run(&gate.place, &["status", "--problems"]).await;
    assert!(
        status.code == Some(2) && status.output.contains("AADSTS7000215"),
        "{}",
        status.output
    );
    replaced(Demo::CLIENT_SECRET).await;
    let status = run(&gate.place, &["status", "--problems"]).await;
    assert_eq!(status.code, Some(0), "{}", status.output);
    nothing_was_sent(&sim, Demo::SUPPORT).await;
}

/// Whoever has mended what `status` complained of looks there again: it is found out without a mail client and without a test.
#[tokio::test]
async fn what_a_change_has_mended_is_found_out_by_itself() {
    let (_sim, place, config) = start();
    let config = config.account(&Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]"));
    place.write(DEMO_SECRET, "another");
    let gate = Program::start(place, &config).await;
    assert_eq!(test(&gate.place, &[Demo::SUPPORT]).await.code, Some(2));
    assert_eq!(run(&gate.place, &["status", "--problems"]).await.code, Some(2));
    gate.place.write(DEMO_SECRET, Demo::CLIENT_SECRET);
    let mark = gate.reread(&config);
    gate.log.message(mark, "account works again").await;
    assert_eq!(run(&gate.place, &["status", "--problems"]).await.code, Some(0));
}

/// Whoever has mended the file tests it next: what the running saslgate still has is not what it says.
#[tokio::test]
async fn a_file_that_was_refused_is_told_beside_what_was_tested() {
    let (_sim, place, config) = start();
    let gate = started(config.clone(), place).await;
    let text = std::fs::read_to_string(gate.place.path("saslgate.toml")).unwrap();
    let mark = gate.log.mark();
    gate.place
        .write("saslgate.toml", &format!("[limits]\natempts = 3\n{text}"));
    gate.log
        .message(mark, "not reloaded; the old configuration stays in use")
        .await;
    let told = test(&gate.place, &[Demo::SUPPORT]).await;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    for words in [
        "in the configuration file now is NOT in use",
        "did you mean `attempts`",
        "`saslgate check`",
    ] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
}

/// One app gives the tokens of all protocols, so a secret that has ended is one thing to mend.
#[tokio::test]
async fn the_same_refusal_of_a_token_in_three_protocols_is_said_once() {
    let (_sim, place, config) = start();
    place.configure(&config.account(&Account::new(Demo::SUPPORT)));
    place.write(DEMO_SECRET, "another");
    let told = test(&place, &[Demo::SUPPORT]).await;
    assert_eq!(told.code, Some(2), "{}{}", told.out, told.err);
    let (_, logins) = told.out.split_once("support@").unwrap();
    let (logins, _) = logins.split_once("\nsaslgate\n").unwrap();
    assert_eq!(logins.matches("    why:").count(), 1, "{logins}");
    assert!(told.out.contains("the same for pop3, smtp\n"), "{}", told.out);
}
