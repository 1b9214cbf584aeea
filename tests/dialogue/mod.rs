//! Plays whole inputs into a dialogue, however they are cut, and keeps all that comes out of it.
//!
//! A new kind of dialogue joins every property by implementing [`Machine`].

// Each test program uses its own part of this.
#![allow(dead_code)]

use saslgate::downstream::{self, Credentials, Downstream, LoginRequest, Names, Opening, Refusal, TlsState};
use saslgate::provider::Protocol;
use saslgate::wire::{Closing, Dialogue, Limits, Offer, Step, Welcome};

/// One kind of dialogue with the owner that answers it.
pub(crate) trait Machine {
    /// The dialogue.
    type Dialogue: Dialogue + ?Sized;

    /// Starts one.
    fn start(&self) -> Box<Self::Dialogue>;

    /// Settles the event with that number: tells what it was, and answers.
    fn settle(
        &self,
        number: usize,
        dialogue: Box<Self::Dialogue>,
        event: <Self::Dialogue as Dialogue>::Event,
    ) -> (String, Settled<Self::Dialogue>);

    /// What its peer may say, in pieces.
    fn words(&self) -> &'static [&'static [u8]];
}

/// What becomes of a dialogue after an event.
pub(crate) enum Settled<D: ?Sized> {
    /// It goes on.
    GoesOn(Box<D>),
    /// It is over: this is said last, and that was not understood.
    Over {
        reply: Vec<u8>,
        said: Vec<String>,
        unread: Vec<u8>,
    },
}

/// All that came out of a dialogue.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Played {
    /// What was written and asked, in order; consecutive writes are one.
    pub(crate) out: Vec<Out>,
    /// The transcript.
    pub(crate) overheard: Vec<String>,
    /// How it ended.
    pub(crate) end: End,
    /// What was not consumed, where that means anything.
    pub(crate) unread: Vec<u8>,
}

/// One thing that came out.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Out {
    Wrote(Vec<u8>),
    Asked(String),
}

/// How a play ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The dialogue wants more.
    Listening,
    /// The owner took over.
    Over,
    /// TLS would start, or bytes in clear kept it from starting: the one place where cuts may matter.
    Border,
    Closed(Closing),
}

impl Played {
    /// All that was written.
    pub(crate) fn written(&self) -> Vec<u8> {
        let writes = self.out.iter().filter_map(|out| match out {
            Out::Wrote(bytes) => Some(bytes.as_slice()),
            Out::Asked(_) => None,
        });
        writes.collect::<Vec<_>>().concat()
    }

    /// All that was written, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.written()).expect("we speak ASCII")
    }

    /// All that was asked.
    pub(crate) fn asked(&self) -> Vec<&str> {
        let asked = self.out.iter().filter_map(|out| match out {
            Out::Wrote(_) => None,
            Out::Asked(what) => Some(what.as_str()),
        });
        asked.collect()
    }

    fn write(&mut self, bytes: &[u8]) {
        match self.out.last_mut() {
            Some(Out::Wrote(last)) => last.extend_from_slice(bytes),
            _ => self.out.push(Out::Wrote(bytes.to_vec())),
        }
    }
}

/// Whether the peer closes after its last piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Then {
    Waits,
    Closes,
}

/// Plays pieces into a new dialogue, one whenever it wants to read.
pub(crate) fn play<M: Machine>(machine: &M, pieces: &[&[u8]], then: Then) -> Played {
    let mut dialogue = machine.start();
    let mut played = Played {
        out: Vec::new(),
        overheard: Vec::new(),
        end: End::Listening,
        unread: Vec::new(),
    };
    let mut pieces = pieces.iter();
    let mut events = 0;
    let most = 10 * (pieces.as_slice().concat().len() + pieces.len() + 100);
    for _ in 0..most {
        let step = dialogue.step();
        let lines = dialogue
            .overheard()
            .into_iter()
            .map(|said| format!("{:?} {}", said.by, said.line));
        played.overheard.extend(lines);
        match step {
            Step::Write(bytes) => played.write(&bytes),
            Step::Read => match (pieces.next(), then) {
                (Some(piece), _) => dialogue.receive(piece),
                (None, Then::Closes) => dialogue.peer_closed(),
                (None, Then::Waits) => {
                    played.unread = dialogue.into_unread();
                    return played;
                }
            },
            Step::StartTls | Step::Close(Closing::PlaintextBeforeTls) => {
                played.end = End::Border;
                return played;
            }
            Step::Close(why) => {
                assert!(matches!(dialogue.step(), Step::Close(_)), "the end is the end");
                played.end = End::Closed(why);
                return played;
            }
            Step::Event(event) => {
                let (what, settled) = machine.settle(events, dialogue, event);
                events += 1;
                played.out.push(Out::Asked(what));
                match settled {
                    Settled::GoesOn(same) => dialogue = same,
                    Settled::Over { reply, said, unread } => {
                        played.write(&reply);
                        played.overheard.extend(said);
                        played.end = End::Over;
                        played.unread = unread;
                        pieces.for_each(|piece| played.unread.extend_from_slice(piece));
                        return played;
                    }
                }
            }
        }
    }
    panic!("no end after {most} steps");
}

/// Plays one input uncut.
pub(crate) fn play_whole<M: Machine>(machine: &M, input: &[u8]) -> Played {
    play(machine, &[input], Then::Waits)
}

/// Cuts an input at these places.
pub(crate) fn cut<'a>(input: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (input.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in places.into_iter().chain([input.len()]) {
        if end > start {
            pieces.push(&input[start..end]);
        }
        start = end;
    }
    pieces
}

/// A dialogue with a mail client, and the answers that its logins get in turn.
#[derive(Clone, Debug)]
pub(crate) struct MailClient {
    pub(crate) protocol: Protocol,
    pub(crate) tls: TlsState,
    /// None lets it in. The last is repeated.
    pub(crate) answers: Vec<Option<Refusal>>,
    pub(crate) limits: Limits,
}

impl MailClient {
    /// One that may log in, with the default limits, and is let in at once.
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            tls: TlsState::Off,
            answers: vec![None],
            limits: match protocol {
                Protocol::Smtp => Limits::SMTP,
                _ => Limits::DEFAULT,
            },
        }
    }

    pub(crate) fn opening(&self) -> Opening {
        let lines: &[&str] = match self.protocol {
            Protocol::Imap => &["IMAP4rev1", "IDLE", "ID", "LITERAL+"],
            Protocol::Pop3 => &["TOP", "UIDL"],
            Protocol::Smtp => &["SIZE 157286400", "8BITMIME"],
        };
        Opening {
            tls: self.tls,
            offer: Offer::new(self.protocol, lines.iter().copied()),
            host_name: "mail.example.com".into(),
            device: None,
            session: "s1".into(),
            recording: Some(Names::those(|_| true)),
        }
    }
}

impl Machine for MailClient {
    type Dialogue = dyn Downstream;

    fn start(&self) -> Box<dyn Downstream> {
        downstream::open(self.protocol, self.opening(), self.limits)
    }

    fn settle(
        &self,
        number: usize,
        mut dialogue: Box<dyn Downstream>,
        request: LoginRequest,
    ) -> (String, Settled<dyn Downstream>) {
        let what = told(&request);
        let answer = self
            .answers
            .get(number)
            .or(self.answers.last())
            .copied()
            .flatten();
        if let Some(refusal) = answer {
            dialogue.refuse(request.turn, refusal);
            return (what, Settled::GoesOn(dialogue));
        }
        let handover = dialogue.accept(request.turn, &Welcome::default());
        let settled = Settled::Over {
            reply: handover.reply,
            said: handover.said.into_iter().map(|said| said.line).collect(),
            unread: handover.unread,
        };
        (what, settled)
    }

    fn words(&self) -> &'static [&'static [u8]] {
        match self.protocol {
            Protocol::Imap => IMAP_WORDS,
            Protocol::Pop3 => POP3_WORDS,
            Protocol::Smtp => SMTP_WORDS,
        }
    }
}

/// A login as text, with the password in it.
pub(crate) fn told(request: &LoginRequest) -> String {
    let Credentials::Password {
        authzid,
        user,
        password,
    } = &request.credentials
    else {
        return "nothing but its address".into();
    };
    format!(
        "{:?} {:?} as {:?} with {:?} from {:?}",
        request.mechanism,
        user.escape_ascii().to_string(),
        authzid.escape_ascii().to_string(),
        password.expose().escape_ascii().to_string(),
        request.ehlo,
    )
}

const IMAP_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b" ",
    b"a",
    b"b2",
    b"*",
    b"=",
    b"+",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"<",
    b"{",
    b"}",
    b"{0}",
    b"{2}",
    b"{2+}",
    b"{3}\r\n",
    b"{3+}\r\n",
    b"{1025}",
    b"{1025+}",
    b"{99999999999999999999}",
    b"a LOGIN ",
    b"a login bob pw\r\n",
    b"a AUTHENTICATE PLAIN",
    b"a AUTHENTICATE LOGIN",
    b"a AUTHENTICATE CRAM-MD5",
    b"a NOOP\r\n",
    b"a ID NIL\r\n",
    b"a ID (",
    b"a CAPABILITY\r\n",
    b"a LOGOUT\r\n",
    b"a STARTTLS\r\n",
    b"a SELECT INBOX",
    b"a APPEND ",
    b"bob",
    b"\"bob\"",
    b"pw",
    b"AGJvYgBwdw==",
    b"Ym9i",
    b"cHc=",
    b"\xe9",
    b"\xc3\xa9",
    b"NIL",
    b"GET / HTTP/1.1\r\n",
];

const POP3_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b" ",
    b"*",
    b"=",
    b"USER bob\r\n",
    b"USER ",
    b"PASS pw\r\n",
    b"PASS ",
    b"AUTH\r\n",
    b"AUTH PLAIN",
    b"AUTH LOGIN",
    b"AUTH CRAM-MD5\r\n",
    b"APOP bob 0123\r\n",
    b"CAPA\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"STLS\r\n",
    b"STAT\r\n",
    b"bob",
    b"pw",
    b"AGJvYgBwdw==",
    b"Ym9i",
    b"cHc=",
    b"\xe9",
    b"\xc3\xa9",
    b"GET / HTTP/1.1\r\n",
];

const SMTP_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b" ",
    b"*",
    b"=",
    b"EHLO pc\r\n",
    b"EHLO ",
    b"HELO [192.0.2.1]\r\n",
    b"AUTH\r\n",
    b"AUTH PLAIN",
    b"AUTH LOGIN",
    b"AUTH CRAM-MD5\r\n",
    b"NOOP\r\n",
    b"RSET\r\n",
    b"QUIT\r\n",
    b"STARTTLS\r\n",
    b"MAIL FROM:<a@x>\r\n",
    b"DATA\r\n",
    b"BDAT 5 LAST\r\n",
    b"VRFY x\r\n",
    b"EXPN x\r\n",
    b"HELP\r\n",
    b"bob",
    b"pw",
    b"AGJvYgBwdw==",
    b"Ym9i",
    b"cHc=",
    b"\xe9",
    b"\xc3\xa9",
    b"GET / HTTP/1.1\r\n",
];
