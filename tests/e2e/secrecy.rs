//! What must never be seen: passwords, client secrets and tokens, in no log line, reply or /proc file, in no disguise.

pub(crate) mod canaries;

use std::fs;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::App;
use saslgate::sim::entra::{EntraError, TokenFault};
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals};
use saslgate::sim::mailbox::Right;
use saslgate::sim::{Demo, Settings, Sim};

use self::canaries::Canary;
use crate::support::config::{Account, Config};
use crate::support::mail_client::{MailClient, Reply, plain};
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Tls, mailbox};

const CLIENT_SECRET: &str = "Canary8Q~of+the/client%secret=nobody.may_see";
const CHOSEN: &str = "canary p\"a\\s$s w0rd of Grace";
const GUESS: &str = "canary-guess-that-is-wrong-1815";

/// A client id beside the demo's.
const CLIENT_ID: &str = "5a51aa7e-3333-4222-8333-444455556666";

struct World {
    sim: Sim,
    gate: Program,
    alice: Account,
    chosen: Account,
    late: Account,
    by_command: Account,
    by_liar: Account,
    secrets: Vec<(&'static str, String)>,
    replies: Vec<String>,
}

impl World {
    async fn new(level: &str) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.directory()
            .add_app(App::new(CLIENT_ID, Demo::TENANT).secret(CLIENT_SECRET).roles(&[
                "IMAP.AccessAsApp",
                "POP.AccessAsApp",
                "SMTP.SendAsApp",
            ]));
        let own = Account::new(Demo::ALICE).app("own");
        let chosen = Account::chosen(&mailbox(&sim, "grace").login, CHOSEN).app("own");
        for account in [&own, &chosen] {
            let mailbox = sim.directory().mailbox(&account.login).unwrap();
            mailbox.grant(CLIENT_ID, Right::FullAccess);
        }
        let late = Account::new(Demo::BOB);
        let by_command = mailbox(&sim, "command").app("command");
        let by_liar = mailbox(&sim, "liar").app("liar");
        let place = Place::new(&sim);
        place.write("own-secret", CLIENT_SECRET);
        let token = user_token(&sim, &by_command.login);
        let liars_token = user_token(&sim, &by_liar.login);
        place.write("token", &token);
        // It prints a token, and complains about it where the log could quote it.
        place.write("complaint", &format!("could not use {liars_token} \u{1b}[2J\n"));
        let path = |name| place.path(name).to_string_lossy().into_owned();
        let lie = format!("cat {} {} >&2; exit 1", path("token"), path("complaint"));
        let config = Config::new(&sim)
            .table("log", &format!("format = \"json\"\nlevel = \"{level}\""))
            .listeners(listeners())
            .app_only("own", Demo::TENANT, CLIENT_ID, "own-secret")
            .app_by_command("command", &["/bin/cat", &path("token")])
            .app_by_command("liar", &["/bin/sh", "-c", &lie]);
        let accounts = [&own, &chosen, &late, &by_command, &by_liar];
        let config = accounts.into_iter().fold(config, Config::account);
        let secrets = vec![
            ("password", own.password.clone()),
            ("password without hyphens", own.password.replace('-', "")),
            ("chosen password", CHOSEN.to_owned()),
            ("wrong password", GUESS.to_owned()),
            ("client secret", CLIENT_SECRET.to_owned()),
            ("client secret of the demo", Demo::CLIENT_SECRET.to_owned()),
            ("token of a command", token),
            ("token in a complaint", liars_token),
        ];
        Self {
            gate: Program::start(place, &config).await,
            sim,
            alice: own,
            chosen,
            late,
            by_command,
            by_liar,
            secrets,
            replies: Vec::new(),
        }
    }

    fn note(&mut self, reply: &Reply) {
        self.replies.push(reply.line.clone());
    }

    async fn log_in(&mut self, protocol: Protocol, account: &Account) -> Reply {
        let mut client = self.greeted(protocol).await;
        let reply = client.log_in(&account.login, &account.password).await;
        self.note(&reply);
        reply
    }

    async fn greeted(&self, protocol: Protocol) -> MailClient {
        MailClient::greeted(protocol, self.gate.addresses.of(protocol)).await
    }

    /// A token that the token endpoint will give next, known to the test.
    fn give_out_a_known_token(&mut self) {
        let claims = self
            .sim
            .entra()
            .app_claims(self.sim.directory(), CLIENT_ID)
            .unwrap();
        let token = self.sim.entra().mint(&claims).reveal().to_owned();
        let body = format!("{{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"{token}\"}}");
        self.sim.entra().fail_next(1, TokenFault::Body(body));
        self.secrets.push(("access token", token));
    }

    /// Upstream says back what it was told, and more.
    fn repeat_tokens_upstream(&self) {
        let token = &self.secrets.last().unwrap().1;
        let xoauth2 = format!("user={}\x01auth=Bearer {token}\x01\x01", Demo::ALICE);
        let encoded = plain_base64(&xoauth2);
        let mailbox = self.sim.directory().mailbox(Demo::ALICE).unwrap();
        mailbox.refusals.set(Refusals {
            imap: Some(ImapRefusal::Reply(format!(
                "NO AUTHENTICATE failed for {token} \u{1b}[2J"
            ))),
            pop3: Some(Pop3Refusal::Reply(format!("-ERR [AUTH] no: {encoded}"))),
            smtp: None,
            sending: None,
        });
    }

    /// Everything that could have been seen.
    fn seen(&self) -> Vec<(String, Vec<u8>)> {
        let proc = format!("/proc/{}", self.gate.pid.as_raw_nonzero());
        let file = |name: &str| {
            (
                name.to_owned(),
                fs::read(format!("{proc}/{name}")).unwrap_or_default(),
            )
        };
        vec![
            ("log".into(), self.gate.log.lines().join("\n").into_bytes()),
            (
                "standard output".into(),
                self.gate.output.lines().join("\n").into_bytes(),
            ),
            ("replies".into(), self.replies.join("\n").into_bytes()),
            file("cmdline"),
            // Not readable at all for who is not root: the program is not dumpable.
            file("environ"),
        ]
    }
}

fn listeners() -> Vec<(Protocol, Tls)> {
    Protocol::ALL
        .into_iter()
        .flat_map(|protocol| [(protocol, "off"), (protocol, "starttls")])
        .collect()
}

pub(crate) fn user_token(sim: &Sim, user: &str) -> String {
    let scopes = ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"];
    let claims = sim.entra().user_claims(sim.directory(), user, &scopes);
    sim.entra().mint(&claims).reveal().to_owned()
}

fn plain_base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Logins that go right, in every form, with every kind of token.
async fn good_logins(world: &mut World) {
    world.give_out_a_known_token();
    let accounts = [&world.alice, &world.chosen, &world.by_command].map(Clone::clone);
    for account in &accounts {
        for protocol in Protocol::ALL {
            if account.login == world.chosen.login && protocol == Protocol::Imap {
                continue; // Its password would need escapes.
            }
            let reply = world.log_in(protocol, account).await;
            assert!(reply.is_yes(), "{protocol} {}: {reply:?}", account.login);
        }
    }
    let mut client = world.greeted(Protocol::Imap).await;
    let user = &world.alice.login;
    let plain = plain(user, &world.alice.password);
    let reply = client.ask(&format!("a AUTHENTICATE PLAIN {plain}")).await;
    assert!(reply.is_yes(), "{reply:?}");
}

/// Passwords where they do not belong: as user names, behind the wrong verb, as mechanisms, before TLS.
async fn misplaced_passwords(world: &mut World) {
    let password = world.alice.password.clone();
    let encoded = plain(&world.alice.login, &password);
    let lines = [
        (Protocol::Imap, "off", format!("a LOGIN {password} {GUESS}")),
        (Protocol::Imap, "off", format!("a AUTHENTICATE {encoded}")),
        (Protocol::Imap, "off", format!("a {password} {GUESS} {encoded}")),
        (
            Protocol::Imap,
            "off",
            format!("a LOGIN {} {password} {GUESS}", world.alice.login),
        ),
        (
            Protocol::Imap,
            "starttls",
            format!("a LOGIN {} {password}", world.alice.login),
        ),
        (
            Protocol::Imap,
            "starttls",
            format!("a AUTHENTICATE PLAIN {encoded}"),
        ),
        (
            Protocol::Pop3,
            "off",
            format!("USER {}\r\nPASS {GUESS}", password.replace('-', "")),
        ),
        (Protocol::Pop3, "off", format!("PASS {password}")),
        (Protocol::Pop3, "off", format!("AUTH {encoded}")),
        (
            Protocol::Pop3,
            "off",
            format!("APOP {} {password}", world.alice.login),
        ),
        (
            Protocol::Pop3,
            "starttls",
            format!("USER {}\r\nPASS {password}", world.alice.login),
        ),
        (
            Protocol::Smtp,
            "off",
            format!("EHLO {password}\r\nAUTH LOGIN {}", plain_base64(&password)),
        ),
        (
            Protocol::Smtp,
            "off",
            format!("EHLO x\r\nAUTH {encoded} {encoded}"),
        ),
        (
            Protocol::Smtp,
            "off",
            format!("AUTH PLAIN {encoded}\r\n{password}"),
        ),
        (
            Protocol::Smtp,
            "starttls",
            format!("EHLO x\r\nAUTH PLAIN {encoded}"),
        ),
    ];
    for (protocol, tls, said) in lines {
        let mut client = MailClient::greeted(protocol, world.gate.addresses.with_tls(protocol, tls)).await;
        client.say(&said).await;
        client.hang_up().await;
        let rest = client.rest().await;
        assert!(!rest.is_empty(), "{said:?} got no answer");
        world.replies.push(rest);
    }
}

/// Logins that go wrong behind a right password, where others talk too much.
async fn failing_logins(world: &mut World) {
    world.repeat_tokens_upstream();
    let (alice, liar) = (world.alice.clone(), world.by_liar.clone());
    for account in [&alice, &liar] {
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let reply = world.log_in(protocol, account).await;
            assert!(!reply.is_yes(), "{reply:?}");
        }
    }
    // Entra repeats the secret in its error.
    world.sim.entra().refuse(EntraError::new(
        7_000_215,
        "invalid_client",
        format!(
            "Invalid client secret provided: '{}' \u{1b}[2J\u{2028}.",
            Demo::CLIENT_SECRET
        ),
    ));
    let late = world.late.clone();
    let reply = world.log_in(Protocol::Pop3, &late).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let wrong = alice.guessing(GUESS);
    let reply = world.log_in(Protocol::Smtp, &wrong).await;
    assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
}

async fn nothing_leaks(level: &str) {
    let mut world = World::new(level).await;
    good_logins(&mut world).await;
    misplaced_passwords(&mut world).await;
    failing_logins(&mut world).await;
    world.gate.signal(rustix::process::Signal::TERM);
    world.gate.log.message(0, "stopping").await;

    let seen = world.seen();
    let mut looked = 0;
    for (name, secret) in &world.secrets {
        for disguise in Canary::new(name, secret).disguises() {
            for (place, bytes) in &seen {
                assert!(!disguise.is_in(bytes), "{level}: {disguise} is in {place}");
                looked += 1;
            }
        }
    }
    assert_eq!(looked, 9 * 11 * 5, "secrets, disguises, places");
    let log = &seen[0].1;
    assert!(log.len() > 10_000, "only {} bytes were logged", log.len());
    assert_eq!(
        world.gate.log.since(0).len(),
        world.gate.log.mark(),
        "a line is no JSON"
    );
}

#[tokio::test]
async fn a_secret_is_seen_in_the_log_a_reply_or_proc() {
    nothing_leaks("trace").await;
}

#[tokio::test]
async fn a_secret_is_seen_in_what_libraries_log() {
    nothing_leaks(
        "trace,rustls=trace,tokio_rustls=trace,hyper=trace,hyper_util=trace,reqwest=trace,mio=trace",
    )
    .await;
}
