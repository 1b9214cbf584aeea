//! Where mail clients are decides what is typed into them, and how that it works is seen from there.

use super::super::card;
use super::super::next::{self, Known};
use super::super::place::Place;
use super::super::product::Product;
use super::super::way::Way;
use super::choices::answered;
use crate::certificates::Name;

/// osTicket has no field for the security from 1.17 on: it takes it from the beginning of the host name, or from a port that it knows.
#[test]
fn osticket_is_told_the_security_in_front_of_the_host_name() {
    let cases = [
        (
            Place::ThisMachine,
            "Remote Mailbox: Hostname localhost, port 1143; Outgoing (SMTP): Hostname localhost, port 1587 (without ssl:// or tls:// in front",
            "Encryption None",
        ),
        (
            Place::Containers,
            "Hostname saslgate, port 1143; Outgoing (SMTP): Hostname saslgate, port 1587 (without",
            "Encryption None",
        ),
        (
            Place::NetworkTls,
            "Hostname ssl://mail.contoso.com, port 1993; Outgoing (SMTP): Hostname tls://mail.contoso.com, port 1587 (what stands",
            "Encryption SSL",
        ),
        (
            Place::NetworkPlain,
            "Hostname mail.contoso.com, port 1143; Outgoing (SMTP): Hostname mail.contoso.com, port 1587 (without",
            "Encryption None",
        ),
        (
            Place::Internet,
            "Hostname ssl://mail.contoso.com, port 993; Outgoing (SMTP): Hostname ssl://mail.contoso.com, port 465 (what stands",
            "Encryption SSL",
        ),
    ];
    for (place, words, before) in cases {
        let hint = card::hint(&answered(Product::OsTicket, Way::Browser, place));
        assert!(hint.contains(words) && hint.contains(before), "{place:?}: {hint}");
    }
    assert_eq!(cases.len(), Place::ALL.len());
}

/// `openssl s_client` compares no name by itself, and says 0 (ok) for any that the authority signed.
#[test]
fn name_firewall_and_trust_are_proved_from_the_products_machine() {
    let cases = [
        (
            Product::OsTicket,
            "mail.contoso.lan",
            "-connect mail.contoso.lan:1993 -CAfile ca.pem -verify_hostname mail.contoso.lan </dev/null",
            "TCP ports 1993, 1587, open",
        ),
        (
            Product::Device,
            "10.0.0.2",
            "-connect 10.0.0.2:1587 -starttls smtp -CAfile ca.pem -verify_ip 10.0.0.2 </dev/null",
            "TCP port 1587, open",
        ),
        (
            Product::Device,
            "2001:db8::2",
            "-connect [2001:db8::2]:1587 -starttls smtp -CAfile ca.pem -verify_ip 2001:db8::2 </dev/null",
            "TCP port 1587, open",
        ),
    ];
    for (product, name, command, ports) in cases {
        let mut answers = answered(product, Way::AppSecret, Place::NetworkTls);
        answers.host = Some(Name::parse(name).unwrap());
        let steps = next::steps(&answers, &Known::default()).join("\n");
        for word in [
            command,
            ports,
            "`certutil -addstore Root ca.pem` in an elevated prompt",
        ] {
            assert!(steps.contains(word), "{word}: {steps}");
        }
    }
    assert_eq!(cases.len(), 3);
    let here = answered(Product::OsTicket, Way::AppSecret, Place::ThisMachine);
    let steps = next::steps(&here, &Known::default()).join("\n");
    assert!(
        !steps.contains("openssl") && !steps.contains("firewall"),
        "{steps}"
    );
}

/// After "is sound" nobody is to look for what was wrong.
#[test]
fn check_is_for_later_where_it_has_just_found_nothing() {
    let mut answers = answered(Product::Script, Way::AppSecret, Place::ThisMachine);
    let steps = |answers: &_, is_sound| {
        let known = Known {
            is_sound,
            ..Known::default()
        };
        next::steps(answers, &known).join("\n")
    };
    assert!(steps(&answers, false).contains("saslgate check    # nothing is wrong any more"));
    assert!(steps(&answers, true).contains("saslgate check    # after a change in these files"));
    answers.directory = "/etc/saslgate".into();
    assert!(
        steps(&answers, true)
            .contains("saslgate check    # as the user that runs it, now and after a change")
    );
}
