//! Each product by each way: setup writes the configuration, the steps that it prints are done, and the mail client is set up as
//! its card has it.

use std::fs;

use saslgate::sim::Sim;
use saslgate::sim::entra::{Browser, Does, Who};

use crate::browser;
use crate::commands::{Ended, Terminal};
use crate::example::{self, LISTENERS};
use crate::mail;
use crate::registered::{AT_MICROSOFT, MAILBOX, Steps, free_redirect_uri, protocols, tenant};
use crate::run::{CLIENT_ID, answer, password, setup};
use crate::support::place::Place;
use crate::support::program::Program;

const APP: [&str; 2] = ["app-secret", "app-certificate"];
const PERSON: [&str; 2] = ["browser", "device-code"];

/// All that can be chosen.
const CHOICES: [(&str, bool); 10] = [
    ("email-this-issue", false),
    ("highstage", false),
    ("osticket", false),
    ("efecte-esm", true),
    ("oracle-b2c", false),
    ("mail-program", false),
    ("device", false),
    ("postfix", false),
    ("script", false),
    ("many", false),
];

fn ways(product: &str) -> Vec<&'static str> {
    let (_, has_password) = CHOICES.iter().find(|(known, _)| *known == product).unwrap();
    let fifth = has_password.then_some("password");
    APP.into_iter().chain(PERSON).chain(fifth).collect()
}

#[test]
fn there_are_forty_one_choices() {
    let count: usize = CHOICES.iter().map(|(product, _)| ways(product).len()).sum();
    assert_eq!(count, 41);
}

/// One product, each way after the other.
async fn walk(product: &str) {
    for way in ways(product) {
        eprintln!("{product} by {way}");
        one(product, way).await;
    }
}

async fn one(product: &str, way: &str) {
    let sim = tenant();
    let place = Place::new(&sim);
    let directory = place.path("");
    let answers = format!(
        "product = \"{product}\"\nway = \"{way}\"\ntenant = \"contoso.com\"\nclient_id = \"{CLIENT_ID}\"\n\
         mailboxes = \"{MAILBOX}\"\nconnects_from = \"this-machine\"\n{}",
        secret_from(product, way)
    );
    let file = answer(&directory, &answers);
    let ran = setup(
        &["--answers", &file, "--directory", directory.to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.complained, "");

    let redirect_uri = free_redirect_uri();
    let certificate = fs::read(place.path("contoso-app/app.cer")).ok();
    Steps::of(&ran.said).done_in(&sim, certificate, &redirect_uri);

    let config = place.path("saslgate.toml");
    let text = fs::read_to_string(&config).unwrap();
    let users = fs::read_to_string(place.path("users")).unwrap_or_default();
    let protocols = protocols(
        &(text.clone()
            + &users
                .replace("protocols=", "\nprotocols \"")
                .replace(',', "\" \"")
                .replace('\n', "\"\n")),
    );
    place.write(
        "saslgate.toml",
        &example::for_simulator(&text, &sim, &protocols, &redirect_uri),
    );
    let password = typed_password(&place, &ran.said, way);
    let program = Program::run(place, &config, &LISTENERS).await;
    let terminal = Terminal::new(&config);
    sign_in(&sim, &terminal, way).await;
    for protocol in protocols {
        let at = program.addresses.of(protocol);
        mail::is_used(&sim, protocol, at, MAILBOX, &password).await;
    }
    let status = terminal.run(&["status"]).await;
    assert_eq!(status.code, Some(0), "{product} {way}: {status:?}");
}

/// Only who has one is asked for it.
fn secret_from(product: &str, way: &str) -> &'static str {
    let has_guide = ["email-this-issue", "highstage", "osticket", "oracle-b2c"].contains(&product);
    if way == "app-secret" || (way == "browser" && has_guide) {
        "client_secret_from = \"secret.txt\"\n"
    } else {
        ""
    }
}

fn typed_password(place: &Place, said: &str, way: &str) -> String {
    if way == "password" {
        assert!(said.contains("the mailbox's own at Microsoft"), "{said}");
        return AT_MICROSOFT.to_owned();
    }
    if let Ok(cards) = fs::read_to_string(place.path("cards.csv")) {
        let line = cards.lines().nth(1).unwrap();
        return line.split('"').nth(3).unwrap().to_owned();
    }
    password(said).unwrap().to_owned()
}

async fn sign_in(sim: &Sim, terminal: &Terminal, way: &str) {
    let ended = match way {
        "browser" => by_browser(sim, terminal).await,
        "device-code" => by_code(sim, terminal).await,
        _ => return,
    };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let says = format!("{MAILBOX} is signed in");
    assert!(ended.said.contains(&says), "{ended:?}");
}

async fn by_browser(sim: &Sim, terminal: &Terminal) -> Ended {
    sim.entra().browser.set(Browser {
        who: Who::Person(MAILBOX.to_owned()),
        does: Does::Agrees,
    });
    let talking = terminal.begin(&["sign-in", MAILBOX, "--no-browser"]);
    let page = browser::open(sim, &talking.address().await).await;
    assert!(!page.text.is_empty(), "nobody listens at {}", page.address);
    talking.end().await
}

async fn by_code(sim: &Sim, terminal: &Terminal) -> Ended {
    sim.entra().device.change(|device| device.interval = 1);
    let talking = terminal.begin(&["sign-in", MAILBOX]);
    let code = talking.line_below("in any browser, type").await;
    assert!(sim.entra().enter_user_code(&code, Some(MAILBOX)));
    talking.end().await
}

#[tokio::test]
async fn email_this_issue() {
    walk("email-this-issue").await;
}

#[tokio::test]
async fn highstage() {
    walk("highstage").await;
}

#[tokio::test]
async fn osticket() {
    walk("osticket").await;
}

#[tokio::test]
async fn efecte_esm() {
    walk("efecte-esm").await;
}

#[tokio::test]
async fn oracle_b2c_service() {
    walk("oracle-b2c").await;
}

#[tokio::test]
async fn a_mail_program() {
    walk("mail-program").await;
}

#[tokio::test]
async fn a_device() {
    walk("device").await;
}

#[tokio::test]
async fn postfix() {
    walk("postfix").await;
}

#[tokio::test]
async fn a_script() {
    walk("script").await;
}

#[tokio::test]
async fn many_mailboxes() {
    walk("many").await;
}
