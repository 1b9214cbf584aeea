//! TLS with a mail client that did not come about: what the error means for whoever sets the mail client up.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use rustls::{AlertDescription, PeerIncompatible};

use super::Outcome;
use crate::audit::Why;
use crate::downstream::TlsState;
use crate::transport::Ended;
use crate::wire::{Closing, Foreign};

/// Who hangs up sooner without a word only looks whether the port is open: balancers, monitors and scanners do. A mail client
/// that waits for a greeting has more patience.
const GREETING: Duration = Duration::from_secs(5);

/// What a session's end says about TLS, if it is known. `tls` is what the mail client met, `waited` how long it was there.
pub(super) fn explained(outcome: &Outcome, tls: TlsState, waited: Duration) -> Option<Why<'static>> {
    match outcome {
        Outcome::NoTls => Some(NOT_BEGUN),
        Outcome::Ended(Ended::Closed(Closing::Foreign(Foreign::Tls))) => too_soon(tls),
        Outcome::Ended(Ended::Tls(error)) if error.kind() == ErrorKind::UnexpectedEof => {
            (tls == TlsState::Established && waited >= GREETING).then_some(NOT_BEGUN)
        }
        // Some check the certificate only when the handshake is over, so that their alert comes in place of a command.
        Outcome::Ended(Ended::Tls(error) | Ended::Broken(error)) => of_error(error, tls),
        _ => None,
    }
}

/// What it means that a login or mail came before TLS on a listener that wants TLS first.
pub(super) const fn in_clear(tls: TlsState) -> Option<Why<'static>> {
    match tls {
        TlsState::Required => Some(Why {
            what: "a mail client logged in or sent mail without TLS on a port where STARTTLS has to come first",
            why: "it is set to no encryption, and this listener has tls = \"starttls\", or does not trust the mail client's network \
                  (`plaintext_from`)",
            fix: "set the mail client to STARTTLS for this port (TLS, not none and not SSL); if it has no TLS and its network is trusted, give this \
                  listener tls = \"starttls-optional\" and the network in `plaintext_from`",
        }),
        TlsState::Unavailable => Some(Why {
            what: "a mail client logged in without TLS from a network that may not, on a port without TLS",
            why: "`plaintext_from` of this listener does not have its address, and tls = \"off\"",
            fix: "give this listener a certificate (`saslgate certs` makes one) and tls = \"starttls\" or \"implicit\", and set the mail client to it; or, if the \
                  network is trusted, add it to `plaintext_from`",
        }),
        TlsState::Off | TlsState::Offered | TlsState::Established => None,
    }
}

/// What it means that STARTTLS or STLS was said to a listener that has no TLS.
pub(super) const fn missed(tls: TlsState) -> Option<Why<'static>> {
    const WHAT: &str = "a mail client asked for STARTTLS on a port without TLS";
    const WHY: &str = "it is set to STARTTLS, and this listener has tls = \"off\"";
    match tls {
        TlsState::Off => Some(Why {
            what: WHAT,
            why: WHY,
            fix: "set the mail client to no encryption (none) for this port; or give this listener tls = \"starttls\", and a certificate: `saslgate certs` makes one",
        }),
        // Without TLS it would not be let in either.
        TlsState::Unavailable => Some(Why {
            what: WHAT,
            why: WHY,
            fix: "give this listener tls = \"starttls\", and a certificate: `saslgate certs` makes one; or, if the mail client's network is trusted, add it to \
                  `plaintext_from` of this listener and set the mail client to no encryption (none) for this port",
        }),
        TlsState::Offered | TlsState::Required | TlsState::Established => None,
    }
}

fn of_error(error: &Error, tls: TlsState) -> Option<Why<'static>> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::PeerIncompatible(reason) => too_old(reason),
        // The first bytes are no TLS record.
        rustls::Error::InvalidMessage(_) if tls == TlsState::Established => Some(IN_CLEAR),
        _ => None,
    }
}

/// RFC 8446 6.2 says which alert means what; which one comes for a name that does not fit is the mail client's choice.
const fn of_alert(alert: AlertDescription) -> Option<Why<'static>> {
    use AlertDescription as Alert;
    match alert {
        Alert::UnknownCA => Some(UNKNOWN_AUTHORITY),
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate => Some(DISTRUSTED),
        Alert::CertificateExpired => Some(EXPIRED),
        Alert::CertificateRevoked => Some(REVOKED),
        Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => Some(Why {
            what: "a mail client found no version or cipher suite of TLS that it has in common with saslgate",
            ..TOO_OLD
        }),
        _ => None,
    }
}

/// What a device offered whose TLS is too old for rustls, if that is what is wrong.
const fn too_old(reason: &PeerIncompatible) -> Option<Why<'static>> {
    use PeerIncompatible::{
        NoCipherSuitesInCommon, SignatureAlgorithmsExtensionRequired, Tls12NotOffered,
        Tls12NotOfferedOrEnabled,
    };
    match reason {
        // What a hello below TLS 1.2 is missed first for: RFC 5246 7.4.1.4.1 brought that extension.
        SignatureAlgorithmsExtensionRequired | Tls12NotOffered | Tls12NotOfferedOrEnabled => Some(TOO_OLD),
        NoCipherSuitesInCommon => Some(Why {
            what: "a device offered no cipher suite that is still safe",
            ..TOO_OLD
        }),
        _ => None,
    }
}

/// A TLS record came where TLS does not start at the first byte.
const fn too_soon(tls: TlsState) -> Option<Why<'static>> {
    const WHAT: &str = "a mail client began with TLS on a port where TLS does not start at the first byte";
    match tls {
        TlsState::Offered | TlsState::Required => Some(Why {
            what: WHAT,
            why: "it is set to SSL/TLS, and this listener waits for STARTTLS",
            fix: "set the mail client to STARTTLS for this port (not SSL/TLS); if it knows SSL/TLS only, set tls = \"implicit\" in this listener",
        }),
        TlsState::Off | TlsState::Unavailable => Some(Why {
            what: WHAT,
            why: "it is set to SSL/TLS, and this listener has tls = \"off\"",
            fix: "set the mail client to no encryption (none) for this port; or give this listener tls = \"implicit\", and a certificate: `saslgate certs` makes one",
        }),
        TlsState::Established => None,
    }
}

const UNKNOWN_AUTHORITY: Why<'static> = Why {
    what: "a mail client does not trust the certificate of this listener (unknown_ca)",
    why: "the authority that issued the certificate is not known where the mail client runs, or the listener's `certificate` file lacks the \
          authorities in between",
    fix: "import the ca.pem that `saslgate certs` made where the mail client runs (`saslgate certs --help` says how); or use a certificate of a public \
          authority, with its whole chain in the file",
};

const DISTRUSTED: Why<'static> = Why {
    what: "a mail client does not trust the certificate of this listener",
    why: "the authority that issued it is not known where the mail client runs, or the certificate is not for the server name that is set there",
    fix: "import the ca.pem that `saslgate certs` made where the mail client runs (`saslgate certs --help` says how), or use a certificate of a public authority; \
          and set the mail client's server to a name that the certificate has: `saslgate test` tells which these are",
};

const EXPIRED: Why<'static> = Why {
    what: "a mail client says that the certificate of this listener has expired",
    why: "nobody has renewed it, or the clock where the mail client runs is wrong",
    fix: "`saslgate test` tells until when it is good: if it has ended, renew it (`saslgate certs DIRECTORY --renew`, or as whoever issued it says); \
          if not, set the clock where the mail client runs",
};

const REVOKED: Why<'static> = Why {
    what: "a mail client says that the certificate of this listener was revoked",
    why: "whoever issued it has taken it back",
    fix: "have a new one issued, and put it in the place of the old one",
};

const IN_CLEAR: Why<'static> = Why {
    what: "a mail client spoke without TLS on a port where TLS starts at the first byte",
    why: "it is set to STARTTLS or to no encryption, or it is no mail client: a browser, a scanner of ports, a device that still says hello as SSL 2 did",
    fix: "set the mail client to SSL/TLS for this port (not STARTTLS, not none); if it has no SSL/TLS, give it a listener with tls = \"starttls\"",
};

const NOT_BEGUN: Why<'static> = Why {
    what: "a mail client did not get as far as TLS on a port where TLS starts at the first byte",
    why: "it is set to STARTTLS or to no encryption, and waited for a greeting, which comes under TLS here; or it did not trust the certificate and hung up \
          without saying so",
    fix: "set the mail client to SSL/TLS for this port (not STARTTLS, not none); if it is, import the ca.pem that `saslgate certs` made where the mail client runs, \
          or use a certificate of a public authority",
};

const TOO_OLD: Why<'static> = Why {
    what: "a device offered nothing newer than TLS 1.1, or a TLS 1.2 that signs with SHA-1",
    why: "TLS of that age can be broken and is not spoken here",
    fix: "update the device; or let it connect without TLS on a trusted network: a listener with tls = \"off\" or \"starttls-optional\", and its address in plaintext_from",
};

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn failed(error: rustls::Error) -> Outcome {
        Outcome::Ended(Ended::Tls(Error::new(ErrorKind::InvalidData, error)))
    }

    /// What is said of an alert, by a mail client that met this.
    fn alerted(alert: AlertDescription) -> Option<Why<'static>> {
        explained(
            &failed(rustls::Error::AlertReceived(alert)),
            TlsState::Required,
            Duration::ZERO,
        )
    }

    #[test]
    fn each_alert_about_the_certificate_has_its_fix() {
        use AlertDescription as Alert;
        let cases = [
            (Alert::UnknownCA, "import the ca.pem"),
            (Alert::BadCertificate, "a name that the certificate has"),
            (Alert::CertificateUnknown, "a name that the certificate has"),
            (Alert::UnsupportedCertificate, "a name that the certificate has"),
            (Alert::CertificateExpired, "--renew"),
            (Alert::CertificateRevoked, "a new one issued"),
            (Alert::ProtocolVersion, "plaintext_from"),
            (Alert::HandshakeFailure, "plaintext_from"),
            (Alert::InsufficientSecurity, "plaintext_from"),
        ];
        for (alert, fix) in cases {
            let why = alerted(alert).unwrap_or_else(|| panic!("{alert:?}"));
            assert!(why.fix.contains(fix), "{alert:?}: {}", why.fix);
            // The same after a handshake, where it comes in place of a command.
            let error = Error::new(ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            let later = Outcome::Ended(Ended::Broken(error));
            let later = explained(&later, TlsState::Established, LONG).unwrap();
            assert_eq!(later.what, why.what);
        }
        assert_eq!(cases.len(), 9);
        // Nothing is made up for what says nothing.
        for alert in [Alert::UserCanceled, Alert::InternalError, Alert::CloseNotify] {
            assert!(alerted(alert).is_none(), "{alert:?}");
        }
    }

    #[test]
    fn what_the_mail_client_has_to_be_set_to_depends_on_the_listener() {
        let tls_record = Outcome::Ended(Ended::Closed(Closing::Foreign(Foreign::Tls)));
        let in_clear = failed(InvalidMessage::InvalidContentType.into());
        let cases = [
            (&tls_record, TlsState::Offered, Some("STARTTLS for this port")),
            (&tls_record, TlsState::Required, Some("STARTTLS for this port")),
            (&tls_record, TlsState::Off, Some("no encryption (none)")),
            (&tls_record, TlsState::Unavailable, Some("no encryption (none)")),
            (&tls_record, TlsState::Established, None),
            (&in_clear, TlsState::Established, Some("SSL/TLS for this port")),
            (&in_clear, TlsState::Required, None),
            (
                &Outcome::NoTls,
                TlsState::Established,
                Some("SSL/TLS for this port"),
            ),
        ];
        for (outcome, tls, expected) in cases {
            let fix = explained(outcome, tls, LONG).map(|why| why.fix);
            assert_eq!(fix.is_some(), expected.is_some(), "{outcome} {tls:?}");
            assert!(
                fix.unwrap_or_default().contains(expected.unwrap_or_default()),
                "{fix:?}"
            );
        }
        assert_eq!(cases.len(), 8);
    }

    #[test]
    fn who_asks_for_tls_where_there_is_none_is_told_of_the_ways_out() {
        let cases = [
            (TlsState::Off, Some("set the mail client to no encryption")),
            (
                TlsState::Unavailable,
                Some("give this listener tls = \"starttls\""),
            ),
            (TlsState::Offered, None),
            (TlsState::Required, None),
            (TlsState::Established, None),
        ];
        for (tls, expected) in cases {
            let fix = missed(tls).map(|why| why.fix);
            assert_eq!(fix.is_some(), expected.is_some(), "{tls:?}");
            assert!(fix.unwrap_or_default().starts_with(expected.unwrap_or_default()));
        }
        assert_eq!(cases.len(), 5);
    }

    /// A balancer that looks whether the port is open does so every few seconds.
    #[test]
    fn who_hangs_up_at_once_is_not_spoken_of() {
        let hung_up = || Outcome::Ended(Ended::Tls(ErrorKind::UnexpectedEof.into()));
        let told = |tls, waited| explained(&hung_up(), tls, waited).is_some();
        assert!(!told(TlsState::Established, Duration::from_secs(1)));
        assert!(told(TlsState::Established, GREETING));
        assert!(!told(TlsState::Required, LONG), "it has had its greeting");
    }
}
