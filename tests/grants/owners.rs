//! Who has signed in: another person's token in an account would be another person's mail.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::entra::{Browser as Seat, Does, TokenFault, Who};
use saslgate::sim::{Demo, Sim};
use serde_json::json;

use crate::people::{DELEGATED, PEOPLE, Signing, person};
use crate::support::command::{self, Running, Said};
use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply};
use crate::support::place::Place;

/// A gate for one account.
fn start(signing: &Signing, account: &Account) -> InProcess {
    let config = signing.config().account(account);
    InProcess::start(Place::new(&signing.sim), &config)
}

/// Somebody is signed in at the browser already.
fn seat(sim: &Sim, who: &str) {
    sim.entra().browser.set(Seat {
        who: Who::Person(who.to_owned()),
        does: Does::Agrees,
    });
}

async fn login(gate: &InProcess, account: &Account) -> Reply {
    let address = gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, address).await;
    client.log_in(&account.login, &account.password).await
}

async fn sign_in(signing: &Signing, gate: &InProcess, account: &Account, who: &str) -> Said {
    seat(&signing.sim, who);
    signing.sign_in(&gate.place, &account.login).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_of_the_mailbox_is_opened_by_its_owner_and_the_difference_is_told() {
    let signing = Signing::new();
    let owner = person(&signing.sim, "grace");
    let mailbox = signing.sim.directory().mailbox(&owner).unwrap();
    let alias = format!("hopper@{}", Demo::DOMAIN);
    signing.sim.directory().add_alias(&mailbox, &alias);
    let account = Account::new(&alias).app(PEOPLE);
    let gate = start(&signing, &account);
    let said = sign_in(&signing, &gate, &account, &owner).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let note = format!("Note: {owner} has signed in, not {alias}; upstream lets {owner} open {alias}");
    assert!(said.output.contains(&note), "{}", said.output);
    assert!(login(&gate, &account).await.is_yes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_name_that_is_no_address_of_the_mailbox_is_found_out_by_opening_it() {
    let signing = Signing::new();
    let (upn, address) = (
        format!("u12345@{}", Demo::DOMAIN),
        format!("grace.hopper@{}", Demo::DOMAIN),
    );
    signing.sim.directory().add_mailbox_of(&upn, &address);
    let account = Account::new(&address).app(PEOPLE);
    let gate = start(&signing, &account);
    let said = sign_in(&signing, &gate, &account, &upn).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.output
            .contains(&format!("Looking whether they may open {address}")),
        "{}",
        said.output
    );
    assert!(login(&gate, &account).await.is_yes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegate_signs_in_for_a_shared_mailbox_with_and_without_being_named() {
    for named in [false, true] {
        let signing = Signing::new();
        let account = Account::new(Demo::SUPPORT).app(PEOPLE);
        let account = if named {
            account.line(&format!("signs_in_as = \"{}\"", Demo::ALICE))
        } else {
            account
        };
        let gate = start(&signing, &account);
        let said = sign_in(&signing, &gate, &account, Demo::ALICE).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        // Whoever is expected needs no mailbox to be opened.
        assert_eq!(said.output.contains("Looking whether"), !named, "{}", said.output);
        assert!(login(&gate, &account).await.is_yes(), "named: {named}");
        // Who signs in by that name is apt to log in by it, too.
        let own = Account::new(Demo::ALICE);
        assert!(!login(&gate, &own).await.is_yes());
        let status = command::run(&gate.place, &["status"]).await.output;
        let told = format!(
            "{} signs in for {1}: the user name is {1}",
            Demo::ALICE,
            Demo::SUPPORT
        );
        assert_eq!(status.contains(&told), named, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_person_is_refused_and_nothing_is_kept_unless_the_operator_wants_it() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let stranger = person(&signing.sim, "mallory");
    let gate = start(&signing, &account);
    let said = sign_in(&signing, &gate, &account, &stranger).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.complaints.contains("nothing was kept"), "{said:?}");
    assert!(
        said.complaints.contains(&stranger) && said.complaints.contains("--accept-owner"),
        "{said:?}"
    );
    let reply = login(&gate, &account).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let status = command::run(&gate.place, &["status"]).await;
    assert!(status.output.contains("needs sign-in"), "{}", status.output);

    let said = signing
        .sign_in_with(&gate.place, &account.login, &["--accept-owner"])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.output.contains("kept because you said so"),
        "{}",
        said.output
    );
    let status = command::run(&gate.place, &["status"]).await;
    assert!(
        status.output.contains(&format!("signed in as {stranger}")),
        "{}",
        status.output
    );
    // A right that is granted later is all that is missing.
    let mailbox = signing.sim.directory().mailbox(&account.login).unwrap();
    mailbox.grant(&stranger, saslgate::sim::mailbox::Right::FullAccess);
    assert!(login(&gate, &account).await.is_yes());
}

/// `oid` and `tid` are noted at the sign-in: a refresh that brings somebody else's tokens is refused, whoever is to blame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_brings_another_person_is_refused_and_the_sign_in_stays() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let stranger = person(&signing.sim, "mallory");
    let config = signing.config().account(&account);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    let said = signing.sign_in(&gate.place, &account.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let restart = async |gate: InProcess, config: &Config| {
        let InProcess { server, place, .. } = gate;
        server.stop().await;
        InProcess::start(place, config)
    };
    let gate = restart(gate, &config).await;
    let claims = signing
        .sim
        .entra()
        .user_claims(signing.sim.directory(), &stranger, &DELEGATED);
    let body = json!({
        "token_type": "Bearer", "expires_in": 3599, "access_token": signing.sim.entra().mint(&claims).reveal(),
        "refresh_token": signing.refresh_token(&stranger).await,
    });
    signing
        .sim
        .entra()
        .fail_next(1, TokenFault::Body(body.to_string()));
    let reply = login(&gate, &account).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let status = command::run(&gate.place, &["status"]).await;
    assert!(status.output.contains("of another person"), "{}", status.output);
    let gate = restart(gate, &config).await;
    assert!(login(&gate, &account).await.is_yes());
    let last = signing.sim.entra().requests().pop().unwrap();
    assert_eq!(
        (last.grant.as_str(), last.person),
        ("refresh_token", Some(account.login.clone()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_declines_is_told_and_nothing_is_kept() {
    let signing = Signing::new();
    let account = signing.account("grace");
    let gate = start(&signing, &account);
    signing.sim.entra().browser.set(Seat {
        who: Who::Hinted,
        does: Does::Declines,
    });
    let command = Running::start(&gate.place, &["sign-in", &account.login, "--no-browser"]);
    let page = signing.browser.signs_in(&command.address().await).await;
    assert!(page.text.contains("Not signed in"), "{}", page.text);
    let said = command.end().await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.complaints.contains("AADSTS65004"), "{said:?}");
    assert_eq!(signing.sim.entra().request_count(), 0);
}
