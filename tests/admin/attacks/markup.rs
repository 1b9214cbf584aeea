//! B4: what others have written is text on every page, whoever they are: the provider, upstream, the configuration's author.

use saslgate::provider::Protocol;
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals};

use super::state_of;
use crate::http::{Answer, Browser};
use crate::rig::Rig;
use crate::sign_in::looks_until;
use crate::support::mail_client::MailClient;

/// Markup, in a word that can be searched for.
const MARKUP: &str = "<img/src=x/onerror=alert(1)>\"'><script>alert(1)</script>";

/// The same, as a page has to write it.
const AS_TEXT: &str =
    "&lt;img/src=x/onerror=alert(1)&gt;&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;";

fn is_text(page: &Answer, from: &str) {
    assert!(page.body.contains(AS_TEXT), "{from} is not shown: {}", page.body);
    no_markup(page, from);
}

fn no_markup(page: &Answer, from: &str) {
    for raw in ["<img", "<script"] {
        assert!(!page.body.contains(raw), "{from}: {}", page.body);
    }
}

/// Comes back with an error that the provider wrote: what the browser is shown.
async fn refused_by_the_provider(browser: &mut Browser, address: &str) -> Answer {
    let said = form_urlencoded::Serializer::new(String::new())
        .append_pair("error", "access_denied")
        .append_pair("error_description", &format!("AADSTS50105: no {MARKUP}"))
        .append_pair("error_subcode", MARKUP)
        .append_pair("state", &state_of(address))
        .finish();
    let landed = browser.get(&format!("/oauth/callback?{said}")).await;
    assert_eq!(landed.status, 303, "{landed:?}");
    looks_until(browser, "/signing-in", "Not signed in").await;
    browser.seen.last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_the_provider_is_text() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let address = rig.begin_sign_in(&mut operator).await;
    let page = refused_by_the_provider(&mut operator, &address).await;
    is_text(&page, "the provider's error");
    let link = rig.link().await;
    let mut owner = rig.browser();
    let page = owner.submit(&link, &link, &[]).await;
    let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
    let page = refused_by_the_provider(&mut owner, &address).await;
    no_markup(&page, "the provider's error to an owner");
    assert_eq!(rig.signing.sim.entra().request_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_upstream_says_is_text() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    rig.signs_in(&mut operator).await;
    let mailbox = rig.signing.sim.directory().mailbox(&rig.grace.login).unwrap();
    mailbox.refusals.set(Refusals {
        imap: Some(ImapRefusal::Reply(format!("NO {MARKUP}"))),
        pop3: Some(Pop3Refusal::Reply(format!("-ERR {MARKUP}"))),
        smtp: None,
        sending: None,
    });
    let imap = rig.gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    let reply = client.log_in(&rig.grace.login, &rig.grace.password).await;
    assert!(!reply.is_yes(), "{reply:?}");
    is_text(
        &operator.get(&rig.grace_page()).await,
        "upstream on the account's page",
    );
    no_markup(&operator.get("/").await, "upstream on the first page");
    let fields = [("account", rig.grace.login.as_str())];
    operator.submit(&rig.grace_page(), "/test", &fields).await;
    looks_until(&mut operator, "/test", "Done").await;
    is_text(operator.seen.last().unwrap(), "upstream in a test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_configuration_is_text() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let key = "\"<img/src=x/onerror=alert(1)><script>\" = 1";
    let text = rig
        .config
        .text()
        .replace("[server]\n", &format!("[server]\n{key}\n"));
    rig.gate.place.write("saslgate.toml", &text);
    let page = operator.submit("/", "/reload", &[]).await;
    assert!(page.body.contains("stays in use"), "{}", page.body);
    assert!(
        page.body.contains("&lt;img/src=x/onerror=alert(1)&gt;"),
        "{}",
        page.body
    );
    no_markup(&page, "a key");
    no_markup(&operator.get("/").await, "a key on the first page");
}

/// Who asks is what somebody typed, and is read by somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_is_text() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let fields = [
        ("account", rig.grace.login.as_str()),
        ("app", "page"),
        ("asked_by", MARKUP),
    ];
    let page = operator.submit(&rig.grace_page(), "/link", &fields).await;
    no_markup(&page, "the page that made the link");
    let link = rig.path_of_link(&page);
    is_text(&rig.browser().get(&link).await, "who asks");
    // Where there is no account of that name, the name is text too.
    let fields = [("account", MARKUP), ("app", MARKUP)];
    for deed in ["/sign-in", "/sign-out", "/test", "/link"] {
        let mut page = operator.submit("/", deed, &fields).await;
        if page.status == 303 {
            let to = page.header("location").unwrap().to_owned();
            page = operator.get(&to).await;
        }
        no_markup(&page, deed);
    }
}
