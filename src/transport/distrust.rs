//! A server's certificate that was not believed: why, and who issued it. An operator whose firewall inspects TLS sees the
//! firewall's name there, and rustls' own errors leave it out.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use x509_parser::time::ASN1Time;

use super::certificate::issuer;
use crate::name::shown;

/// The longest name that is shown, in characters.
const LONGEST: usize = 100;

/// How many of the names in a certificate are shown: those of Exchange Online have dozens.
const MAX_NAMES: usize = 3;

/// A certificate that was not believed.
#[derive(Debug)]
pub struct Distrust {
    /// What webpki says about it.
    pub reason: CertificateError,
    /// The issuer's common name and organisation, as the certificate has them: on one line, and nothing in them acts.
    pub issuer: Box<str>,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            CertificateError::UnknownIssuer => f.write_str("its issuer is not known here")?,
            CertificateError::ExpiredContext { time, not_after } => {
                write!(
                    f,
                    "it ended on {}, and this machine's clock says {}",
                    Day(*not_after),
                    Day(*time)
                )?;
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                write!(
                    f,
                    "it begins on {}, and this machine's clock says {}",
                    Day(*not_before),
                    Day(*time)
                )?;
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                write!(f, "it is for {}", names(presented))?;
            }
            other => write!(f, "{}", shown(other.to_string().as_bytes(), LONGEST))?,
        }
        write!(f, "; it was issued by \"{}\"", self.issuer)
    }
}

impl std::error::Error for Distrust {}

/// A day of the calendar, as in 2026-11-21.
struct Day(UnixTime);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        match ASN1Time::from_timestamp(seconds) {
            Ok(time) => time.to_datetime().date().fmt(f),
            Err(_) => f.write_str("a day beyond the calendar"),
        }
    }
}

/// The names in a certificate, of which webpki says `DnsName("mail.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| shown(name.split('"').nth(1).unwrap_or(name).as_bytes(), LONGEST);
    let mut named: Vec<String> = presented.iter().take(MAX_NAMES).map(bare).collect();
    match presented.len() {
        0 => return "no name at all".into(),
        count if count > MAX_NAMES => named.push("others".into()),
        _ => {}
    }
    format!("{} only", named.join(", "))
}

/// webpki's verdict, whose no carries the issuer's name. Nothing here can turn a no into a yes.
#[derive(Debug)]
pub struct Verifier(Arc<WebPkiServerVerifier>);

impl Verifier {
    /// Asks that one.
    pub fn asking(webpki: Arc<WebPkiServerVerifier>) -> Self {
        Self(webpki)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verdict.map_err(|error| with_issuer(error, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The other side hears `certificate_unknown` for it, whatever the reason.
fn with_issuer(error: Error, end_entity: &CertificateDer<'_>) -> Error {
    let Error::InvalidCertificate(reason) = error else {
        return error;
    };
    let issuer = issuer(end_entity).into();
    CertificateError::Other(OtherError(Arc::new(Distrust { reason, issuer }))).into()
}
