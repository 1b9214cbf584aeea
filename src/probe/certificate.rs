//! What one of our own listeners shows to mail clients: for whom, by whom, until when.

use std::net::SocketAddr;
use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Outcome;
use crate::certificates::{Validity, mended_by};
use crate::failure::Diagnosis;
use crate::provider::Protocol;
use crate::transport::{issuer, names};

/// What is wrong here is mended here.
pub(super) fn failed(diagnosis: Diagnosis) -> Outcome {
    Outcome::Failed {
        diagnosis,
        takes: "at once",
        commands: Vec::new(),
    }
}

/// What a listener's certificate says.
pub(super) struct Shown {
    names: String,
    issuer: Box<str>,
    validity: Validity,
    ends: String,
}

impl Shown {
    pub(super) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            names: names(der),
            issuer: issuer(der).into(),
            validity: Validity::of(&certificate),
            ends: certificate.validity().not_after.to_datetime().date().to_string(),
        })
    }

    /// `file`: where a listener has it from. Only of one that ends, it is read who mends that.
    pub(super) fn judge(
        &self,
        (protocol, to): (Protocol, SocketAddr),
        file: Option<&Path>,
        now: SystemTime,
    ) -> Outcome {
        let Self {
            names, issuer, ends, ..
        } = self;
        let said = format!("a certificate for {names}, issued by {issuer}");
        let diagnosis = |what: String, why: &'static str| Diagnosis {
            code: None,
            what,
            why: why.into(),
            fix: file.map(mended_by).unwrap_or_default().into(),
        };
        match self.validity.not_after.duration_since(now) {
            Err(_) => failed(diagnosis(
                format!("{protocol} at {to} shows {said}, that ended on {ends}"),
                "nobody has renewed it, or the clock of this machine is wrong; mail clients refuse it",
            )),
            Ok(_) if self.validity.told_from() <= now => Outcome::Remarked(diagnosis(
                format!("{protocol} at {to} shows {said}, that ends on {ends}"),
                "by now another one should be in its place; mail clients refuse it from then on",
            )),
            Ok(_) => Outcome::Passed(format!(
                "{protocol} at {to} answers, with {said}, good until {ends}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::certificates::DAY;

    fn shown(names: &[&str], until: (i32, u8, u8)) -> Shown {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Shown::of(made.der()).unwrap()
    }

    #[test]
    fn a_certificate_is_judged_by_its_end_and_told_by_its_names() {
        let to: SocketAddr = "127.0.0.1:993".parse().unwrap();
        let file = Path::new("/etc/saslgate/certs/server.pem");
        let judged = |certificate: &Shown, now| certificate.judge((Protocol::Imap, to), Some(file), now);
        let (now, day) = (shown(&["x"], (2030, 6, 15)).validity.not_after, DAY);
        let certificate = shown(&["mail.example.com", "192.0.2.7"], (2030, 6, 15));
        match judged(&certificate, now - 60 * day) {
            Outcome::Passed(told) => {
                assert!(told.contains("mail.example.com, 192.0.2.7"), "{told}");
                assert!(told.ends_with("good until 2030-06-15"), "{told}");
            }
            other => panic!("{other:?}"),
        }
        match judged(&certificate, now - 10 * day) {
            Outcome::Remarked(diagnosis) => {
                assert!(
                    diagnosis
                        .fix
                        .contains("in the place of /etc/saslgate/certs/server.pem;"),
                    "{diagnosis:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        match judged(&certificate, now + day) {
            Outcome::Failed { diagnosis, .. } => assert!(diagnosis.what.contains("ended on 2030-06-15")),
            other => panic!("{other:?}"),
        }
    }
}
