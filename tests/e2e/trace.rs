//! `saslgate trace`: an account's next login as a conversation, by every way to say it, and never a secret in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saslgate::provider::Protocol;
use saslgate::sim::{Settings, Sim};

use crate::secrecy::canaries::Canary;
use crate::secrecy::user_token;
use crate::support::command::{Running, Said};
use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, plain};
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{mailbox, soon};

const GUESS: &str = "canary-guess-that-is-wrong-1843";

struct World {
    _sim: Sim,
    gate: Program,
    account: Account,
    other: Account,
    token: String,
}

async fn world() -> World {
    let sim = Sim::start(Settings::default()).unwrap();
    let account = mailbox(&sim, "traced").app("command");
    let other = mailbox(&sim, "other").app("command");
    let place = Place::new(&sim);
    let token = user_token(&sim, &account.login);
    place.write("token", &token);
    let path = place.path("token").to_string_lossy().into_owned();
    let both = ["off", "starttls"];
    let listeners: Vec<_> = Protocol::ALL
        .into_iter()
        .flat_map(|protocol| both.map(|tls| (protocol, tls)))
        .collect();
    let config = Config::new(&sim)
        .listeners(listeners)
        .app_by_command("command", &["/bin/cat", &path])
        .account(&account)
        .account(&other);
    World {
        gate: Program::start(place, &config).await,
        _sim: sim,
        account,
        other,
        token,
    }
}

/// Somebody traces, and the server knows it.
async fn trace(world: &World) -> Running {
    let command = Running::start(&world.gate.place, &["trace", &world.account.login]);
    let waits = |line: &str| line.contains("waiting for the next login").then_some(());
    command.complaints.find(0, "that it waits", waits).await;
    command
}

/// A way to log in: what a mail client says, line by line, and what of it is read.
struct Case {
    protocol: Protocol,
    said: Vec<String>,
    shown: Vec<String>,
    logs_in: bool,
}

fn case(protocol: Protocol, said: &[&str], shown: &[&str]) -> Case {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    Case {
        protocol,
        said: owned(said),
        shown: owned(shown),
        logs_in: true,
    }
}

impl Case {
    fn refused(self) -> Self {
        Self {
            logs_in: false,
            ..self
        }
    }
}

/// A line with the account's own words in their places.
fn filled(line: &str, account: &Account) -> String {
    let Account { login, password, .. } = account;
    line.replace("<plain>", &plain(login, password))
        .replace("<wrong>", &plain(login, GUESS))
        .replace("<name64>", &STANDARD.encode(login))
        .replace("<word64>", &STANDARD.encode(password))
        .replace("<name#>", &login.len().to_string())
        .replace("<word#>", &password.len().to_string())
        .replace("<name>", login)
        .replace("<word>", password)
        .replace("<guess>", GUESS)
}

fn imap() -> Vec<Case> {
    let case = |said: &[&str], shown: &[&str]| case(Protocol::Imap, said, shown);
    vec![
        case(&["a LOGIN <name> <word>"], &["C: a LOGIN <name> ***", "S: a OK"]),
        case(
            &["a LOGIN {<name#>}", "<name> {<word#>}", "<word>"],
            &["C: a LOGIN {<name#>}", "S: + OK", "C: <name> {<word#>}", "C: ***"],
        ),
        case(
            &["a AUTHENTICATE PLAIN <plain>"],
            &["C: a AUTHENTICATE PLAIN ***"],
        ),
        case(
            &["a AUTHENTICATE PLAIN", "<plain>"],
            &["C: a AUTHENTICATE PLAIN\nS: +\nC: ***"],
        ),
        case(
            &["a AUTHENTICATE LOGIN", "<name64>", "<word64>"],
            &["C: a AUTHENTICATE LOGIN\n", "C: ***\nS: + UGFzc3dvcmQ6\nC: ***"],
        ),
        // A password as a mechanism, as a tag; too many words; as a name; and then all right.
        case(
            &["a AUTHENTICATE <plain>", "<word> NOOP", "a LOGIN <name> <word>"],
            &[
                "C: a AUTHENTICATE ***",
                "C: *** NOOP\nS: *** OK",
                "C: a LOGIN <name> ***",
            ],
        ),
        case(
            &["a LOGIN <name> <word> <guess>", "a LOGIN <name> <word>"],
            &["C: a LOGIN <name> *** ***\nS: a BAD"],
        ),
        case(
            &[
                "a LOGIN <word> <guess>",
                "a LOGIN <guess> x",
                "a LOGIN <name> <word>",
            ],
            &["C: a LOGIN *** ***\nS: a NO [AUTHENTICATIONFAILED]"],
        ),
        case(
            &["a LOGIN <name> <guess>"],
            &["C: a LOGIN <name> ***\nS: a NO", "# refused: "],
        )
        .refused(),
    ]
}

fn pop3() -> Vec<Case> {
    let case = |said: &[&str], shown: &[&str]| case(Protocol::Pop3, said, shown);
    vec![
        case(
            &["USER <name>", "PASS <word>"],
            &["C: USER <name>\nS: +OK", "C: PASS ***"],
        ),
        case(&["AUTH PLAIN <plain>"], &["C: AUTH PLAIN ***"]),
        case(&["AUTH PLAIN", "<plain>"], &["C: AUTH PLAIN\nS: +\nC: ***"]),
        case(&["AUTH LOGIN", "<name64>", "<word64>"], &["C: AUTH LOGIN\n"]),
        // A password as a name that is corrected, before any PASS.
        case(
            &["USER <guess>", "USER <word>", "USER <name>", "PASS <word>"],
            &["C: USER ***\n", "C: USER <name>\n"],
        ),
        case(
            &["APOP <name> <word>", "AUTH <plain>", "USER <name>", "PASS <word>"],
            &["C: APOP\n", "C: AUTH ***\n"],
        ),
        case(
            &["USER <name>", "PASS <guess>"],
            &["C: PASS ***\nS: -ERR [AUTH]", "# refused: "],
        )
        .refused(),
    ]
}

fn smtp() -> Vec<Case> {
    let case = |said: &[&str], shown: &[&str]| case(Protocol::Smtp, said, shown);
    vec![
        case(
            &["EHLO scanner.example", "AUTH PLAIN <plain>"],
            &["C: EHLO scanner.example", "C: AUTH PLAIN ***"],
        ),
        case(
            &["EHLO x", "AUTH PLAIN", "<plain>"],
            &["C: AUTH PLAIN\nS: 334\nC: ***"],
        ),
        case(
            &["EHLO x", "AUTH LOGIN", "<name64>", "<word64>"],
            &["C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ***"],
        ),
        case(
            &["EHLO x", "AUTH LOGIN <name64>", "<word64>"],
            &["C: AUTH LOGIN ***\nS: 334 UGFzc3dvcmQ6\nC: ***"],
        ),
        case(
            &[
                "EHLO <word>",
                "AUTH <plain> <plain>",
                "AUTH CRAM-MD5",
                "<word>",
                "AUTH PLAIN <plain>",
            ],
            &[
                "C: EHLO ***",
                "C: AUTH *** ***",
                "C: AUTH CRAM-MD5\n",
                "C: (not understood)",
            ],
        ),
        case(
            &["EHLO x", "AUTH PLAIN <wrong>"],
            &["C: AUTH PLAIN ***\nS: 535", "# refused: "],
        )
        .refused(),
    ]
}

async fn play(world: &World, case: &Case) -> Said {
    let tracing = trace(world).await;
    let address = world.gate.addresses.of(case.protocol);
    let mut client = MailClient::greeted(case.protocol, address).await;
    for line in &case.said {
        client.ask(&filled(line, &world.account)).await;
    }
    soon("the trace", tracing.end()).await
}

fn check(world: &World, case: &Case, told: &Said) {
    let what = format!("{:?}\n{told:?}", case.said);
    assert_eq!(told.code, Some(i32::from(!case.logs_in)), "{what}");
    let first = format!("# {} from 127.0.0.1:", case.protocol);
    assert!(told.output.starts_with(&first), "{what}");
    assert!(
        told.output.lines().nth(1).unwrap().starts_with("S: "),
        "no greeting: {what}"
    );
    for shown in &case.shown {
        assert!(
            told.output.contains(&filled(shown, &world.account)),
            "{shown}: {what}"
        );
    }
    let upstream = ["U< ", "U> "].map(|mark| told.output.lines().any(|line| line.starts_with(mark)));
    assert_eq!(upstream, [case.logs_in; 2], "{what}");
    assert_eq!(
        told.output.lines().last() == Some("# logged in"),
        case.logs_in,
        "{what}"
    );
}

fn keeps_secrets(world: &World, told: &Said) {
    let Account { login, password, .. } = &world.account;
    let secrets = [
        ("password", password.clone()),
        ("password without hyphens", password.replace('-', "")),
        ("message of PLAIN", plain(login, password)),
        ("wrong password", GUESS.to_owned()),
        ("token", world.token.clone()),
    ];
    for (name, secret) in &secrets {
        for disguise in Canary::new(name, secret).disguises() {
            for text in [&told.output, &told.complaints] {
                assert!(!disguise.is_in(text.as_bytes()), "{disguise}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_log_in_is_shown_and_no_secret() {
    let world = world().await;
    let cases: Vec<_> = [imap(), pop3(), smtp()].into_iter().flatten().collect();
    for case in &cases {
        let told = play(&world, case).await;
        keeps_secrets(&world, &told);
        check(&world, case, &told);
    }
    assert_eq!(cases.len(), 9 + 7 + 6);
    let taken = world.gate.log.since(0);
    let taken = taken.iter().filter(|line| line["event"] == "trace_taken");
    assert_eq!(taken.count(), cases.len(), "each is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_behind_starttls_is_shown_with_what_went_before_it() {
    let world = world().await;
    for protocol in Protocol::ALL {
        let tracing = trace(&world).await;
        let address = world.gate.addresses.with_tls(protocol, "starttls");
        let mut client = MailClient::greeted(protocol, address).await;
        let starttls = match protocol {
            Protocol::Imap => "a STARTTLS",
            Protocol::Pop3 => "STLS",
            Protocol::Smtp => {
                client.ask("EHLO early.example").await;
                "STARTTLS"
            }
        };
        assert!(client.ask(starttls).await.is_yes());
        let trusting = world.gate.place.trusting();
        let mut client = client.start_tls(&trusting).await.unwrap();
        let reply = client.log_in(&world.account.login, &world.account.password).await;
        assert!(reply.is_yes(), "{reply:?}");
        let told = soon("the trace", tracing.end()).await;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.output.contains(&format!("C: {starttls}\nS: ")), "{told:?}");
        assert!(told.output.contains("***"), "{told:?}");
        keeps_secrets(&world, &told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_traces_see_one_login_and_none_sees_anothers() {
    let world = world().await;
    let traces = [trace(&world).await, trace(&world).await];
    let gone = trace(&world).await;
    gone.interrupt().await;
    let address = world.gate.addresses.of(Protocol::Imap);
    let mut other = MailClient::greeted(Protocol::Imap, address).await;
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    other.log_in(&world.other.login, &world.other.password).await;
    assert!(
        client
            .log_in(&world.account.login, &world.account.password)
            .await
            .is_yes()
    );
    // What is said after the login is not a trace's business.
    assert!(client.ask("a SELECT INBOX").await.is_yes());
    let mut told = Vec::new();
    for trace in traces {
        told.push(soon("the trace", trace.end()).await.output);
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].ends_with("# logged in"), "{}", told[0]);
    assert!(!told[0].contains(&world.other.login), "{}", told[0]);
    assert!(!told[0].contains("a SELECT"), "{}", told[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_nobody_knows_nobody_traces_and_nobody_waits_for_ever() {
    let world = world().await;
    let place = &world.gate.place;
    let told = crate::support::command::run(place, &["trace", "nobody@contoso.com"]).await;
    assert_eq!((told.code, told.output.as_str()), (Some(2), ""), "{told:?}");
    assert!(told.complaints.contains("no account answers to"), "{told:?}");
    let told = crate::support::command::run(place, &["trace", &world.account.login, "--timeout", "1"]).await;
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(
        told.complaints.contains("no login was over within 1 seconds"),
        "{told:?}"
    );
}
