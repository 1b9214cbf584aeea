//! Upstreams that never come to an end, and those that say nothing that makes sense.

use super::{Scene, TOKEN, play};
use crate::provider::Protocol::{self, Imap, Pop3, Smtp};
use crate::provider::UpstreamTls::{Implicit, StartTls};

const TOO_MUCH: &str = "-- closed: upstream said too much before it answered the login --";
const TOO_LONG: &str = "-- closed: a line or literal was over its limit --";
const BAD_BYTE: &str = "-- closed: upstream sent a NUL or a bare CR --";
const NOTHING_LEFT: &str = "-- closed: upstream asks for more where nothing is left to say --";

const IMAP_READY: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] hi\r\n";
const POP3_READY: &str = "+OK hi\r\n-ERR\r\n+ \r\n";
const SMTP_READY: &str = "220 hi\r\n250-x\r\n250 AUTH XOAUTH2\r\n334 \r\n";

#[test]
fn each_flood_ends_within_its_bound() {
    let floods: &[(Protocol, &str, &str, &str)] = &[
        (Imap, "", "x", TOO_LONG),
        (Pop3, "", "x", TOO_LONG),
        (Smtp, "", "x", TOO_LONG),
        (Imap, "* OK hi\r\n", "* CAPABILITY IMAP4rev1\r\n", TOO_MUCH),
        (Imap, IMAP_READY, "* CAPABILITY IMAP4rev1\r\n", TOO_MUCH),
        (Imap, IMAP_READY, "* 1 EXISTS\r\n", TOO_MUCH),
        (Imap, IMAP_READY, "* X {4000}\r\n", TOO_MUCH),
        (
            Imap,
            &format!("{IMAP_READY}A1 OK in\r\n"),
            "* LIST () \"/\" x\r\n",
            TOO_MUCH,
        ),
        (Imap, "* OK hi\r\n* X {18446744073709551615}\r\n", "", TOO_MUCH),
        (Pop3, "+OK hi\r\n+OK\r\n", "X-CAPA\r\n", TOO_MUCH),
        (Smtp, "", "220-hello\r\n", TOO_MUCH),
        (Smtp, "220 hi\r\n", "250-X\r\n", TOO_MUCH),
        (Imap, IMAP_READY, "+ e30=\r\n", NOTHING_LEFT),
        (Pop3, POP3_READY, "+ e30=\r\n", NOTHING_LEFT),
        (Smtp, SMTP_READY, "334 e30=\r\n", NOTHING_LEFT),
        (Imap, "* OK \0\r\n", "", BAD_BYTE),
        (Pop3, "+OK \0\r\n", "", BAD_BYTE),
        (Smtp, "220 \0\r\n", "", BAD_BYTE),
        (Imap, "* OK a\rb\r\n", "", BAD_BYTE),
        (Pop3, "+OK a\rb\r\n", "", BAD_BYTE),
        (Smtp, "220 a\rb\r\n", "", BAD_BYTE),
    ];
    for (protocol, start, again, end) in floods {
        let scene = Scene::new("", *protocol, Implicit, "");
        let flood = again.repeat(100_000 / again.len().max(1));
        let (ours, _) = play(&scene, &[vec![start.as_bytes(), flood.as_bytes()]], TOKEN);
        assert_eq!(ours.last().unwrap(), end, "{protocol} {start:?} {again:?}");
    }
    assert_eq!(floods.len(), 21);
}

/// Lines just within the bounds pass: 200 of them, 64 KiB in all.
#[test]
fn a_talkative_upstream_is_heard_out() {
    let scene = Scene::new("", Imap, Implicit, "");
    let data = format!("* X {}\r\n", "y".repeat(300));
    let said = [
        IMAP_READY.to_owned(),
        data.repeat(195),
        "A1 NO AUTHENTICATE failed.\r\n".to_owned(),
    ]
    .concat();
    let (ours, _) = play(&scene, &[vec![said.as_bytes()]], TOKEN);
    assert_eq!(
        ours.last().unwrap(),
        "-- TokenRefused \"NO AUTHENTICATE failed.\" --"
    );
}

/// A connection may end anywhere.
#[test]
fn an_end_anywhere_is_an_end() {
    let whole: &[(Protocol, String)] = &[
        (
            Imap,
            format!("{IMAP_READY}A1 OK in\r\n* CAPABILITY IMAP4rev1\r\nA2 OK\r\n"),
        ),
        (Pop3, format!("{POP3_READY}+OK in\r\n+OK\r\nTOP\r\n")),
        (Smtp, SMTP_READY.to_owned()),
    ];
    let mut played = 0;
    for (protocol, said) in whole {
        let scene = Scene::new("", *protocol, Implicit, "");
        for at in 0..said.len() {
            let (ours, _) = play(&scene, &[vec![&said.as_bytes()[..at]]], TOKEN);
            assert_eq!(
                ours.last().unwrap(),
                "-- closed: the peer closed the connection --"
            );
            played += 1;
        }
    }
    assert!(played > 150, "{played}");
}

mod garbage {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Words that the machines know, in any order, and bytes that nobody knows: always an end, and never a token in clear.
        #[test]
        fn nonsense_comes_to_an_end(
            protocol in prop::sample::select(Protocol::ALL.to_vec()),
            words in prop::collection::vec(prop_oneof![
                prop::sample::select(vec![
                    "* ", "+ ", "+OK", "-ERR", "A1 ", "A2 ", "A3 ", "OK ", "NO ", "BAD ", "BYE ", "PREAUTH ", "CAPABILITY ",
                    "[CAPABILITY STARTTLS] ", "AUTH=XOAUTH2 ", "SASL-IR ", "STLS", "SASL XOAUTH2", ".", "220 ", "220-", "250-",
                    "250 ", "STARTTLS", "AUTH XOAUTH2", "334 ", "235 ", "535 ", "{3}", "{9}", "e30=", "\r\n", "\r\n", "\r\n", "\n",
                ]).prop_map(|word| word.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..5),
            ], 0..60),
        ) {
            let said = words.concat();
            for tls in [Implicit, StartTls] {
                let scene = Scene::new("", protocol, tls, "");
                let (ours, _) = play(&scene, &[vec![&said], vec![]], TOKEN);
                prop_assert!(ours.last().is_some_and(|line| line.starts_with("--")));
                let token = ours.iter().position(|line| line.contains("<token>"));
                let secure = ours.iter().position(|line| line == "-- TLS --");
                prop_assert!(token.is_none() || tls == Implicit || secure < token && secure.is_some());
            }
        }
    }
}
