//! What a certificate says of itself, as messages show it: on one line, and nothing in it acts.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Name};

use crate::name::shown;

/// The longest name that is shown, in characters.
const LONGEST: usize = 100;

/// How many of the names in a certificate are shown: those of a hosting company's have dozens.
const MAX_NAMES: usize = 5;

/// Who issued a certificate: common name and organisation.
pub fn issuer(certificate: &CertificateDer<'_>) -> String {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return "nobody that can be read".into();
    };
    shown(called(certificate.issuer()).as_bytes(), LONGEST)
}

/// For whom a certificate is: the names and addresses that RFC 9525 6 has mail clients look at.
pub fn names(certificate: &CertificateDer<'_>) -> String {
    const NONE: &str = "no name at all";
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return NONE.into();
    };
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.map_or_else(Vec::new, |names| {
        names.value.general_names.iter().filter_map(name).collect()
    });
    match names.len() {
        0 => NONE.to_owned(),
        count if count > MAX_NAMES => format!("{} and others", names[..MAX_NAMES].join(", ")),
        _ => names.join(", "),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some(shown(host.as_bytes(), LONGEST)),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Common name and organisation, else all that there is.
fn called(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|part| part.as_str().ok());
    let organisation = name.iter_organization().find_map(|part| part.as_str().ok());
    match (common, organisation) {
        (Some(common), Some(organisation)) => format!("{common} ({organisation})"),
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => name.to_string(),
    }
}
