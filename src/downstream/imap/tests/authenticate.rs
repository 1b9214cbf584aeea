//! AUTHENTICATE.

use super::*;

#[test]
fn authenticate_plain_with_and_without_initial_response() {
    greeted().play(
        r"
        C: a AUTHENTICATE PLAIN
        S: + 
        C: AGJvYgBwdw==
        login: bob / pw (Plain)
        refuse: ContactAdmin
        S: a NO [CONTACTADMIN] Login is right, but the mailbox can't be opened: ask the administrator of saslgate. (session s1)
        C: b authenticate plain c2hhcmVkAGJvYgBwdw==
        login: bob / pw (Plain) as shared
        ",
    );
}

#[test]
fn authenticate_login_with_and_without_the_name_as_initial_response() {
    greeted().play(
        r"
        C: a AUTHENTICATE LOGIN
        S: + VXNlcm5hbWU6
        C: Ym9i
        S: + UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login)
        refuse: LimitReached
        S: a NO [LIMIT] Too many connections or logins, try again later. (session s1)
        C: b AUTHENTICATE LOGIN Ym9i
        S: + UGFzc3dvcmQ6
        C: cHc=
        login: bob / pw (Login)
        ",
    );
}

/// RFC 3501 6.2.2; email-oauth2-proxy said NO to it, or asked for the password.
#[test]
fn a_cancelled_exchange_is_bad_and_leaves_nothing_behind() {
    greeted().play(
        r"
        C: a AUTHENTICATE LOGIN Ym9i
        S: + UGFzc3dvcmQ6
        C: *
        S: a BAD Login cancelled. (session s1)
        C: b AUTHENTICATE PLAIN
        S: + 
        C: *
        S: b BAD Login cancelled. (session s1)
        C: c AUTHENTICATE LOGIN
        S: + VXNlcm5hbWU6
        C: YWxpY2U=
        S: + UGFzc3dvcmQ6
        C: cHc=
        login: alice / pw (Login)
        ",
    );
}

#[test]
fn malformed_responses_are_bad_and_not_attempts() {
    let responses = [
        "",
        "=",
        "AGJvYgBwdw",
        "AGJv=YgBwdw==",
        "====",
        "AGJv YgBwdw==",
        "_-8=",
        "dQBw",
        "AAA=",
        "AHUAcAB4",
    ];
    for response in responses {
        let mut talk = greeted();
        talk.play("C: a AUTHENTICATE PLAIN\nS: + ");
        talk.send(format!("{response}\r\n"));
        talk.play("S: a BAD That is not well formed. (session s1)");
        talk.play("C: b AUTHENTICATE PLAIN AGJvYgBwdw==\nlogin: bob / pw (Plain)");
    }
}

#[test]
fn another_mechanism_is_refused_and_named_to_the_operator_once() {
    let mut talk = greeted();
    talk.play(
        r"
        C: a AUTHENTICATE cram-md5
        S: a NO Only PLAIN and LOGIN are offered here. (session s1)
        ",
    );
    assert_eq!(talk.dialogue().unsupported(), Some("CRAM-MD5"));
    assert_eq!(talk.dialogue().unsupported(), None);
    talk.play(
        r"
        C: b AUTHENTICATE XOAUTH2 dXNlcj1ib2I=
        S: b NO Only PLAIN and LOGIN are offered here. (session s1)
        ",
    );
    assert_eq!(talk.dialogue().unsupported(), Some("XOAUTH2"));
    // What it tries one after the other, before anybody asks, is each told; what it tries again is not.
    for (second, told) in [("CRAM-MD5", Some("CRAM-MD5")), ("NTLM", None)] {
        let mut talk = greeted();
        for (tag, name) in [("a", "NTLM"), ("b", second)] {
            talk.play(&format!(
                "C: {tag} AUTHENTICATE {name}\nS: {tag} NO Only PLAIN and LOGIN are offered here. (session s1)"
            ));
        }
        assert_eq!(talk.dialogue().unsupported(), Some("NTLM"));
        assert_eq!(talk.dialogue().unsupported(), told);
    }
}

#[test]
fn a_long_initial_response_fits_and_a_longer_one_ends_the_session() {
    let head = "a AUTHENTICATE PLAIN ";
    let mut talk = greeted();
    talk.send(format!("{head}{}\r\n", "A".repeat(MAX_SASL_LINE - head.len())));
    talk.play("S: a BAD That is not well formed. (session s1)");
    talk.send(format!(
        "{head}{}\r\n",
        "A".repeat(MAX_SASL_LINE - head.len() + 1)
    ));
    talk.play("S: * BYE Line too long.\nclose: TooLong");

    let mut talk = greeted();
    talk.play("C: a AUTHENTICATE PLAIN\nS: + ");
    talk.send("A".repeat(MAX_SASL_LINE));
    talk.send("\r\n");
    talk.play("S: a BAD That is not well formed. (session s1)");
    talk.play("C: a AUTHENTICATE PLAIN\nS: + ");
    talk.send("A".repeat(MAX_SASL_LINE + 2));
    talk.play("S: * BYE Line too long.\nclose: TooLong");
}
