//! Entries for fuzzers, which the tests replay on the stable toolchain. Nothing else calls them.

use std::path::Path;

use crate::config::{Given, diff, load, report};
use crate::name::Mailbox;
use crate::provider::{BearerMechanism, MailHost, Protocol, UpstreamTls};
use crate::secret::Secret;
use crate::upstream::handshake::{Asked, Settings, begin};
use crate::wire::Step;

mod balancer;
mod mail_client;
mod words;

pub use balancer::proxy;
pub use mail_client::downstream;
pub use words::{framer, sasl};

/// An upstream says `data`. Its first byte picks TLS mode, mechanism and the size of the pieces that arrive.
///
/// # Panics
/// If a token leaves in clear or before it was asked for, a secret is overheard, or a step makes no sense: findings.
pub fn upstream(protocol: Protocol, data: &[u8]) {
    let Some((&choice, said)) = data.split_first() else {
        return;
    };
    let settings = settings(choice);
    let mut secure = settings.host.tls == UpstreamTls::Implicit;
    let mut handshake = begin(protocol, settings);
    let mut arriving = said.chunks(usize::from(choice >> 2) + 1);
    let token = Secret::new(String::from("dG9rZW4tb2YtYS1mdXp6ZXItMDEyMzQ1Njc4OQ"));
    let mut presented = false;
    loop {
        let step = handshake.step();
        for line in handshake.overheard() {
            // Before it was presented, an upstream that says it has guessed it.
            let repeated = presented && line.line.contains(token.expose());
            assert!(!repeated, "overheard: {}", line.line);
        }
        match step {
            Step::Write(bytes) => {
                assert!(bytes.ends_with(b"\r\n"));
                assert!(presented || bytes.len() < 600, "a long command without a token");
            }
            Step::Read => match arriving.next() {
                Some(bytes) => handshake.receive(bytes),
                None => handshake.peer_closed(),
            },
            Step::StartTls => {
                assert!(!secure, "TLS within TLS");
                secure = true;
                handshake.tls_established();
            }
            Step::Event(Asked::WantsToken(turn)) => {
                assert!(secure && !presented, "a token wanted in clear, or twice");
                presented = handshake.present(turn, &token).is_ok();
                assert!(presented);
            }
            Step::Event(Asked::Done(verdict)) => {
                assert!(presented || verdict.is_err(), "a login without a token");
                return;
            }
            Step::Close(_) => return,
        }
    }
}

fn settings(choice: u8) -> Settings {
    Settings {
        host: MailHost {
            name: "mail.example".into(),
            port: 993,
            tls: if choice & 1 == 0 {
                UpstreamTls::Implicit
            } else {
                UpstreamTls::StartTls
            },
        },
        mechanism: if choice & 2 == 0 {
            BearerMechanism::XOAuth2
        } else {
            BearerMechanism::OAuthBearer
        },
        identity: Mailbox::parse("a@x.example")
            .unwrap_or_else(|_| unreachable!("it has no control character")),
        ehlo: "client.example".into(),
        recording: true,
    }
}

/// A configuration says `data`.
///
/// # Panics
/// If a problem points outside the file or outside the line that it shows, or a configuration differs from itself.
pub fn config(data: &[u8]) {
    read(Given::default().file(OWN, data), data);
}

/// A file with an account a line says `data`.
///
/// # Panics
/// As for a configuration.
pub fn users_file(data: &[u8]) {
    let own = "users_file = \"users\"\n[app]\ngrant = \"password\"\ntenant = \"contoso.com\"\n\
               client_id = \"11111111-2222-3333-4444-555555555555\"\n";
    read(Given::default().file(OWN, own).file("users", data), data);
}

const OWN: &str = "saslgate.toml";

fn read(machine: Given, data: &[u8]) {
    let machine = machine.file("secret", "value").variable("SECRET", "value");
    let lines = 1 + String::from_utf8_lossy(data).matches('\n').count();
    match load(Path::new(OWN), &machine) {
        Ok(config) => assert!(diff(&config.snapshot, &config.snapshot).is_empty()),
        Err(problems) => {
            assert!(problems.has_errors());
            for place in problems.list.iter().filter_map(|problem| problem.place.as_ref()) {
                assert!((1..=lines).contains(&place.line) && place.column > 0);
                assert!(place.excerpt.get(place.mark.clone()).is_some());
                assert!(!place.excerpt.contains('\n'));
            }
            // Painting them costs ten times as much as finding them.
            assert!(!data.len().is_multiple_of(16) || !report::snippets(&problems).is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_upstream_gets_a_token_that_it_should_not(
            protocol in prop::sample::select(Protocol::ALL.to_vec()),
            data in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            upstream(protocol, &data);
        }

        #[test]
        fn no_mail_client_hears_what_it_should_not(
            protocol in prop::sample::select(Protocol::ALL.to_vec()),
            data in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            downstream(protocol, &data);
        }

        #[test]
        fn no_line_of_accounts_is_too_odd(line in "[a@* \t#\u{feff}=,-]{0,6}( |\t)(sg1:|sg2:|-)?[a:,= -]{0,12}( [a-z_]{0,9}=?[a-z@,=. ä]{0,9}){0,4}\r?\n?") {
            users_file(line.as_bytes());
        }

        #[test]
        fn lines_and_messages_have_one_reading(data in prop::collection::vec(any::<u8>(), 0..300)) {
            framer(&data);
            sasl(&data);
            proxy(&data);
        }
    }
}
