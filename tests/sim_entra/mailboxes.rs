//! Whose token opens whose mailbox: the sign-in of one person, brought to Exchange for one name or another.

use saslgate::sim::directory::Person;
use saslgate::sim::entra::{Browser, Who};
use saslgate::sim::mailbox::Right;
use saslgate::sim::record::{Cause, Outcome};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{asking_without_secret, claims, code, redeeming_without_secret, token};
use crate::sim_support::{Conversation, xoauth2};

const CAROL: &str = "carol.upn@contoso.onmicrosoft.com";
const CAROLS_MAIL: &str = "carol@contoso.com";

/// Carol signs in with a name that is not her address; Dora is somebody else; a shared mailbox belongs to nobody.
fn sim() -> Sim {
    let sim = Sim::start(Settings::default()).unwrap();
    let directory = sim.directory();
    directory.add_person(Person::new(CAROL).alias("carol.old@contoso.com"));
    let mailbox = directory.add_mailbox_of(CAROL, CAROLS_MAIL);
    directory.add_alias(&mailbox, "sales@contoso.com");
    sim
}

/// The access token of whoever sits at the browser.
async fn signed_in(sim: &Sim, name: &str) -> String {
    sim.entra().browser.set(Browser {
        who: Who::Person(name.to_owned()),
        ..Browser::default()
    });
    let code = code(sim, &asking_without_secret()).await;
    let reply = token(sim, Demo::TENANT, &redeeming_without_secret(&code)).await;
    reply.text("access_token")
}

/// What Exchange makes of an IMAP login.
async fn imap(sim: &Sim, user: &str, token: &str) -> Outcome {
    let mut imap = Conversation::tls(sim, sim.addresses().imap).await;
    imap.expect("* OK").await;
    imap.send(&format!("a AUTHENTICATE XOAUTH2 {}", xoauth2(user, token)))
        .await;
    imap.line().await;
    imap.send("b NOOP").await;
    imap.line().await;
    sim.exchange().sessions().pop().unwrap().outcome
}

/// What Exchange makes of an SMTP login.
async fn smtp(sim: &Sim, user: &str, token: &str) -> Outcome {
    let mut smtp = Conversation::tls(sim, sim.addresses().smtps).await;
    smtp.expect("220").await;
    smtp.send("EHLO test.example").await;
    smtp.until("250 ").await;
    smtp.send("AUTH XOAUTH2").await;
    smtp.expect("334").await;
    smtp.send(&xoauth2(user, token)).await;
    smtp.line().await;
    sim.exchange().sessions().pop().unwrap().outcome
}

#[tokio::test]
async fn a_token_opens_what_its_person_may_open() {
    let sim = sim();
    let shared = sim.directory().mailbox(Demo::SUPPORT).unwrap();
    shared.grant(CAROL, Right::FullAccess);
    let refused = || Outcome::NotConnected(Cause::NotTheOwner);
    let cases = [
        (CAROL, CAROL, Outcome::LoggedIn),
        (CAROL, CAROLS_MAIL, Outcome::LoggedIn),
        (CAROL, "sales@contoso.com", Outcome::LoggedIn),
        // She typed a second sign-in name; the token says the first.
        ("carol.old@contoso.com", CAROLS_MAIL, Outcome::LoggedIn),
        (CAROL, Demo::SUPPORT, Outcome::LoggedIn),
        (CAROL, Demo::BOB, refused()),
        (Demo::BOB, CAROLS_MAIL, refused()),
        (Demo::BOB, CAROL, refused()),
        // A name to sign in with is no mailbox.
        (
            CAROL,
            "carol.old@contoso.com",
            Outcome::Refused(Cause::UnknownMailbox),
        ),
    ];
    for (person, user, expected) in &cases {
        let token = signed_in(&sim, person).await;
        assert_eq!(imap(&sim, user, &token).await, *expected, "{person} opens {user}");
    }
    assert_eq!(cases.len(), 9);
    sim.exchange().takes_aliases.set(false);
    let token = signed_in(&sim, CAROL).await;
    let unknown = Outcome::Refused(Cause::UnknownMailbox);
    assert_eq!(imap(&sim, "sales@contoso.com", &token).await, unknown);
    assert_eq!(imap(&sim, CAROLS_MAIL, &token).await, Outcome::LoggedIn);
}

/// The id token tells the sign-in name from the address.
#[tokio::test]
async fn says_who_has_signed_in() {
    let sim = sim();
    let wanting = |scope: &str| {
        asking_without_secret()
            .with("scope", scope)
            .with("login_hint", CAROL)
    };
    let redeem = |code: String| redeeming_without_secret(&code);
    let everything = format!("email {}", Demo::DELEGATED_SCOPE);
    let form = redeem(code(&sim, &wanting(&everything)).await);
    let id = claims(&token(&sim, Demo::TENANT, &form).await.text("id_token"));
    assert_eq!(
        (&id["preferred_username"], &id["email"]),
        (&CAROL.into(), &CAROLS_MAIL.into())
    );
    assert_eq!(id["oid"], sim.directory().person(CAROL).unwrap().object_id);
    // Who they are is only told to an app that asks for the profile.
    let scope = "openid https://outlook.office.com/IMAP.AccessAsUser.All";
    let form = redeem(code(&sim, &wanting(scope)).await);
    let id = claims(&token(&sim, Demo::TENANT, &form).await.text("id_token"));
    assert!(
        id["oid"].is_null() && id["email"].is_null() && id["tid"].is_string(),
        "{id}"
    );
}

#[tokio::test]
async fn a_person_submits_under_their_own_name() {
    let sim = sim();
    let shared = sim.directory().mailbox(Demo::SUPPORT).unwrap();
    shared.grant(CAROL, Right::FullAccess);
    shared.grant(CAROL, Right::SendAs);
    let token = signed_in(&sim, CAROL).await;
    assert_eq!(smtp(&sim, CAROL, &token).await, Outcome::LoggedIn);
    assert_eq!(smtp(&sim, CAROLS_MAIL, &token).await, Outcome::LoggedIn);
    // The shared mailbox is a sender's address, not a login.
    let as_shared = smtp(&sim, Demo::SUPPORT, &token).await;
    assert!(!matches!(as_shared, Outcome::LoggedIn), "{as_shared:?}");
    let mut smtp = Conversation::tls(&sim, sim.addresses().smtps).await;
    smtp.expect("220").await;
    smtp.send("EHLO test.example").await;
    smtp.until("250 ").await;
    smtp.send("AUTH XOAUTH2").await;
    smtp.expect("334").await;
    smtp.send(&xoauth2(CAROLS_MAIL, &token)).await;
    smtp.expect("235").await;
    for (line, reply) in [
        (format!("MAIL FROM:<{}>", Demo::SUPPORT), "250"),
        (format!("RCPT TO:<{}>", Demo::BOB), "250"),
        ("DATA".to_owned(), "354"),
        (
            format!("From: {}\r\nSubject: x\r\n\r\nHello\r\n.", Demo::SUPPORT),
            "250",
        ),
    ] {
        smtp.send(&line).await;
        smtp.expect(reply).await;
    }
    assert_eq!(sim.exchange().sent().len(), 1);
}

/// Opaque tokens of personal accounts work as well, and other clouds' resources are Exchange too.
#[tokio::test]
async fn the_token_is_for_exchange_whatever_it_looks_like() {
    let sim = sim();
    let names = [
        ("https://outlook.office365.com", true),
        ("https://outlook.office.com", true),
        ("https://outlook.office365.us", true),
        ("https://partner.outlook.cn", true),
        ("00000002-0000-0ff1-ce00-000000000000", true),
        ("https://ps.outlook.com", false),
        ("https://graph.microsoft.com", false),
        ("https://outlook.office.com/", false),
    ];
    for (audience, taken) in names {
        let mut claims = sim
            .entra()
            .user_claims(sim.directory(), Demo::ALICE, &["IMAP.AccessAsUser.All"]);
        claims.audience = audience.to_owned();
        let token = sim.entra().mint(&claims).reveal().to_owned();
        let expected = if taken {
            Outcome::LoggedIn
        } else {
            Outcome::Refused(Cause::WrongAudience)
        };
        assert_eq!(imap(&sim, Demo::ALICE, &token).await, expected, "{audience}");
    }
    assert_eq!(names.len(), 8);
}
