//! From when until when a certificate is good, and how long before its end that is worth a word.

use std::time::{Duration, SystemTime};

use x509_parser::prelude::X509Certificate;
use x509_parser::time::ASN1Time;

use super::authority::DAY;

/// How long before its end whatever ends is told, at most: what replaces it can need another person, who may be on holiday.
pub const AHEAD: Duration = DAY.saturating_mul(30);

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// Its first moment.
    pub not_before: SystemTime,
    /// Its last.
    pub not_after: SystemTime,
}

impl Validity {
    /// As the certificate says.
    pub fn of(certificate: &X509Certificate<'_>) -> Self {
        let validity = certificate.validity();
        Self {
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
        }
    }

    /// From when on its end is worth a word: [`AHEAD`] of it, or for the last third of its life where that is less. Authorities
    /// issue certificates for seven days, too, and whoever renews those does it after two thirds of their life.
    pub fn told_from(&self) -> SystemTime {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        self.not_after - AHEAD.min(life / 3)
    }
}

/// Before 1970 is as expired as any.
fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_life_is_told_of_in_its_last_third_and_a_long_one_for_a_month() {
        let table = [(7, 56), (47, 376), (90, 720), (397, 720), (3_653, 720)];
        for (days, hours) in table {
            let not_before = SystemTime::UNIX_EPOCH + DAY * 20_000;
            let validity = Validity {
                not_before,
                not_after: not_before + DAY * days,
            };
            let ahead = validity.not_after.duration_since(validity.told_from()).unwrap();
            assert_eq!(ahead.as_secs() / 3_600, hours, "{days} days");
        }
        assert_eq!(table.len(), 5);
    }
}
