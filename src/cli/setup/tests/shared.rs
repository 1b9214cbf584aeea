//! Conversations about shared mailboxes, as which nobody can sign in.

use super::super::way::Way;
use super::talk::{Given, done};

/// Entra ID refuses a sign-in as a shared mailbox (AADSTS50057), whoever knows its password.
#[test]
fn a_shared_mailbox_has_somebody_who_signs_in_for_it() {
    let answers = done(
        &Given::default(),
        "
        S: What logs in?
        C: mail-program
        S: Can somebody sign in as the mailbox, or is it shared?
        C: shared
        S: How may saslgate get its tokens?
        S: 1  A person signs in by browser
        S: needs a person with Full Access
        C: browser
        S: Who signs in for it?
        C:
        S: a mailbox is needed
        C: alice@contoso.com, bob@contoso.com
        S: one person signs in
        C: alice@contoso.com
        S: Which tenant?
        C: contoso.com
        C:
        C:
        C: team@contoso.com
        C:
        C:
        C:
        S: Write this?
        C:
        ",
    );
    assert_eq!(answers.signs_in_as.as_deref(), Some("alice@contoso.com"));
    assert_eq!(answers.way, Way::Browser);
}

/// Nobody has to be there for a helpdesk's mailbox if the app opens it, so that is proposed.
#[test]
fn a_helpdesks_shared_mailbox_is_opened_by_the_app() {
    let script = |way: &str| {
        format!(
            "
            S: What logs in?
            C: efecte
            C: 2
            S: 1  The app itself, with a client secret
            S: 2  The app itself, with a certificate
            C: password
            S: that is no choice: write one of app-secret, app-certificate, browser, device-code
            {way}
            C: contoso.com
            C:
            C:
            C: esm@contoso.com
            C:
            C:
            "
        )
    };
    let given = Given::default();
    let by_app = done(
        &given,
        &(script("C:") + "S: The client secret's Value?\nC:\nC:\nC:"),
    );
    assert_eq!((by_app.way, by_app.signs_in_as), (Way::AppSecret, None));
    let by_person = done(
        &given,
        &(script("C: browser\nS: Who signs in for it?\nC: alice@contoso.com") + "C:\nC:"),
    );
    assert_eq!(by_person.way, Way::Browser, "there is no password to type");
    assert_eq!(by_person.signs_in_as.as_deref(), Some("alice@contoso.com"));
    let after_all = "C: browser\nC: nobody\n\
        S: This replaces \"A person signs in by browser, once for each mailbox\" by \"The app itself, with a client secret\".";
    let by_nobody = done(
        &given,
        &(script(after_all) + "S: The client secret's Value?\nC:\nC:\nC:"),
    );
    assert_eq!((by_nobody.way, by_nobody.signs_in_as), (Way::AppSecret, None));
}
