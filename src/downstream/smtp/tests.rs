//! SMTP conversations.

use super::*;
use crate::downstream::conversation::{Conversation, opening};
use crate::wire::{MAX_COMMANDS, Offer};

const HELLO: &str = "
    S: 250-mail.example.com Hello
    S: 250-SIZE 157286400
    S: 250-PIPELINING
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250 AUTH PLAIN LOGIN
";

fn smtp(tls: TlsState) -> Conversation {
    let mut talk = Conversation::new(Protocol::Smtp, tls);
    talk.play("S: 220 mail.example.com ESMTP saslgate");
    talk
}

/// A conversation behind its EHLO.
fn introduced() -> Conversation {
    let mut talk = smtp(TlsState::Off);
    talk.play("C: EHLO pc.example.com").play(HELLO);
    talk
}

/// RFC 4954 4.
#[test]
fn auth_plain_with_and_without_initial_response() {
    introduced().play(
        r"
        C: AUTH PLAIN
        S: 334 
        C: AGJvYgBwdw==
        login: bob / pw (Plain) from pc.example.com
        refuse: AuthenticationFailed
        S: 535 5.7.8 User name or password refused by saslgate. (session s1)
        C: auth plain c2hhcmVkAGJvYgBwdw==
        login: bob / pw (Plain) as shared from pc.example.com
        accept: SIZE 157286400;PIPELINING;8BITMIME
        S: 235 2.7.0 Logged in.
        ",
    );
}

/// smtplib says the name with the command; old devices compare the prompts with what they know.
#[test]
fn auth_login_with_and_without_the_name_as_initial_response() {
    introduced().play(
        r"
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: Ym9i
        S: 334 UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login) from pc.example.com
        refuse: Unavailable
        S: 454 4.7.0 The mail provider can't be reached at the moment, try again later. (session s1)
        C: AUTH login Ym9i
        S: 334 UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login) from pc.example.com
        ",
    );
}

#[test]
fn auth_works_after_helo_and_not_before() {
    smtp(TlsState::Off).play(
        r"
        C: AUTH PLAIN AGJvYgBwdw==
        S: 503 5.5.1 Send EHLO first.
        C: helo my_pc
        S: 250 mail.example.com
        C: AUTH PLAIN AGJvYgBwdw==
        login: bob / pw (Plain)
        ",
    );
}

/// RFC 4954 4; email-oauth2-proxy asked for the password, or refused it.
#[test]
fn a_cancelled_exchange_is_told_as_one_and_leaves_nothing_behind() {
    introduced().play(
        r"
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: *
        S: 501 5.7.0 Login cancelled. (session s1)
        C: AUTH LOGIN Ym9i
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0 Login cancelled. (session s1)
        C: AUTH PLAIN
        S: 334 
        C: *
        S: 501 5.7.0 Login cancelled. (session s1)
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YWxpY2U=
        S: 334 UGFzc3dvcmQ6
        C: cHc=
        login: alice / pw (Login) from pc.example.com
        ",
    );
}

/// email-oauth2-proxy dropped the connection without a word.
#[test]
fn a_latin_1_password_in_auth_login_is_asked_about_as_it_came() {
    introduced().play(
        r"
        C: AUTH LOGIN Ym9i
        S: 334 UGFzc3dvcmQ6
        C: cOk=
        login: bob / p\xe9 (Login) from pc.example.com
        ",
    );
}

/// email-oauth2-proxy passed everything on as it came once EHLO had failed, passwords included.
#[test]
fn an_ehlo_that_fails_does_not_let_what_follows_through() {
    let mut talk = smtp(TlsState::Off);
    talk.send(b"EHLO \0\r\nAUTH PLAIN AGJvYgBwdw==\r\nMAIL FROM:<a@x>\r\n");
    talk.play(
        r"
        S: 500 5.5.2 Bare CR or NUL in a line.
        S: 503 5.5.1 Send EHLO first.
        S: 530 5.7.0 Authentication required.
        ",
    );
}

#[test]
fn malformed_auth_is_501_and_no_attempt() {
    let mut talk = introduced();
    for line in [
        "AUTH",
        "AUTH PLAIN =",
        "AUTH PLAIN dQBw",
        "AUTH PLAIN AGJvYgBwdw",
        "AUTH PLAIN AGJv YgBwdw==",
        "AUTH LOGIN =",
    ] {
        talk.play(&format!(
            "C: {line}\nS: 501 5.5.2 That is not well formed. (session s1)"
        ));
    }
    talk.play("C: AUTH PLAIN\nS: 334 \nC: AAAA\nS: 501 5.5.2 That is not well formed. (session s1)");
    talk.play("C: AUTH PLAIN AGJvYgBwdw==\nlogin: bob / pw (Plain) from pc.example.com");
}

#[test]
fn other_mechanisms_are_refused_and_named_to_the_operator() {
    let mut talk = introduced();
    for (line, name) in [
        ("AUTH CRAM-MD5", Some("CRAM-MD5")),
        ("AUTH XOAUTH2 dXNlcj1ib2I=", Some("XOAUTH2")),
        ("AUTH ntlm", Some("NTLM")),
        ("AUTH AGJvYgBwdw==", None),
    ] {
        talk.play(&format!(
            "C: {line}\nS: 504 5.5.4 Only PLAIN and LOGIN are offered here. (session s1)"
        ));
        assert_eq!(talk.dialogue().unsupported(), name);
    }
    talk.play("C: AUTH XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    talk.play("S: 504 5.5.4 Only PLAIN and LOGIN are offered here. (session s1)");
    assert_eq!(talk.dialogue().unsupported(), None);
}

#[test]
fn the_other_commands_are_answered() {
    introduced().play(
        r"
        C: noop x
        S: 250 2.0.0 Done.
        C: RSET
        S: 250 2.0.0 Done.
        C: VRFY bob
        S: 252 2.5.0 Send it and see.
        C: HELP
        S: 214 2.0.0 Log in with AUTH PLAIN or AUTH LOGIN.
        C: EXPN staff
        S: 502 5.5.1 Not implemented here.
        C: XCLIENT LOGIN=admin
        S: 502 5.5.1 Not implemented here.
        C: <script>
        S: 500 5.5.1 Unknown command.
        C: QUIT
        S: 221 2.0.0 Goodbye.
        close: Goodbye
        ",
    );
}

#[test]
fn mail_waits_for_the_login() {
    introduced().play(
        r"
        C: mail FROM:<a@example.com>
        S: 530 5.7.0 Authentication required.
        C: RCPT TO:<b@example.com>
        S: 530 5.7.0 Authentication required.
        C: DATA
        S: 530 5.7.0 Authentication required.
        ",
    );
}

/// RFC 3030 2: the bytes of the mail are on their way already.
#[test]
fn a_mail_that_came_before_the_login_is_never_read_as_commands() {
    let mut talk = introduced();
    talk.send(b"BDAT 30 LAST\r\nAUTH PLAIN AGV2aWwAcHc=\r\n");
    talk.play(
        r#"
        S: 530 5.7.0 Authentication required.
        S: 421 4.7.0 Mail came before the login.
        close: Protocol("BDAT came before the login")
        "#,
    );
}

#[test]
fn what_follows_the_login_in_one_segment_is_left_for_upstream() {
    let mut talk = smtp(TlsState::Off);
    talk.send(b"EHLO pc\r\nAUTH PLAIN AGJvYgBwdw==\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDA");
    talk.play(HELLO);
    talk.play("login: bob / pw (Plain) from pc\naccept:\nS: 235 2.7.0 Logged in.");
    assert_eq!(talk.unread(), b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDA");
}

/// RFC 3207 4 and 4.2.
#[test]
fn where_tls_comes_first_no_password_is_read() {
    let mut talk = smtp(TlsState::Required);
    talk.play(
        r"
        C: EHLO pc
        S: 250-mail.example.com Hello
        S: 250-SIZE 157286400
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-ENHANCEDSTATUSCODES
        S: 250 STARTTLS
        C: AUTH PLAIN AGJvYgBodW50ZXIy
        S: 530 5.7.0 TLS is required before a login. (session s1)
        C: AUTH LOGIN
        S: 530 5.7.0 TLS is required before a login. (session s1)
        C: AUTH CRAM-MD5
        S: 530 5.7.0 TLS is required before a login. (session s1)
        C: MAIL FROM:<a@x>
        S: 530 5.7.0 Must issue a STARTTLS command first.
        C: STARTTLS now
        S: 501 5.5.4 No argument can stand there.
        C: STARTTLS
        S: 220 2.0.0 Begin TLS now.
        tls: up
        C: STARTTLS
        S: 503 5.5.1 TLS is up already.
        C: AUTH PLAIN AGJvYgBwdw==
        login: bob / pw (Plain)
        ",
    );
    assert_eq!(talk.dialogue().unsupported(), None);
    assert!(!talk.transcript().contains("hunter2"));

    smtp(TlsState::Unavailable).play(
        r"
        C: EHLO pc
        S: 250-mail.example.com Hello
        S: 250-SIZE 157286400
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250 ENHANCEDSTATUSCODES
        C: AUTH LOGIN
        S: 530 5.7.0 TLS is required before a login. (session s1)
        C: MAIL FROM:<a@x>
        S: 530 5.7.0 Authentication required.
        C: STARTTLS
        S: 502 5.5.1 STARTTLS is not offered here.
        ",
    );
}

/// CVE-2011-0411, CVE-2014-3556.
#[test]
fn bytes_in_clear_behind_starttls_end_the_session() {
    let mut talk = smtp(TlsState::Offered);
    talk.play("C: EHLO x");
    assert!(talk.take_said().ends_with("250-STARTTLS\n250 AUTH PLAIN LOGIN\n"));
    talk.send(b"STARTTLS\r\nEHLO injected\r\n");
    talk.play("S: 220 2.0.0 Begin TLS now.\nclose: PlaintextBeforeTls");
}

#[test]
fn a_promise_is_what_this_mail_client_was_told() {
    let welcome = |lines: &[&str]| Welcome {
        offer: Offer::new(Protocol::Smtp, lines.iter().copied()),
    };
    let kept = welcome(&["8BITMIME", "PIPELINING", "SIZE 157286400", "DSN"]);
    let broken = welcome(&["PIPELINING", "8BITMIME", "SIZE 35000000"]);
    let mut talk = smtp(TlsState::Off);
    talk.play("C: HELO x\nS: 250 mail.example.com");
    assert_eq!(talk.dialogue().broken_promise(&broken), None);
    talk.play("C: EHLO x").play(HELLO);
    assert_eq!(talk.dialogue().broken_promise(&kept), None);
    assert_eq!(
        talk.dialogue().broken_promise(&broken).as_deref(),
        Some("SIZE 157286400")
    );
}

#[test]
fn our_own_keywords_are_said_once() {
    let mut opening = opening(Protocol::Smtp, TlsState::Off);
    opening.offer = Offer::new(Protocol::Smtp, ["EnhancedStatusCodes", "DSN"]);
    let mut talk = Conversation::open(Protocol::Smtp, opening, Limits::SMTP);
    talk.play(
        r"
        S: 220 mail.example.com ESMTP saslgate
        C: ehlo
        S: 250-mail.example.com Hello
        S: 250-EnhancedStatusCodes
        S: 250-DSN
        S: 250 AUTH PLAIN LOGIN
        ",
    );
}

#[test]
fn budgets_end_with_421() {
    let mut talk = smtp(TlsState::Off);
    for _ in 0..9 {
        talk.play("C: FOO\nS: 500 5.5.1 Unknown command.");
    }
    talk.play(
        "C: FOO\nS: 500 5.5.1 Unknown command.\nS: 421 4.7.0 Too many bad commands.\nclose: TooManyErrors",
    );

    let mut talk = introduced();
    for _ in 0..2 {
        talk.play(
            "C: AUTH PLAIN AGJvYgBwdw==\nlogin: bob / pw (Plain) from pc.example.com\nrefuse: ContactAdmin",
        );
        talk.play("S: 454 4.7.0 Login is right, but the mailbox can't be opened: ask the administrator of saslgate. (session s1)");
    }
    talk.play(
        "C: AUTH PLAIN AGJvYgBwdw==\nlogin: bob / pw (Plain) from pc.example.com\nrefuse: LimitReached",
    );
    talk.play("S: 454 4.7.0 Too many connections or logins, try again later. (session s1)");
    talk.play("S: 421 4.7.0 Too many refused logins.\nclose: TooManyLogins");

    let mut talk = smtp(TlsState::Off);
    for _ in 0..MAX_COMMANDS {
        talk.play("C: NOOP\nS: 250 2.0.0 Done.");
    }
    talk.play("C: NOOP\nS: 421 4.7.0 Too many commands before a login.\nclose: TooManyErrors");
}

#[test]
fn lines_over_their_limit_end_the_session() {
    let mut talk = introduced();
    talk.send("x".repeat(MAX_LINE + 2));
    talk.play("S: 500 5.5.2 Line too long.\nclose: TooLong");

    let head = "AUTH PLAIN ";
    let mut talk = introduced();
    talk.send(format!("{head}{}\r\n", "A".repeat(MAX_SASL_LINE - head.len())));
    talk.play("S: 501 5.5.2 That is not well formed. (session s1)");
    talk.send(format!(
        "{head}{}\r\n",
        "A".repeat(MAX_SASL_LINE - head.len() + 1)
    ));
    talk.play("S: 500 5.5.6 Line too long.\nclose: TooLong");

    let mut talk = introduced();
    talk.play("C: AUTH PLAIN\nS: 334 ");
    talk.send("A".repeat(MAX_SASL_LINE + 2));
    talk.play("S: 500 5.5.6 Line too long.\nclose: TooLong");
}

#[test]
fn bare_lf_ends_a_line_and_bare_cr_or_nul_costs_it() {
    let mut talk = smtp(TlsState::Off);
    talk.send(b"EHLO a\nAUTH PLAIN AGJvYgBwdw==\n");
    talk.play(HELLO).play("login: bob / pw (Plain) from a");

    let mut talk = introduced();
    talk.send(b"NOOP\rNOOP\r\nNO\0OP\r\nAUTH PLAIN\r\nAGJv\0\r\nNOOP\r\n");
    talk.play(
        r"
        S: 500 5.5.2 Bare CR or NUL in a line.
        S: 500 5.5.2 Bare CR or NUL in a line.
        S: 334 
        S: 501 5.5.2 Bare CR or NUL in a line.
        S: 250 2.0.0 Done.
        ",
    );
}

#[test]
fn another_protocols_opening_ends_the_session() {
    for (line, who) in [
        ("POST / HTTP/1.1", "Http"),
        ("a1 LOGIN u p", "Mail(Imap)"),
        ("CAPA", "Mail(Pop3)"),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2", "ProxyHeader"),
    ] {
        smtp(TlsState::Off).play(&format!(
            "C: {line}\nS: 421 4.7.0 This port speaks SMTP only.\nclose: Foreign({who})"
        ));
    }
    introduced().play("C: PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nS: 502 5.5.1 Not implemented here.");
}

#[test]
fn a_stop_is_421() {
    introduced().play(
        r"
        C: AUTH PLAIN AGJvYgBwdw==
        login: bob / pw (Plain) from pc.example.com
        refuse: ShuttingDown
        S: 421 4.3.2 saslgate is restarting, try again in a moment. (session s1)
        close: Refused
        ",
    );
}

#[test]
fn a_transcript_shows_who_and_never_the_password() {
    let mut talk = introduced();
    talk.play("C: AUTH PLAIN AGJvYgBodW50ZXIy\nlogin: bob / hunter2 (Plain) from pc.example.com\nrefuse: Unavailable");
    talk.take_said();
    talk.play(
        r"
        C: AUTH AGJvYgBodW50ZXIy
        S: 504 5.5.4 Only PLAIN and LOGIN are offered here. (session s1)
        C: hunter2
        S: 500 5.5.1 Unknown command.
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: Ym9i
        S: 334 UGFzc3dvcmQ6
        C: aHVudGVyMg==
        login: bob / hunter2 (Login) from pc.example.com
        ",
    );
    let transcript = talk.transcript();
    let heard: Vec<_> = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("Peer "))
        .collect();
    assert_eq!(
        heard,
        [
            "EHLO pc.example.com",
            "AUTH PLAIN ***",
            "AUTH ***",
            "(not understood)",
            "AUTH LOGIN",
            "***",
            "***"
        ]
    );
}
