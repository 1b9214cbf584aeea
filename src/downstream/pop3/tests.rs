//! POP3 conversations.

use super::*;
use crate::downstream::conversation::{Conversation, opening};
use crate::wire::MAX_COMMANDS;

fn pop3(tls: TlsState) -> Conversation {
    let mut talk = Conversation::new(Protocol::Pop3, tls);
    talk.play("S: +OK saslgate ready.");
    talk
}

const REFUSED: &str = "-ERR [AUTH] User name or password refused by saslgate. (session s1)";

/// RFC 1939 7 and RFC 2449 5.
#[test]
fn user_and_pass_log_in() {
    pop3(TlsState::Off).play(
        r"
        C: CAPA
        S: +OK Capability list follows.
        S: TOP
        S: UIDL
        S: USER
        S: SASL PLAIN LOGIN
        S: RESP-CODES
        S: AUTH-RESP-CODE
        S: IMPLEMENTATION saslgate
        S: .
        C: USER alice@contoso.com
        S: +OK Now the password.
        C: PASS s3cret
        login: alice@contoso.com / s3cret (UserPass)
        accept: TOP;UIDL
        S: +OK Logged in.
        ",
    );
}

/// mutt, curl and PHP send them raw.
#[test]
fn all_behind_the_first_space_is_the_password() {
    let cases: &[(&[u8], &str)] = &[
        (b"PASS a b  c ", "a b  c "),
        (b"pass  a", " a"),
        (b"PASS \"q\\", r#"\"q\\"#),
        (b"PASS p\xc3\xa9", r"p\xc3\xa9"),
        (b"PASS p\xe9", r"p\xe9"),
        (b"PASS ", ""),
        (b"PASS", ""),
        (b"PASS *", "*"),
    ];
    for (line, password) in cases {
        let mut talk = pop3(TlsState::Off);
        talk.play("C: USER bob \nS: +OK Now the password.");
        talk.send([line, &b"\r\n"[..]].concat());
        talk.expect_login(&format!("bob / {password} (UserPass)"));
    }
    assert_eq!(cases.len(), 8);
}

/// email-oauth2-proxy took RETR for the SASL response.
#[test]
fn commands_in_one_segment_are_not_taken_for_responses() {
    let mut talk = pop3(TlsState::Off);
    talk.send(b"USER bob\r\nPASS pw\r\nSTAT\r\nRETR 1\r\nDE");
    talk.play(
        r"
        S: +OK Now the password.
        login: bob / pw (UserPass)
        accept:
        S: +OK Logged in.
        ",
    );
    assert_eq!(talk.unread(), b"STAT\r\nRETR 1\r\nDE");
}

/// email-oauth2-proxy said goodbye to anything but PASS.
#[test]
fn between_user_and_pass_another_command_may_come() {
    let mut talk = pop3(TlsState::Off);
    talk.play("C: USER alice\nS: +OK Now the password.\nC: NOOP\nS: +OK Done.\nC: CAPA");
    talk.take_said();
    talk.play(
        r"
        C: PASS pw
        login: alice / pw (UserPass)
        refuse: Unavailable
        S: -ERR [SYS/TEMP] The mail provider can't be reached at the moment, try again later. (session s1)
        C: PASS pw
        S: -ERR USER comes first.
        C: USER alice
        S: +OK Now the password.
        C: USER bob
        S: +OK Now the password.
        C: PASS pw
        login: bob / pw (UserPass)
        ",
    );
}

#[test]
fn auth_plain_and_login_with_and_without_initial_response() {
    pop3(TlsState::Off).play(
        r"
        C: AUTH
        S: +OK Mechanisms follow.
        S: PLAIN
        S: LOGIN
        S: .
        C: AUTH PLAIN
        S: + 
        C: AGJvYgBwdw==
        login: bob / pw (Plain)
        refuse: ContactAdmin
        S: -ERR [SYS/PERM] Login is right, but the mailbox can't be opened: ask the administrator of saslgate. (session s1)
        C: auth plain c2hhcmVkAGJvYgBwdw==
        login: bob / pw (Plain) as shared
        ",
    )
    .play("refuse: LimitReached\nS: -ERR [SYS/TEMP] Too many connections or logins, try again later. (session s1)")
    .play(
        r"
        C: AUTH LOGIN
        S: + VXNlcm5hbWU6
        C: Ym9i
        S: + UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login)
        ",
    );
    pop3(TlsState::Off).play(
        r"
        C: AUTH LOGIN Ym9i
        S: + UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login)
        ",
    );
}

/// RFC 5034 4.
#[test]
fn a_cancelled_or_malformed_exchange_is_an_error_and_no_attempt() {
    pop3(TlsState::Off).play(
        r"
        C: AUTH LOGIN
        S: + VXNlcm5hbWU6
        C: Ym9i
        S: + UGFzc3dvcmQ6
        C: *
        S: -ERR Login cancelled. (session s1)
        C: AUTH PLAIN =
        S: -ERR That is not well formed. (session s1)
        C: AUTH PLAIN
        S: + 
        C: AGJvYgBwdw
        S: -ERR That is not well formed. (session s1)
        close: TooManyErrors
        ",
    );
}

#[test]
fn apop_and_other_mechanisms_are_refused_and_named_to_the_operator() {
    let mut talk = pop3(TlsState::Off);
    talk.play("C: APOP bob c4c9334bac560ecc979e58001b3e22fb\nS: -ERR Only PLAIN and LOGIN are offered here. (session s1)");
    assert_eq!(talk.dialogue().unsupported(), Some("APOP"));
    talk.play("C: AUTH NTLM\nS: -ERR Only PLAIN and LOGIN are offered here. (session s1)");
    assert_eq!(talk.dialogue().unsupported(), Some("NTLM"));
}

#[test]
fn malformed_commands_are_errors_and_the_third_is_the_last() {
    let mut talk = pop3(TlsState::Off);
    talk.play("C: USER\nS: -ERR That is not well formed. (session s1)");
    talk.send(format!("USER {}\r\n", "x".repeat(MAX_NAME + 1)));
    talk.play("S: -ERR That is not well formed. (session s1)");
    talk.play("C: USER bob\nS: +OK Now the password.");
    talk.send(format!("PASS {}\r\n", "x".repeat(MAX_PASSWORD + 1)));
    talk.play("S: -ERR That is not well formed. (session s1)\nclose: TooManyErrors");

    pop3(TlsState::Off).play(
        r"
        C: STAT
        S: -ERR Log in first.
        C: <script>
        S: -ERR Unknown command.
        C: CAPA x
        S: -ERR No argument can stand there.
        close: TooManyErrors
        ",
    );
}

#[test]
fn the_last_refused_login_ends_the_session() {
    let mut talk = pop3(TlsState::Off);
    for _ in 0..3 {
        talk.play("C: USER bob\nS: +OK Now the password.\nC: PASS pw");
        talk.play("login: bob / pw (UserPass)\nrefuse: AuthenticationFailed");
        talk.expect_line(REFUSED);
    }
    talk.play("close: TooManyLogins");
}

#[test]
fn quit_and_floods_end_the_session() {
    pop3(TlsState::Off).play("C: quit\nS: +OK Goodbye.\nclose: Goodbye");
    let mut talk = pop3(TlsState::Off);
    for _ in 0..MAX_COMMANDS {
        talk.play("C: NOOP\nS: +OK Done.");
    }
    talk.play("C: NOOP\nS: -ERR Too many commands before a login.\nclose: TooManyErrors");
}

#[test]
fn bare_lf_ends_a_line_and_bare_cr_or_nul_costs_it() {
    let mut talk = pop3(TlsState::Off);
    talk.send(b"USER bob\nPASS pw\n");
    talk.play("S: +OK Now the password.\nlogin: bob / pw (UserPass)");
    let mut talk = pop3(TlsState::Off);
    talk.send(b"USER bo\0b\r\nNOOP\rNOOP\r\nAUTH PLAIN\r\nAGJv\0\r\n");
    talk.play(
        r"
        S: -ERR Bare CR or NUL in a line.
        S: -ERR Bare CR or NUL in a line.
        S: + 
        S: -ERR Bare CR or NUL in a line.
        close: TooManyErrors
        ",
    );
}

#[test]
fn lines_over_their_limit_end_the_session() {
    let mut talk = pop3(TlsState::Off);
    talk.send("x".repeat(MAX_LINE + 2));
    talk.play("S: -ERR Line too long.\nclose: TooLong");
    let mut talk = pop3(TlsState::Off);
    let head = "AUTH PLAIN ";
    talk.send(format!("{head}{}\r\n", "A".repeat(MAX_SASL_LINE - head.len())));
    talk.play("S: -ERR That is not well formed. (session s1)");
    talk.play("C: AUTH PLAIN\nS: + ");
    talk.send(format!("{}\r\n", "A".repeat(MAX_SASL_LINE + 1)));
    talk.play("S: -ERR Line too long.\nclose: TooLong");
}

/// RFC 2595 4.
#[test]
fn where_tls_comes_first_no_password_is_asked_for() {
    let refused = "-ERR TLS is required before a login. (session s1)";
    for tls in [TlsState::Required, TlsState::Unavailable] {
        let mut opening = opening(Protocol::Pop3, tls);
        opening.offer = crate::wire::Offer::default();
        let limits = Limits {
            bad_commands: 9,
            attempts: 1,
        };
        let mut talk = Conversation::open(Protocol::Pop3, opening, limits);
        talk.play("S: +OK saslgate ready.\nC: CAPA");
        let stls = if tls == TlsState::Required { "STLS\n" } else { "" };
        assert_eq!(
            talk.take_said(),
            format!(
                "+OK Capability list follows.\nRESP-CODES\nAUTH-RESP-CODE\n{stls}IMPLEMENTATION saslgate\n.\n"
            )
        );
        for line in [
            "USER bob",
            "PASS hunter2",
            "AUTH",
            "AUTH PLAIN",
            "AUTH PLAIN AGJvYgBwdw==",
            "AUTH NTLM",
        ] {
            talk.play(&format!("C: {line}\nS: {refused}"));
        }
        assert_eq!(talk.dialogue().unsupported(), None);
        assert!(!talk.transcript().contains("hunter2"));
    }
}

#[test]
fn stls_resets_what_was_said_in_clear() {
    let mut talk = pop3(TlsState::Offered);
    talk.play(
        r"
        C: USER mallory
        S: +OK Now the password.
        C: STLS
        S: +OK Begin TLS now.
        tls: up
        C: PASS pw
        S: -ERR USER comes first.
        C: STLS
        S: -ERR TLS is up already.
        C: USER bob
        S: +OK Now the password.
        C: PASS pw
        login: bob / pw (UserPass)
        ",
    );
    pop3(TlsState::Off).play("C: STLS\nS: -ERR STLS is not offered here.");
    let mut talk = pop3(TlsState::Offered);
    talk.send(b"STLS\r\nCAPA\r\n");
    talk.play("S: +OK Begin TLS now.\nclose: PlaintextBeforeTls");
}

#[test]
fn a_promise_is_what_this_mail_client_was_told() {
    let welcome = |lines: &[&str]| Welcome {
        offer: crate::wire::Offer::new(Protocol::Pop3, lines.iter().copied()),
    };
    let mut talk = pop3(TlsState::Off);
    assert_eq!(talk.dialogue().broken_promise(&welcome(&["TOP"])), None);
    talk.play("C: CAPA");
    talk.take_said();
    assert_eq!(
        talk.dialogue().broken_promise(&welcome(&["TOP"])).as_deref(),
        Some("UIDL")
    );
    assert_eq!(
        talk.dialogue()
            .broken_promise(&welcome(&["UIDL", "TOP", "PIPELINING"])),
        None
    );
}

#[test]
fn another_protocols_opening_ends_the_session() {
    for (line, who) in [
        ("GET / HTTP/1.1", "Http"),
        ("a1 LOGIN u p", "Mail(Imap)"),
        ("EHLO x", "Mail(Smtp)"),
    ] {
        pop3(TlsState::Off).play(&format!(
            "C: {line}\nS: -ERR This port speaks POP3 only.\nclose: Foreign({who})"
        ));
    }
}

#[test]
fn a_stop_is_temporary() {
    pop3(TlsState::Off).play(
        r"
        C: USER bob
        S: +OK Now the password.
        C: PASS pw
        login: bob / pw (UserPass)
        refuse: ShuttingDown
        S: -ERR [SYS/TEMP] saslgate is restarting, try again in a moment. (session s1)
        close: Refused
        ",
    );
}

#[test]
fn a_transcript_shows_who_and_never_the_password() {
    let mut talk = pop3(TlsState::Off);
    talk.play(
        r"
        C: USER alice@contoso.com
        S: +OK Now the password.
        C: PASS hunter2
        login: alice@contoso.com / hunter2 (UserPass)
        refuse: AuthenticationFailed
        S: -ERR [AUTH] User name or password refused by saslgate. (session s1)
        C: AUTH PLAIN AGJvYgBodW50ZXIy
        login: bob / hunter2 (Plain)
        refuse: AuthenticationFailed
        S: -ERR [AUTH] User name or password refused by saslgate. (session s1)
        C: PAS hunter2
        S: -ERR Unknown command.
        C: AUTH LOGIN
        S: + VXNlcm5hbWU6
        C: Ym9i
        S: + UGFzc3dvcmQ6
        C: aHVudGVyMg==
        login: bob / hunter2 (Login)
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
            "USER alice@contoso.com",
            "PASS ***",
            "AUTH PLAIN ***",
            "(not understood)",
            "AUTH LOGIN",
            "***",
            "***"
        ]
    );
}
