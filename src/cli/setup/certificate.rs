//! The listeners' certificate that is there already: mail clients verify it for the name that they are told now.

use std::path::Path;
use std::time::SystemTime;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use super::answers::Answers;
use super::layout;
use crate::certificates::{Name, Ours};
use crate::cli::certs;

/// What became of it.
#[derive(Debug)]
pub(super) enum Suited {
    /// It has the name, or there is none.
    AsItIs,
    /// The name was added.
    Renewed(String),
    /// It lacks the name, and somebody has to do something about it.
    Lacking(String),
}

impl Suited {
    /// A line among what was written.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Renewed(name) => format!(
                "\n{} was renewed with its key and names, and {name} added: mail clients that trust ca.pem go on",
                layout::SERVER
            ),
            Self::AsItIs | Self::Lacking(_) => String::new(),
        }
    }

    /// What is left to do.
    pub(super) fn left(&self) -> Option<&str> {
        match self {
            Self::Lacking(step) => Some(step),
            Self::AsItIs | Self::Renewed(_) => None,
        }
    }
}

/// Sees to it that the certificate has the name that the answers give. One that was made just now has it.
pub(super) fn suited(answers: &Answers, is_new: bool, now: SystemTime) -> Suited {
    let Some(name) = answers.host.as_ref() else {
        return Suited::AsItIs;
    };
    let path = answers.directory.join(layout::SERVER);
    // What can't be read has words of its own in `check`.
    if is_new || !answers.place.has_certificate() || has_name(&path, name) != Some(false) {
        return Suited::AsItIs;
    }
    let Some(ours) = Ours::of(&path) else {
        return Suited::Lacking(format!(
            "{} is not for {name}, and every mail client that verifies it will refuse it: one for that name, of whoever issued it, in its place, \
             with its key in {}; saslgate takes it within seconds.",
            path.display(),
            layout::SERVER_KEY
        ));
    };
    match certs::add_name(ours.places(), name, now) {
        Ok(()) => Suited::Renewed(name.to_string()),
        Err(why) => Suited::Lacking(format!(
            "{} is not for {name}, and every mail client that verifies it will refuse it. It could not be renewed: {why}. \
             As a user that may read ca.key and write there:\n\n        {} --name {name}\n",
            path.display(),
            ours.by_hand()
        )),
    }
}

/// Whether a certificate is good for a name (RFC 6125: the first label may be a wildcard); none if it can't be read.
fn has_name(path: &Path, name: &Name) -> Option<bool> {
    let der = CertificateDer::from_pem_file(path).ok()?;
    let parsed = ParsedCertificate::try_from(&der).ok()?;
    let name = ServerName::try_from(name.to_string()).ok()?;
    Some(verify_server_name(&parsed, &name).is_ok())
}
