//! How a session has ended: in the log's words, and as it is counted.

use std::fmt;

use super::Outcome;
use crate::metrics;
use crate::relay::End;
use crate::sessions::Why;
use crate::transport::{Ended, Leg};

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no room for another connection"),
            Self::Stopping => f.write_str("saslgate stops"),
            Self::Ended(Ended::Closed(why)) => why.fmt(f),
            Self::NoTls | Self::Ended(Ended::Impatient) => {
                f.write_str("the mail client took too long to log in")
            }
            Self::Ended(Ended::Broken(error)) => write!(f, "the connection broke: {error}"),
            Self::Ended(Ended::Tls(error)) => write!(f, "TLS failed: {error}"),
        }
    }
}

impl From<&Outcome> for metrics::End {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Full => Self::Full,
            Outcome::Stopping => Self::Stopping,
            Outcome::Ended(Ended::Closed(_)) => Self::NoLogin,
            Outcome::NoTls | Outcome::Ended(Ended::Impatient) => Self::TooSlow,
            Outcome::Ended(Ended::Broken(_)) => Self::BrokeBeforeLogin,
            Outcome::Ended(Ended::Tls(_)) => Self::TlsFailed,
        }
    }
}

impl From<&End> for metrics::End {
    fn from(end: &End) -> Self {
        match end {
            End::Closed(Leg::Downstream) => Self::MailClientClosed,
            End::Closed(Leg::Upstream) => Self::UpstreamClosed,
            End::Broken(Leg::Downstream, _) => Self::MailClientBroke,
            End::Broken(Leg::Upstream, _) => Self::UpstreamBroke,
            End::Idle => Self::Idle,
            End::Rested(_) | End::Cancelled => Self::EndedBySaslgate,
        }
    }
}

/// Why a relay has ended, in words.
pub(super) fn ended(end: &End) -> String {
    let side = |leg: &Leg| match leg {
        Leg::Downstream => "the mail client",
        Leg::Upstream => "upstream",
    };
    match end {
        End::Closed(leg) => format!("{} closed", side(leg)),
        End::Broken(leg, error) => format!("{} broke off: {error}", side(leg)),
        End::Idle => "idle for too long".into(),
        End::Rested(Why::Stopping) => "ended by saslgate at rest: it stops".into(),
        End::Rested(Why::PlaceWanted) => "ended by saslgate at rest: others wait for its place".into(),
        End::Cancelled => "ended by saslgate".into(),
    }
}
