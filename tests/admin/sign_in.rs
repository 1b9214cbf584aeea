//! What an operator does at the page: sign in, test, sign out; and that no secret is ever shown.

use saslgate::provider::Protocol;
use saslgate::sim::Demo;

use crate::http::Browser;
use crate::people::type_user_code;
use crate::rig::{PASSWORD, Rig};
use crate::support::mail_client::MailClient;
use crate::support::{until, within};

use std::time::Duration;

/// A page that looks again by itself, until it says that.
pub(crate) async fn looks_until(browser: &mut Browser, path: &str, text: &str) -> String {
    within(Duration::from_secs(60), text, async {
        loop {
            let page = browser.get(path).await;
            if page.body.contains(text) {
                return page.body;
            }
            assert!(
                page.header("refresh").is_some(),
                "it ended without {text}: {}",
                page.body
            );
        }
    })
    .await
}

/// O6: the answer with the code in its address is left for a clean one, and no site is told where somebody came from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_button_to_mail_and_back() {
    let rig = Rig::new().await;
    let mut browser = rig.operator().await;
    let overview = browser.get("/").await;
    assert!(overview.body.contains("needs sign-in"), "{}", overview.body);

    let address = rig.begin_sign_in(&mut browser).await;
    let cookie = browser.seen.last().unwrap().headers("set-cookie").join("\n");
    assert!(
        cookie.contains("SameSite=Lax") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let back = rig.comes_back(&address).await;
    // A browser sends no strict cookie with what another site has led it to.
    let session = browser.cookies.remove("saslgate-session").unwrap();
    let landed = browser.get(&back).await;
    assert_eq!(
        (landed.status, landed.header("location")),
        (303, Some("/signing-in")),
        "{landed:?}"
    );
    assert_eq!(landed.header("referrer-policy"), Some("no-referrer"));
    let result = looks_until(&mut browser, "/signing-in", "is signed in").await;
    assert!(result.contains(&rig.grace.login), "{result}");
    browser.cookies.insert("saslgate-session".into(), session);

    let imap = rig.gate.addresses.of(Protocol::Imap);
    MailClient::logged_in(Protocol::Imap, imap, &rig.grace).await;
    let account = browser.get(&rig.grace_page()).await;
    for told in ["ready", "Last renewed", "Permissions", "IMAP.AccessAsUser.All"] {
        assert!(account.body.contains(told), "no {told}: {}", account.body);
    }

    let fields = [("account", rig.grace.login.as_str())];
    let begun = browser.submit(&rig.grace_page(), "/test", &fields).await;
    assert_eq!(begun.header("location"), Some("/test"), "{begun:?}");
    let tested = looks_until(&mut browser, "/test", "Done: everything works.").await;
    assert!(tested.contains("passed") && tested.contains("IMAP: "), "{tested}");

    let asks = format!("/sign-out?name={}&app=page", rig.grace.login.replace('@', "%40"));
    let out = browser
        .submit(&asks, "/sign-out", &[fields[0], ("app", "page")])
        .await;
    assert!(out.body.contains("is forgotten"), "{}", out.body);
    assert!(browser.get("/").await.body.contains("needs sign-in"));
    for order in ["sign-in", "test", "sign-out"] {
        rig.gate
            .log
            .wait(0, order, |line| {
                line["event"] == "admin_order" && line["order"] == order && line["source"] == "127.0.0.1"
            })
            .await;
    }

    let code = back
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let state = back
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    no_secret_is_shown(&rig, &browser, &code, &state);
}

fn no_secret_is_shown(rig: &Rig, browser: &Browser, code: &str, state: &str) {
    let session = browser.cookies["saslgate-session"].as_str();
    let canaries = [
        PASSWORD,
        "canary-of-the-page",
        Demo::CLIENT_SECRET,
        Demo::PASSWORD,
        &rig.grace.password,
        code,
        session,
        "eyJ",
        "sg1:",
        "sg2:",
    ];
    for canary in canaries {
        assert!(canary.len() > 2);
        for page in &browser.seen {
            assert!(!page.body.contains(canary), "{canary}: {}", page.body);
        }
    }
    assert!(browser.seen.len() > 12, "{}", browser.seen.len());
    let log = rig.gate.log.lines().join("\n");
    for canary in [PASSWORD, code, state, session, &rig.grace.password] {
        assert!(!log.contains(canary), "the log has {canary}");
    }
}

/// RFC 8628: the code is for who began the sign-in, and nobody else sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_a_code_on_another_device() {
    let rig = Rig::new().await;
    let mut browser = rig.operator().await;
    let fields = [
        ("account", rig.grace.login.as_str()),
        ("app", "page"),
        ("way", "device"),
    ];
    let begun = browser.submit(&rig.grace_page(), "/sign-in", &fields).await;
    assert_eq!(begun.header("location"), Some("/signing-in"), "{begun:?}");
    until(Duration::from_secs(60), "a code", || {
        !rig.signing.sim.entra().user_codes().is_empty()
    })
    .await;
    let code = rig.signing.sim.entra().user_codes().pop().unwrap();
    let page = looks_until(&mut browser, "/signing-in", &code).await;
    assert!(page.contains("Type this code"), "{page}");
    assert_eq!(
        rig.browser().get("/signing-in").await.status,
        404,
        "another browser"
    );
    type_user_code(&rig.signing.sim, Some(&rig.grace.login)).await;
    looks_until(&mut browser, "/signing-in", "is signed in").await;
    assert!(
        !rig.gate.log.lines().join("\n").contains(&code),
        "the log has the code"
    );
}

/// O4: somebody else's sign-in is not kept, and the page says whose it was and what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_person_is_told_and_not_kept() {
    use saslgate::sim::entra::{Browser as At, Does, Who};
    let rig = Rig::new().await;
    let mallory = crate::people::person(&rig.signing.sim, "mallory");
    rig.signing.sim.entra().browser.set(At {
        who: Who::Person(mallory.clone()),
        does: Does::Agrees,
    });
    let mut browser = rig.operator().await;
    let address = rig.begin_sign_in(&mut browser).await;
    let back = rig.comes_back(&address).await;
    assert_eq!(browser.get(&back).await.status, 303);
    let page = looks_until(&mut browser, "/signing-in", "Not signed in").await;
    assert!(page.contains(&mallory) && page.contains("What to do"), "{page}");
    assert!(browser.get("/").await.body.contains("needs sign-in"));
}
