//! What comes too early, too often, or from somebody else.

use super::*;

/// What a mail client sends without waiting, with the sequences that end a mail for some readers and not for others.
pub(super) const BEHIND: &str =
    "DATA\r\nx\r\n.\r\n\n.\nMAIL FROM:<admin@x>\r\n\r.\r\n\r\n\0.\r\nb SELECT INBOX\r\nSTAT";

/// Everything behind the login is left for upstream; see `behind_the_login_every_byte_is_left_for_upstream`.
pub(super) fn pipelining() -> Vec<Case> {
    vec![
        case(
            "P13",
            Imap,
            format!("a LOGIN u p\r\n{BEHIND}"),
            &[],
            login("LoginCommand", "u", "p"),
        ),
        case(
            "P13",
            Pop3,
            format!("USER u\r\nPASS p\r\n{BEHIND}"),
            &["+OK Now the password."],
            login("UserPass", "u", "p"),
        ),
        case(
            "P13",
            Smtp,
            format!("HELO x\r\nAUTH PLAIN AHUAcA==\r\n{BEHIND}"),
            &["250 "],
            login("Plain", "u", "p"),
        ),
    ]
}

pub(super) fn budgets() -> Vec<Case> {
    let over = || Ends::Closed(Closing::TooManyErrors);
    let unknown = |protocol| match protocol {
        Imap => "x BAD Unknown command.",
        Pop3 => "-ERR Unknown command.",
        Smtp => "500 5.5.1 Unknown command.",
    };
    let mut cases = Vec::new();
    for (protocol, count) in [(Imap, 3), (Pop3, 3), (Smtp, 10)] {
        let line = if protocol == Imap { "x FOO\r\n" } else { "FOO\r\n" };
        let mut said = vec![unknown(protocol); count];
        if protocol != Pop3 {
            said.push(bye(protocol));
        }
        cases.push(case("P14", protocol, line.repeat(count + 1), &said, over()));
    }
    for protocol in Protocol::ALL {
        let (line, done) = match protocol {
            Imap => ("x NOOP\r\n", "x OK Done."),
            Pop3 => ("NOOP\r\n", "+OK Done."),
            Smtp => ("NOOP\r\n", "250 2.0.0 Done."),
        };
        let mut said = vec![done; MAX_COMMANDS as usize];
        said.push(bye(protocol));
        cases.push(case("P14", protocol, line.repeat(10_000), &said, over()));
    }
    cases
}

pub(super) fn strangers() -> Vec<Case> {
    let browsers = [
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:1143\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\na LOGIN victim pw\r\nUSER victim\r\nPASS pw\r\nEHLO x\r\nAUTH PLAIN AHUAcA==\r\n",
        "OPTIONS * HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "Host: 127.0.0.1\r\nGET / HTTP/1.1\r\n\r\n",
    ];
    let mut cases = Vec::new();
    for protocol in Protocol::ALL {
        let said = [bye(protocol)];
        let foreign = |foreign| Ends::Closed(Closing::Foreign(foreign));
        cases.extend(browsers.map(|input| case("P15", protocol, input, &said, foreign(Foreign::Http))));
        let proxy = "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\na LOGIN u p\r\n";
        cases.push(case("P20", protocol, proxy, &said, foreign(Foreign::ProxyHeader)));
        for (other, input) in [
            (Imap, "a1 LOGIN u p\r\n"),
            (Pop3, "USER u\r\nPASS p\r\n"),
            (Smtp, "EHLO x\r\nMAIL FROM:<a@x>\r\n"),
        ] {
            if other != protocol {
                cases.push(case("P17", protocol, input, &said, foreign(Foreign::Mail(other))));
            }
        }
        cases.push(case(
            "P17",
            protocol,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            &said,
            foreign(Foreign::Tls),
        ));
    }
    cases
}

pub(super) fn mail_before_the_login() -> Vec<Case> {
    let refused = "530 5.7.0 Authentication required.";
    vec![
        case("P19", Smtp, "DATA\r\n", &[refused], Ends::Listening),
        case(
            "P19",
            Smtp,
            "MAIL FROM:<admin@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n",
            &[refused; 3],
            Ends::Listening,
        ),
        case(
            "P19",
            Smtp,
            "BDAT 40 LAST\r\nHELO x\r\nAUTH PLAIN AHUAcA==\r\nMAIL FROM:<a@x>\r\n",
            &[refused, "421 4.7.0 "],
            Ends::Closed(Closing::Protocol("BDAT came before the login")),
        ),
        case(
            "P20",
            Smtp,
            "XCLIENT LOGIN=admin\r\n",
            &["502 5.5.1 "],
            Ends::Listening,
        ),
        case(
            "P20",
            Smtp,
            "HELO x\r\nXCLIENT LOGIN=admin\r\n",
            &["250 ", "502 5.5.1 "],
            Ends::Listening,
        ),
        case(
            "P20",
            Smtp,
            "HELO x\r\nPROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
            &["250 ", "502 5.5.1 "],
            Ends::Listening,
        ),
    ]
}
