//! Lines that do not end, bytes that act, names that act.

use super::*;

/// Names that would break out of what is said upstream come through as they are, and are refused like any unknown name.
pub(super) const ACTING_NAMES: &[&[u8]] = &[
    b"victim@x\x01auth=Bearer EVIL\x01\x01",
    b"bob\r\nA1 LOGOUT",
    b"bob\x1b[2J",
    b"bob\x7f",
    b"bob\xc2\x85",
];

pub(super) fn long_lines() -> Vec<Case> {
    let mut cases = Vec::new();
    let whole = "x".repeat(8 * 1024 + 1) + "\r\n";
    for line in [whole, "x".repeat(8 * 1024 + 2), "x".repeat(64 * 1024)] {
        cases.push(case("P4", Imap, &line, &["* BYE Line too long."], TOO_LONG));
        cases.push(case("P4", Pop3, &line, &["-ERR Line too long."], TOO_LONG));
        cases.push(case("P4", Smtp, &line, &["500 5.5.2 Line too long."], TOO_LONG));
    }
    for length in [12_288, 12_289] {
        for protocol in Protocol::ALL {
            let response = "A".repeat(length);
            let fits = length == 12_288;
            let challenge = challenge(protocol, "");
            let last = match protocol {
                _ if fits => malformed(protocol),
                Imap => "* BYE Line too long.",
                Pop3 => "-ERR Line too long.",
                Smtp => "500 5.5.6 Line too long.",
            };
            cases.push(Case {
                kind: "P11",
                protocol,
                input: format!("{}{response}\r\n", auth(protocol, "PLAIN")).into_bytes(),
                said: replies(protocol, &[&challenge, last]),
                end: if fits { Ends::Listening } else { TOO_LONG },
            });
        }
    }
    cases
}

pub(super) fn odd_bytes() -> Vec<Case> {
    vec![
        case(
            "P6",
            Imap,
            b"a LOGIN bo\0b x\r\n",
            &["* BAD Bare CR or NUL in a line."],
            Ends::Listening,
        ),
        case(
            "P6",
            Imap,
            b"a LOGIN bo\xffb x\r\n",
            &[],
            login("LoginCommand", r"bo\\xffb", "x"),
        ),
        case(
            "P6",
            Imap,
            b"a LOGIN bob\xe2\x82 x\r\n",
            &[],
            login("LoginCommand", r"bob\\xe2\\x82", "x"),
        ),
        case(
            "P6",
            Pop3,
            b"USER bo\0b\r\n",
            &["-ERR Bare CR or NUL in a line."],
            Ends::Listening,
        ),
        case(
            "P6",
            Pop3,
            b"USER bo\xffb\r\nPASS x\r\n",
            &["+OK Now the password."],
            login("UserPass", r"bo\\xffb", "x"),
        ),
        case(
            "P6",
            Smtp,
            b"NO\0OP\r\n",
            &["500 5.5.2 Bare CR or NUL in a line."],
            Ends::Listening,
        ),
        case(
            "P6",
            Smtp,
            b"EHLO \xe2\x82\r\n",
            &["250-", "250-", "250-", "250-", "250 "],
            Ends::Listening,
        ),
    ]
}

pub(super) fn line_ends() -> Vec<Case> {
    let helo = "250 mail.example.com";
    let done = "250 2.0.0 Done.";
    vec![
        case(
            "P7",
            Smtp,
            "HELO a\nAUTH PLAIN AGJvYgBwdw==\n",
            &[helo],
            login("Plain", "bob", "pw"),
        ),
        case(
            "P7",
            Pop3,
            "USER bob\nPASS pw\n",
            &["+OK Now the password."],
            login("UserPass", "bob", "pw"),
        ),
        case(
            "P7",
            Imap,
            "a LOGIN bob pw\n",
            &[],
            login("LoginCommand", "bob", "pw"),
        ),
        case(
            "P7",
            Imap,
            "a NOOP\rb NOOP\r\nc NOOP\r\n",
            &["* BAD Bare CR or NUL in a line.", "c OK Done."],
            Ends::Listening,
        ),
        case(
            "P7",
            Pop3,
            "NOOP\rNOOP\r\nNOOP\r\n",
            &["-ERR Bare CR or NUL in a line.", "+OK Done."],
            Ends::Listening,
        ),
        case(
            "P7",
            Smtp,
            "NOOP\rNOOP\r\nNOOP\r\n",
            &["500 5.5.2 Bare CR or NUL in a line.", done],
            Ends::Listening,
        ),
        case(
            "P7",
            Smtp,
            "NOOP\r\r\nNOOP\r\n",
            &["500 5.5.2 Bare CR or NUL in a line.", done],
            Ends::Listening,
        ),
    ]
}

pub(super) fn acting_names() -> Vec<Case> {
    ACTING_NAMES
        .iter()
        .flat_map(|name| {
            let message = STANDARD.encode([b"\0", *name, b"\0pw"].concat());
            let shown = name.escape_ascii().to_string().replace('\\', r"\\");
            auth_cases(
                "P8",
                &format!("PLAIN {message}"),
                |_| vec![],
                move || login("Plain", &shown, "pw"),
            )
        })
        .collect()
}
