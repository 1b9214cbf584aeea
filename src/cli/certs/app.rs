//! `saslgate certs app DIR`: a key and a certificate with which an app proves itself to Entra ID.
//!
//! Nobody verifies such a certificate by an authority: it is uploaded to the app registration and known there by its
//! thumbprint, so it signs itself.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Args;
use rcgen::{
    Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use zeroize::Zeroizing;

use super::quoted;
use crate::certificates::{DAY, Kind, Mode, common_name, create_all, day, params_until, server_key};

/// The longest that can be asked for: after ten years nobody knows any more who holds the key.
const LONGEST: u32 = 3_653;

const EXAMPLES: &str = "Examples:
  saslgate certs app /etc/saslgate/contoso               app.key, app.pem and app.cer
  saslgate certs app /etc/saslgate/contoso --days 180    where the tenant allows no longer life

Upload app.cer to the app registration. To replace a certificate, make another in a new
directory, upload it beside the old one, change the configuration, then remove the old one.

Exit codes: 0 made, 2 not made.";

/// What `certs app` is told.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct AppArgs {
    /// Where the files go; made if it is missing
    dir: PathBuf,
    /// How long the certificate is good: by default two years, the longest that the portal gives a client secret
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST)))]
    days: u32,
    /// What the portal shows as the certificate's subject
    #[arg(long, value_name = "NAME", default_value = "saslgate")]
    name: String,
}

/// Where each file is.
struct Places {
    key: PathBuf,
    pem: PathBuf,
    cer: PathBuf,
}

/// Makes the files; what to do with them.
pub(super) fn make(args: &AppArgs, now: SystemTime) -> Result<String, String> {
    let dir = std::path::absolute(&args.dir).map_err(|error| format!("{}: {error}", args.dir.display()))?;
    let places = Places {
        key: dir.join("app.key"),
        pem: dir.join("app.pem"),
        cer: dir.join("app.cer"),
    };
    let all = [&places.key, &places.pem, &places.cer];
    if let Some(there) = all.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(format!(
            "{} is there already, and nothing is overwritten: the app registration may still know it; take another directory",
            there.display()
        ));
    }
    let Pair {
        key,
        certificate,
        until,
    } = pair(&args.name, args.days, now)?;
    std::fs::create_dir_all(&dir).map_err(|error| format!("{} can't be made: {error}", dir.display()))?;
    create_all(&[
        (
            &places.key,
            Mode::Secret,
            Zeroizing::new(key.serialize_pem()).as_bytes(),
        ),
        (&places.pem, Mode::Public, certificate.pem().as_bytes()),
        (&places.cer, Mode::Public, certificate.der()),
    ])?;
    Ok(after_making(&places, certificate.der(), &until))
}

/// A key, and the certificate that Entra ID is given.
pub(in crate::cli) struct Pair {
    pub(in crate::cli) key: KeyPair,
    pub(in crate::cli) certificate: Certificate,
    /// The last day on which it is good.
    pub(in crate::cli) until: String,
}

/// Makes both.
pub(in crate::cli) fn pair(name: &str, days: u32, now: SystemTime) -> Result<Pair, String> {
    // RSA with 2048 bits: Entra ID takes no other kind, documents this length, and the key lives two years.
    let key = server_key(Kind::Rsa)?;
    let (params, until) = params(name, days, now)?;
    let certificate = params
        .self_signed(&key)
        .map_err(|error| format!("the certificate can't be made: {error}"))?;
    Ok(Pair {
        key,
        certificate,
        until,
    })
}

fn params(name: &str, days: u32, now: SystemTime) -> Result<(CertificateParams, String), String> {
    let (mut params, not_after) = params_until(now, DAY.saturating_mul(days))?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name(name, "saslgate"));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok((params, day(not_after)))
}

fn after_making(places: &Places, der: &[u8], until: &str) -> String {
    let Places { key, pem, cer } = places;
    format!(
        "Made:
  {cer}
      the certificate, until {until}: upload it in the portal to the app registration,
      Certificates & secrets > Certificates > Upload certificate
      thumbprint there (SHA-1): {sha1}
      in assertions (x5t#S256): {sha256}
  {pem}
      the same for saslgate
  {key}
      its key: whoever has it is the app; only its owner may read it, so give it to the user that runs saslgate (chown)

In the configuration, instead of a client secret:

[app]
certificate = {pem_quoted}
key         = {key_quoted}

Before {until}: make another in a new directory, upload it beside this one, then change the configuration.
",
        cer = cer.display(),
        pem = pem.display(),
        key = key.display(),
        sha1 = shown_in_portal(der),
        sha256 = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, der)),
        pem_quoted = quoted(pem),
        key_quoted = quoted(key),
    )
}

/// The SHA-1 of the certificate in capital hexadecimal digits.
fn shown_in_portal(der: &[u8]) -> String {
    let digest = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, der);
    let bytes = digest.as_ref().iter();
    bytes.fold(String::with_capacity(40), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;
    use crate::oauth::{Algorithm, Signer};

    fn args(dir: &Path) -> AppArgs {
        AppArgs {
            dir: dir.to_owned(),
            days: 730,
            name: "saslgate on desk-7".to_owned(),
        }
    }

    #[test]
    fn what_is_made_signs_for_the_app_and_is_known_by_the_thumbprints_that_are_printed() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("with \"quotes\" and spaces");
        let now = SystemTime::now();
        let said = make(&args(&odd), now).unwrap();
        let [key, pem, cer] = ["app.key", "app.pem", "app.cer"].map(|file| fs::read(odd.join(file)).unwrap());
        let signer = Signer::from_pem(&pem, &key, Algorithm::Ps256).unwrap();
        assert!(
            said.contains(&format!("x5t#S256): {}\n", signer.thumbprint())),
            "{said}"
        );
        assert_eq!(CertificateDer::from_pem_slice(&pem).unwrap().as_ref(), cer);
        let (_, certificate) = X509Certificate::from_der(&cer).unwrap();
        assert_eq!(certificate.public_key().parsed().unwrap().key_size(), 2_048);
        assert_eq!(certificate.subject().to_string(), "CN=saslgate on desk-7");
        certificate.verify_signature(None).unwrap();
        let left = signer.validity().not_after.duration_since(now).unwrap();
        assert_eq!((left.as_secs() + 3_700) / 86_400, 730, "backdated by an hour");
        let portal = said.split_once("SHA-1): ").unwrap().1.lines().next().unwrap();
        assert_eq!(portal.len(), 40);
        assert!(
            portal
                .bytes()
                .all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit))
        );
        let modes = ["app.key", "app.pem", "app.cer"]
            .map(|file| fs::metadata(odd.join(file)).unwrap().permissions().mode() & 0o777);
        assert_eq!(
            (modes[0], modes[1] & 0o222, modes[2] & 0o222),
            (0o600, 0o200, 0o200)
        );
        assert!(!said.contains("PRIVATE"));

        let table: toml::Table = said[said.find("[app]").unwrap()..said.find("\nBefore").unwrap()]
            .parse()
            .unwrap();
        for (name, file) in [("certificate", "app.pem"), ("key", "app.key")] {
            assert_eq!(
                table["app"][name].as_str().unwrap(),
                odd.join(file).to_str().unwrap()
            );
        }
    }

    #[test]
    fn a_certificate_that_may_be_in_use_is_never_overwritten() {
        for file in ["app.key", "app.pem", "app.cer"] {
            let dir = tempfile::tempdir().unwrap();
            let elsewhere = dir.path().join("elsewhere");
            std::os::unix::fs::symlink(&elsewhere, dir.path().join(file)).unwrap();
            let why = make(&args(dir.path()), SystemTime::now()).unwrap_err();
            assert!(why.contains("is there already"), "{why}");
            assert!(!elsewhere.exists());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }
}
