//! What holds for every dialogue, whatever its peer says.

#[cfg(test)]
mod dialogue;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dialogue::{End, Machine, MailClient, Played, Then, cut, play, play_whole};
use proptest::collection::vec;
use proptest::prelude::*;
use saslgate::downstream::{Refusal, TlsState};
use saslgate::provider::Protocol;
use saslgate::wire::{Limits, MAX_LINE, MAX_SASL_LINE};

/// What a mail client may be sent in all before it is let in: nobody gets more out of us than they put in by much.
const MAX_WRITTEN: usize = 64 * 1024;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Arbitrary bytes, and bytes folded onto what the protocol is made of.
fn input(words: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let soup = vec(0..words.len(), 0..40)
        .prop_map(|picks| picks.into_iter().flat_map(|pick| words[pick].to_vec()).collect());
    prop_oneof![
        1 => vec(any::<u8>(), 0..400),
        9 => soup,
    ]
}

/// However an input is cut, the same comes out in the same order.
fn cuts_change_nothing<M: Machine>(machine: &M, bytes: &[u8], places: &[usize]) -> Result<(), TestCaseError> {
    let whole = play_whole(machine, bytes);
    let single: Vec<usize> = (0..bytes.len()).collect();
    for places in [places, &single] {
        let pieces = play(machine, &cut(bytes, places), Then::Waits);
        prop_assert_eq!(&pieces, &whole);
    }
    Ok(())
}

/// A peer that hangs up has always been the end of it; until then, what is kept is bounded.
fn it_ends_and_keeps_little<M: Machine>(machine: &M, bytes: &[u8]) -> Result<(), TestCaseError> {
    let ended = play(machine, &[bytes], Then::Closes);
    prop_assert_ne!(&ended.end, &End::Listening);
    prop_assert!(ended.written().len() <= MAX_WRITTEN);
    let waiting = play_whole(machine, bytes);
    if waiting.end == End::Listening {
        prop_assert!(waiting.unread.len() <= MAX_SASL_LINE + 1);
    }
    Ok(())
}

/// A line that never ends is given up when it is over the limit, not when it is all there.
fn an_endless_line_is_given_up(machine: &impl Machine, start: &[u8]) {
    let flood = vec![b'A'; 64 * 1024];
    let flood: Vec<&[u8]> = flood.chunks(512).collect();
    let mut pieces = vec![start];
    pieces.extend(&flood);
    let played = play(machine, &pieces, Then::Waits);
    assert!(matches!(played.end, End::Closed(_)), "{:?}", played.end);
    let allowed = (MAX_SASL_LINE + 1).div_ceil(512) + 1;
    let short: Vec<&[u8]> = pieces[..=allowed].to_vec();
    assert_eq!(
        play(machine, &short, Then::Waits),
        played,
        "it was over after {allowed} pieces already"
    );
}

macro_rules! properties {
    ($name:ident, $machine:expr) => {
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(config(700))]

                #[test]
                fn cuts(machine in $machine, bytes in input(words()), places in vec(any::<usize>(), 0..6)) {
                    cuts_change_nothing(&machine, &bytes, &places)?;
                }

                #[test]
                fn ends(machine in $machine, bytes in input(words())) {
                    it_ends_and_keeps_little(&machine, &bytes)?;
                }
            }

            fn words() -> &'static [&'static [u8]] {
                use proptest::strategy::ValueTree;
                let machine = ($machine)
                    .new_tree(&mut proptest::test_runner::TestRunner::deterministic())
                    .unwrap()
                    .current();
                machine.words()
            }
        }
    };
}

properties!(imap_downstream, mail_client(Protocol::Imap));
properties!(pop3_downstream, mail_client(Protocol::Pop3));
properties!(smtp_downstream, mail_client(Protocol::Smtp));

fn mail_client(protocol: Protocol) -> impl Strategy<Value = MailClient> {
    let tls = prop_oneof![
        Just(TlsState::Off),
        Just(TlsState::Offered),
        Just(TlsState::Required),
        Just(TlsState::Unavailable),
        Just(TlsState::Established),
    ];
    let answer = prop_oneof![Just(None), prop::sample::select(&Refusal::ALL[..]).prop_map(Some)];
    (tls, vec(answer, 1..4), 1..20u32, 1..5u32).prop_map(move |(tls, answers, bad_commands, attempts)| {
        MailClient {
            protocol,
            tls,
            answers,
            limits: Limits {
                bad_commands,
                attempts,
            },
        }
    })
}

#[test]
fn endless_lines_are_given_up() {
    for protocol in Protocol::ALL {
        let machine = MailClient::new(protocol);
        an_endless_line_is_given_up(&machine, b"x");
    }
    an_endless_line_is_given_up(&MailClient::new(Protocol::Imap), b"a AUTHENTICATE PLAIN ");
    an_endless_line_is_given_up(&MailClient::new(Protocol::Imap), b"a AUTHENTICATE PLAIN\r\n");
    an_endless_line_is_given_up(&MailClient::new(Protocol::Pop3), b"AUTH PLAIN\r\n");
    an_endless_line_is_given_up(&MailClient::new(Protocol::Smtp), b"EHLO x\r\nAUTH PLAIN\r\n");
}

/// 100 MiB without a line end cost no more than a line.
#[test]
fn a_flood_is_not_kept() {
    for protocol in Protocol::ALL {
        let mut dialogue = MailClient::new(protocol).start();
        let piece = [b'x'; 4096];
        let mut taken = 0;
        while let saslgate::wire::Step::Read | saslgate::wire::Step::Write(_) = dialogue.step() {
            dialogue.receive(&piece);
            taken += piece.len();
            assert!(taken <= MAX_LINE + 2 * piece.len(), "{protocol} went on");
        }
        for _ in 0..25_600 {
            dialogue.receive(&piece);
        }
        assert!(dialogue.into_unread().len() <= MAX_LINE + 2 * piece.len());
    }
}

/// In every password below; long enough to be found in base64 at any offset.
const MARK: &str = "Zq9vXw7k";

/// A password with the mark in it, and around it whatever a person may choose.
fn password() -> impl Strategy<Value = String> {
    ("[a-z !\"\\\\{}<>é%]{0,6}", "[a-z !\"\\\\{}<>é%0-9]{0,6}")
        .prop_map(|(before, after)| format!("{before}{MARK}{after}"))
}

/// What mail clients do with a password, in order and out of it.
fn says(protocol: Protocol, form: u8, password: &str) -> Vec<u8> {
    let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
    let length = password.len();
    let plain = STANDARD.encode(format!("\0bob\0{password}"));
    let alone = STANDARD.encode(password);
    let unpadded = plain.trim_end_matches('=');
    let text = match (protocol, form % 12) {
        (Protocol::Imap, 0) => format!("a LOGIN bob \"{quoted}\"\r\n"),
        (Protocol::Imap, 1) => format!("a LOGIN {{3}}\r\nbob {{{length}}}\r\n{password}\r\n"),
        (Protocol::Imap, 2) => format!("a LOGIN {{3+}}\r\nbob {{{length}+}}\r\n{password}\r\n"),
        (Protocol::Imap, 3) => format!("a LOGIN bob {password}\r\n"),
        (Protocol::Imap, 4) => format!("a LOGIN bob \"{quoted}\r\n"),
        (Protocol::Imap, 5) => format!("a LOGIN bob \"{quoted}\"\0\r\n"),
        (Protocol::Imap, 6) => format!("a AUTHENTICATE PLAIN {plain}\r\n"),
        (Protocol::Imap, 7) => format!("a AUTHENTICATE PLAIN\r\n{plain}\r\n"),
        (Protocol::Imap, 8) => format!("a AUTHENTICATE LOGIN\r\nYm9i\r\n{alone}\r\n"),
        (Protocol::Imap, 9) => format!("a AUTHENTICATE PLAIN {unpadded}\r\n"),
        (Protocol::Imap, 10) => format!("a AUTHENTICATE CRAM-MD5 {plain}\r\n"),
        (Protocol::Imap, _) => "a NOOP\r\n".into(),
        (Protocol::Pop3, 0) => format!("PASS {password}\r\n"),
        (Protocol::Pop3, 1..3) => format!("USER bob\r\nPASS {password}\r\n"),
        (Protocol::Pop3, 3) => format!("USER bob\r\nPASS {password}\0\r\n"),
        (_, 4) => format!("AUTH PLAIN {plain}\r\n"),
        (_, 5) => format!("AUTH PLAIN\r\n{plain}\r\n"),
        (_, 6) => format!("AUTH LOGIN\r\nYm9i\r\n{alone}\r\n"),
        (_, 7) => format!("AUTH LOGIN Ym9i\r\n{alone}\r\n"),
        (_, 8) => format!("AUTH PLAIN {unpadded}\r\n"),
        (_, 9) => format!("AUTH {plain}\r\n"),
        (_, 10) => format!("AUTH CRAM-MD5 {alone}\r\n{alone}\r\n"),
        (Protocol::Smtp, 0..=3) => "EHLO pc\r\n".into(),
        _ => "NOOP\r\n".into(),
    };
    text.into_bytes()
}

/// Where the password shows, in clear or in base64 at any of its three offsets.
fn leaks(played: &Played) -> Option<String> {
    let mut traces = vec![MARK.to_owned()];
    for shift in 0..3 {
        let encoded = STANDARD.encode([&b"xx"[..shift], MARK.as_bytes()].concat());
        traces.push(encoded[4..8].to_owned());
    }
    let seen = [
        played.text(),
        played.overheard.join("\n"),
        format!("{:?}", played.end),
    ];
    traces
        .into_iter()
        .find(|trace| seen.iter().any(|text| text.contains(trace)))
}

proptest! {
    #![proptest_config(config(5000))]

    #[test]
    fn no_password_is_said_or_overheard(
        machine in prop::sample::select(&Protocol::ALL[..]).prop_flat_map(mail_client),
        password in password(),
        forms in vec(any::<u8>(), 1..6),
        places in vec(any::<usize>(), 0..4),
    ) {
        let input: Vec<u8> = forms.iter().flat_map(|form| says(machine.protocol, *form, &password)).collect();
        let played = play(&machine, &cut(&input, &places), Then::Closes);
        prop_assert_eq!(leaks(&played), None, "{:?}", played);
    }
}

/// The property above can fail, and its inputs do log in.
#[test]
fn a_leak_would_be_found_and_the_passwords_do_arrive() {
    let password = format!("xy {MARK}");
    for protocol in Protocol::ALL {
        let machine = MailClient::new(protocol);
        let start = if protocol == Protocol::Smtp {
            b"EHLO x\r\n".to_vec()
        } else {
            Vec::new()
        };
        let arrived = (0..12)
            .filter(|form| {
                let played = play_whole(
                    &machine,
                    &[&start[..], &says(protocol, *form, &password)].concat(),
                );
                played.asked().iter().any(|asked| asked.contains(&password))
            })
            .count();
        let expected = match protocol {
            Protocol::Imap | Protocol::Pop3 => 6,
            Protocol::Smtp => 4,
        };
        assert_eq!(arrived, expected, "{protocol}");
    }
    for leak in [
        password.clone(),
        STANDARD.encode(&password),
        STANDARD.encode(format!("\0bob\0{password}")),
    ] {
        let mut played = play_whole(&MailClient::new(Protocol::Imap), b"");
        assert_eq!(leaks(&played), None);
        played.overheard.push(leak);
        assert!(leaks(&played).is_some());
    }
}
