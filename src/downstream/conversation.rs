//! Conversations as tests write them, line by line:
//!
//! ```text
//! S: what we say                      C: what the mail client says
//! login: user / password (mechanism)  the owner is asked; for a device: login at ADDRESS (Network)
//! refuse: Refusal   accept: OFFER     the owner answers
//! remind: account                     the owner wants a notice in front of a yes
//! tls: up           close: Closing    what the link is told
//! ```

use std::collections::VecDeque;

use super::{Credentials, Downstream, Handover, LoginRequest, Names, Opening, Refusal, TlsState};
use crate::provider::Protocol;
use crate::wire::{Closing, Limits, Offer, Step, Welcome};

/// The upstream that tests lead to.
const EXCHANGE: &[(Protocol, &[&str])] = &[
    (
        Protocol::Imap,
        &["IMAP4", "IMAP4rev1", "UIDPLUS", "MOVE", "ID", "IDLE", "LITERAL+"],
    ),
    (Protocol::Pop3, &["TOP", "UIDL"]),
    (Protocol::Smtp, &["SIZE 157286400", "PIPELINING", "8BITMIME"]),
];

pub(super) fn opening(protocol: Protocol, tls: TlsState) -> Opening {
    let known = EXCHANGE.iter().find(|(known, _)| *known == protocol).unwrap().1;
    Opening {
        tls,
        offer: Offer::new(protocol, known.iter().copied()),
        host_name: "mail.example.com".into(),
        device: None,
        session: "s1".into(),
        recording: Some(Names::those(|_| true)),
    }
}

pub(super) struct Conversation {
    protocol: Protocol,
    dialogue: Option<Box<dyn Downstream>>,
    said: VecDeque<String>,
    next: Option<Step<LoginRequest>>,
    asked: Option<LoginRequest>,
    transcript: Vec<String>,
    handover: Option<Handover>,
}

impl Conversation {
    pub(super) fn new(protocol: Protocol, tls: TlsState) -> Self {
        let limits = match protocol {
            Protocol::Smtp => Limits::SMTP,
            _ => Limits::DEFAULT,
        };
        Self::open(protocol, opening(protocol, tls), limits)
    }

    pub(super) fn open(protocol: Protocol, opening: Opening, limits: Limits) -> Self {
        let mut this = Self {
            protocol,
            dialogue: Some(super::open(protocol, opening, limits)),
            said: VecDeque::new(),
            next: None,
            asked: None,
            transcript: Vec::new(),
            handover: None,
        };
        this.pull();
        this
    }

    /// Plays a script and fails at the first line that is not as it says.
    pub(super) fn play(&mut self, script: &str) -> &mut Self {
        for line in script
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty())
        {
            let (who, what) = line.split_once(':').unwrap();
            let what = what.strip_prefix(' ').unwrap_or(what);
            match who {
                "C" => self.send([what.as_bytes(), b"\r\n"].concat()),
                "S" => self.expect_line(what),
                "login" => self.expect_login(what),
                "refuse" => self.refuse(what),
                "accept" => self.accept(what),
                "remind" => self.dialogue().remind(what),
                "close" => self.expect_close(what),
                "tls" => self.start_tls(),
                other => panic!("{other}?"),
            }
        }
        self
    }

    /// The mail client sends bytes.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(
            self.said,
            [""; 0],
            "said and not expected, before {}",
            bytes.as_ref().escape_ascii()
        );
        assert!(self.next.is_none(), "{:?} instead of listening", self.next);
        self.dialogue().receive(bytes.as_ref());
        self.pull();
    }

    /// Everything said so far, in one string, not expected line by line.
    pub(super) fn take_said(&mut self) -> String {
        self.said.drain(..).map(|line| line + "\n").collect()
    }

    /// Skips a line if it is the next that was said.
    pub(super) fn skip_line(&mut self, line: &str) -> bool {
        self.said.pop_front_if(|said| said == line).is_some()
    }

    pub(super) fn expect_line(&mut self, line: &str) {
        assert_eq!(self.said.pop_front().as_deref(), Some(line));
    }

    pub(super) fn expect_close(&mut self, why: &str) {
        match self.next.take() {
            Some(Step::Close(closing)) => assert_eq!(format!("{closing:?}"), why),
            other => panic!("{other:?} instead of {why}"),
        }
        assert_eq!(self.said, [""; 0]);
        assert!(matches!(self.dialogue().step(), Step::Close(Closing::PeerClosed)));
    }

    pub(super) fn expect_login(&mut self, expected: &str) {
        let request = self.take_login();
        let mut seen = match &request.credentials {
            Credentials::Password { user, password, .. } => {
                format!("{} / {}", user.escape_ascii(), password.expose().escape_ascii())
            }
            Credentials::Network(device) => format!("{} at {}", device.login(), device.address()),
        };
        seen.extend([format!(" ({:?})", request.mechanism)]);
        if let Credentials::Password { authzid, .. } = &request.credentials
            && !authzid.is_empty()
        {
            seen.extend([" as ".into(), authzid.escape_ascii().to_string()]);
        }
        if let Some(ehlo) = &request.ehlo {
            seen.extend([" from ", ehlo]);
        }
        assert_eq!(seen, expected);
        self.asked = Some(request);
    }

    /// The login that the owner is asked about.
    pub(super) fn take_login(&mut self) -> LoginRequest {
        match self.next.take() {
            Some(Step::Event(request)) => request,
            other => panic!("{other:?} instead of a login; said {:?}", self.said),
        }
    }

    fn refuse(&mut self, refusal: &str) {
        let refusal = *Refusal::ALL
            .iter()
            .find(|known| format!("{known:?}") == refusal)
            .unwrap();
        let turn = self.asked.take().unwrap().turn;
        self.dialogue().refuse(turn, refusal);
        self.pull();
    }

    fn accept(&mut self, offer: &str) {
        let separator = if self.protocol == Protocol::Imap { ' ' } else { ';' };
        let welcome = Welcome {
            offer: Offer::new(self.protocol, offer.split(separator)),
        };
        let turn = self.asked.take().unwrap().turn;
        let handover = self.dialogue.take().unwrap().accept(turn, &welcome);
        self.said.extend(lines(&handover.reply));
        self.transcript.extend(
            handover
                .said
                .iter()
                .map(|said| format!("{:?} {}", said.by, said.line)),
        );
        self.handover = Some(handover);
    }

    fn start_tls(&mut self) {
        assert!(matches!(self.next.take(), Some(Step::StartTls)));
        self.dialogue().tls_established();
        self.pull();
    }

    /// What the mail client sent behind its login.
    pub(super) fn unread(&mut self) -> Vec<u8> {
        match self.handover.take() {
            Some(handover) => handover.unread,
            None => self.dialogue.take().unwrap().into_unread(),
        }
    }

    /// The whole masked transcript so far, one line each.
    pub(super) fn transcript(&self) -> String {
        self.transcript.join("\n")
    }

    pub(super) fn dialogue(&mut self) -> &mut dyn Downstream {
        self.dialogue.as_deref_mut().unwrap()
    }

    /// Takes steps until the dialogue wants something from somebody else.
    pub(super) fn pull(&mut self) {
        loop {
            let step = self.dialogue().step();
            for said in self.dialogue().overheard() {
                self.transcript.push(format!("{:?} {}", said.by, said.line));
            }
            match step {
                Step::Write(bytes) => self.said.extend(lines(&bytes)),
                Step::Read => return,
                other => {
                    self.next = Some(other);
                    return;
                }
            }
        }
    }
}

impl Drop for Conversation {
    /// Nothing may be left that a test did not look at.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.said, [""; 0], "said and not expected");
            assert!(self.next.is_none(), "{:?} not expected", self.next);
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = str::from_utf8(bytes).unwrap();
    if text.is_empty() {
        return Vec::new();
    }
    let text = text.strip_suffix("\r\n").expect("a reply ends its line");
    text.split("\r\n").map(str::to_owned).collect()
}
