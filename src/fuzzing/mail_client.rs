//! What mail clients may say.

use crate::devices::{Device, Devices};
use crate::downstream::{self, Credentials, Downstream, LoginRequest, Names, Opening, Refusal, TlsState};
use crate::name::LoginName;
use crate::peer::Peer;
use crate::provider::Protocol;
use crate::wire::{Closing, Limits, MAX_COMMANDS, Offer, Step, Welcome};

/// A mail client says `data`. Its first byte picks TLS, whether it is a device, and what logins are answered, its second the size of the pieces.
///
/// # Panics
/// If a reply is not a plain line, more is said or kept than should be, or the pieces make a difference: findings.
pub fn downstream(protocol: Protocol, data: &[u8]) {
    let [choice, size, said @ ..] = data else {
        return;
    };
    let whole = Heard::from(protocol, *choice, said.chunks(said.len().max(1)));
    let pieces = Heard::from(protocol, *choice, said.chunks(usize::from(*size) + 1));
    // At STARTTLS the pieces do make a difference: what comes with it ends the session.
    assert!(whole.border || pieces.border || whole == pieces);
}

/// All that a mail client hears and is asked about.
#[derive(Default, Eq, PartialEq)]
struct Heard {
    written: Vec<u8>,
    asked: Vec<String>,
    overheard: Vec<String>,
    end: Option<Closing>,
    border: bool,
}

impl Heard {
    fn from<'a>(protocol: Protocol, choice: u8, mut arriving: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut heard = Self::default();
        let mut dialogue = downstream::open(protocol, opening(protocol, choice), Limits::SMTP);
        while !heard.border && heard.end.is_none() {
            let step = dialogue.step();
            heard
                .overheard
                .extend(dialogue.overheard().into_iter().map(|said| said.line));
            match step {
                Step::Write(bytes) => heard.write(&bytes),
                Step::Read => match arriving.next() {
                    Some(bytes) => dialogue.receive(bytes),
                    None => dialogue.peer_closed(),
                },
                Step::StartTls => heard.border = true,
                Step::Close(why) => {
                    heard.border = why == Closing::PlaintextBeforeTls;
                    heard.end = Some(why);
                }
                Step::Event(request) => match heard.settle(dialogue, request, choice) {
                    Some(same) => dialogue = same,
                    None => break,
                },
            }
        }
        assert!(
            heard
                .overheard
                .iter()
                .all(|line| !line.contains(char::is_control))
        );
        heard
    }

    fn write(&mut self, bytes: &[u8]) {
        assert!(bytes.ends_with(b"\r\n"));
        assert!(
            bytes
                .iter()
                .all(|byte| matches!(byte, b'\r' | b'\n' | b' '..=b'~') && *byte != b'<')
        );
        self.written.extend_from_slice(bytes);
        assert!(self.written.len() < 1024 * MAX_COMMANDS as usize);
    }

    fn settle(
        &mut self,
        mut dialogue: Box<dyn Downstream>,
        request: LoginRequest,
        choice: u8,
    ) -> Option<Box<dyn Downstream>> {
        self.asked.push(format!(
            "{:?} {:?} {:?}",
            request.mechanism, request.credentials, request.ehlo
        ));
        if choice >= 128 {
            let refusal = Refusal::ALL[usize::from(choice) % Refusal::ALL.len()];
            dialogue.refuse(request.turn, refusal);
            return Some(dialogue);
        }
        let by_mail = matches!(request.credentials, Credentials::Network(_));
        let handover = dialogue.accept(request.turn, &Welcome::default());
        assert_eq!(handover.reply.is_empty(), by_mail);
        if by_mail {
            assert!(handover.unread[..4].eq_ignore_ascii_case(b"MAIL"));
        } else {
            self.write(&handover.reply);
        }
        None
    }
}

fn opening(protocol: Protocol, choice: u8) -> Opening {
    let states = [
        TlsState::Off,
        TlsState::Offered,
        TlsState::Required,
        TlsState::Unavailable,
        TlsState::Established,
    ];
    Opening {
        tls: states[usize::from(choice) % states.len()],
        offer: Offer::new(protocol, ["IMAP4rev1", "LITERAL+", "TOP", "SIZE 10"]),
        host_name: "mail.example".into(),
        device: device(choice),
        session: "s1".into(),
        recording: Some(Names::those(|_| true)),
    }
}

/// A device that a map names, in half of the cases.
fn device(choice: u8) -> Option<Device> {
    let login = LoginName::parse(b"scanner@x.example").ok()?;
    let peer = Peer::new(([10, 1, 2, 3], 1).into());
    let map = Devices::new(vec![(peer.source(), login)], choice & 32 != 0);
    map.at(&peer).filter(|_| choice & 64 != 0)
}
