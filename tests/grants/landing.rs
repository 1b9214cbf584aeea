//! Where the browser lands: what strangers send there, who else has the port, who hangs up.

use std::time::Duration;

use saslgate::provider::Protocol;
use url::Url;

use crate::people::{Signing, redirect_uri, type_user_code};
use crate::support::command::{self, Running};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::soon;

fn state_of(address: &str) -> String {
    let address = Url::parse(address).unwrap();
    let mut pairs = address.query_pairs();
    pairs.find(|(name, _)| name == "state").unwrap().1.into_owned()
}

/// O1, B1, RFC 6819 4.4.1.8, RFC 9700 4.7: a code is taken with the state of this sign-in alone, once, under this very name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_send_to_the_landing_costs_no_request_and_does_not_end_the_sign_in() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = InProcess::start(Place::new(&signing.sim), &signing.config().account(&account));
    let command = Running::start(&gate.place, &["sign-in", &account.login, "--no-browser"]);
    let address = command.address().await;
    let (state, here) = (state_of(&address), redirect_uri(signing.port));
    assert!(state.len() >= 22, "128 bits in base64 are 22 letters: {state}");
    // A sign-in of the same account that was begun somewhere else.
    let foreign = state.chars().rev().collect::<String>();
    let cases = [
        ("favicon.ico".to_owned(), None, 404),
        (String::new(), None, 404),
        ("?code=evil".to_owned(), None, 400),
        ("?error=access_denied".to_owned(), None, 400),
        (format!("?code=evil&state={foreign}"), None, 400),
        ("?code=evil&state=".to_owned(), None, 400),
        (format!("?code=evil&state={state}&state={foreign}"), None, 404),
        (format!("?code=evil&state={state}"), Some("attacker.example"), 421),
        (format!("?code=evil&state={state}"), Some("localhost"), 421),
        (format!("?code=evil&state={state}"), Some("127.0.0.1:80"), 421),
    ];
    for (target, host, status) in &cases {
        let page = signing.browser.load_as(&format!("{here}{target}"), *host).await;
        assert_eq!(page.status, *status, "{target} as {host:?}: {}", page.text);
        assert!(
            !page.text.contains("evil") && !page.text.contains(&state),
            "{}",
            page.text
        );
    }
    assert_eq!((cases.len(), signing.sim.entra().request_count()), (10, 0));
    let back = signing.browser.sent_back(&address).await;
    let page = signing.browser.load(&back).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let said = command.end().await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(signing.sim.entra().request_count(), 1);
    // Nobody listens any more for a replay.
    let port = signing.port;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    // And the next sign-in does not take this one's answer.
    let command = Running::start(&gate.place, &["sign-in", &account.login, "--no-browser"]);
    command.address().await;
    assert_eq!(signing.browser.load(&back).await.status, 400);
    assert_eq!(signing.sim.entra().request_count(), 1);
    command.interrupt().await;
}

/// O5, RFC 8252 8.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_another_program_has_is_told_before_any_browser_is_sent_there() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = InProcess::start(Place::new(&signing.sim), &signing.config().account(&account));
    let holder = std::net::TcpListener::bind(("127.0.0.1", signing.port)).unwrap();
    let said = command::run(&gate.place, &["sign-in", &account.login, "--no-browser"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.complaints.contains(&signing.port.to_string()), "{said:?}");
    assert!(said.complaints.contains("--paste"), "{said:?}");
    assert!(!said.output.contains("https://"), "{said:?}");
    drop(holder);
    let said = signing.sign_in(&gate.place, &account.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// B4: what the provider, or whoever has its answer changed on the way, writes is text on the page where a browser lands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_the_provider_is_text_where_the_browser_lands() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = InProcess::start(Place::new(&signing.sim), &signing.config().account(&account));
    let command = Running::start(&gate.place, &["sign-in", &account.login, "--no-browser"]);
    let state = state_of(&command.address().await);
    let mut back = Url::parse(&redirect_uri(signing.port)).unwrap();
    back.query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair(
            "error_description",
            "AADSTS50105: <img src=x onerror=\"alert(1)\"><script>alert(1)</script>",
        )
        .append_pair("state", &state);
    let page = signing.browser.load(back.as_str()).await;
    assert!(page.text.contains("Not signed in"), "{}", page.text);
    for raw in ["<img", "<script"] {
        assert!(!page.text.contains(raw), "{}", page.text);
    }
    assert_eq!(command.end().await.code, Some(2));
    assert_eq!(signing.sim.entra().request_count(), 0);
}

/// The return from the page for administrators has no code: nobody has signed in by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrators_consent_is_no_sign_in_and_says_what_comes_next() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = InProcess::start(Place::new(&signing.sim), &signing.config().account(&account));
    let command = Running::start(&gate.place, &["sign-in", &account.login, "--no-browser"]);
    let state = state_of(&command.address().await);
    let here = redirect_uri(signing.port);
    let back = format!("{here}?admin_consent=True&tenant=c0a7050c&state={state}");
    signing.browser.load(&back).await;
    let said = command.end().await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.complaints.contains("an administrator has consented"),
        "{said:?}"
    );
    assert!(
        said.complaints.contains("run the same command once more"),
        "{said:?}"
    );
    assert_eq!(signing.sim.entra().request_count(), 0);
}

/// A code is good once: whoever presses Ctrl-C after the browser has brought it has signed in all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_hangs_up_after_the_code_was_redeemed_leaves_a_sign_in() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let config = signing.config().account(&account);
    let program = Program::start(Place::new(&signing.sim), &config).await;
    let command = Running::start(&program.place, &["sign-in", &account.login, "--no-browser"]);
    let back = signing.browser.sent_back(&command.address().await).await;
    let entra = signing.sim.entra();
    entra.latency.set(Duration::from_secs(2));
    let before = entra.connections();
    let landing = async {
        let page = signing.browser.load(&back).await;
        assert_eq!(page.status, 200, "{}", page.text);
    };
    let hanging_up = async {
        crate::support::until(Duration::from_secs(60), "the redemption", || {
            entra.connections() > before
        })
        .await;
        assert_eq!(entra.request_count(), 0, "the answer was too quick for this test");
        command.interrupt().await;
    };
    tokio::join!(landing, hanging_up);
    program.log.message(0, "signed in").await;
    let imap = program.addresses.of(Protocol::Imap);
    MailClient::logged_in(Protocol::Imap, imap, &account).await;
    assert_eq!(entra.requests_of("authorization_code"), 1);
}

/// The same at SIGTERM: what a sign-in brought is in the store before the next process opens it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_being_redeemed_at_sigterm_is_kept_for_the_next_process() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let config = signing.config().account(&account);
    let mut program = Program::start(Place::new(&signing.sim), &config).await;
    let command = Running::start(&program.place, &["sign-in", &account.login, "--no-browser"]);
    let back = signing.browser.sent_back(&command.address().await).await;
    let entra = signing.sim.entra();
    entra.latency.set(Duration::from_secs(2));
    let before = entra.connections();
    let terminating = async {
        crate::support::until(Duration::from_secs(60), "the redemption", || {
            entra.connections() > before
        })
        .await;
        program.signal(rustix::process::Signal::TERM);
    };
    tokio::join!(signing.browser.load(&back), terminating);
    program.exit().await;
    drop(command);
    entra.latency.set(Duration::ZERO);
    let next = Program::start(std::sync::Arc::clone(&program.place), &config).await;
    MailClient::logged_in(Protocol::Imap, next.addresses.of(Protocol::Imap), &account).await;
    assert_eq!(entra.requests_of("authorization_code"), 1);
}

/// RFC 8628 3.5: nobody asks about a code any more for whom nobody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_code_whose_command_has_gone_is_not_asked_about_any_more() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = InProcess::start(Place::new(&signing.sim), &signing.config().account(&account));
    let left = Running::start(&gate.place, &["sign-in", &account.login, "--device"]);
    left.output
        .find(0, "a code", |line| line.contains("sign in as").then_some(()))
        .await;
    left.interrupt().await;
    let forgotten = signing.sim.entra().user_codes().pop().unwrap();
    // The next one is typed; polls of it are polls of the only one that is still asked about.
    let next = Running::start(&gate.place, &["sign-in", &account.login, "--device"]);
    next.output
        .find(0, "a code", |line| line.contains("sign in as").then_some(()))
        .await;
    type_user_code(&signing.sim, Some(&account.login)).await;
    let said = soon("the sign-in", next.end()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let issued = signing.sim.entra().request_count();
    assert!(
        signing
            .sim
            .entra()
            .enter_user_code(&forgotten, Some(&account.login))
    );
    let said = command::run(&gate.place, &["status"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(signing.sim.entra().request_count(), issued);
}
