//! What only IMAP has: literals, quoting, tags, nesting.

use super::*;

pub(super) fn literals() -> Vec<Case> {
    let too_long = &["a BAD Literal too long."][..];
    let bye = &["* BYE Literal too long."][..];
    let mut cases: Vec<Case> = [
        "4294967295",
        "18446744073709551616",
        "99999999999999999999",
        "-1",
        "1025",
        "",
    ]
    .iter()
    .flat_map(|length| {
        [
            case(
                "P1",
                Imap,
                format!("a LOGIN {{{length}}}\r\n"),
                too_long,
                Ends::Listening,
            ),
            case("P1", Imap, format!("a LOGIN {{{length}+}}\r\n"), bye, TOO_LONG),
        ]
    })
    .collect();
    cases.extend([
        case("P1", Imap, "a LOGIN {0}\r\n", &["+ OK"], Ends::Listening),
        case("P1", Imap, "a LOGIN {1}\r\n", &["+ OK"], Ends::Listening),
        case(
            "P1",
            Imap,
            "a APPEND INBOX {4294967295}\r\n",
            &["a BAD Log in first."],
            Ends::Listening,
        ),
        case("P1", Imap, "a APPEND INBOX {4294967295+}\r\n", bye, TOO_LONG),
        case(
            "P2",
            Imap,
            "a LOGIN {3}\r\nbob {3}\r\npwd\r\n",
            &["+ OK", "+ OK"],
            login("LoginCommand", "bob", "pwd"),
        ),
        case(
            "P2",
            Imap,
            "a LOGIN {3+}\r\nbob {3+}\r\npwd\r\n",
            &[],
            login("LoginCommand", "bob", "pwd"),
        ),
        case(
            "P2",
            Imap,
            b"a LOGIN {3}\r\nbob {6}\r\n\r\n\"\\\x80x\r\n",
            &["+ OK", "+ OK"],
            login("LoginCommand", "bob", r#"\\r\\n\\\"\\\\\\x80x"#),
        ),
        case(
            "P2",
            Imap,
            "a LOGIN bob {4}\r\n {1}\r\n",
            &["+ OK"],
            login("LoginCommand", "bob", " {1}"),
        ),
        case(
            "P2",
            Imap,
            "a LOGIN bob {3}\r\n\0pw\r\n",
            &["+ OK", malformed(Imap)],
            Ends::Listening,
        ),
    ]);
    cases
}

pub(super) fn quoting() -> Vec<Case> {
    let no_command = &["* BAD That is no command."][..];
    let cases: [(&[u8], &[&str], Ends); 11] = [
        (
            br#"a LOGIN "b\"ob" "p\\w""#,
            &[],
            login("LoginCommand", r#"b\\\"ob"#, r"p\\\\w"),
        ),
        (br#"a LOGIN "bob" "p"#, &[malformed(Imap)], Ends::Listening),
        (b"a LOGIN  x y", &[malformed(Imap)], Ends::Listening),
        (
            &[&[b'x'; 1000][..], b" NOOP"].concat(),
            no_command,
            Ends::Listening,
        ),
        (
            b"a\0b NOOP",
            &["* BAD Bare CR or NUL in a line."],
            Ends::Listening,
        ),
        (b"%s%n NOOP", no_command, Ends::Listening),
        (b"a LOGIN %u %d%s%n", &[], login("LoginCommand", "%u", "%d%s%n")),
        (b"<script>alert(1)</script>", no_command, Ends::Listening),
        (b"<script>alert(1)</script> NOOP", no_command, Ends::Listening),
        (
            b"a <script>alert(1)</script>",
            &["a BAD Unknown command."],
            Ends::Listening,
        ),
        (b"", no_command, Ends::Listening),
    ];
    let all = cases
        .into_iter()
        .map(|(line, said, end)| case("P3", Imap, [line, b"\r\n"].concat(), said, end));
    all.collect()
}

pub(super) fn nesting() -> Vec<Case> {
    let unknown = &["a BAD Unknown command."][..];
    vec![
        case(
            "P5",
            Imap,
            format!("a {}\r\n", "(".repeat(7900)),
            unknown,
            Ends::Listening,
        ),
        case(
            "P5",
            Imap,
            format!("a {}\r\n", "{".repeat(7900)),
            unknown,
            Ends::Listening,
        ),
        case(
            "P5",
            Imap,
            format!("a LOGIN {}\r\n", "{".repeat(7900)),
            &[malformed(Imap)],
            Ends::Listening,
        ),
        case(
            "P5",
            Imap,
            format!("a LOGIN {} x\r\n", "(".repeat(7900)),
            &[malformed(Imap)],
            Ends::Listening,
        ),
    ]
}
