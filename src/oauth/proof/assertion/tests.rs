//! Assertions as somebody else reads them: by the public key in the certificate, and by OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::UNIX_EPOCH;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::Value;

use super::*;

const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";
const AUDIENCE: &str = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token";

struct Made {
    certificate: String,
    key: String,
}

fn made() -> Made {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = CertificateParams::new(["saslgate".to_owned()]).unwrap();
    Made {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn signer(made: &Made, algorithm: Algorithm) -> Signer {
    Signer::from_pem(made.certificate.as_bytes(), made.key.as_bytes(), algorithm).unwrap()
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn json_of(part: &str) -> Value {
    serde_json::from_slice(&decoded(part)).unwrap()
}

#[test]
fn an_assertion_says_what_entra_documents_and_the_certificate_verifies_it() {
    let made = made();
    let der = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let public = certificate.public_key().subject_public_key.data.to_vec();
    let now = UNIX_EPOCH + Duration::from_secs(1_795_219_200);
    let pairs = [
        (Algorithm::Ps256, "PS256", "x5t#S256", &SHA256),
        (Algorithm::Rs256, "RS256", "x5t", &SHA1_FOR_LEGACY_USE_ONLY),
    ];
    for (algorithm, name, thumbprint, hash) in pairs {
        let assertion = signer(&made, algorithm)
            .assertion(CLIENT_ID, AUDIENCE, now)
            .unwrap();
        let [header, claims, signature] = assertion.expose().split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts")
        };
        assert_eq!(
            json_of(header),
            json!({
                "alg": name,
                "typ": "JWT",
                thumbprint: BASE64_URL_SAFE_NO_PAD.encode(digest::digest(hash, &der)),
            })
        );
        let mut said = json_of(claims);
        let jti = said.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(decoded(jti.as_str().unwrap()).len(), 16);
        assert_eq!(
            said,
            json!({
                "aud": AUDIENCE,
                "iss": CLIENT_ID,
                "sub": CLIENT_ID,
                "iat": 1_795_219_200,
                "nbf": 1_795_219_200,
                "exp": 1_795_219_800,
            })
        );
        let signed = &assertion.expose()[..header.len() + 1 + claims.len()];
        let verification = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        let key = UnparsedPublicKey::new(verification, &public);
        key.verify(signed.as_bytes(), &decoded(signature)).unwrap();
        key.verify(format!("{signed} ").as_bytes(), &decoded(signature))
            .unwrap_err();
    }
}

/// A tool that shares no line with us. Where it is missing, the test above stands alone.
#[test]
fn openssl_verifies_an_assertion_whichever_form_the_key_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let Ok(status) = openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=saslgate",
            "-days",
            "2",
            "-keyout",
        ],
        &[&file("pkcs8"), Path::new("-out"), &file("certificate")],
    ) else {
        return;
    };
    assert!(status, "openssl req");
    assert!(
        openssl(
            &["rsa", "-traditional", "-in"],
            &[&file("pkcs8"), Path::new("-out"), &file("pkcs1")]
        )
        .unwrap()
    );
    assert!(
        openssl(
            &["x509", "-pubkey", "-noout", "-in"],
            &[&file("certificate"), Path::new("-out"), &file("public")]
        )
        .unwrap()
    );
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    assert!(read("pkcs8").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(read("pkcs1").starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    let mut verified = 0;
    for form in ["pkcs8", "pkcs1"] {
        for algorithm in [Algorithm::Ps256, Algorithm::Rs256] {
            let made = Made {
                certificate: read("certificate"),
                key: read(form),
            };
            let assertion = signer(&made, algorithm)
                .assertion(CLIENT_ID, AUDIENCE, SystemTime::now())
                .unwrap();
            let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
            fs::write(file("signed"), signed).unwrap();
            fs::write(file("signature"), decoded(signature)).unwrap();
            // RFC 7518 3.5: the salt is as long as the digest.
            let padding: &[&str] = match algorithm {
                Algorithm::Ps256 => &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
                Algorithm::Rs256 => &["-sigopt", "rsa_padding_mode:pkcs1"],
            };
            let arguments = [&["dgst", "-sha256"], padding, &["-verify"]].concat();
            let files = [
                &*file("public"),
                Path::new("-signature"),
                &file("signature"),
                &file("signed"),
            ];
            assert!(openssl(&arguments, &files).unwrap(), "{form} {algorithm:?}");
            fs::write(file("signed"), format!("{signed} ")).unwrap();
            assert!(!openssl(&arguments, &files).unwrap(), "{form} {algorithm:?}");
            verified += 1;
        }
    }
    assert_eq!(verified, 4);
}

/// Whether it ended well; an error if there is no such program.
fn openssl(arguments: &[&str], files: &[&Path]) -> std::io::Result<bool> {
    Ok(Command::new("openssl")
        .args(arguments)
        .args(files)
        .output()?
        .status
        .success())
}

#[test]
fn no_two_assertions_are_the_same() {
    let signer = signer(&made(), Algorithm::Ps256);
    let one = || signer.assertion(CLIENT_ID, AUDIENCE, UNIX_EPOCH).unwrap();
    assert_ne!(one().expose(), one().expose());
    let shown = format!("{signer:?} {:?}", one());
    assert!(!shown.contains("eyJ"), "{shown}");
}

#[test]
fn each_mistake_has_its_own_words() {
    use SignerError::{BrokenCertificate, Key, Mismatch, NoCertificate};
    let (good, other) = (made(), made());
    let both = format!("{}{}", good.key, good.certificate);
    let wrong_order = format!("{}{}", other.certificate, good.certificate);
    let cut = &good.certificate[..good.certificate.len() / 2];
    let damaged = good.certificate.replacen("\nMII", "\nAAA", 1);
    let cases = [
        ("", good.key.as_str(), NoCertificate),
        (good.key.as_str(), good.key.as_str(), NoCertificate),
        (cut, good.key.as_str(), BrokenCertificate),
        (&damaged, good.key.as_str(), BrokenCertificate),
        (
            &good.certificate,
            good.certificate.as_str(),
            Key(KeyError::Missing),
        ),
        (
            &good.certificate,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            Key(KeyError::Encrypted),
        ),
        (&good.certificate, other.key.as_str(), Mismatch),
        (&wrong_order, good.key.as_str(), Mismatch),
    ];
    for (at, (certificate, key, why)) in cases.iter().enumerate() {
        let error = Signer::from_pem(certificate.as_bytes(), key.as_bytes(), Algorithm::Ps256).unwrap_err();
        assert_eq!(error, *why, "case {at}");
        assert!(!error.fix().is_empty());
    }
    assert_eq!(cases.len(), 8);
    let signer = Signer::from_pem(both.as_bytes(), both.as_bytes(), Algorithm::Ps256).unwrap();
    assert_eq!(signer.thumbprint().len(), 43);
    // The year 4096, which is what the maker of the certificate writes if nothing is said.
    assert!(signer.validity().not_after > SystemTime::now());
}
