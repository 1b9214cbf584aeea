//! What is said where all goes well, and where the upstream says no.

use super::{Scene, assert_scenes, play, play_whole};
use crate::provider::Protocol::{Imap, Pop3, Smtp};
use crate::provider::UpstreamTls::{Implicit, StartTls};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "Exchange Online of 2026 over IMAP: no capabilities in the greeting, inline token, list behind the login",
        Imap,
        Implicit,
        "S: * OK The Microsoft Exchange IMAP4 service is ready. [TQBSADEAUAA=]
         C: A1 CAPABILITY
         S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+
         S: A1 OK CAPABILITY completed.
         C: A2 AUTHENTICATE XOAUTH2 <token>
         S: A2 OK AUTHENTICATE completed.
         C: A3 CAPABILITY
         C: A4 NAMESPACE
         S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CHILDREN IDLE NAMESPACE LITERAL+
         S: A3 OK CAPABILITY completed.
         S: * NAMESPACE ((\"\" \"/\")) NIL NIL
         S: A4 OK NAMESPACE completed.
         -- welcome [IMAP4, IMAP4rev1, UIDPLUS, MOVE, ID, UNSELECT, CLIENTACCESSRULES, CHILDREN, IDLE, NAMESPACE, LITERAL+] unread \"\" --",
    ),
    Scene::new(
        "Dovecot over IMAP: capabilities in the greeting and in the tagged OK, so nothing is asked twice",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ AUTH=XOAUTH2] Dovecot ready.
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A1 OK [CAPABILITY IMAP4rev1 IDLE NAMESPACE] Logged in
         C: A2 NAMESPACE
         S: * NAMESPACE ((\"\" \"/\")) NIL NIL
         S: A2 OK Namespace completed.
         -- welcome [IMAP4rev1, IDLE, NAMESPACE] unread \"\" --",
    ),
    Scene::new(
        "IMAP without SASL-IR and NAMESPACE: continuation, STATUS; untagged data and a literal pass; the rest stays unread",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] hello
         C: A1 AUTHENTICATE XOAUTH2
         S: +
         C: <token>
         S: * 3 EXISTS
         S: * X {24}
         S: A2 OK this is no reply
         S: ) {0}
         S:
         S: A1 OK done
         C: A2 CAPABILITY
         C: A3 STATUS INBOX (UIDNEXT)
         S: * CAPABILITY IMAP4rev1 IDLE
         S: A2 OK done
         S: * STATUS INBOX (UIDNEXT 7)
         S: A3 OK done
         S: * 4 EXISTS
         -- welcome [IMAP4rev1, IDLE] unread \"* 4 EXISTS\\r\\n\" --",
    ),
    Scene::new(
        "STARTTLS over IMAP: what was announced in clear is asked again",
        Imap,
        StartTls,
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=XOAUTH2] hello
         C: A1 STARTTLS
         S: A1 OK go
         -- TLS --
         C: A2 CAPABILITY
         S: * CAPABILITY IMAP4rev2 SASL-IR AUTH=XOAUTH2
         S: A2 OK done
         C: A3 AUTHENTICATE XOAUTH2 <token>
         S: A3 OK [CAPABILITY IMAP4rev2 IDLE] in
         C: A4 NAMESPACE
         S: A4 OK done
         -- welcome [IMAP4rev2, IDLE] unread \"\" --",
    ),
    Scene::new(
        "OAUTHBEARER over IMAP: the error challenge is answered with U+0001 and never passed on as the reply",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2] hello
         C: A1 AUTHENTICATE OAUTHBEARER <token>
         S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIn0=
         C: AQ==
         S: A1 NO SASL authentication failed
         -- TokenRefused \"NO SASL authentication failed\" {\"status\":\"invalid_token\",\"scope\":\"example_scope\"} --",
    )
    .bearer(),
    Scene::new(
        "XOAUTH2 over IMAP: the error challenge is answered with an empty line",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] Gimap ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: + eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0=
         C:
         S: A1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)
         -- TokenRefused \"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\" {\"status\":\"401\",\"schemes\":\"bearer mac\",\"scope\":\"https://mail.google.com/\"} --",
    ),
    Scene::new(
        "Exchange's green flag: the token is taken and the mailbox does not open",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A1 OK AUTHENTICATE completed.
         C: A2 CAPABILITY
         C: A3 NAMESPACE
         S: A2 BAD User is authenticated but not connected.
         -- NotConnected \"BAD User is authenticated but not connected.\" --",
    ),
    Scene::new(
        "Any other no to the command that needs the mailbox means the same",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A1 OK AUTHENTICATE completed.
         C: A2 CAPABILITY
         C: A3 NAMESPACE
         S: * CAPABILITY IMAP4rev1
         S: A2 OK CAPABILITY completed.
         S: A3 NO no mailbox here
         -- NotConnected \"NO no mailbox here\" --",
    ),
    Scene::new(
        "a token that runs out between the yes and the probe",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] ready
         C: A1 AUTHENTICATE XOAUTH2 <token>
         S: A1 OK AUTHENTICATE completed.
         C: A2 CAPABILITY
         C: A3 NAMESPACE
         S: * BYE Session invalidated - AccessTokenExpired
         -- TokenRefused \"BYE Session invalidated - AccessTokenExpired\" --",
    ),
    Scene::new(
        "an IMAP greeting that is a goodbye",
        Imap,
        Implicit,
        "S: * BYE Too many connections
         -- Limit \"BYE Too many connections\" --",
    ),
    Scene::new(
        "Exchange Online over POP3: always two lines, the list behind the login",
        Pop3,
        Implicit,
        "S: +OK The Microsoft Exchange POP3 service is ready. [UABBADcAUAAyAA==]
         C: CAPA
         S: +OK
         S: TOP
         S: UIDL
         S: SASL PLAIN XOAUTH2
         S: USER
         S: .
         C: AUTH XOAUTH2
         S: +
         C: <token>
         S: +OK User successfully authenticated.
         C: CAPA
         S: +OK
         S: TOP
         S: UIDL
         S: .
         -- welcome [TOP, UIDL] unread \"\" --",
    ),
    Scene::new(
        "POP3 without CAPA, with STLS",
        Pop3,
        StartTls,
        "S: +OK hello
         C: CAPA
         S: -ERR what
         C: STLS
         S: +OK go
         -- TLS --
         C: CAPA
         S: -ERR what
         C: AUTH XOAUTH2
         S: + go
         C: <token>
         S: +OK in
         C: CAPA
         S: -ERR what
         -- welcome [] unread \"\" --",
    ),
    Scene::new(
        "a refused token over POP3",
        Pop3,
        Implicit,
        "S: +OK hello
         C: CAPA
         S: +OK
         S: SASL XOAUTH2
         S: .
         C: AUTH XOAUTH2
         S: +
         C: <token>
         S: -ERR Authentication failure: unknown user name or bad password.
         -- TokenRefused \"-ERR Authentication failure: unknown user name or bad password.\" --",
    ),
    Scene::new(
        "an error challenge over POP3",
        Pop3,
        Implicit,
        "S: +OK hello
         C: CAPA
         S: +OK
         S: SASL OAUTHBEARER
         S: .
         C: AUTH OAUTHBEARER
         S: +
         C: <token>
         S: + eyJzdGF0dXMiOiJpbnN1ZmZpY2llbnRfc2NvcGUifQ==
         C: AQ==
         S: -ERR [AUTH] no
         -- TokenRefused \"-ERR [AUTH] no\" {\"status\":\"insufficient_scope\"} --",
    )
    .bearer(),
    Scene::new(
        "Exchange Online over SMTP",
        Smtp,
        StartTls,
        "S: 220 LO4P302CA0005.outlook.office365.com Microsoft ESMTP MAIL Service ready at Thu, 10 Oct 2024 22:49:55 +0000 [08DCE8B62813AB2B]
         C: EHLO client.example
         S: 250-LO4P302CA0005.outlook.office365.com Hello [203.0.113.7]
         S: 250-SIZE 157286400
         S: 250-PIPELINING
         S: 250-ENHANCEDSTATUSCODES
         S: 250-STARTTLS
         S: 250 SMTPUTF8
         C: STARTTLS
         S: 220 2.0.0 SMTP server ready
         -- TLS --
         C: EHLO client.example
         S: 250-LO4P302CA0005.outlook.office365.com Hello [203.0.113.7]
         S: 250-SIZE 157286400
         S: 250-PIPELINING
         S: 250-AUTH LOGIN XOAUTH2
         S: 250 SMTPUTF8
         C: AUTH XOAUTH2
         S: 334
         C: <token>
         S: 235 2.7.0 Authentication successful
         -- welcome [SIZE 157286400, PIPELINING, SMTPUTF8] unread \"\" --",
    ),
    Scene::new(
        "a greeting of several lines and the old spelling of AUTH",
        Smtp,
        Implicit,
        "S: 220-mail.example
         S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 auth=login xoauth2
         C: AUTH XOAUTH2
         S: 334 
         C: <token>
         S: 235 in
         -- welcome [] unread \"\" --",
    ),
    Scene::new(
        "an error challenge over SMTP, and a verdict of several lines",
        Smtp,
        Implicit,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH XOAUTH2
         C: AUTH XOAUTH2
         S: 334
         C: <token>
         S: 334 eyJzdGF0dXMiOiI0MDAifQ==
         C:
         S: 535-5.7.8 Username and Password not accepted.
         S: 535 5.7.8 See the help page
         -- TokenRefused \"535 5.7.8 Username and Password not accepted. 5.7.8 See the help page\" {\"status\":\"400\"} --",
    ),
    Scene::new(
        "SMTP AUTH is off for the tenant",
        Smtp,
        Implicit,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH XOAUTH2
         C: AUTH XOAUTH2
         S: 334
         C: <token>
         S: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.
         -- Denied \"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.\" --",
    ),
    Scene::new(
        "an SMTP greeting that says no",
        Smtp,
        Implicit,
        "S: 421 4.3.2 Service not active
         -- Temporary \"421 4.3.2 Service not active\" --",
    ),
    Scene::new(
        "nobody says that a token was refused before one was shown",
        Smtp,
        Implicit,
        "S: 535 5.7.3 Authentication unsuccessful
         -- Denied \"535 5.7.3 Authentication unsuccessful\" --",
    ),
    Scene::new(
        "a reply that quotes the token back",
        Smtp,
        Implicit,
        "S: 220 ready
         C: EHLO client.example
         S: 250-mail.example
         S: 250 AUTH XOAUTH2
         C: AUTH XOAUTH2
         S: 334
         C: <token>
         S: 501 5.5.2 Cannot decode eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJvdXRsb29rIn0.c2lnbmF0dXJl (dXNlcj1hQHguZXhhbXBsZQFhdXRo...)
         -- Protocol \"501 5.5.2 Cannot decode *** (***)\" --",
    ),
];

#[test]
fn each_conversation_goes_as_written() {
    assert_scenes(SCENES);
    assert_eq!(SCENES.len(), 21);
}

#[test]
fn the_transcript_shows_who_said_what_without_the_token() {
    let (_, overheard) = play_whole(&SCENES[4]);
    assert_eq!(
        overheard,
        "Peer: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2] hello\n\
         Us: A1 AUTHENTICATE OAUTHBEARER ***\n\
         Peer: + ***\n\
         Us: AQ==\n\
         Peer: A1 NO SASL authentication failed\n"
    );
}

/// Exchange takes IMAP command lines of several kilobytes; a token with hundreds of groups is longer.
#[test]
fn a_token_too_long_for_a_command_line_gets_a_line_of_its_own() {
    let scene = Scene::new(
        "",
        Imap,
        Implicit,
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello
         C: A1 AUTHENTICATE XOAUTH2
         S: +
         C: <token>
         S: A1 NO AUTHENTICATE failed.
         -- TokenRefused \"NO AUTHENTICATE failed.\" --",
    );
    let inline = |length: usize| {
        let said = scene.said_by_upstream();
        let (ours, _) = play(&scene, &[vec![&said[0]]], &"x".repeat(length));
        ours[0] == "C: A1 AUTHENTICATE XOAUTH2 <token>"
    };
    // Of 8,192 bytes, 26 are the command with its space and line end. 8,164 of base64 are 6,123 of message, of which
    // 31 are not token.
    assert!(inline(6092));
    assert!(!inline(6093));
    let said = scene.said_by_upstream();
    assert_eq!(play(&scene, &[vec![&said[0]]], &"x".repeat(8000)).0, scene.ours());
}
