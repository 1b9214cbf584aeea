//! Names and words made to forge the log: each event stays one line, and nothing in it acts.

use saslgate::provider::Protocol;
use saslgate::sim::entra::EntraError;
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals};
use saslgate::sim::{Demo, Settings, Sim};
use tokio::task::JoinSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Addresses;
use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;

/// What somebody would put into a log, or have a terminal do.
const EVIL: [&str; 25] = [
    "\r\n{\"level\":\"INFO\",\"message\":\"logged in\",\"account\":\"root\"}",
    "\n2026-11-21T00:00:00Z  INFO saslgate: logged in account=root",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;owned\u{7}",
    "\u{9b}31m",
    "\u{2028}forged",
    "\u{2029}forged",
    "\u{85}forged",
    "\u{7f}\u{8}\u{8}\u{8}",
    "\t\tfields=\"1\"",
    "\" , \"level\":\"ERROR\", \"x\":\"",
    "\\\",\\\"x\\\":\\\"",
    "\\u001b[2J",
    "%s%n%x%0",
    "${jndi:ldap://127.0.0.1/a}",
    "$(id)`id`",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "victim@x\u{1}auth=Bearer evil\u{1}\u{1}",
    "\0\0\0",
    "\u{feff}bom",
    "\u{fffd}\u{fffe}\u{ffff}",
    "a@b@c@d",
    "ÄÖÜ€😀",
    "../../../../etc/passwd",
];

/// Two hundred names: each word in front, in the middle, at the end, repeated; in four ways of coming in.
fn names() -> Vec<String> {
    let around = |evil: &str| {
        [
            evil.to_owned(),
            format!("alice{evil}@contoso.com"),
            format!("alice@contoso.com{evil}"),
            evil.repeat(3),
            format!("{evil}{}", "x".repeat(200)),
            format!("\"{evil}\""),
            format!("{evil} {evil}"),
            evil.repeat(65_536 / evil.len()),
        ]
    };
    EVIL.iter().flat_map(|evil| around(evil)).collect()
}

/// Logs in under that name, by whichever way takes any bytes, and hangs up.
async fn log_in(protocol: Protocol, addresses: Addresses, name: String) {
    let mut client = MailClient::greeted(protocol, addresses.of(protocol)).await;
    let message = STANDARD.encode(format!("\0{name}\0password"));
    match protocol {
        Protocol::Imap => {
            client
                .say(&format!(
                    "a ID (\"name\" \"{name}\")\r\nb AUTHENTICATE PLAIN {message}"
                ))
                .await;
        }
        Protocol::Pop3 => client.say(&format!("USER {name}\r\nAUTH PLAIN {message}")).await,
        Protocol::Smtp => {
            client
                .say(&format!("EHLO {name}\r\nAUTH {name}\r\nAUTH PLAIN {message}"))
                .await;
        }
    }
    client.hang_up().await;
    client.rest().await;
}

/// Upstream and the token endpoint talk like that, too.
async fn hear_evil(sim: &Sim, gate: &Program, account: &Account) {
    let mailbox = sim.directory().mailbox(&account.login).unwrap();
    for evil in EVIL.iter().filter(|evil| !evil.contains('\n')) {
        mailbox.refusals.set(Refusals {
            imap: Some(ImapRefusal::Reply(format!("NO {evil}"))),
            pop3: Some(Pop3Refusal::Reply(format!("-ERR {evil}"))),
            smtp: None,
            sending: None,
        });
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let mut client = MailClient::greeted(protocol, gate.addresses.of(protocol)).await;
            client.log_in(&account.login, &account.password).await;
        }
    }
}

async fn listen(format: &str) -> (Sim, Program, usize) {
    let sim = Sim::start(Settings::default()).unwrap();
    let (alice, bob) = (Account::new(Demo::ALICE), Account::new(Demo::BOB).app("evil"));
    let config = Config::new(&sim)
        .account(&alice)
        .account(&bob)
        .app_only(
            "evil",
            Demo::TENANT,
            "00000000-0000-4000-8000-000000000000",
            "demo-secret",
        )
        .table("log", &format!("format = \"{format}\"\nlevel = \"trace\""));
    let gate = Program::start(Place::new(&sim), &config).await;
    hear_evil(&sim, &gate, &alice).await;
    sim.entra()
        .refuse(EntraError::new(1, "invalid_request", EVIL.concat()));
    let mut client = MailClient::greeted(Protocol::Imap, gate.addresses.of(Protocol::Imap)).await;
    assert!(!client.log_in(&bob.login, &bob.password).await.is_yes());
    let names = names();
    let count = names.len();
    let mut all = JoinSet::new();
    for (number, name) in names.into_iter().enumerate() {
        all.spawn(log_in(Protocol::ALL[number % 3], gate.addresses.clone(), name));
    }
    all.join_all().await;
    gate.signal(rustix::process::Signal::TERM);
    (sim, gate, count)
}

/// A character that acts on a terminal or a log collector.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[tokio::test]
async fn a_name_forges_a_line_of_the_json_log() {
    let (_sim, mut gate, names) = listen("json").await;
    gate.exit().await;
    let lines = gate.log.lines();
    let events = gate.log.since(0);
    assert_eq!(names, 200);
    assert_eq!(lines.len(), events.len(), "a line is no JSON");
    let ended = events
        .iter()
        .filter(|line| line["message"] == "session ended without a login");
    let left_out = events
        .iter()
        .filter(|line| line["of"] == "session_without_login")
        .filter_map(|line| line["suppressed"].as_u64());
    let left_out = usize::try_from(left_out.sum::<u64>()).unwrap();
    // Each name, each of upstream's refusals, and one of the token endpoint's.
    assert_eq!(ended.count() + left_out, names + 2 * 23 + 1);
    assert!(!events.iter().any(|line| line["message"] == "logged in"));
    for line in &lines {
        assert!(!line.chars().any(acts), "{line:?}");
        assert!(line.len() < 8_192, "{} bytes in a line", line.len());
    }
}

#[tokio::test]
async fn a_name_forges_a_line_of_the_text_log() {
    let (_sim, mut gate, names) = listen("text").await;
    gate.exit().await;
    let lines = gate.log.lines();
    let ended = lines
        .iter()
        .filter(|line| line.contains(": session ended without a login event="));
    let left_out = lines
        .iter()
        .filter(|line| {
            line.contains(": lines left out event=\"lines_suppressed\" of=\"session_without_login\"")
        })
        .filter_map(|line| line.rsplit_once(" suppressed=")?.1.parse::<usize>().ok());
    assert_eq!(ended.count() + left_out.sum::<usize>(), names + 2 * 23 + 1);
    for line in &lines {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(
            ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level),
            "{line:?}"
        );
        assert!(line.starts_with("20"), "{line:?}");
        assert!(!line.chars().any(acts), "{line:?}");
    }
}
