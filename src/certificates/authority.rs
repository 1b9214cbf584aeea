//! Keys and certificates, in memory.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody imports the authority into each mail program by hand, and devices outlive the memory of how that was done.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3_653);

/// The longest that every TLS library takes is 398 days. Renewing costs one command and no visit to a mail program.
const SERVER_LIFE: Duration = DAY.saturating_mul(397);

/// Clocks of devices run late.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// By what an authority of ours is told from a company's.
pub(super) const ORGANIZATION: &str = "saslgate";

/// RFC 5280 A.1: ub-common-name.
const LONGEST_COMMON_NAME: usize = 64;

/// A host name or an address that mail programs connect to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Name {
    /// Lower case, ASCII.
    Host(String),
    /// IPv4 or IPv6.
    Address(IpAddr),
}

impl Name {
    /// Reads a name as it would be typed into a mail program.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.trim_matches(['[', ']']).parse() {
            return Ok(Self::Address(address));
        }
        if !text.is_ascii() {
            return Err("a certificate has names in ASCII: write it as xn--…".into());
        }
        match DnsName::try_from(text) {
            Ok(_) => Ok(Self::Host(text.trim_end_matches('.').to_ascii_lowercase())),
            Err(_) => Err("it is neither a host name nor an address".into()),
        }
    }

    /// The names in a certificate.
    pub fn all_of(pem: &str) -> Result<Vec<Self>, String> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| BROKEN_SERVER)?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| BROKEN_SERVER)?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| BROKEN_SERVER)?
            .ok_or(BROKEN_SERVER)?;
        Ok(names
            .value
            .general_names
            .iter()
            .filter_map(Self::from_general)
            .collect())
    }

    fn from_general(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::DNSName(host) => Some(Self::Host((*host).to_owned())),
            GeneralName::IPAddress(octets) => {
                let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
                v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from))
                    .ok()
                    .map(Self::Address)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// The same without what was there before.
pub fn without_repeats(names: impl Iterator<Item = Name>) -> Vec<Name> {
    let mut kept = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

const BROKEN_SERVER: &str =
    "the server certificate can't be read: remove it, and name its names again with --name";

/// A kind of key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Known to everything that knows TLS.
    Rsa,
    /// P-256 with SHA-256, which everything knows that knows ECDSA.
    Ecdsa,
}

/// A new key for a listener or an app. RSA with 2048 bits: it works in every handshake, and old devices know no longer one.
pub fn server_key(kind: Kind) -> Result<KeyPair, String> {
    key(kind, RsaKeySize::_2048)
}

fn key(kind: Kind, rsa: RsaKeySize) -> Result<KeyPair, String> {
    let key = match kind {
        Kind::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, rsa),
        Kind::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
    };
    key.map_err(|error| format!("a key can't be made: {error}"))
}

/// A key from its file.
pub fn key_from_pem(pem: &str) -> Result<KeyPair, String> {
    KeyPair::from_pem(pem)
        .map_err(|_| "this is no private key in PEM form, or it is damaged or encrypted".into())
}

/// A certificate authority with its key.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// Since 1970.
    not_after: Duration,
}

impl Authority {
    /// A new one, named after the machine so that two of them can be told apart in a mail program's list.
    pub fn make(host: &Name, kind: Kind, now: SystemTime) -> Result<Self, String> {
        // Longer than the server's: it has to hold for ten years, and works once a year.
        let key = key(kind, RsaKeySize::_3072)?;
        let (mut params, not_after) = params_until(now, AUTHORITY_LIFE)?;
        params
            .distinguished_name
            .push(DnType::OrganizationName, ORGANIZATION);
        params.distinguished_name.push(
            DnType::CommonName,
            common_name(&format!("saslgate on {host}"), "saslgate"),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(|error| format!("the authority can't be made: {error}"))?;
        Ok(Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            not_after,
        })
    }

    /// The one in two files.
    pub fn read(pem: &str, key: &str) -> Result<Self, String> {
        let broken = || String::from("ca.pem is no certificate in PEM form, or it is damaged");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| broken())?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| broken())?;
        let key = key_from_pem(key).map_err(|error| format!("ca.key: {error}"))?;
        if certificate.public_key().subject_public_key.data != key.public_key_raw() {
            return Err("ca.key is not the key of ca.pem: what it signs would be trusted by nobody".into());
        }
        let not_after = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| broken())?;
        Ok(Self {
            pem: pem.to_owned(),
            issuer,
            not_after: Duration::from_secs(not_after),
        })
    }

    /// Its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its key.
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// The kind of its key.
    pub fn kind(&self) -> Kind {
        if *self.issuer.key().algorithm() == PKCS_RSA_SHA256 {
            Kind::Rsa
        } else {
            Kind::Ecdsa
        }
    }

    /// A certificate for the listeners, and the last day on which it is good. The authority is not sent along: a mail
    /// client that trusts it has it.
    pub fn issue(&self, names: &[Name], key: &KeyPair, now: SystemTime) -> Result<(String, String), String> {
        let (not_before, not_after) = validity(now, SERVER_LIFE);
        let not_after = not_after.min(self.not_after);
        if not_after <= not_before + BACKDATED {
            return Err(
                "the authority has expired: make a new one in another directory and import its ca.pem".into(),
            );
        }
        let named: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params =
            CertificateParams::new(named).map_err(|error| format!("a name can't be used: {error}"))?;
        params.serial_number = Some(serial()?);
        let first = names.first().map(ToString::to_string).unwrap_or_default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name(&first, "localhost"));
        params.is_ca = IsCa::ExplicitNoCa;
        // Key encipherment: software that knows no other key exchange of TLS 1.2 looks for it in RSA certificates.
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(1970, 1, 1) + not_before;
        params.not_after = date_time_ymd(1970, 1, 1) + not_after;
        let until = day(not_after);
        let certificate = params.signed_by(key, &self.issuer);
        let certificate =
            certificate.map_err(|error| format!("the server certificate can't be made: {error}"))?;
        Ok((certificate.pem(), until))
    }
}

/// A number that no other certificate of the authority has (RFC 5280 4.1.2.2). rcgen would derive it from the key, which
/// a renewed certificate keeps, and Firefox and Thunderbird refuse two certificates with one number.
fn serial() -> Result<SerialNumber, String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "the operating system gave no random bytes")?;
    // Neither negative nor zero.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// What every certificate has, and until when it is good, since 1970.
pub fn params_until(now: SystemTime, life: Duration) -> Result<(CertificateParams, Duration), String> {
    let (not_before, not_after) = validity(now, life);
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial()?);
    params.not_before = date_time_ymd(1970, 1, 1) + not_before;
    params.not_after = date_time_ymd(1970, 1, 1) + not_after;
    Ok((params, not_after))
}

/// From when until when, since 1970.
fn validity(now: SystemTime, life: Duration) -> (Duration, Duration) {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let begin = Duration::from_secs(now.as_secs()).saturating_sub(BACKDATED);
    (begin, begin + life)
}

/// The name, or another where it is longer than a common name may be.
pub fn common_name<'a>(name: &'a str, otherwise: &'a str) -> &'a str {
    if name.len() <= LONGEST_COMMON_NAME {
        name
    } else {
        otherwise
    }
}

/// The date of a moment since 1970, as a person writes it into a calendar.
pub fn day(since_1970: Duration) -> String {
    let moment = date_time_ymd(1970, 1, 1) + since_1970;
    format!(
        "{:04}-{:02}-{:02}",
        moment.year(),
        u8::from(moment.month()),
        moment.day()
    )
}
