//! Conversations from the first question to the last.

use super::super::dialogue::Step;
use super::super::place::Place;
use super::super::product::Product;
use super::super::way::{Proof, Way};
use super::talk::{Given, done, play};
use crate::provider::Protocol;

fn gave_up(given: &Given, script: &str) -> &'static str {
    match play(given, script) {
        Step::GaveUp(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn enter_takes_what_suits() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        S: > [6]:
        C:
        S: Can somebody sign in as the mailbox, or is it shared?
        S: [1]
        C:
        S: How may saslgate get its tokens?
        S: 1  A person signs in by browser
        C:
        S: Which tenant?
        C: contoso.onmicrosoft.com
        S: Which protocols?
        S: [imap, smtp]
        C:
        S: Which app registration?
        S: [later]
        C:
        S: Which mailboxes?
        C: alice@contoso.com
        S: 1 so far
        C:
        S: Where does it connect from?
        C:
        S: Into which directory?
        S: [/home/ann/.config/saslgate]
        C:
        S: Write this?
        S: saslgate.toml  the configuration
        S: [yes]
        C: ?
        S: tenant contoso.onmicrosoft.com, client id later, alice@contoso.com
        S: [yes]
        C:
        ",
    );
    assert_eq!(answers.product, Product::MailProgram);
    assert_eq!(answers.way, Way::Browser);
    assert_eq!(answers.tenant, "contoso.onmicrosoft.com");
    assert_eq!(answers.protocols, [Protocol::Imap, Protocol::Smtp]);
    assert_eq!(answers.client_id, None);
    assert_eq!(answers.mailboxes, ["alice@contoso.com"]);
    assert_eq!(answers.place, Place::ThisMachine);
}

/// The secret is asked for unseen, and shows nowhere in what is said afterwards.
#[test]
fn a_secret_is_not_shown() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: script
        C: own
        C: app-secret
        C: contoso.com
        C: imap
        C: 11111111-2222-3333-4444-555555555555
        C: a@contoso.com, b@contoso.com
        C:
        C: this machine
        S: (not shown) > [later]
        C: 0a0b0c0d-1111-2222-3333-444455556666
        S: as the Secret ID is
        C: none
        S: an app that acts for itself proves itself
        C: hunter2~hunter2~hunter2
        S: 23 characters were taken
        S: When does the client secret end?
        C: 1.11.2027
        S: year-month-day
        C: 2027-11-01
        S: Into which directory?
        C: try
        S: In /srv/try
        S: contoso.secret  the client secret
        C: <
        C: <
        C: <
        S: (not shown) > [the one typed before]
        C:
        C:
        C:
        S: Write this?
        C: yes
        ",
    );
    assert_eq!(
        answers.secret.as_ref().unwrap().expose(),
        "hunter2~hunter2~hunter2"
    );
    assert_eq!(answers.secret_expires.as_deref(), Some("2027-11-01"));
    assert_eq!(answers.directory.to_str(), Some("/srv/try"));
    assert!(!format!("{answers:?}").contains("hunter2"));
}

#[test]
fn what_is_wrong_is_said_at_once_and_asked_again() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: 11
        S: there is no 11
        C: fax
        S: one of email-this-issue
        C: oracle
        S: Can somebody sign in as the mailbox, or is it shared?
        C:
        S: How may saslgate get its tokens?
        S: The first is what suits. ? explains all of them.
        C: pigeon
        S: that is no choice: write one of browser
        C: ?
        S: The app itself, with a client secret: nobody signs in, ever
        C: 1
        C: support@contoso.com
        S: is contoso.com a domain of the tenant?
        C: https://portal.azure.com/#view/App/appId/11111111-2222-3333-4444-555555555555
        S: names the app and not the tenant
        C: https://entra.microsoft.com/contoso.com#view/App/appId/11111111-2222-3333-4444-555555555555
        S: Which protocols?
        S: [pop3]
        C: nntp
        S: nntp is none of
        C:
        S: [11111111-2222-3333-4444-555555555555]
        C: Object ID 0a0b0c0d-1111-2222-3333-444455556666
        S: that is the Object ID
        C: ?
        S: What is to be registered
        S: http://localhost:8425/
        S: POP.AccessAsUser.All
        C:
        S: Which mailboxes?
        C:
        S: a mailbox is needed
        C: service@contoso.com
        C: *@contoso.com
        S: every mailbox of a domain
        C: second@contoso.com; third@contoso.com
        S: 3 so far
        C:
        S: Where does it connect from?
        S: [5]
        C:
        S: By which name do they reach this machine?
        C: https://mail.contoso.com/
        S: the host's name alone
        C: desk-7
        S: is known to nobody in the internet
        C: mail.contoso.com
        S: From which addresses?
        S: [later]
        C: 0.0.0.0/0
        S: is everybody
        C: 198.51.100.7
        S: The client secret's Value?
        C: two words
        S: a space is in it
        C:
        S: Into which directory?
        C: /root/x
        S: may not write to /root
        C: /srv/saslgate
        S: Write this?
        S: certs/server.pem
        C: perhaps
        S: yes or no
        C: y
        ",
    );
    assert_eq!(
        answers.client_id.as_deref(),
        Some("11111111-2222-3333-4444-555555555555")
    );
    assert_eq!(answers.mailboxes.len(), 3);
    assert_eq!(answers.place, Place::Internet);
    assert!(answers.secret.is_none());
}

/// Another product brings its own defaults; what does not depend on it stays.
#[test]
fn one_question_back_is_always_possible() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: <
        S: This is the first question
        C: osticket
        C: <
        S: What logs in?
        S: [3]
        C: device
        C:
        S: 1  The app itself, with a client secret
        C: 2
        C: contoso.com
        C: <
        S: [contoso.com]
        C:
        S: [smtp]
        C:
        C:
        C: scanner@contoso.com
        C: <
        S: Which app registration?
        C:
        S: Which mailboxes?
        C: other@contoso.com
        C:
        S: [2]
        C: network-without-tls
        S: [desk-7]
        C:
        S: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]
        C: 8.8.8.8
        S: is reached from the internet
        C: 192.168.1.20
        C:
        S: contoso-app/app.key
        C:
        ",
    );
    assert_eq!(
        (answers.product, answers.way),
        (Product::Device, Way::AppCertificate)
    );
    assert_eq!(answers.mailboxes, ["other@contoso.com"]);
    assert_eq!(answers.networks[0].to_string(), "192.168.1.20/32");
}

/// Sign-in hosts of the US government serve two clouds.
#[test]
fn a_cloud_is_asked_for_where_the_tenant_does_not_tell() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C:
        C:
        C:
        C: https://login.microsoftonline.us/contoso.com/oauth2/v2.0/token
        S: Which cloud is it in?
        S: 2  microsoft365-dod
        C: 2
        C:
        C:
        C: a@contoso.com
        C:
        C:
        C:
        C:
        ",
    );
    assert_eq!(answers.preset.name, "microsoft365-dod");
}

const TO_THE_END: &str = "
        S: What logs in?
        C:
        C:
        C:
        C: contoso.com
        C:
        C:
        C: a@contoso.com
        C:
        C:
        C:
        S: Write this?
";

#[test]
fn a_file_that_is_there_is_not_replaced_unless_somebody_says_so() {
    let given = Given {
        there: vec!["/home/ann/.config/saslgate/saslgate.toml".into()],
        ..Given::default()
    };
    let asked = "S: There already: saslgate.toml. yes replaces it\nS: [no]\n";
    for (answer, is_done) in [("C:", false), ("C: no", false), ("C: yes", true)] {
        let end = play(&given, &format!("{TO_THE_END}{asked}{answer}"));
        match end {
            Step::Done(_) => assert!(is_done, "{answer}"),
            Step::GaveUp(why) => assert!(!is_done && why.contains("nothing was written"), "{answer}: {why}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Wherever the input ends, nothing is written.
#[test]
fn the_end_of_the_input_ends_it() {
    let lines: Vec<_> = TO_THE_END.lines().collect();
    let mut ends = 0;
    for count in 2..lines.len() {
        let script = format!("{}\nC: (end)", lines[..count].join("\n"));
        assert!(
            gave_up(&Given::default(), &script).contains("nothing was written"),
            "{script}"
        );
        ends += 1;
    }
    assert_eq!(ends, 11);
}

#[test]
fn in_the_image_mail_clients_are_in_containers() {
    let given = Given {
        in_container: true,
        ..Given::default()
    };
    let answers = done(&given, &format!("{TO_THE_END}C:"));
    assert_eq!(answers.place, Place::Containers);
}

/// A password of Microsoft's can be guessed at, so strangers are not let near it.
#[test]
fn the_internet_is_not_offered_to_who_types_microsofts_password() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: efecte
        C: own
        S: 1  The product types the mailbox's own Microsoft password
        C:
        C: contoso.com
        C:
        C:
        C: esm@contoso.com
        C:
        C: internet
        S: that is no choice
        C: 5
        S: from 1 to 4
        C: 1
        C:
        C:
        ",
    );
    assert_eq!(answers.way, Way::Password);
}

/// The guide's registration has a secret; somebody else's, of the platform for mobile and desktop applications, has none.
#[test]
fn an_app_without_a_secret_is_a_public_one() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: osticket
        C: own
        C: browser
        C: contoso.com
        C:
        C:
        C: a@contoso.com
        C:
        C:
        S: none: the app has no secret
        C: none
        C: <
        S: (not shown) > [none]
        C:
        S: Into which directory?
        C:
        S: Write this?
        C:
        ",
    );
    assert_eq!(answers.proof, Proof::None);
    assert!(answers.secret.is_none());
}

#[test]
fn whose_addresses_are_not_known_yet_says_later() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: device
        C:
        C:
        C: contoso.com
        C:
        C:
        C: scanner@contoso.com
        C:
        C: network
        C:
        C: later
        C: <
        S: From which addresses?
        S: [later]
        C:
        C:
        C:
        S: Write this?
        C:
        ",
    );
    assert!(answers.networks.is_empty());
}
