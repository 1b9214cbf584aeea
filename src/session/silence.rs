//! Mail clients that left before they said a word: what that may mean. Monitors and scanners of ports do the same, so it is a hint in
//! the line of the session and no warning.

use std::io::ErrorKind;

use super::{Arrival, Outcome};
use crate::downstream::TlsState;
use crate::name::shown;
use crate::transport::{Ended, names};
use crate::wire::Closing;

/// The longest name of a server that is shown, in characters.
const LONGEST: usize = 100;

/// What it may mean that a session ended so. `tls` is how TLS stood, `asked_for` the server's name in the mail client's hello.
pub(super) fn hint(
    outcome: &Outcome,
    tls: TlsState,
    asked_for: Option<&str>,
    arrival: &Arrival,
) -> Option<String> {
    match outcome {
        Outcome::Ended(Ended::Closed(Closing::PeerClosed) | Ended::Broken(_))
            if tls == TlsState::Established =>
        {
            let certificate = arrival.identity.as_ref()?.cert.first()?;
            Some(disbelief(asked_for, &names(certificate)))
        }
        // It took the greeting for a TLS record, and closed with the rest unread; what it said went with the reset.
        Outcome::Ended(Ended::Broken(error)) if error.kind() == ErrorKind::ConnectionReset => {
            Some("perhaps the mail client is set to SSL/TLS: this port begins in clear".to_owned())
        }
        _ => None,
    }
}

/// Some judge the certificate's name only when the handshake is over, and say nothing of it: curl and .NET do.
fn disbelief(asked_for: Option<&str>, names: &str) -> String {
    let asked_for = asked_for.map_or_else(
        || "no name".to_owned(),
        |name| format!("{} (SNI)", shown(name.as_bytes(), LONGEST)),
    );
    format!(
        "perhaps it does not believe the certificate: it asked for {asked_for}, the certificate is for {names}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_told_beside_what_the_certificate_has() {
        let cases = [
            (
                Some("mail.example.com"),
                "it asked for mail.example.com (SNI), the",
            ),
            (None, "it asked for no name, the"),
        ];
        for (asked_for, told) in cases {
            let hint = disbelief(asked_for, "localhost, 127.0.0.1");
            assert!(hint.contains(told), "{hint}");
            assert!(hint.ends_with("for localhost, 127.0.0.1"), "{hint}");
        }
        assert_eq!(cases.len(), 2);
        let long = disbelief(Some(&"a".repeat(253)), "localhost");
        assert!(long.len() < 253, "{long}");
    }
}
