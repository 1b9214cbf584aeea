//! Upstreams that must not get a token: TLS stripped, promises forged in clear, answers in advance.

use super::{Scene, assert_scenes};
use crate::provider::Protocol::{Imap, Pop3, Smtp};
use crate::provider::UpstreamTls::{Implicit, StartTls};

pub(super) const SCENES: &[Scene] = &[
    // Response injection (CVE-2021-38371 and its kin): bytes behind the yes to STARTTLS came in clear.
    Scene::new(
        "SMTP, EHLO reply in advance",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 220 go
         S: 250-x
         S: 250 AUTH LOGIN PLAIN
         -- closed: bytes in clear followed STARTTLS --",
    ),
    Scene::new(
        "IMAP, alert in advance",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
         C: A1 STARTTLS
         S: A1 OK go
         S: * OK [ALERT] x
         -- closed: bytes in clear followed STARTTLS --",
    ),
    Scene::new(
        "POP3, yes in advance",
        Pop3,
        StartTls,
        "S: +OK ready
         C: CAPA
         S: +OK
         S: STLS
         S: .
         C: STLS
         S: +OK
         S: +OK
         -- closed: bytes in clear followed STARTTLS --",
    ),
    // Stripped: not announced, or refused in whichever way.
    Scene::new(
        "SMTP, not announced",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH XOAUTH2
         -- closed: upstream does not announce STARTTLS --",
    ),
    Scene::new(
        "IMAP, not announced",
        Imap,
        StartTls,
        "S: * OK ready
         C: A1 CAPABILITY
         S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR
         S: A1 OK done
         -- closed: upstream does not announce STARTTLS --",
    ),
    Scene::new(
        "POP3, not announced",
        Pop3,
        StartTls,
        "S: +OK ready
         C: CAPA
         S: +OK
         S: SASL XOAUTH2
         S: .
         -- closed: upstream does not announce STLS --",
    ),
    Scene::new(
        "SMTP, 454",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 454 TLS not available
         -- Temporary \"454 TLS not available\" --",
    ),
    Scene::new(
        "SMTP, 500",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 500 what
         -- Protocol \"500 what\" --",
    ),
    Scene::new(
        "SMTP, 502",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 502 5.5.1 no
         -- Protocol \"502 5.5.1 no\" --",
    ),
    Scene::new(
        "SMTP, another yes",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 250 fine
         -- closed: upstream's reply does not fit the command --",
    ),
    Scene::new(
        "SMTP, a challenge",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         S: 334
         -- closed: upstream's reply does not fit the command --",
    ),
    Scene::new(
        "IMAP, NO",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
         C: A1 STARTTLS
         S: A1 NO not now
         -- Protocol \"NO not now\" --",
    ),
    Scene::new(
        "IMAP, BAD",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
         C: A1 STARTTLS
         S: A1 BAD what
         -- Protocol \"BAD what\" --",
    ),
    Scene::new(
        "IMAP, a continuation",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
         C: A1 STARTTLS
         S: + continue
         -- closed: upstream asks for more where nothing is left to say --",
    ),
    Scene::new(
        "IMAP, goodbye",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
         C: A1 STARTTLS
         S: * BYE no
         -- Temporary \"BYE no\" --",
    ),
    Scene::new(
        "POP3, -ERR",
        Pop3,
        StartTls,
        "S: +OK ready
         C: CAPA
         S: -ERR what
         C: STLS
         S: -ERR what
         -- Protocol \"-ERR what\" --",
    ),
    Scene::new(
        "POP3, a continuation",
        Pop3,
        StartTls,
        "S: +OK ready
         C: CAPA
         S: -ERR what
         C: STLS
         S: + go
         -- closed: upstream asks for more where nothing is left to say --",
    ),
    Scene::new(
        "SMTP, silence",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 STARTTLS
         C: STARTTLS
         -- closed: the peer closed the connection --",
    ),
    // Somebody else's session.
    Scene::new(
        "PREAUTH in clear",
        Imap,
        StartTls,
        "S: * PREAUTH [CAPABILITY IMAP4rev1] hi
         -- closed: upstream claims that the login is done (PREAUTH) --",
    ),
    Scene::new(
        "PREAUTH under TLS",
        Imap,
        Implicit,
        "S: * PREAUTH [CAPABILITY IMAP4rev1] hi
         -- closed: upstream claims that the login is done (PREAUTH) --",
    ),
    // Referrals are words, nothing is done about them.
    Scene::new(
        "a referral instead of a verdict",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A1 NO [REFERRAL IMAP://;AUTH=*@attacker.example/] x
         -- Denied \"NO [REFERRAL IMAP://;AUTH=*@attacker.example/] x\" --",
    ),
    Scene::new(
        "a referral as a goodbye",
        Imap,
        Implicit,
        "S: * BYE [REFERRAL IMAP://attacker.example/] moved
         -- Denied \"BYE [REFERRAL IMAP://attacker.example/] moved\" --",
    ),
    // Announced in clear, not under TLS.
    Scene::new(
        "IMAP, the mechanism forged in clear",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=XOAUTH2] ready
         C: A1 STARTTLS
         S: A1 OK go
         -- TLS --
         C: A2 CAPABILITY
         S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN
         S: A2 OK done
         -- closed: upstream does not announce the mechanism that says tokens --",
    ),
    Scene::new(
        "POP3, the mechanism forged in clear",
        Pop3,
        StartTls,
        "S: +OK ready
         C: CAPA
         S: +OK
         S: STLS
         S: SASL XOAUTH2
         S: .
         C: STLS
         S: +OK go
         -- TLS --
         C: CAPA
         S: +OK
         S: SASL PLAIN
         S: .
         -- closed: upstream does not announce the mechanism that says tokens --",
    ),
    Scene::new(
        "SMTP, the mechanism forged in clear",
        Smtp,
        StartTls,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250-AUTH XOAUTH2
         S: 250 STARTTLS
         C: STARTTLS
         S: 220 go
         -- TLS --
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH LOGIN
         -- closed: upstream does not announce the mechanism that says tokens --",
    ),
    Scene::new(
        "IMAP, no list at all under TLS",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=XOAUTH2] ready
         C: A1 STARTTLS
         S: A1 OK go
         -- TLS --
         C: A2 CAPABILITY
         S: A2 OK done
         -- closed: upstream named no capabilities --",
    ),
    // Yes without a question.
    Scene::new(
        "IMAP, OK before the token",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready
         C: A1 AUTHENTICATE XOAUTH2
         S: A1 OK you are in
         -- closed: upstream accepted what was not offered --",
    ),
    Scene::new(
        "POP3, +OK before the token",
        Pop3,
        Implicit,
        "S: +OK ready
         C: CAPA
         S: -ERR what
         C: AUTH XOAUTH2
         S: +OK you are in
         -- closed: upstream accepted what was not offered --",
    ),
    Scene::new(
        "SMTP, 235 before the token",
        Smtp,
        Implicit,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH XOAUTH2
         C: AUTH XOAUTH2
         S: 235 you are in
         -- closed: upstream's reply does not fit the command --",
    ),
    Scene::new(
        "IMAP, an answer to another's command",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A7 OK you are in
         -- closed: upstream answered a command that was not given --",
    ),
    // Another protocol's server.
    Scene::new(
        "SMTP on the IMAP port",
        Imap,
        Implicit,
        "S: 220 mail.example ESMTP
         -- closed: upstream said what is not IMAP --",
    ),
    Scene::new(
        "POP3 on the SMTP port",
        Smtp,
        Implicit,
        "S: +OK ready
         -- closed: upstream said what is not SMTP --",
    ),
    Scene::new(
        "HTTP on the POP3 port",
        Pop3,
        Implicit,
        "S: HTTP/1.1 400 Bad Request
         -- closed: upstream said what is not POP3 --",
    ),
    Scene::new(
        "SMTP, two codes in one reply",
        Smtp,
        Implicit,
        "S: 220-ready
         S: 554 no
         -- closed: upstream changed the code within a reply --",
    ),
];

#[test]
fn none_of_them_gets_a_token() {
    assert_scenes(SCENES);
    assert_eq!(SCENES.len(), 34);
    let shown = SCENES
        .iter()
        .filter(|scene| scene.script.contains("<token>"))
        .count();
    assert_eq!(shown, 2, "the scenes that are about the verdict");
}
