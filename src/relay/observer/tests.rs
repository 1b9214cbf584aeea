use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// One side's turn and whether the session is at rest behind it.
type Turn<'a> = (&'a str, bool);

fn hear(observer: &mut Observer, turn: &str, size: usize) {
    let (who, text) = turn.split_at(3);
    for piece in text.as_bytes().chunks(size) {
        match who {
            "C: " => observer.mail_client_spoke(piece),
            "S: " => observer.upstream_spoke(piece),
            _ => unreachable!("{who:?}"),
        }
    }
}

/// Plays a conversation, cut in every way, and hands back what is known at its end.
fn play(protocol: Protocol, turns: &[Turn<'_>]) -> Observer {
    let longest = turns.iter().map(|(turn, _)| turn.len()).max().unwrap();
    for size in (1..=longest).rev() {
        let mut observer = Observer::new(protocol);
        assert!(observer.is_at_rest(), "a session begins at rest");
        for (turn, at_rest) in turns {
            hear(&mut observer, turn, size);
            assert_eq!(
                observer.is_at_rest(),
                *at_rest,
                "after {turn:?}, cut every {size} bytes"
            );
        }
        if size == 1 {
            return observer;
        }
    }
    unreachable!()
}

fn sent(protocol: Protocol, turns: &[Turn<'_>]) -> Option<(u32, u32)> {
    let sent = play(protocol, turns).take_sent()?;
    Some((sent.messages, sent.recipients))
}

fn notes(protocol: Protocol, turns: &[Turn<'_>]) -> Vec<String> {
    let notes = play(protocol, turns).into_notes();
    notes.iter().map(ToString::to_string).collect()
}

/// What a scanner says: a command, a reply.
const SCANNER: &[Turn<'_>] = &[
    ("C: EHLO scanner\r\n", false),
    ("S: 250-host Hello\r\n250-SIZE 157286400\r\n", false),
    ("S: 250 SMTPUTF8\r\n", true),
    ("C: MAIL FROM:<a@x>\r\n", false),
    ("S: 250 2.1.0 Sender OK\r\n", false),
    ("C: RCPT TO:<b@x>\r\n", false),
    ("S: 250 2.1.5 Recipient OK\r\n", false),
    ("C: DATA\r\n", false),
    ("S: 354 Start mail input; end with <CRLF>.<CRLF>\r\n", false),
    ("C: Subject: x\r\n\r\n..one\r\n.two\r\n", false),
    ("C: .\r\n", false),
    ("S: 250 2.0.0 OK <id@host> [Hostname=h]\r\n", true),
    ("C: QUIT\r\n", false),
    ("S: 221 2.0.0 Service closing transmission channel\r\n", true),
];

#[test]
fn an_smtp_transaction_is_in_the_air_from_mail_to_its_last_reply() {
    assert_eq!(sent(Protocol::Smtp, SCANNER), Some((1, 1)));
}

/// RFC 2920: Postfix and Exim say everything up to DATA at once, and the next message behind the last dot.
#[test]
fn a_pipelining_mail_server_sends_several_messages() {
    let group = "C: MAIL FROM:<a@x> SIZE=9\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nRCPT TO:<d@x>\r\nDATA\r\n";
    let next = "C: hello\r\n.\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n";
    let turns = [
        (group, false),
        (
            "S: 250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n250 2.1.5 ok\r\n",
            false,
        ),
        ("S: 354 go\r\n", false),
        (next, false),
        (
            "S: 250 2.0.0 ok\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n",
            false,
        ),
        ("C: .\r\nQUIT\r\n", false),
        ("S: 250 2.0.0 ok\r\n", false),
        ("S: 221 2.0.0 bye\r\n", true),
    ];
    assert_eq!(sent(Protocol::Smtp, &turns), Some((2, 3)));
}

/// RFC 3030: the bytes of a chunk follow at once, look like commands or not, and are skipped by their count.
#[test]
fn chunks_are_skipped_by_their_count() {
    let turns = [
        ("C: MAIL FROM:<a@x> BODY=BINARYMIME\r\nRCPT TO:<b@x>\r\n", false),
        ("S: 250 2.1.0 ok\r\n250 2.1.5 ok\r\n", false),
        ("C: BDAT 12\r\nQUIT\r\nRSET\r\nBDAT 5 LAST\r\n.\r\n\r\n", false),
        ("S: 250 2.6.0 CHUNK received OK, 12 octets\r\n", false),
        ("S: 250 2.0.0 OK\r\n", true),
        (
            "C: MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n",
            false,
        ),
        ("S: 250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.6.0 ok\r\n", false),
        ("S: 554 5.2.252 SendAsDenied\r\n", true),
    ];
    assert_eq!(sent(Protocol::Smtp, &turns), Some((1, 1)));
}

#[test]
fn what_upstream_refuses_leaves_nothing_in_the_air() {
    let turns = [
        ("C: MAIL FROM:<a@x>\r\n", false),
        ("S: 432 4.3.2 Concurrent connections limit exceeded\r\n", true),
        ("C: XCLIENT ADDR=192.0.2.1\r\nNOOP\r\n", false),
        (
            "S: 500 5.3.3 Unrecognized command 'XCLIENT'\r\n250 2.0.0 OK\r\n",
            true,
        ),
        ("C: MAIL FROM:<a@x>\r\nDATA\r\n", false),
        ("S: 250 2.1.0 ok\r\n503 5.5.1 Bad sequence of commands\r\n", false),
        ("C: RSET\r\n", false),
        ("S: 250 2.0.0 Resetting\r\n", true),
        ("C: MAIL FROM:<a@x>\r\n", false),
        ("S: 250 2.1.0 ok\r\n", false),
        ("C: EHLO again\r\n", false),
        ("S: 250 host\r\n", true),
    ];
    assert_eq!(sent(Protocol::Smtp, &turns), None);
}

#[test]
fn what_cannot_be_followed_is_never_at_rest_again() {
    let noop = [("C: NOOP\r\n", false), ("S: 250 2.0.0 OK\r\n", false)];
    let smtp: &[&[Turn<'_>]] = &[
        // A reply that nobody asked for, and what is none.
        &[("S: 250 2.0.0 OK\r\n", false)],
        &[("S: 421 4.4.2 timeout\r\n", false)],
        &[("C: NOOP\r\n", false), ("S: hello\r\n", false)],
        // Lines that two readers may read differently.
        &[("C: NOOP\nNOOP\r\n", false)],
        &[("C: NOOP\rDATA\r\n", false)],
        // What is said before upstream wants the message.
        &[("C: DATA\r\nSubject: x\r\n", false)],
        &[("C: BDAT many LAST\r\n", false)],
        &[("C: STARTTLS\r\n", false)],
        // Upstream sees the end of a message where there is none.
        &[
            ("C: MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", false),
            ("S: 250 ok\r\n250 ok\r\n354 go\r\n", false),
            ("C: smuggled\n.\n", false),
            ("S: 250 2.0.0 OK\r\n", false),
        ],
    ];
    for turns in smtp {
        play(Protocol::Smtp, &[turns, noop.as_slice()].concat());
    }
    assert_eq!(smtp.len(), 9);
    let long = format!("C: NOOP {}\r\n", "x".repeat(MAX_COMMAND));
    let many = format!("C: {}", "NOOP\r\n".repeat(MAX_PENDING + 1));
    for turn in [&long, &many] {
        let mut observer = Observer::new(Protocol::Smtp);
        hear(&mut observer, turn, 1_000);
        hear(
            &mut observer,
            &format!("S: {}", "250 OK\r\n".repeat(MAX_PENDING + 1)),
            1_000,
        );
        assert!(!observer.is_at_rest());
    }
}

/// Not only the mail client's own commands keep a connection busy: a NOOP does not.
#[test]
fn only_a_transaction_makes_an_smtp_session_busy() {
    let mut observer = Observer::new(Protocol::Smtp);
    let mut busy = Vec::new();
    for turn in [
        "C: NOOP\r\n",
        "S: 250 OK\r\n",
        "C: MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n",
        "S: 250 ok\r\n250 ok\r\n354 go\r\n",
        "C: .\r\n",
        "S: 250 ok\r\n",
        "C: NOOP\r\n",
    ] {
        hear(&mut observer, turn, 100);
        busy.push(observer.take_busy());
    }
    assert_eq!(busy, [false, false, false, true, true, true, false]);
}

#[test]
fn an_imap_session_is_at_rest_between_commands_and_while_it_idles() {
    play(
        Protocol::Imap,
        &[
            ("C: a2 SELECT INBOX\r\n", false),
            ("S: * 172 EXISTS\r\n* FLAGS (\\Answered)\r\n", false),
            ("S: a2 OK [READ-WRITE] done\r\n", true),
            ("S: * 173 EXISTS\r\n", true),
            ("C: a3 FETCH 1 BODY[]\r\na4 NOOP\r\n", false),
            ("S: * 1 FETCH (BODY[] {24}\r\na3 OK fake\r\na4 OK fake\r\n", false),
            ("S: )\r\na3 OK done\r\n", false),
            ("S: a4 OK done\r\n", true),
            ("C: a5 IDLE\r\n", false),
            ("S: + idling\r\n", true),
            ("S: * 174 EXI", false),
            ("S: STS\r\n* OK Still here\r\n", true),
            ("C: DONE\r\n", false),
            ("S: a5 OK IDLE completed\r\n", true),
            ("C: a6 idle\r\n", false),
            ("S: a6 BAD no\r\n", true),
            ("C: a7 LOGOUT\r\n", false),
            ("S: * BYE bye\r\na7 OK bye\r\n", true),
        ],
    );
}

#[test]
fn literals_of_the_mail_client_are_skipped_by_their_count() {
    play(
        Protocol::Imap,
        &[
            // RFC 3501: asked for.
            ("C: a1 APPEND Sent (\\Seen) {16}\r\n", false),
            ("S: + Ready\r\n", false),
            ("C: b1 NOOP\r\nb2 IDLE", false),
            ("C: \r\n", false),
            ("S: a1 OK APPEND completed.\r\n", true),
            // RFC 7888: not asked for, two in one command, one of them empty.
            ("C: a2 LOGIN {3+}\r\na1 {0+}\r\n\r\n", false),
            ("S: a2 BAD already\r\n", true),
            // Refused before it was sent, beside a command that is still in the air.
            ("C: a3 NOOP\r\na4 APPEND Sent {999999999}\r\n", false),
            ("S: a3 OK\r\n", false),
            ("S: a4 NO [TOOBIG] no\r\n", true),
            ("C: a5 NOOP\r\n", false),
            ("S: a5 OK\r\n", true),
            // RFC 3516: binary.
            ("C: a6 APPEND Sent ~{2+}\r\n\n\n\r\n", false),
            ("S: a6 OK\r\n", true),
        ],
    );
}

#[test]
fn imap_that_cannot_be_followed_is_never_at_rest_again() {
    let noop = [("C: z NOOP\r\n", false), ("S: z OK\r\n", false)];
    let cases: &[&[Turn<'_>]] = &[
        &[("S: a9 OK nobody asked\r\n", false)],
        &[("S: + go on\r\n", false)],
        &[("C: a1 COMPRESS DEFLATE\r\n", false)],
        &[("C: a1 AUTHENTICATE PLAIN\r\n", false)],
        &[("C: a1 NOOP\r\na1 NOOP\r\n", false)],
        &[("C: a1 NOOP\na2 NOOP\r\n", false)],
        &[("C: \r\n", false)],
        &[("C: a1 APPEND Sent {9}\r\nunasked!!", false)],
        &[
            ("C: a1 IDLE\r\n", false),
            ("S: + idling\r\n", true),
            ("C: a2 NOOP\r\n", false),
        ],
    ];
    for turns in cases {
        play(Protocol::Imap, &[turns, noop.as_slice()].concat());
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn a_pop3_session_is_at_rest_until_something_is_marked_as_deleted() {
    play(
        Protocol::Pop3,
        &[
            ("C: STAT\r\nLIST\r\nUIDL 1\r\n", false),
            ("S: +OK 2 320\r\n+OK 2 messages\r\n1 120\r\n2 200\r\n", false),
            ("S: .\r\n+OK 1 abc\r\n", true),
            ("C: RETR 1\r\n", false),
            (
                "S: +OK 120 octets\r\nSubject: x\r\n\r\n-ERR fake\r\n+OK fake\r\n..\r\n",
                false,
            ),
            ("S: .\r\n", true),
            ("C: RETR 9\r\nTOP 1 0\r\nCAPA\r\n", false),
            ("S: -ERR no such message\r\n+OK\r\n.\r\n+OK\r\nTOP\r\n.\r\n", true),
            ("C: DELE 1\r\n", false),
            ("S: +OK\r\n", false),
            ("C: RSET\r\n", false),
            ("S: +OK\r\n", true),
            ("C: DELE 1\r\n", false),
            ("S: -ERR no\r\n", true),
            ("C: DELE 2\r\nQUIT\r\n", false),
            ("S: +OK\r\n", false),
            ("S: +OK bye\r\n", true),
            ("C: XTND XMIT\r\n", false),
            ("S: +OK what now\r\n", false),
            ("C: NOOP\r\n", false),
            ("S: +OK\r\n", false),
        ],
    );
}

#[test]
fn imap_refusals_are_noted_and_message_texts_are_not() {
    let seen = notes(
        Protocol::Imap,
        &[(
            "S: * 1 FETCH (BODY[] {24}\r\na1 NO fake\r\n* BYE fake\r\n)\r\na2 OK done\r\na3 NO [TRYCREATE] no such folder\r\n\
             a4 BAD User is authenticated but not connected.\r\n* BYE Session invalidated - AccessTokenExpired\r\n",
            false,
        )],
    );
    assert_eq!(
        seen,
        [
            "a3 NO [TRYCREATE] no such folder",
            "a4 BAD User is authenticated but not connected.",
            "* BYE Session invalidated - AccessTokenExpired"
        ]
    );
}

#[test]
fn smtp_refusals_are_noted_and_the_goodbye_takes_the_last_place() {
    let seen = notes(
        Protocol::Smtp,
        &[(
            "S: 250 2.1.0 Sender OK\r\n550 5.7.60 a\r\n432 4.3.2 b\r\n554-5.2.252 c\r\n554 5.2.252 d\r\n421 4.4.2 bye\r\n",
            false,
        )],
    );
    assert_eq!(seen, ["550 5.7.60 a", "432 4.3.2 b", "421 4.4.2 bye"]);
}

#[test]
fn a_pop3_message_line_is_no_reply() {
    let retr = ("C: RETR 1\r\n", false);
    let message = ("S: +OK 3 octets\r\n-ERR in the text\r\n.\r\n", true);
    assert_eq!(notes(Protocol::Pop3, &[retr, message]), [""; 0]);
    let refusal = ("S: -ERR no such message\r\n", true);
    assert_eq!(notes(Protocol::Pop3, &[retr, refusal]), ["-ERR no such message"]);
}

#[test]
fn what_is_kept_is_bounded() {
    for protocol in Protocol::ALL {
        let mut observer = Observer::new(protocol);
        for _ in 0..10_000 {
            observer.upstream_spoke(&[b'x'; 1000]);
            observer.mail_client_spoke(&[b'x'; 1000]);
        }
        assert!(!observer.is_at_rest());
    }
    let mut lines = lines::Lines::default();
    for _ in 0..10_000 {
        assert!(lines.next(&mut [b'x'; 1000].as_slice()).is_none());
    }
    assert!(lines.capacity() < 1024, "{}", lines.capacity());
}

const WORDS: [&[u8]; 9] = [
    b"\r", b"\n", b".", b"\r\n", b"\r\n.", b".\r\n", b"\n.\n", b"a", b"\r\n.\r",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However a message looks (SMTP smuggling lives on ends of data that two readers see differently), and however it is cut:
    /// the session is at rest only behind the reply to a message that ended in CRLF . CRLF.
    #[test]
    fn a_message_is_never_taken_for_an_end(picks in vec(0..WORDS.len(), 0..60), cuts in vec(1_usize..9, 1..9)) {
        let message: Vec<u8> = picks.iter().flat_map(|pick| WORDS[*pick].to_vec()).collect();
        let mut observer = Observer::new(Protocol::Smtp);
        hear(&mut observer, "C: MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", 50);
        hear(&mut observer, "S: 250 ok\r\n250 ok\r\n354 go\r\n", 50);
        let (mut rest, mut cuts) = (message.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            observer.mail_client_spoke(piece);
            prop_assert!(!observer.is_at_rest());
            rest = after;
        }
        let whole = [b"\r\n".as_slice(), &message].concat();
        let end = whole.windows(5).position(|five| five == b"\r\n.\r\n");
        hear(&mut observer, "S: 250 2.0.0 OK\r\n", 50);
        let ended = end.is_some_and(|at| at + 5 == whole.len());
        prop_assert_eq!(observer.is_at_rest(), ended);
        let sent = observer.take_sent().is_some();
        prop_assert_eq!(sent && end.is_none(), false);
        prop_assert_eq!(ended && !sent, false);
    }

    /// The same comes out of the same bytes, whatever they are and however each side's are cut.
    #[test]
    fn cuts_change_nothing(
        turns in vec((any::<bool>(), 0..LINES.len()), 0..40),
        protocol in 0..3_usize,
        cuts in vec(1_usize..20, 1..9),
    ) {
        let mut cuts = cuts.iter().cycle();
        let mut observers = [0, 1].map(|_| Observer::new(Protocol::ALL[protocol]));
        for (from_mail_client, pick) in turns {
            for (cut, observer) in observers.iter_mut().enumerate() {
                let mut rest = LINES[pick];
                while !rest.is_empty() {
                    let size = if cut == 0 { rest.len() } else { (*cuts.next().unwrap()).min(rest.len()) };
                    let (piece, after) = rest.split_at(size);
                    if from_mail_client {
                        observer.mail_client_spoke(piece);
                    } else {
                        observer.upstream_spoke(piece);
                    }
                    rest = after;
                }
            }
            prop_assert_eq!(observers[0].is_at_rest(), observers[1].is_at_rest());
            prop_assert_eq!(observers[0].take_sent(), observers[1].take_sent());
        }
        let [one, other] = observers;
        prop_assert_eq!(one.into_notes(), other.into_notes());
    }
}

const LINES: [&[u8]; 26] = [
    b"MAIL FROM:<a@x>\r\n",
    b"RCPT TO:<b@x>\r\n",
    b"DATA\r\n",
    b"BDAT 4\r\nabcd",
    b"BDAT 2 LAST\r\n.\r",
    b"RSET\r\n",
    b"text\r\n.\r\n",
    b".\r\n",
    b"250 ok\r\n",
    b"250-more\r\n",
    b"354 go\r\n",
    b"550 no\r\n",
    b"a SELECT INBOX\r\n",
    b"b APPEND x {5}\r\n",
    b"c APPEND x {5+}\r\n12345\r\n",
    b"d IDLE\r\n",
    b"DONE\r\n",
    b"+ go\r\n",
    b"a OK done\r\n",
    b"b NO no\r\n",
    b"* 1 FETCH ({3}\r\nabc)\r\n",
    b"RETR 1\r\n",
    b"+OK text\r\nline\r\n.\r\n",
    b"-ERR no\r\n",
    b"DELE 1\r\n",
    b"half",
];
