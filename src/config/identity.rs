//! A certificate and its key, as a listener or the admin page names them.

use std::sync::Arc;

use rustls::sign::CertifiedKey;

use super::fingerprint::Fingerprint;
use super::reader::{Reader, Span, Text};
use crate::certificates::mended_by;
use crate::listener::identity;

/// Seconds.
const DAY: u64 = 86_400;

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
            let print = Fingerprint::of(&[chain.expose(), secret.expose()]);
            let files = identity::Files {
                certificate: reader.path(certificate),
                key: reader.path(key),
                validity: identity.validity,
            };
            note_expiry(&files, &certificate.span, whose, reader);
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
fn note_expiry(files: &identity::Files, span: &Span, whose: &Whose, reader: &mut Reader<'_>) {
    let (now, seen_by) = (reader.now(), whose.seen_by);
    if now < files.validity.told_from() {
        return;
    }
    let (what, why) = match files.validity.not_after.duration_since(now) {
        Err(_) => (
            "the certificate has expired".to_owned(),
            format!("{seen_by} that check it refuse to connect"),
        ),
        Ok(left) => (
            format!("the certificate expires in {} days", left.as_secs() / DAY),
            format!("{seen_by} that check it will then refuse to connect"),
        ),
    };
    reader.warning(span, what, why, mended_by(&files.certificate));
}
