//! Everything before and around a login.

use super::*;

#[test]
fn a_line_over_the_limit_ends_the_session() {
    for bytes in [vec![b'x'; MAX_LINE + 2], vec![b'x'; 64 * 1024]] {
        let mut talk = greeted();
        talk.send(bytes);
        talk.play("S: * BYE Line too long.\nclose: TooLong");
    }
}

#[test]
fn id_is_answered_in_every_form() {
    greeted().play(
        r#"
        C: a ID NIL
        S: * ID ("name" "saslgate")
        S: a OK Done.
        C: b ID ("name" "Mail {5}" "version" NIL)
        S: * ID ("name" "saslgate")
        S: b OK Done.
        C: c ID ({4}
        S: + OK
        C: name "x")
        S: * ID ("name" "saslgate")
        S: c OK Done.
        C: d ID
        S: d BAD ID takes a list or NIL.
        "#,
    );
}

#[test]
fn commands_that_have_to_wait_are_bad() {
    greeted().play(
        r"
        C: a ENABLE UTF8=ACCEPT
        S: a BAD Log in first.
        C: b COMPRESS DEFLATE
        S: b BAD Log in first.
        C: c select INBOX
        S: c BAD Log in first.
        S: * BYE Too many bad commands.
        close: TooManyErrors
        ",
    );
}

#[test]
fn logout_says_goodbye() {
    greeted().play(
        r"
        C: a NOOP
        S: a OK Done.
        C: b LOGOUT
        S: * BYE Goodbye.
        S: b OK Done.
        close: Goodbye
        ",
    );
}

#[test]
fn only_a_tag_that_can_be_echoed_is_echoed() {
    let cases: &[(&[u8], &str)] = &[
        (b"<script>alert(1)</script> NOOP", "* BAD That is no command."),
        (b"%s%n NOOP", "* BAD That is no command."),
        (b"a+b NOOP", "* BAD That is no command."),
        (b"\xff NOOP", "* BAD That is no command."),
        (b"hunter2", "* BAD That is no command."),
        (b"", "* BAD That is no command."),
        (b" NOOP", "* BAD That is no command."),
        (b"a.-_!1] NOOP", "a.-_!1] OK Done."),
        (b"a  NOOP", "* BAD That is no command."),
        (b"a NOOP x", "a BAD No argument can stand there."),
        (b"a ((((((", "a BAD Unknown command."),
        (b"a {{{{{{", "a BAD Unknown command."),
    ];
    for (line, reply) in cases {
        let mut talk = greeted();
        talk.send([line, &b"\r\n"[..]].concat());
        talk.expect_line(reply);
    }
    for (length, reply) in [
        (128, "x".repeat(128) + " OK Done."),
        (129, "* BAD That is no command.".into()),
    ] {
        let mut talk = greeted();
        talk.send(format!("{} NOOP\r\n", "x".repeat(length)));
        talk.expect_line(&reply);
    }
    assert_eq!(cases.len(), 12);
}

#[test]
fn a_bare_cr_or_nul_costs_its_line_and_is_never_cut_there() {
    let mut talk = greeted();
    talk.send(b"a NOOP\rb NOOP\r\nc NOOP\r\n");
    talk.play("S: * BAD Bare CR or NUL in a line.\nS: c OK Done.");
    talk.send(b"a LOGIN bo\0b x\r\n");
    talk.play("S: * BAD Bare CR or NUL in a line.");
    talk.play("C: d AUTHENTICATE PLAIN\nS: + ");
    talk.send(b"AGJv\0YgBwdw==\r\n");
    talk.play("S: d BAD Bare CR or NUL in a line.\nS: * BYE Too many bad commands.\nclose: TooManyErrors");
}

/// email-oauth2-proxy hung up on it.
#[test]
fn a_mail_client_that_talks_before_the_greeting_is_heard() {
    let mut dialogue = Imap::new(opening(Protocol::Imap, TlsState::Off), Limits::DEFAULT);
    dialogue.receive(b"a NOOP\r\n");
    assert!(matches!(dialogue.step(), Step::Write(greeting) if greeting.starts_with(b"* OK ")));
    assert!(matches!(dialogue.step(), Step::Write(reply) if reply == b"a OK Done.\r\n"));
}

#[test]
fn after_the_last_refused_login_the_session_ends() {
    let mut talk = greeted();
    let refused = "NO [AUTHENTICATIONFAILED] User name or password refused by saslgate. (session s1)";
    for tag in ["a", "b"] {
        talk.play(&format!(
            "C: {tag} LOGIN u p\nlogin: u / p (LoginCommand)\nrefuse: AuthenticationFailed\nS: {tag} {refused}"
        ));
    }
    talk.play(&format!(
        "C: c LOGIN u p
        login: u / p (LoginCommand)
        refuse: AuthenticationFailed
        S: c {refused}
        S: * BYE Too many refused logins.
        close: TooManyLogins"
    ));
}

#[test]
fn a_flood_of_good_commands_ends_too() {
    let mut talk = greeted();
    for _ in 0..MAX_COMMANDS {
        talk.play("C: a NOOP\nS: a OK Done.");
    }
    talk.play("C: a NOOP\nS: * BYE Too many commands before a login.\nclose: TooManyErrors");
}

#[test]
fn a_stop_is_a_bye_whether_a_login_is_pending_or_not() {
    let bye =
        "S: * BYE [UNAVAILABLE] saslgate is restarting, try again in a moment. (session s1)\nclose: Refused";
    let mut talk = greeted();
    talk.dialogue().shut_down();
    talk.pull();
    talk.play(bye);
    let mut talk = greeted();
    talk.play("C: a LOGIN u p\nlogin: u / p (LoginCommand)\nrefuse: ShuttingDown");
    talk.play(bye);
}

#[test]
fn where_tls_comes_first_no_password_is_read() {
    let refused = "NO [PRIVACYREQUIRED] TLS is required before a login. (session s1)";
    for tls in [TlsState::Required, TlsState::Unavailable] {
        let mut talk = Conversation::open(
            Protocol::Imap,
            opening(Protocol::Imap, tls),
            Limits {
                bad_commands: 9,
                attempts: 1,
            },
        );
        let greeting = talk.take_said();
        assert!(
            greeting.contains(" LOGINDISABLED") && !greeting.contains("AUTH="),
            "{greeting}"
        );
        assert_eq!(
            greeting.contains(" STARTTLS"),
            tls == TlsState::Required,
            "{greeting}"
        );
        for line in [
            "LOGIN bob hunter2",
            "LOGIN {3}",
            "LOGIN",
            "AUTHENTICATE PLAIN",
            "AUTHENTICATE PLAIN AGJvYgBwdw==",
            "AUTHENTICATE CRAM-MD5",
        ] {
            talk.play(&format!("C: a {line}\nS: a {refused}"));
        }
        talk.send(b"a LOGIN bob {14+}\r\nb LOGIN hunt\r\n {3+}\r\nfoo\r\n");
        talk.play(&format!("S: a {refused}"));
        assert_eq!(talk.dialogue().unsupported(), None);
        let transcript = talk.transcript();
        assert!(!transcript.contains("hunt"), "{transcript}");
        assert!(transcript.contains("Peer a LOGIN ***"), "{transcript}");
    }
}

#[test]
fn a_literal_that_comes_although_it_was_refused_is_not_echoed() {
    let limits = Limits {
        bad_commands: 9,
        attempts: 1,
    };
    let opening = opening(Protocol::Imap, TlsState::Required);
    let mut talk = Conversation::open(Protocol::Imap, opening, limits);
    talk.take_said();
    talk.send(b"a LOGIN {3}\r\nbob {9}\r\nhunt er2!\r\n");
    talk.play(
        r"
        S: a NO [PRIVACYREQUIRED] TLS is required before a login. (session s1)
        S: * BAD That is no command.
        S: * BAD That is no command.
        C: b NOOP
        S: b OK Done.
        C: c FOO
        S: c BAD Unknown command.
        ",
    );
    assert!(!talk.transcript().contains("hunt"));
}

/// RFC 3501 6.2.1 and RFC 2595 3.1.
#[test]
fn after_starttls_the_list_is_another_and_a_login_is_taken() {
    let mut talk = imap(TlsState::Required);
    talk.play(
        r"
        S: * OK [CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID IDLE STARTTLS LOGINDISABLED LITERAL-] saslgate ready.
        C: a STARTTLS
        S: a OK Begin TLS now.
        tls: up
        C: b CAPABILITY
        S: * CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID IDLE SASL-IR AUTH=PLAIN AUTH=LOGIN LITERAL-
        S: b OK Done.
        C: c STARTTLS
        S: c BAD TLS is up already.
        C: d LOGIN u p
        login: u / p (LoginCommand)
        ",
    );
}

#[test]
fn optional_tls_offers_both() {
    imap(TlsState::Offered).play(
        r"
        S: * OK [CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID IDLE STARTTLS SASL-IR AUTH=PLAIN AUTH=LOGIN LITERAL-] saslgate ready.
        C: a LOGIN u p
        login: u / p (LoginCommand)
        ",
    );
    greeted().play("C: a STARTTLS\nS: a BAD STARTTLS is not offered here.");
}

/// CVE-2011-0411, CVE-2021-33515.
#[test]
fn bytes_in_clear_behind_starttls_end_the_session() {
    let mut talk = imap(TlsState::Offered);
    talk.take_said();
    talk.send(b"A STARTTLS\r\nXQZVK NOOP\r\n");
    talk.play("S: A OK Begin TLS now.\nclose: PlaintextBeforeTls");

    let mut talk = imap(TlsState::Offered);
    talk.take_said();
    talk.play("C: A STARTTLS\nS: A OK Begin TLS now.");
    talk.dialogue().receive(b"X");
    talk.play("tls: up\nclose: PlaintextBeforeTls");
}

#[test]
fn another_protocols_opening_gets_one_line_and_the_rest_is_not_read() {
    use crate::wire::Foreign;
    let cases: &[(&[u8], Foreign)] = &[
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1143\r\n\r\n", Foreign::Http),
        (b"POST / HTTP/1.1\r\n\r\na LOGIN victim pw\r\n", Foreign::Http),
        (b"Host: x\r\na LOGIN victim pw\r\n", Foreign::Http),
        (b"\x16\x03\x01\x02\x00", Foreign::Tls),
        (b"EHLO <script>\r\n", Foreign::Mail(Protocol::Smtp)),
        (b"USER bob\r\n", Foreign::Mail(Protocol::Pop3)),
        (
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\na LOGIN victim pw\r\n",
            Foreign::ProxyHeader,
        ),
    ];
    for (bytes, foreign) in cases {
        let mut talk = greeted();
        talk.send(bytes);
        talk.play(&format!(
            "S: * BYE This port speaks IMAP only.\nclose: Foreign({foreign:?})"
        ));
    }
    assert_eq!(cases.len(), 7);
    greeted().play("C: a NOOP\nS: a OK Done.\nC: EHLO x\nS: EHLO BAD Unknown command.");
}

#[test]
fn a_transcript_shows_who_and_never_the_password() {
    let mut talk = greeted();
    talk.send(b"a LOGIN alice@contoso.com {7}\r\n");
    talk.play("S: + OK");
    talk.send(b"hunter2\r\n");
    talk.play("login: alice@contoso.com / hunter2 (LoginCommand)\nrefuse: Unavailable");
    talk.take_said();
    talk.send(b"b LOGIN \"al\x1b[2Jice\" \"hunter2\"\r\n");
    talk.play(r"login: al\x1b[2Jice / hunter2 (LoginCommand)");
    talk.play("refuse: Unavailable");
    talk.take_said();
    talk.send(b"c AUTHENTICATE PLAIN AGJvYgBodW50ZXIy\r\n");
    talk.play("login: bob / hunter2 (Plain)\naccept: IMAP4rev1\nS: c OK [CAPABILITY IMAP4rev1] Logged in.");
    let transcript = talk.transcript();
    let heard: Vec<_> = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("Peer "))
        .collect();
    assert_eq!(
        heard,
        [
            "a LOGIN alice@contoso.com {7}",
            "***",
            r"b LOGIN al\u{1b}[2Jice ***",
            "c AUTHENTICATE PLAIN ***",
        ]
    );
    assert!(transcript.ends_with("Us c OK [CAPABILITY IMAP4rev1] Logged in."));
}

#[test]
fn a_transcript_shows_that_something_was_swallowed_and_not_what() {
    let mut talk = greeted();
    talk.send(b"a APPEND INBOX {5+}\r\nhello {5+}\r\nworld\r\n<b> FOO {5+}\r\nhello\r\n");
    talk.play("S: a BAD Log in first.\nS: * BAD That is no command.");
    let transcript = talk.transcript();
    let heard: Vec<_> = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("Peer "))
        .collect();
    assert_eq!(
        heard,
        ["a APPEND {5+}", "*** {5+}", "***", "(not understood) {5+}", "***"]
    );
}
