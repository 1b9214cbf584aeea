//! Handshakes as conversations: a script says what each side says, and the machine has to say its part.
//!
//! `S:` is the upstream, `C:` the machine; `<token>` stands for the message with the token in it. A line between
//! dashes is a step or an end.

mod borders;
mod conversations;
mod cuts;
mod floods;
mod rejections;

use std::fmt::Write as _;

use super::{Asked, Settings, begin};
use crate::name::Mailbox;
use crate::provider::{BearerMechanism, MailHost, Protocol, UpstreamTls};
use crate::sasl::bearer;
use crate::secret::Secret;
use crate::wire::Step;

const TOKEN: &str = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJvdXRsb29rIn0.c2lnbmF0dXJl";

/// One script and what it is played with.
#[derive(Clone, Copy)]
struct Scene {
    about: &'static str,
    protocol: Protocol,
    tls: UpstreamTls,
    mechanism: BearerMechanism,
    script: &'static str,
}

impl Scene {
    const fn new(about: &'static str, protocol: Protocol, tls: UpstreamTls, script: &'static str) -> Self {
        Self {
            about,
            protocol,
            tls,
            mechanism: BearerMechanism::XOAuth2,
            script,
        }
    }

    const fn bearer(mut self) -> Self {
        self.mechanism = BearerMechanism::OAuthBearer;
        self
    }

    fn settings(&self) -> Settings {
        Settings {
            host: MailHost {
                name: "mail.example".into(),
                port: 993,
                tls: self.tls,
            },
            mechanism: self.mechanism,
            identity: Mailbox::parse("a@x.example").unwrap(),
            ehlo: "client.example".into(),
            recording: true,
        }
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.script
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty())
    }

    /// What the upstream says in clear and under TLS, each in one piece.
    fn said_by_upstream(&self) -> Vec<Vec<u8>> {
        let mut said = vec![Vec::new()];
        for line in self.lines() {
            if line == "-- TLS --" {
                said.push(Vec::new());
            } else if let Some(text) = line.strip_prefix("S:") {
                let last = said.last_mut().unwrap();
                last.extend_from_slice(text.strip_prefix(' ').unwrap_or(text).as_bytes());
                last.extend_from_slice(b"\r\n");
            }
        }
        said
    }

    /// Everything but what the upstream says.
    fn ours(&self) -> Vec<String> {
        let ours = self.lines().filter(|line| !line.starts_with("S:"));
        ours.map(String::from).collect()
    }
}

/// Plays a scene with what the upstream says cut into those pieces: the outer list is clear and TLS, the inner one
/// what arrives at once. Gives everything but what the upstream said, and what was overheard.
fn play(scene: &Scene, pieces: &[Vec<&[u8]>], token: &str) -> (Vec<String>, String) {
    let token = Secret::new(String::from(token));
    let settings = scene.settings();
    let identity = settings.identity.clone();
    let message = bearer::initial_response(scene.mechanism, &settings.host, &identity, &token).unwrap();
    let message = str::from_utf8(&message).unwrap();
    let mut handshake = begin(scene.protocol, settings);
    let mut phases = pieces.iter();
    let mut arriving = phases.next().unwrap().iter();
    let (mut ours, mut overheard) = (Vec::new(), String::new());
    loop {
        let step = handshake.step();
        for said in handshake.overheard() {
            writeln!(overheard, "{:?}: {}", said.by, said.line).unwrap();
        }
        match step {
            Step::Write(bytes) => {
                let text = String::from_utf8(bytes).unwrap().replace(message, "<token>");
                let lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
                ours.extend(lines.map(|line| format!("C: {line}").trim_end().to_owned()));
            }
            Step::Read => match arriving.next() {
                Some(bytes) => handshake.receive(bytes),
                None => handshake.peer_closed(),
            },
            Step::StartTls => {
                ours.push("-- TLS --".into());
                arriving = phases.next().map(|phase| phase.iter()).unwrap_or_default();
                handshake.tls_established();
            }
            Step::Event(Asked::WantsToken(turn)) => handshake.present(turn, &token).unwrap(),
            Step::Event(Asked::Done(Ok(welcome))) => {
                arriving.for_each(|bytes| handshake.receive(bytes));
                let offer: Vec<_> = welcome.offer.iter().collect();
                let unread = String::from_utf8(handshake.into_unread()).unwrap();
                ours.push(format!("-- welcome [{}] unread {unread:?} --", offer.join(", ")));
                break;
            }
            Step::Event(Asked::Done(Err(no))) => {
                let challenge = no.challenge.map(|text| format!(" {text}")).unwrap_or_default();
                ours.push(format!("-- {:?} {:?}{challenge} --", no.kind, no.reply));
                break;
            }
            Step::Close(why) => {
                ours.push(format!("-- closed: {why} --"));
                break;
            }
        }
    }
    (ours, overheard)
}

/// Plays a scene as it stands, the upstream's words arriving at once.
fn play_whole(scene: &Scene) -> (Vec<String>, String) {
    let said = scene.said_by_upstream();
    let pieces: Vec<Vec<&[u8]>> = said.iter().map(|phase| vec![phase.as_slice()]).collect();
    play(scene, &pieces, TOKEN)
}

/// Plays every scene and compares; no token may be overheard in any.
fn assert_scenes(scenes: &[Scene]) {
    for scene in scenes {
        let (ours, overheard) = play_whole(scene);
        assert_eq!(ours, scene.ours(), "{}", scene.about);
        assert!(!overheard.contains(TOKEN), "{}: {overheard}", scene.about);
        assert!(
            !overheard.contains("dXNlcj1hQHguZXhhbXBsZQ"),
            "{}: {overheard}",
            scene.about
        );
    }
}
