//! Links: what is guessed, what another site has a browser do, and what several browsers do with one.

use std::time::Duration;

use rustix::process::Signal;
use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;

use super::{Attack, FORM, get, post};
use crate::http::{Browser, deserted};
use crate::rig::{PASSWORD, Rig, stored};
use crate::support::config::Account;
use crate::support::mail_client::MailClient;
use crate::support::{Gate as _, soon, within};

pub(super) fn guessed(rig: &Rig) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let guess = format!("/sign-in/{}", "A".repeat(43));
    let look = |what: &str, path: &str| get("B3", what, path, &host, &[404]);
    let from = |more: &str| format!("{host}{FORM}{more}");
    vec![
        look("a guessed link", &guess),
        look("an empty link", "/sign-in/"),
        look("a path in a link", "/sign-in/../account?name=grace"),
        look("a long link", &format!("/sign-in/{}", "A".repeat(8_000))),
        look("a NUL in a link", &format!("/sign-in/{}%00", "A".repeat(40))),
        look("a link that is no ASCII", "/sign-in/%c3%a4"),
        post(
            "B2",
            "a link used from another site",
            &guess,
            &from("Origin: https://evil.test\r\n"),
            "token=x",
        ),
        post(
            "B2",
            "a link used without its page",
            &guess,
            &from("Sec-Fetch-Site: same-origin\r\n"),
            "token=x",
        ),
    ]
}

fn leads_on(body: &str) -> bool {
    body.contains("http-equiv=\"refresh\" content=\"0;url=https://")
}

async fn mail(rig: &Rig) -> Option<Refusal> {
    let imap = rig.gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    client
        .log_in(&rig.grace.login, &rig.grace.password)
        .await
        .refusal()
}

/// What came of the sign-in that the browser has begun.
async fn result(browser: &mut Browser) -> String {
    within(Duration::from_secs(60), "what came of a sign-in", async {
        loop {
            let page = browser.get("/signing-in").await;
            if page.header("refresh").is_none() {
                return page.body;
            }
        }
    })
    .await
}

/// All at the same time: one goes on, and the others are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_browsers_with_one_link_one_goes_on() {
    const MANY: usize = 12;
    let rig = Rig::new().await;
    let link = rig.link().await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (mut browser, link) = (rig.browser(), link.clone());
        racing.spawn(async move {
            let page = browser.submit(&link, &link, &[]).await;
            (browser, page)
        });
    }
    let (ahead, behind): (Vec<_>, Vec<_>) = soon("all browsers", racing.join_all())
        .await
        .into_iter()
        .partition(|(_, page)| leads_on(&page.body));
    assert_eq!((ahead.len(), behind.len()), (1, MANY - 1));
    for (mut browser, page) in behind {
        assert_eq!(page.header("location"), Some("/signing-in"), "{page:?}");
        let told = result(&mut browser).await;
        assert!(told.contains("is going on already"), "{told}");
    }
    let (mut browser, page) = ahead.into_iter().next().unwrap();
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let back = rig.comes_back(&address).await;
    assert_eq!(browser.get(&back).await.status, 303);
    assert!(result(&mut browser).await.contains("is signed in"));
    assert_eq!(mail(&rig).await, None);
    assert_eq!(rig.signing.sim.entra().requests_of("authorization_code"), 1);
}

/// Its account has left the configuration: the link is as good as none, and so is what somebody brings who was on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_with_its_account_in_the_middle_of_a_sign_in() {
    let lines = format!("password = \"{}\"\n", stored(PASSWORD));
    let mut rig = Rig::with(&lines, |config, _| config.account(&Account::new(Demo::ALICE))).await;
    let link = rig.link().await;
    let mut owner = rig.browser();
    let page = owner.submit(&link, &link, &[]).await;
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let back = rig.comes_back(&address).await;
    let without = rig.config.clone().without(&rig.grace.login);
    rig.gate.reload(&without).await;
    assert_eq!(rig.browser().get(&link).await.status, 404);
    let mut another = rig.browser();
    assert_eq!(another.submit("/login", &link, &[]).await.status, 303);
    assert!(result(&mut another).await.contains("not good"));
    owner.get(&back).await;
    let told = result(&mut owner).await;
    assert!(told.contains("Not signed in"), "{told}");
    assert!(
        rig.gate
            .log
            .since(0)
            .iter()
            .all(|line| line["event"] != "signed_in")
    );
    // Nor is anything there when the account comes back.
    let again = rig.config.clone();
    rig.gate.reload(&again).await;
    assert_eq!(mail(&rig).await, Some(Refusal::ContactAdmin));
}

/// `[admin]` has left the configuration: whoever was on the way has nowhere to go, and has nowhere to go either when it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_goes_takes_its_sign_ins_along() {
    let mut rig = Rig::new().await;
    let link = rig.link().await;
    let mut owner = rig.browser();
    let page = owner.submit(&link, &link, &[]).await;
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let back = rig.comes_back(&address).await;
    let without = rig.config.text();
    let (before, admin) = without.split_once("\n[admin]\n").unwrap();
    let (_, rest) = admin.split_once("\n\n").unwrap();
    rig.gate
        .place
        .write("saslgate.toml", &format!("{before}\n\n{rest}"));
    let mark = rig.gate.log.mark();
    rig.gate.signal(Signal::HUP);
    rig.gate.log.message(mark, "configuration reloaded").await;
    deserted(rig.address()).await;
    let again = rig.config.clone();
    rig.gate.reload(&again).await;
    assert_eq!(owner.get(&back).await.status, 400);
    assert_eq!(rig.signing.sim.entra().request_count(), 0);
    // What was sent to somebody in the evening is good in the morning.
    assert_eq!(rig.browser().get(&link).await.status, 200);
}
