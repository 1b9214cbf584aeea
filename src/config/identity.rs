//! A certificate and its key, as a listener or the admin page names them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::sign::CertifiedKey;

use super::fingerprint::Fingerprint;
use super::reader::{Reader, Span, Text};
use crate::listener::identity;

/// Seconds.
const DAY: u64 = 86_400;

/// How long before its end a certificate is worth a word. Automatic renewal happens a month before.
const EXPIRES_SOON: Duration = Duration::from_secs(14 * DAY);

/// What TLS is begun with, the files that it was read from, and what tells it from another.
pub(super) type Certified = (Arc<CertifiedKey>, (identity::Files, Fingerprint));

/// Whose certificate it is.
pub(super) struct Whose {
    /// As in "this listener's".
    pub(super) owner: &'static str,
    /// Who looks at it.
    pub(super) seen_by: &'static str,
}

/// Reads both files.
pub(super) fn read(
    certificate: &Text,
    key: &Text,
    whose: &Whose,
    reader: &mut Reader<'_>,
) -> Option<Certified> {
    let chain = reader.public_file(certificate);
    let secret = reader.secret_file(key);
    let (chain, secret) = (chain?, secret?);
    match identity::from_pem(chain.expose(), secret.expose()) {
        Ok(identity) => {
            note_expiry(identity.not_after, &certificate.span, whose, reader);
            let print = Fingerprint::of(&[chain.expose(), secret.expose()]);
            let files = identity::Files {
                certificate: reader.path(certificate),
                key: reader.path(key),
                not_after: identity.not_after,
            };
            Some((identity.key, (files, print)))
        }
        Err(error) => {
            let at = if error.is_about_key() { key } else { certificate };
            let what = format!("{} certificate and key cannot be used", whose.owner);
            reader.error(&at.span, what, error.to_string(), error.fix());
            None
        }
    }
}

/// An expired certificate is a warning: mail clients that do not look at it go on, and the others say so themselves.
fn note_expiry(not_after: SystemTime, span: &Span, whose: &Whose, reader: &mut Reader<'_>) {
    let fix = "renew it, then reload saslgate (`saslgate reload`)";
    let seen_by = whose.seen_by;
    match not_after.duration_since(reader.now()) {
        Err(_) => {
            let why = format!("{seen_by} that check it refuse to connect");
            reader.warning(span, "the certificate has expired", why, fix);
        }
        Ok(left) if left < EXPIRES_SOON => {
            let days = left.as_secs() / DAY;
            let what = format!("the certificate expires in {days} days");
            let why = format!("{seen_by} that check it will then refuse to connect");
            reader.warning(span, what, why, fix);
        }
        Ok(_) => {}
    }
}
