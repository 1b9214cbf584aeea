//! Links from the terminal to mail: whoever has one signs in, once, as the owner; and the link is seen nowhere else.

use std::time::Duration;

use rustix::process::Signal;
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::entra::{Browser as Seat, Does, Who};
use serde_json::Value;

use crate::http::{Answer, Browser};
use crate::people::{person, text};
use crate::rig::Rig;
use crate::support::command::{self, Running};
use crate::support::config::SIMULATOR;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::within;

/// Makes a link as an operator does: its path.
async fn link(rig: &Rig) -> String {
    let made = [
        "sign-in",
        &rig.grace.login,
        "--link",
        "--json",
        "--asked-by",
        "Jane (IT)",
    ];
    let said = command::run(&rig.gate.place, &made).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let links: Value = serde_json::from_str(&said.output).unwrap();
    assert_eq!(links[0]["owner"], rig.grace.login.as_str(), "{links}");
    let url = links[0]["url"].as_str().unwrap();
    assert!(links[0]["text"].as_str().unwrap().contains(url), "{links}");
    path(url)
}

fn path(url: &str) -> String {
    let (_, path) = url.split_once("/sign-in/").unwrap();
    format!("/sign-in/{path}")
}

/// Who sits at the browser.
fn seat(rig: &Rig, who: &str) {
    let seat = Seat {
        who: Who::Person(who.to_owned()),
        does: Does::Agrees,
    };
    rig.signing.sim.entra().browser.set(seat);
}

/// Presses the button, signs in at the provider, and comes back: the last page.
async fn signs_in(rig: &Rig, browser: &mut Browser, link: &str) -> String {
    let page = browser.submit(link, link, &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let back = rig.comes_back(&address).await;
    let landed = browser.get(&back).await;
    assert_eq!(landed.status, 303, "{landed:?}");
    result(browser).await
}

/// What came of the sign-in that the browser has begun.
async fn result(browser: &mut Browser) -> String {
    let looks = async {
        loop {
            let page = browser.get("/signing-in").await;
            if page.header("refresh").is_none() {
                return page.body;
            }
        }
    };
    within(Duration::from_secs(60), "what came of a sign-in", looks).await
}

async fn mail(rig: &Rig) -> Option<Refusal> {
    let imap = rig.gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    let reply = client.log_in(&rig.grace.login, &rig.grace.password).await;
    reply.refusal()
}

fn is_gone(page: &Answer) -> bool {
    page.status == 404 && page.body.contains("This link is not good any more")
}

/// An operator sends it in the evening, saslgate is replaced at night, a mail scanner opens it, and then the owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_from_the_terminal_over_a_restart_to_mail_and_is_then_used_up() {
    let mut rig = Rig::new().await;
    assert_eq!(mail(&rig).await, Some(Refusal::ContactAdmin));
    let status = command::run(&rig.gate.place, &["status"]).await;
    assert!(
        status.output.contains("--link` for a link that the owner"),
        "{status:?}"
    );
    let link = link(&rig).await;
    let token = link.strip_prefix("/sign-in/").unwrap().to_owned();
    let outstanding = async |place: &Place| {
        let said = command::run(place, &["status", "--json"]).await.output;
        assert!(!said.contains(&token), "the link is in the status");
        let status: Value = serde_json::from_str(&said).unwrap();
        status["accounts"][0]["links"].clone()
    };
    let links = outstanding(&rig.gate.place).await;
    assert_eq!(links[0]["asked_by"], "Jane (IT)", "{links}");
    assert!(links[0]["expires"].is_u64() && links[1].is_null(), "{links}");
    rig.gate.signal(Signal::TERM);
    assert!(rig.gate.exit().await.success());
    let before = rig.gate.log.lines();
    let file = rig.gate.place.path("saslgate.toml");
    rig.gate.run_again(&file, &rig.config.listeners).await;

    for _ in 0..3 {
        let page = rig.browser().get(&link).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(
            page.body.contains(&rig.grace.login) && page.body.contains("Jane (IT)"),
            "{page:?}"
        );
    }
    let mut browser = rig.browser();
    let result = signs_in(&rig, &mut browser, &link).await;
    assert!(result.contains("is signed in"), "{result}");
    assert_eq!(mail(&rig).await, None);
    assert_eq!(outstanding(&rig.gate.place).await, Value::Array(Vec::new()));
    let again = browser.get(&link).await;
    assert!(is_gone(&again), "{again:?}");
    let needed = command::run(&rig.gate.place, &["sign-in", "--all-needed", "--link"]).await;
    assert_eq!(
        (needed.code, &*needed.output),
        (Some(0), "No account needs a sign-in."),
        "{needed:?}"
    );

    let lines = [before, rig.gate.log.lines()].concat();
    for event in ["link_made", "link_opened", "link_used", "signed_in"] {
        let of_event = format!("\"event\":\"{event}\"");
        let count = lines.iter().filter(|line| line.contains(&of_event)).count();
        assert_eq!(count, 1, "{event}: {lines:?}");
    }
    assert!(
        lines.iter().all(|line| !line.contains(&token)),
        "the link is in the log"
    );
    let store = std::fs::read_to_string(rig.gate.place.path("tokens")).unwrap();
    assert!(!store.contains(&token), "the link is in the store");
}

/// O4: a link in the wrong hands brings nobody's token into the account, and is not used up by that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_signs_in_by_a_link() {
    let rig = Rig::new().await;
    let stranger = person(&rig.signing.sim, "mallory");
    let link = link(&rig).await;
    seat(&rig, &stranger);
    let result = signs_in(&rig, &mut rig.browser(), &link).await;
    assert!(result.contains("nothing was kept"), "{result}");
    assert_eq!(mail(&rig).await, Some(Refusal::ContactAdmin));
    seat(&rig, &rig.grace.login);
    let result = signs_in(&rig, &mut rig.browser(), &link).await;
    assert!(result.contains("is signed in"), "{result}");
    assert_eq!(mail(&rig).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_browser_is_told_that_a_sign_in_is_going_on() {
    let rig = Rig::new().await;
    let link = link(&rig).await;
    let (mut first, mut second) = (rig.browser(), rig.browser());
    let page = first.submit(&link, &link, &[]).await;
    assert!(page.body.contains("http-equiv=\"refresh\""), "{page:?}");
    let page = second.submit(&link, &link, &[]).await;
    assert_eq!(page.status, 303, "{page:?}");
    let told = result(&mut second).await;
    assert!(told.contains("is going on already"), "{told}");
    // Whoever has closed the provider's page opens the link again, in the same browser.
    let result = signs_in(&rig, &mut first, &link).await;
    assert!(result.contains("is signed in"), "{result}");
}

/// A sign-in that was withdrawn while the person was at the provider's page brings nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_withdrawn_in_the_middle_brings_no_token() {
    let rig = Rig::new().await;
    let link = link(&rig).await;
    let mut browser = rig.browser();
    let page = browser.submit(&link, &link, &[]).await;
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let back = rig.comes_back(&address).await;
    let said = command::run(&rig.gate.place, &["sign-out", &rig.grace.login]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.output.contains("good for nothing any more"), "{said:?}");
    browser.get(&back).await;
    let result = result(&mut browser).await;
    assert!(result.contains("This link is not good"), "{result}");
    assert_eq!(mail(&rig).await, Some(Refusal::ContactAdmin));
    let page = browser.get(&link).await;
    assert!(is_gone(&page), "{page:?}");
}

/// Where the browser can come back to nothing but the page, the terminal makes the link and waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_waits_where_the_redirect_uri_is_the_pages() {
    let rig = Rig::with("", |config, signing| {
        let at = config.text();
        let (_, port) = at.split_once("bind = \"127.0.0.1:").unwrap();
        let callback = format!(
            "http://localhost:{}/oauth/callback",
            port.split('"').next().unwrap()
        );
        let own = format!("http://localhost:{}/", signing.port);
        let app = text(7, "authorization_code", signing.port).replace(&own, &callback);
        config.app("page", SIMULATOR, &app)
    })
    .await;
    let command = Running::start(&rig.gate.place, &["sign-in", &rig.grace.login]);
    let start = format!("http://localhost:{}/sign-in/", rig.port);
    let is_link = |line: &str| line.trim().starts_with(&start).then(|| path(line.trim()));
    let link = command.output.find(0, "a link", is_link).await;
    let result = signs_in(&rig, &mut rig.browser(), &link).await;
    assert!(result.contains("is signed in"), "{result}");
    let said = command.end().await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = [
        "goes by a link",
        "The link was opened.",
        "Somebody has gone on to the sign-in page",
        &format!("{} is signed in as {0}", rig.grace.login),
    ]
    .map(|part| said.output.contains(part));
    assert_eq!(told, [true; 4], "{said:?}");
    assert_eq!(mail(&rig).await, None);
}
