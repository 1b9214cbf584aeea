//! LOGIN in every form, and what follows it.

use super::*;

/// RFC 3501 8.
#[test]
fn a_login_is_asked_about_and_let_in_with_upstreams_list() {
    let mut talk = greeted();
    talk.play(
        r"
        C: a1 CAPABILITY
        S: * CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID IDLE SASL-IR AUTH=PLAIN AUTH=LOGIN LITERAL-
        S: a1 OK Done.
        C: a2 LOGIN alice@contoso.com s3cret
        login: alice@contoso.com / s3cret (LoginCommand)
        accept: IMAP4rev1 IDLE LITERAL+ LOGINDISABLED AUTH=XOAUTH2 STARTTLS
        S: a2 OK [CAPABILITY IMAP4rev1 IDLE LITERAL+] Logged in.
        ",
    );
    assert_eq!(talk.unread(), b"");
}

/// RFC 3501 7.1: what has to be shown is a status response of its own, in front of the tagged one.
#[test]
fn a_notice_stands_in_front_of_the_yes() {
    let mut talk = greeted();
    talk.send(b"a LOGIN u p\r\nb SELECT INBOX\r\n");
    talk.play(
        r"
        login: u / p (LoginCommand)
        remind: alice@contoso.com
        accept: IMAP4rev1
        S: * OK [ALERT] The sign-in of alice@contoso.com has ended or will end soon: ask the administrator of saslgate for a sign-in link, or mail will stop.
        S: a OK [CAPABILITY IMAP4rev1] Logged in.
        ",
    );
    assert_eq!(talk.unread(), b"b SELECT INBOX\r\n");
}

/// RFC 3501 9: text is of ASCII characters, and a mail client may choke on others.
#[test]
fn a_notice_is_ascii() {
    greeted().play(
        r"
        C: a AUTHENTICATE PLAIN
        S: + 
        C: AHUAcA==
        login: u / p (Plain)
        remind: zoë@contoso.com
        accept: IMAP4rev1
        S: * OK [ALERT] The sign-in of this mailbox has ended or will end soon: ask the administrator of saslgate for a sign-in link, or mail will stop.
        S: a OK [CAPABILITY IMAP4rev1] Logged in.
        ",
    );
}

#[test]
fn without_a_list_from_upstream_the_ok_carries_no_code() {
    greeted().play(
        r"
        C: a LOGIN u p
        login: u / p (LoginCommand)
        accept:
        S: a OK Logged in.
        ",
    );
}

#[test]
fn what_follows_the_login_in_one_segment_is_left_for_upstream() {
    let mut talk = greeted();
    talk.send(b"a LOGIN u p\r\nb SELECT INBOX\r\nc NO");
    talk.play(
        r"
        login: u / p (LoginCommand)
        accept: IMAP4rev1
        S: a OK [CAPABILITY IMAP4rev1] Logged in.
        ",
    );
    assert_eq!(talk.unread(), b"b SELECT INBOX\r\nc NO");
}

/// Ruby's net-imap writes a command in many segments.
#[test]
fn a_command_may_come_in_single_bytes() {
    let mut talk = greeted();
    for byte in b"RUBY0001 LOGIN u \"p q\"\r\n" {
        talk.send([*byte]);
    }
    talk.play(
        r"
        login: u / p q (LoginCommand)
        refuse: AuthenticationFailed
        S: RUBY0001 NO [AUTHENTICATIONFAILED] User name or password refused by saslgate. (session s1)
        ",
    );
}

#[test]
fn every_form_of_login_arguments_is_the_same_login() {
    let forms: &[(&[u8], &str)] = &[
        (b"a LOGIN bob pw", "bob / pw"),
        (b"a login bob pw ", "bob / pw"),
        (b"a LOGIN \"bob\" \"pw\"", "bob / pw"),
        (b"a LOGIN bob \"pw\"", "bob / pw"),
        (b"a LOGIN {3}\r\nbob {2}\r\npw", "bob / pw"),
        (b"a LOGIN {3+}\r\nbob {2+}\r\npw", "bob / pw"),
        (b"a LOGIN {3+}\r\nbob pw", "bob / pw"),
        (b"a LOGIN \"b\\\"ob\" \"p\\\\w\"", r#"b\"ob / p\\w"#),
        (b"a LOGIN bob \"\"", "bob / "),
        (b"a LOGIN {0+}\r\n {0+}\r\n", " / "),
        (b"a LOGIN \"a b\" \"c  d\"", "a b / c  d"),
        (b"a LOGIN bob \"pass{5}\"", "bob / pass{5}"),
        (b"a LOGIN bob \"pass {5}\"", "bob / pass {5}"),
        (b"a LOGIN bob pass{5}", "bob / pass{5}"),
        (b"a LOGIN bob p%w*(]\"", r#"bob / p%w*(]\""#),
        (b"a LOGIN bob ({5}", "bob / ({5}"),
        (b"a LOGIN bob p\xc3\xa9", r"bob / p\xc3\xa9"),
        (b"a LOGIN bob \"p\xe9\"", r"bob / p\xe9"),
        (b"a LOGIN bob {5+}\r\n\r\n\"\\\x80", r#"bob / \r\n\"\\\x80"#),
        (b"a LOGIN bob {4+}\r\n {1}", "bob /  {1}"),
    ];
    for (bytes, login) in forms {
        let mut talk = greeted();
        talk.send([bytes, &b"\r\n"[..]].concat());
        while talk.skip_line("+ OK") {}
        talk.expect_login(&format!("{login} (LoginCommand)"));
    }
    assert_eq!(forms.len(), 20);
}

#[test]
fn a_synchronising_literal_waits_for_the_plus() {
    greeted().play(
        r#"
        C: a LOGIN {3}
        S: + OK
        C: bob {6}
        S: + OK
        C: p" \w{
        login: bob / p\" \\w{ (LoginCommand)
        "#,
    );
}

/// email-oauth2-proxy kept the quotes, found no account of that name, and with a catch-all made a new one.
#[test]
fn quotes_do_not_stay_in_the_user_name_when_the_password_is_a_literal() {
    greeted().play(
        r#"
        C: a LOGIN "u1@ex.com" {2}
        S: + OK
        C: pw
        login: u1@ex.com / pw (LoginCommand)
        "#,
    );
}

/// email-oauth2-proxy took the quotes for a part of the password, and deleted the tokens.
#[test]
fn quotes_do_not_stay_in_the_password_when_the_user_name_is_a_literal() {
    greeted().play(
        r#"
        C: a LOGIN {9}
        S: + OK
        C: u1@ex.com "pw"
        login: u1@ex.com / pw (LoginCommand)
        "#,
    );
}

/// email-oauth2-proxy read `\\` as two characters in LOGIN only.
#[test]
fn a_backslash_is_the_same_password_in_login_and_in_authenticate() {
    greeted().play(
        r#"
        C: a LOGIN "u" "p\\w"
        login: u / p\\w (LoginCommand)
        refuse: Unavailable
        S: a NO [UNAVAILABLE] The mail provider can't be reached at the moment, try again later. (session s1)
        C: b AUTHENTICATE PLAIN AHUAcFx3
        login: u / p\\w (Plain)
        "#,
    );
}

/// email-oauth2-proxy ended a literal at CRLF.
#[test]
fn the_length_ends_a_literal_and_not_a_line_end() {
    let mut talk = greeted();
    talk.send(b"a LOGIN {5}\r\n");
    talk.play("S: + OK");
    talk.send(b"b\r\nob {4}\r\n");
    talk.play("S: + OK");
    talk.send(b"p\r\nw\r\n");
    talk.expect_login(r"b\r\nob / p\r\nw (LoginCommand)");
}

#[test]
fn malformed_logins_are_bad() {
    let cases: &[&[u8]] = &[
        b"a LOGIN",
        b"a LOGIN ",
        b"a LOGIN bob",
        b"a LOGIN bob pw more",
        b"a LOGIN  bob pw",
        b"a LOGIN bob  pw",
        b"a LOGIN bob pw  ",
        b"a LOGIN \"bob pw",
        b"a LOGIN \"bob\"pw x",
        b"a LOGIN bob \"p\\w\"",
        b"a LOGIN bob \"pw\\",
        b"a LOGIN bob {pw",
        b"a LOGIN bob {2} pw}",
        b"a LOGIN bob {-1}",
        b"a LOGIN bob {}",
        b"a LOGIN bob {99999999999999999999}",
        b"a LOGIN bob {18446744073709551616}",
        b"a LOGIN bob {4294967295}",
        b"a LOGIN bob {1025}",
        b"a LOGIN {3+}\r\nbob{2+}\r\npw",
        b"a LOGIN bob{2+}",
        b"a LOGIN bob {2+}\r\npwx",
        b"a LOGIN bob {2+}\r\np\0",
    ];
    for bytes in cases {
        let mut talk = greeted();
        talk.send([bytes, &b"\r\n"[..]].concat());
        let said = talk.take_said();
        assert!(
            said.starts_with("a BAD ") || said.starts_with("* BAD "),
            "{}: {said}",
            bytes.escape_ascii()
        );
        assert_eq!(said.lines().count(), 1, "{}: {said}", bytes.escape_ascii());
        talk.play("C: b NOOP\nS: b OK Done.");
    }
    assert_eq!(cases.len(), 23);
}

/// After `{n+}` the bytes come whatever we say: RFC 7888 4.
#[test]
fn a_literal_that_does_not_wait_and_is_too_long_ends_the_session() {
    for length in [
        "1025",
        "4294967295",
        "18446744073709551616",
        "-1",
        "",
        "99999999999999999999",
    ] {
        let mut talk = greeted();
        talk.send(format!("a LOGIN {{{length}+}}\r\n"));
        talk.play("S: * BYE Literal too long.\nclose: TooLong");
    }
}

#[test]
fn one_command_may_not_grow_beyond_a_line_by_literals() {
    let mut talk = greeted();
    talk.send(b"a ID (");
    for _ in 0..7 {
        talk.send([&b"{1024+}\r\n"[..], &[b'x'; 1024], b" "].concat());
    }
    talk.send(b"{1024+}\r\n");
    talk.play("S: * BYE Literal too long.\nclose: TooLong");

    let mut talk = greeted();
    talk.send([&b"a ID ({1024+}\r\n"[..], &[b'x'; 1024], &[b'y'; MAX_LINE - 1024]].concat());
    talk.play("S: * BYE Line too long.\nclose: TooLong");
}

#[test]
fn a_literal_where_none_belongs_is_refused_before_its_bytes_or_swallowed_with_them() {
    greeted().play(
        r"
        C: a SELECT {5}
        S: a BAD Log in first.
        C: b NOOP {5}
        S: b BAD No literal can stand there.
        ",
    );
    let mut talk = greeted();
    talk.send(b"a APPEND {13+}\r\nx LOGIN u p\r\n and more\r\nb NOOP\r\n");
    talk.play("S: a BAD Log in first.\nS: b OK Done.");
    talk.send(b"<c> FOO {13+}\r\nx LOGIN u p\r\n\r\nd NOOP\r\n");
    talk.play("S: * BAD That is no command.\nS: d OK Done.");
}

/// email-oauth2-proxy waited for CRLF for ever.
#[test]
fn a_mail_client_that_ends_lines_with_lf_does_not_hang() {
    let mut talk = greeted();
    talk.send(b"a LOGIN {3}\n");
    talk.play("S: + OK");
    talk.send(b"bob pw\n");
    talk.play("login: bob / pw (LoginCommand)");
}
