//! An uploaded certificate: its thumbprints, its public key, its time. Reads just enough DER for that.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, `[0]` and explicit; absent in certificates of version 1 (RFC 5280, 4.1).
const VERSION: u8 = 0xa0;

/// What an assertion is checked with.
pub(super) struct Certificate<'a> {
    der: &'a [u8],
    /// Seconds since 1970.
    pub(super) not_before: u64,
    /// Seconds since 1970.
    pub(super) not_after: u64,
    /// `SubjectPublicKeyInfo`, DER.
    pub(super) public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate (RFC 5280, 4.1).
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut to_be_signed = Der(Der(der).enter(SEQUENCE)?).enter(SEQUENCE).map(Der)?;
        if to_be_signed.0.first() == Some(&VERSION) {
            to_be_signed.element()?;
        }
        // Serial number, signature algorithm, issuer.
        for _ in 0..3 {
            to_be_signed.element()?;
        }
        let mut validity = Der(to_be_signed.enter(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let _subject = to_be_signed.element()?;
        Some(Self {
            der,
            not_before,
            not_after,
            public_key: to_be_signed.element()?.whole,
        })
    }

    /// Whether this is its `x5t#S256` (or, with SHA-1, its `x5t`). Padding is tolerated, as Entra tolerates it.
    pub(super) fn has_thumbprint(&self, algorithm: &'static digest::Algorithm, thumbprint: &str) -> bool {
        let own = URL_SAFE_NO_PAD.encode(digest::digest(algorithm, self.der));
        thumbprint.trim_end_matches('=') == own
    }
}

/// DER that is being read from its front.
struct Der<'a>(&'a [u8]);

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// Tag and length included.
    whole: &'a [u8],
}

impl<'a> Der<'a> {
    /// The next element (X.690, 8.1), of definite length and short tag.
    fn element(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first & 0x7f);
        if first & 0x80 != 0 {
            let (digits, behind) = rest.split_at_checked(length).filter(|(it, _)| it.len() <= 3)?;
            length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - behind.len())?;
        self.0 = behind;
        Some(Element { tag, content, whole })
    }

    /// The content of the next element, which must be of this kind.
    fn enter(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|it| it.tag == tag).map(|it| it.content)
    }

    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5).
    fn time(&mut self) -> Option<u64> {
        let element = self.element()?;
        let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
        let (year, rest) = match element.tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: u64 = year.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
        let day = crate::sim::clock::day(year, part(0)?, part(2)?)?;
        Some(day * 86_400 + part(4)? * 3_600 + part(6)? * 60 + part(8)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData as _, date_time_ymd};

    #[test]
    fn reads_what_another_library_wrote() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["saslgate".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2051, 1, 1);
        let made = params.self_signed(&key).unwrap();
        let read = Certificate::parse(made.der()).unwrap();
        assert_eq!((read.not_before, read.not_after), (1_709_164_800, 2_556_144_000));
        assert_eq!(read.public_key, key.subject_public_key_info());
        let own = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, made.der()));
        assert!(read.has_thumbprint(&digest::SHA256, &format!("{own}=")));
        assert!(!read.has_thumbprint(&digest::SHA256, "other"));
        assert!(Certificate::parse(made.der().get(..100).unwrap()).is_none());
    }
}
