//! A word in the mail program (RFC 3501 7.1, ALERT) while mail still comes: somebody has to sign in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::directory::Person;
use saslgate::sim::entra::EntraError;
use saslgate::token::store::{
    Content, FileStore, KeySource, Record, Settings, SignIn, Swap, TokenStore as _,
};
use tokio::time::{MissedTickBehavior, interval};

use crate::people::{PEOPLE, Signing};
use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, plain};
use crate::support::place::Place;
use crate::support::{Gate as _, mailbox, until, within};

/// How long it may take until something is noticed that saslgate looks at now and then.
const SOON: Duration = Duration::from_secs(60);

fn notice(account: &Account) -> String {
    format!(
        "* OK [ALERT] The sign-in of {} has ended or will end soon: ask the administrator of saslgate for a sign-in link, or mail will stop.",
        account.login
    )
}

/// Everything that a mail client hears from its login to the yes.
async fn heard(address: SocketAddr, account: &Account, login: &str) -> Vec<String> {
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    client.say(login).await;
    let mut lines = vec![client.line().await];
    while lines.last().unwrap().starts_with("* ") {
        lines.push(client.line().await);
    }
    let last = lines.pop().unwrap();
    assert!(last.starts_with("a OK [CAPABILITY "), "{}: {last}", account.login);
    assert!(client.is_relayed().await);
    lines
}

/// What a mail client hears in front of the yes to LOGIN.
async fn heard_at_login(address: SocketAddr, account: &Account) -> Vec<String> {
    let login = format!("a LOGIN {} {}", account.login, account.password);
    heard(address, account, &login).await
}

/// The sign-in was revoked: the token is good for some more time, and whoever wants to be told is told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_that_was_refused_is_shown_once_while_the_token_is_good() {
    let signing = Signing::new();
    // A login wants one with two thirds of its life left, and takes one with a third.
    signing.sim.entra().tokens.change(|shape| shape.lifetime = 30);
    let told = signing.account("grace").line("notify_in_client = true");
    let left_alone = signing.account("ada");
    let config = [&told, &left_alone]
        .into_iter()
        .fold(signing.config(), Config::account);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    let address = gate.addresses.of(Protocol::Imap);
    for account in [&told, &left_alone] {
        let said = signing.import(&gate.place, &account.login).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(heard_at_login(address, account).await, [""; 0]);
    }
    signing
        .sim
        .entra()
        .refuse(EntraError::new(50_173, "invalid_grant", "Said by a test."));

    let mut again = interval(Duration::from_millis(500));
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let shown = within(SOON, "a notice", async {
        loop {
            again.tick().await;
            assert_eq!(heard_at_login(address, &left_alone).await, [""; 0]);
            let heard = heard_at_login(address, &told).await;
            if !heard.is_empty() {
                return heard;
            }
        }
    });
    assert_eq!(shown.await, [notice(&told)]);
    assert_eq!(heard_at_login(address, &told).await, [""; 0], "once a day");
    gate.server.stop().await;
}

/// A mailbox whose mail is read by the app's own token and sent by a person's.
fn two_ways(signing: &Signing, name: &str) -> Account {
    let account = mailbox(&signing.sim, name);
    signing
        .sim
        .directory()
        .add_person(Person::new(&account.login).password(Demo::PASSWORD));
    account.line(&format!("smtp.app = \"{PEOPLE}\""))
}

/// Mail can be read and not be sent: whoever reads it should know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_app_of_the_account_that_waits_for_a_sign_in_is_shown_where_it_is_wanted() {
    let signing = Signing::new();
    let accounts = ["grace", "ada"].map(|name| two_ways(&signing, name));
    let config = accounts.iter().fold(signing.config(), Config::account);
    let mut gate = InProcess::start(Place::new(&signing.sim), &config);
    let [imap, smtp] = [Protocol::Imap, Protocol::Smtp].map(|protocol| gate.addresses.of(protocol));
    for account in &accounts {
        let mut client = MailClient::greeted(Protocol::Smtp, smtp).await;
        assert!(!client.log_in(&account.login, &account.password).await.is_yes());
        assert_eq!(heard_at_login(imap, account).await, [""; 0], "not wanted");
    }
    let accounts = accounts.map(|account| account.line("notify_in_client = true"));
    gate.reload(&accounts.iter().fold(signing.config(), Config::account))
        .await;

    let [grace, ada] = &accounts;
    assert_eq!(heard_at_login(imap, grace).await, [notice(grace)]);
    let by_plain = format!("a AUTHENTICATE PLAIN {}", plain(&ada.login, &ada.password));
    assert_eq!(heard(imap, ada, &by_plain).await, [notice(ada)]);
    for account in &accounts {
        assert_eq!(heard_at_login(imap, account).await, [""; 0], "once a day");
    }
    gate.server.stop().await;
}

/// A saslgate that was off for weeks, and a provider that does not renew the sign-in: it ends in five days.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_ends_within_a_week_is_shown() {
    let signing = Signing::new();
    let account = two_ways(&signing, "grace").line("notify_in_client = true");
    let config = signing.config().account(&account);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    let said = signing.import(&gate.place, &account.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    unused_for(&place, 85).await;
    signing
        .sim
        .entra()
        .refuse(EntraError::new(70_008, "invalid_grant", "Said by a test."));

    // Its token at hand is from before: nobody asks for one to read mail with.
    let gate = InProcess::start(place, &config);
    let asked = || gate.server.token_requests().needs_sign_in == 1;
    until(SOON, "the weekly renewal", asked).await;
    signing.sim.entra().recover();
    let address = gate.addresses.of(Protocol::Imap);
    let mut again = interval(Duration::from_millis(100));
    let shown = within(SOON, "a notice", async {
        loop {
            again.tick().await;
            let heard = heard_at_login(address, &account).await;
            if !heard.is_empty() {
                return heard;
            }
        }
    });
    assert_eq!(shown.await, [notice(&account)]);
    gate.server.stop().await;
}

/// Makes the one sign-in of a store look as if nothing had renewed it for so many days.
async fn unused_for(place: &Place, days: u64) {
    let settings = Settings {
        path: place.path("tokens"),
        key: KeySource::Found { credentials: None },
        command: "run",
    };
    let (store, _) = FileStore::open(&Arc::new(settings)).await.unwrap();
    let listed = store.list().await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    let stored = store.load(listed[0].key).await.unwrap().unwrap();
    let Content::SignIn(sign_in) = &stored.record.content else {
        panic!("{:?}", stored.record);
    };
    let record = Record {
        account: stored.record.account.clone(),
        app: stored.record.app.clone(),
        content: Content::SignIn(SignIn {
            refreshed: SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60),
            ..sign_in.clone()
        }),
        secret: stored.record.secret.expose().clone().into(),
    };
    let swapped = store.swap(listed[0].key, Some(stored.generation), record).await;
    assert!(matches!(swapped, Ok(Swap::Saved(_))), "{swapped:?}");
    store.close().await.unwrap();
}
