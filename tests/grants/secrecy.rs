//! What must never be seen, whatever people and apps do to get tokens: in no log line, reply, command's output or /proc
//! file, in no disguise.

#[path = "../e2e/secrecy/canaries.rs"]
mod canaries;

use std::collections::BTreeMap;
use std::fs;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Platform};
use saslgate::sim::entra::{DeviceSettings, EntraError};
use saslgate::sim::mailbox::Right;
use saslgate::sim::{Demo, Settings, Sim};

use self::canaries::Canary;
use crate::browser::Browser;
use crate::middleman::Middleman;
use crate::people::{
    DELEGATED, ROLES, SECRET, client_id, free_port, person, registration, text, text_of_passwords,
    type_user_code,
};
use crate::support::command::{self, Running};
use crate::support::config::{Account, Config, provider};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::table::certificate;

const WATCHED: &str = "watched";
const GUESS: &str = "canary-guess-that-is-wrong-1815";

struct World {
    sim: Sim,
    browser: Browser,
    gate: Program,
    middleman: Middleman,
    by_code: Account,
    by_device: Account,
    by_password: Account,
    by_certificate: Account,
    /// What commands and mail clients were told, and what /proc knows of the processes.
    seen: Vec<(String, Vec<u8>)>,
    /// Secrets that never come to the endpoint.
    known: Vec<(String, String)>,
}

impl World {
    async fn new(level: &str) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.entra().device.set(DeviceSettings {
            interval: 1,
            ..DeviceSettings::default()
        });
        let (place, port) = (Place::new(&sim), free_port());
        let roots = sim.ca_pem() + &fs::read_to_string(place.path("listener.pem")).unwrap();
        place.write("ca.pem", &roots);
        place.write("secret", SECRET);
        let middleman = Middleman::start(&sim, &place).await;
        let directory = sim.directory();
        directory.add_app(registration(1, Platform::Web, port).secret(SECRET));
        directory.add_app(registration(2, Platform::Native, port));
        let der = certificate(&place, "app.pem");
        directory.add_app(
            App::new(client_id(3), Demo::TENANT)
                .certificate(der)
                .roles(&ROLES),
        );
        for id in [1, 2] {
            directory.consent(&client_id(id), Demo::TENANT, None, &DELEGATED);
        }
        let by_code = Account::new(&person(&sim, "code")).app("code");
        let by_device = Account::new(&person(&sim, "device")).app("device");
        let by_password = Account::of_person(&person(&sim, "password"), Demo::PASSWORD).app("password");
        let by_certificate = Account::new(&person(&sim, "certificate")).app("certificate");
        let mailbox = directory.mailbox(&by_certificate.login).unwrap();
        mailbox.grant(&client_id(3), Right::FullAccess);
        let app_only = format!(
            "tenant = \"{}\"\nclient_id = \"{}\"\nscope = \"{}\"\ngrant = \"client_credentials\"\ncertificate = \"app.pem\"",
            Demo::TENANT,
            client_id(3),
            Demo::SCOPE
        );
        let secret = "client_secret_file = \"secret\"\n";
        let config = Config::new(&sim)
            .table("log", &format!("format = \"json\"\nlevel = \"{level}\""))
            // Its token endpoint is behind somebody who takes everything down.
            .provider(
                WATCHED,
                &provider(&sim, &format!("https://localhost:{}", middleman.port)),
            )
            .app("code", WATCHED, &(text(1, "authorization_code", port) + secret))
            .app("device", WATCHED, &text(2, "device_code", port))
            .app("password", WATCHED, &text_of_passwords(2))
            .app("certificate", WATCHED, &app_only);
        let accounts = [&by_code, &by_device, &by_password, &by_certificate];
        let config = accounts.into_iter().fold(config, Config::account);
        let known = [&by_code, &by_device, &by_certificate]
            .map(|account| ("local password".into(), account.password.clone()));
        Self {
            browser: Browser::new(&sim),
            gate: Program::start(place, &config).await,
            sim,
            middleman,
            by_code,
            by_device,
            by_password,
            by_certificate,
            seen: Vec::new(),
            known: known.into(),
        }
    }

    fn note_process(&mut self, what: &str, id: u32) {
        for name in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
            self.seen.push((format!("{name} of {what}"), bytes));
        }
    }

    async fn note_end(&mut self, what: &str, command: Running, code: i32) {
        self.note_process(what, command.id());
        let said = command.end().await;
        assert_eq!(said.code, Some(code), "{what}");
        self.seen
            .push((format!("output of {what}"), said.output.into_bytes()));
        self.seen
            .push((format!("complaints of {what}"), said.complaints.into_bytes()));
    }

    async fn log_in(&mut self, account: &Account, password: &str, refusal: Option<Refusal>) {
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let address = self.gate.addresses.of(protocol);
            let mut client = MailClient::greeted(protocol, address).await;
            let reply = client.log_in(&account.login, password).await;
            assert_eq!(reply.refusal(), refusal, "{}: {reply:?}", account.login);
            self.seen.push(("replies".into(), reply.line.into_bytes()));
            if refusal.is_some() {
                return;
            }
        }
    }

    /// Each way to sign in, once as it should go.
    async fn sign_in(&mut self) {
        let (code, device) = (self.by_code.login.clone(), self.by_device.login.clone());
        let command = Running::start(&self.gate.place, &["sign-in", &code, "--no-browser"]);
        let back = self.browser.sent_back(&command.address().await).await;
        let page = self.browser.load(&back).await;
        self.seen.push(("landing".into(), page.text.into_bytes()));
        self.note_end("sign-in", command, 0).await;
        let mut command = Running::start(&self.gate.place, &["sign-in", &code, "--paste"]);
        let back = self.browser.sent_back(&command.address().await).await;
        command.types(&back).await;
        self.note_end("sign-in --paste", command, 0).await;
        let command = Running::start(&self.gate.place, &["sign-in", &device]);
        type_user_code(&self.sim, Some(&device)).await;
        self.note_end("sign-in --device", command, 0).await;
    }

    /// The provider repeats secrets where it says no.
    async fn fail(&mut self) {
        let device = self.by_device.login.clone();
        let form = [
            ("grant_type", "password"),
            ("client_id", &*client_id(2)),
            ("scope", Demo::DELEGATED_SCOPE),
            ("username", &device),
            ("password", Demo::PASSWORD),
        ];
        let url = self.sim.addresses().token_url(Demo::TENANT);
        let token = self.browser.refresh_token(&url, &form).await;
        let said = format!("The token {token} is no good. \u{1b}[2J");
        self.sim
            .entra()
            .refuse_next(1, EntraError::new(70_008, "invalid_grant", said));
        let mut command = Running::start(&self.gate.place, &["sign-in", &device, "--refresh-token"]);
        command.types(&token).await;
        self.note_end("sign-in --refresh-token, refused", command, 2)
            .await;
        let mut command = Running::start(&self.gate.place, &["sign-in", &device, "--refresh-token"]);
        command.types(&token).await;
        self.note_end("sign-in --refresh-token", command, 0).await;
        let code = self.by_code.login.clone();
        let said = format!("The secret '{SECRET}' is no good.");
        self.sim
            .entra()
            .refuse_next(1, EntraError::new(7_000_215, "invalid_client", said));
        let command = Running::start(&self.gate.place, &["sign-in", &code, "--no-browser"]);
        self.browser.signs_in(&command.address().await).await;
        self.note_end("sign-in, refused", command, 2).await;
        self.known.push(("wrong password".into(), GUESS.into()));
        let account = self.by_password.clone();
        self.log_in(&account, GUESS, Some(Refusal::AuthenticationFailed))
            .await;
    }
}

async fn nothing_leaks(level: &str) {
    let mut world = World::new(level).await;
    world.sign_in().await;
    let accounts = [
        &world.by_code,
        &world.by_device,
        &world.by_password,
        &world.by_certificate,
    ]
    .map(Clone::clone);
    for account in &accounts {
        world.log_in(account, &account.password, None).await;
    }
    world.fail().await;
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["sign-out", &accounts[0].login],
    ] {
        let said = command::run(&world.gate.place, arguments).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        world
            .seen
            .push((arguments.join(" "), (said.output + &said.complaints).into_bytes()));
    }
    let pid = u32::try_from(world.gate.pid.as_raw_nonzero().get()).unwrap();
    world.note_process("the server", pid);
    world.gate.signal(rustix::process::Signal::TERM);
    world.gate.exit().await;
    let log = world.gate.log.lines().join("\n").into_bytes();
    assert!(log.len() > 10_000, "only {} bytes were logged", log.len());
    world.seen.push(("log".into(), log));

    let mut secrets = world.middleman.secrets.lock().unwrap().clone();
    secrets.extend(world.known.clone());
    secrets.sort();
    secrets.dedup();
    let mut found = BTreeMap::<_, usize>::new();
    for (name, secret) in &secrets {
        // Whoever cuts a long one short shows a piece of it.
        let middle = secret.len() / 2;
        let piece = secret.get(middle..middle + 40).filter(|_| secret.len() > 200);
        for text in [Some(secret.as_str()), piece].into_iter().flatten() {
            for disguise in Canary::new(name, text).disguises() {
                for (place, bytes) in &world.seen {
                    assert!(!disguise.is_in(bytes), "{level}: {disguise} is in {place}");
                }
            }
        }
        *found.entry(name.as_str()).or_default() += 1;
    }
    let kinds: Vec<_> = found.keys().copied().collect();
    let all = [
        "access_token",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "id_token",
        "local password",
        "password",
        "refresh_token",
        "wrong password",
    ];
    assert_eq!(kinds, all, "{found:?}");
    assert!(
        found["code"] >= 2 && found["code_verifier"] >= 2 && found["refresh_token"] >= 4,
        "{found:?}"
    );
    assert!(world.seen.len() > 30, "{} places", world.seen.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_any_grant_is_seen_in_the_log_a_reply_a_command_or_proc() {
    nothing_leaks("trace").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_any_grant_is_seen_in_what_libraries_log() {
    nothing_leaks(
        "trace,rustls=trace,tokio_rustls=trace,hyper=trace,hyper_util=trace,reqwest=trace,mio=trace",
    )
    .await;
}
