//! What a person reads and what a script reads when nothing fails, and what is refused.

use std::fs;

use saslgate::sim::Demo;

use super::{nothing_was_sent, start, test};
use crate::support::config::{Account, SIMULATOR};
use crate::support::mailbox;

/// The text with all that changes from run to run replaced: times, ports, which families `localhost` has here. Times are
/// right-aligned, so their width goes too.
fn settled(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        let settled = words.iter().enumerate().filter_map(|(at, word)| {
            let unit = words.get(at + 1).copied().unwrap_or_default();
            let is_time = word.parse::<u64>().is_ok() && matches!(unit, "ms" | "s" | "min");
            if is_time {
                Some("N")
            } else if word.starts_with("127.0.0.1:") {
                Some("127.0.0.1:PORT")
            } else if word.ends_with("/saslgate.toml`") {
                Some("DIR/saslgate.toml`")
            } else if matches!(word.trim_end_matches(','), "127.0.0.1" | "::1") {
                None
            } else {
                Some(word)
            }
        });
        format!(
            "{}{}\n",
            " ".repeat(indent),
            settled.collect::<Vec<_>>().join(" ")
        )
    });
    lines.collect()
}

#[tokio::test]
async fn a_person_reads_each_step_with_its_time() {
    let (sim, place, config) = start();
    place.configure(&config.account(&Account::new(Demo::SUPPORT)));
    let told = test(&place, &["support@contoso.onmicrosoft.com"]).await;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/test_command.txt");
    let settled = settled(&told.out);
    if std::env::var_os("SASLGATE_BLESS").is_some() {
        fs::write(golden, &settled).unwrap();
    }
    assert_eq!(settled, fs::read_to_string(golden).unwrap());
    assert_eq!(told.err, "");
    nothing_was_sent(&sim, Demo::SUPPORT).await;
    // One token for three protocols.
    assert_eq!(sim.entra().requests_of("client_credentials"), 1);
    assert_eq!(sim.exchange().counts().logins_ok, 3);
}

#[tokio::test]
async fn a_script_reads_a_line_of_json_for_each_step() {
    let (_sim, place, config) = start();
    place.configure(&config.account(&Account::new(Demo::SUPPORT)));
    let told = test(&place, &[Demo::SUPPORT, "--protocol", "pop3", "--json"]).await;
    assert_eq!(told.code, Some(1), "{}", told.out);
    let steps = told.steps();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "clock", "token", "dns", "tcp", "tls", "offer", "login", "mailbox", "listener"
        ]
    );
    let (absent, steps) = steps.split_last().unwrap();
    assert_eq!(
        absent["remarked"]["what"],
        "no saslgate is running with this configuration"
    );
    for step in steps {
        assert_eq!(step["account"], Demo::SUPPORT);
        assert_eq!(step["protocol"], "pop3");
        assert!(step["millis"].is_u64() && step["passed"].is_string(), "{step}");
    }
    assert!(
        steps[1]["passed"].as_str().unwrap().contains("POP.AccessAsApp"),
        "{}",
        steps[1]
    );
    assert!(
        steps[7]["passed"].as_str().unwrap().contains("messages: 3"),
        "{}",
        steps[7]
    );
}

/// One account's trouble is told beside the others' health, and the exit code is that of the worst.
#[tokio::test]
async fn all_accounts_are_tested_and_the_worst_counts() {
    let (sim, place, config) = start();
    let (well, ill) = (mailbox(&sim, "well"), mailbox(&sim, "ill"));
    let many = Account::new("*@contoso.com").line("allow_any_mailbox = true");
    let config = config.account(&well).account(&ill).account(&many);
    place.configure(&config);
    let switches = &sim.directory().mailbox(&ill.login).unwrap().switches;
    switches.change(|switches| switches.pop = false);

    let told = test(&place, &["--all", "--json", "--protocol", "pop3"]).await;
    assert_eq!(told.code, Some(2), "{}", told.err);
    assert_eq!(told.failed()["account"], ill.login);
    let of = |login: &str| {
        told.steps()
            .into_iter()
            .filter(|step| step["account"] == login)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&well.login).last().unwrap()["step"], "mailbox");
    let left_out = of("*@contoso.com");
    assert_eq!(left_out.len(), 1);
    assert!(
        left_out[0]["skipped"]
            .as_str()
            .unwrap()
            .contains("saslgate test NAME@contoso.com"),
        "{left_out:?}"
    );
    assert!(sim.exchange().sent().is_empty());
    // One app, one clock, one token.
    let clocks = told.steps().iter().filter(|step| step["step"] == "clock").count();
    assert_eq!((clocks, sim.entra().requests_of("client_credentials")), (1, 1));

    // A name that stands for many is tested as one of them.
    sim.directory()
        .add_mailbox("eve@contoso.com")
        .grant(Demo::CLIENT_ID, saslgate::sim::mailbox::Right::FullAccess);
    let told = test(&place, &["eve@contoso.com", "--json", "--protocol", "imap"]).await;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
}

#[tokio::test]
async fn what_can_not_be_tested_is_refused_with_a_fix() {
    let (sim, place, config) = start();
    place.configure(&config.account(&Account::new(Demo::SUPPORT).line("protocols = [\"imap\"]")));
    let cases: [(&[&str], &str); 4] = [
        (
            &["suport@contoso.onmicrosoft.com"],
            "did you mean support@contoso.onmicrosoft.com?",
        ),
        (&[Demo::SUPPORT, "--protocol", "smtp"], "not allowed to use smtp"),
        (&[], "required"),
        (&["--all", Demo::SUPPORT], "cannot be used with"),
    ];
    for (args, expected) in cases {
        let told = test(&place, args).await;
        assert_eq!(told.code, Some(2), "{args:?}");
        assert!(told.err.contains(expected), "{args:?}: {}", told.err);
        assert_eq!(told.out, "");
    }
    assert_eq!(sim.exchange().counts().accepted, 0);
}

/// An app of the password grant has a token only once a mail client has brought the password: that is not a failure.
#[tokio::test]
async fn an_account_whose_password_nobody_has_typed_yet_is_not_called_broken() {
    let (sim, place, config) = start();
    let app = format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\ngrant = \"password\"\nscope = \"{}\"",
        Demo::TENANT,
        Demo::PUBLIC_CLIENT_ID,
        Demo::DELEGATED_SCOPE
    );
    let config = config
        .app("people", SIMULATOR, &app)
        .account(&Account::new(Demo::ALICE).app("people").keep_passwords(0));
    place.configure(&config);
    let told = test(&place, &[Demo::ALICE, "--protocol", "imap", "--json"]).await;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    let last = told
        .steps()
        .into_iter()
        .rfind(|step| step["step"] != "listener")
        .unwrap();
    assert_eq!(last["step"], "token");
    assert!(
        last["skipped"]
            .as_str()
            .unwrap()
            .contains("the next login of a mail client brings it"),
        "{last}"
    );
    assert_eq!(sim.exchange().counts().accepted, 0);
}

/// An account that nobody has signed in for says so, and what to type.
#[tokio::test]
async fn an_account_that_needs_a_sign_in_says_what_to_type() {
    let (sim, place, config) = start();
    let app = format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\ngrant = \"device_code\"\nscope = \"{}\"",
        Demo::TENANT,
        Demo::PUBLIC_CLIENT_ID,
        Demo::DELEGATED_SCOPE
    );
    let provider = format!(
        "token_url = \"{0}/{{tenant}}/oauth2/v2.0/token\"\ndevice_url = \"{0}/{{tenant}}/oauth2/v2.0/devicecode\"\n\
         imap = \"localhost:{1}\"\ntls.imap = \"implicit\"",
        sim.addresses().authority(),
        sim.addresses().imap.port()
    );
    let config = config
        .provider("people", &provider)
        .app("people", "people", &app)
        .account(&Account::new(Demo::ALICE).app("people"));
    place.configure(&config);
    let told = test(&place, &[Demo::ALICE, "--json"]).await;
    assert_eq!(told.code, Some(2), "{}{}", told.out, told.err);
    let failed = told.failed();
    assert_eq!(failed["step"], "token");
    let fix = failed["failed"]["fix"].as_str().unwrap();
    assert!(
        fix.contains("saslgate sign-in alice@contoso.onmicrosoft.com"),
        "{fix}"
    );
}

/// A delegate's token: the store is opened and let go, and the mailbox is another's than the token's owner.
#[tokio::test]
async fn a_shared_mailbox_is_tested_with_its_delegates_token() {
    let (sim, place, config) = start();
    let app = format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\ngrant = \"password\"\nscope = \"{}\"",
        Demo::TENANT,
        Demo::PUBLIC_CLIENT_ID,
        Demo::DELEGATED_SCOPE
    );
    place.write("alice", Demo::PASSWORD);
    let lines = format!(
        "signs_in_as = \"{}\"\nupstream_password_file = \"alice\"",
        Demo::ALICE
    );
    let support = Account::new(Demo::SUPPORT).app("people").line(&lines);
    place.configure(&config.app("people", SIMULATOR, &app).account(&support));
    for round in 1..=2 {
        let told = test(&place, &[Demo::SUPPORT, "--json"]).await;
        assert_eq!(told.code, Some(1), "{round}: {}{}", told.out, told.err);
        assert!(!told.out.contains(Demo::PASSWORD));
        let steps = told.steps();
        let token = steps.iter().find(|step| step["step"] == "token").unwrap();
        assert!(
            token["passed"]
                .as_str()
                .unwrap()
                .contains("of alice@contoso.onmicrosoft.com"),
            "{token}"
        );
        let opened = steps.iter().filter(|step| step["step"] == "mailbox").count();
        assert_eq!(opened, 3);
    }
    // The second time by what the store has kept.
    assert_eq!(sim.entra().requests_of("password"), 1);
    assert!(sim.exchange().sent().is_empty());
}

/// Somebody listens where mail clients connect, and takes no commands: another program, or another user's saslgate.
#[tokio::test]
async fn who_listens_in_its_place_is_told_of() {
    let (_sim, place, config) = start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = config.account(&Account::new(Demo::SUPPORT)).text();
    place.write("saslgate.toml", &text.replacen("127.0.0.1:0", &address, 1));
    let told = test(&place, &[Demo::SUPPORT, "--protocol", "imap"]).await;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    let listens =
        format!("no saslgate with this configuration answers, and something listens on {address}\n");
    assert!(told.out.contains(&listens), "{}", told.out);
    assert!(
        !told.out.lines().last().unwrap().contains("works"),
        "{}",
        told.out
    );
}
