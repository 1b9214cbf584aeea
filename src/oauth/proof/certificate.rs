//! The certificate of an app, in two files: read when it is needed, and again when they have changed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::assertion::{Signer, SignerError};
use crate::oauth::error::TokenError;
use crate::oauth::file::{self, Stamp};
use crate::oauth::jws::Algorithm;
use crate::secret::Secret;

/// Where certificate and key lie.
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    algorithm: Algorithm,
    kept: Mutex<Option<Kept>>,
}

/// What was read last.
#[derive(Clone)]
struct Kept {
    stamps: [Stamp; 2],
    signer: Arc<Signer>,
}

/// What the files are found to be.
enum Found {
    Unchanged,
    Changed {
        stamps: [Stamp; 2],
        certificate: Zeroizing<Vec<u8>>,
        key: Zeroizing<Vec<u8>>,
    },
}

impl fmt::Debug for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateFiles({:?}, {:?})", self.certificate, self.key)
    }
}

impl CertificateFiles {
    /// Certificate and key in PEM files, which may be one. Nothing is read yet.
    pub fn new(certificate: PathBuf, key: PathBuf, algorithm: Algorithm) -> Self {
        Self {
            certificate,
            key,
            algorithm,
            kept: Mutex::default(),
        }
    }

    /// The certificate's file and the key's.
    pub fn paths(&self) -> [&Path; 2] {
        [&self.certificate, &self.key]
    }

    /// The certificate and key that are there now.
    ///
    /// While they are being replaced, one of the two is new and the other old: what was read before is used until they
    /// belong together again, and the log says so.
    pub async fn signer(&self) -> Result<Arc<Signer>, TokenError> {
        let before = self.kept().clone();
        let found = match self.find(before.as_ref().map(|kept| kept.stamps)).await {
            Ok(Found::Changed {
                stamps,
                certificate,
                key,
            }) => Signer::from_pem(&certificate, &key, self.algorithm)
                .map(|signer| Some((stamps, Arc::new(signer))))
                .map_err(|error| self.unusable(error)),
            Ok(Found::Unchanged) => Ok(None),
            Err(error) => Err(self.unread(&error)),
        };
        match (found, before) {
            (Ok(Some((stamps, signer))), _) => {
                *self.kept() = Some(Kept {
                    stamps,
                    signer: Arc::clone(&signer),
                });
                Ok(signer)
            }
            (Ok(None), Some(before)) => Ok(before.signer),
            (Err(error), Some(before)) => {
                tracing::warn!(%error, "the app's certificate can't be read again, the one read before is used");
                Ok(before.signer)
            }
            (Ok(None), None) => Err(self.unusable(SignerError::NoCertificate)),
            (Err(error), None) => Err(error),
        }
    }

    pub(super) async fn assertion(
        &self,
        client_id: &str,
        audience: &str,
    ) -> Result<Secret<String>, TokenError> {
        self.signer()
            .await?
            .assertion(client_id, audience, SystemTime::now())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stamps are taken before the reading: what changes meanwhile is read once more the next time.
    async fn find(&self, before: Option<[Stamp; 2]>) -> io::Result<Found> {
        let (certificate, key) = (self.certificate.clone(), self.key.clone());
        file::aside(move || {
            let stamps = [Stamp::of(&certificate)?, Stamp::of(&key)?];
            if before == Some(stamps) {
                return Ok(Found::Unchanged);
            }
            Ok(Found::Changed {
                stamps,
                certificate: file::read(&certificate)?,
                key: file::read(&key)?,
            })
        })
        .await
    }

    fn unread(&self, error: &io::Error) -> TokenError {
        let [certificate, key] = self.paths().map(file::shown);
        file::unread(
            &format!("the app's certificate {certificate} or its key {key}"),
            error,
        )
    }

    fn unusable(&self, error: SignerError) -> TokenError {
        let [certificate, key] = self.paths().map(file::shown);
        TokenError::misconfigured(
            format!("the certificate {certificate} with the key {key} can't prove the app: {error}"),
            "each token request is signed with them",
            error.fix(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

    use super::*;

    fn make() -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let params = CertificateParams::new(["saslgate".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[tokio::test]
    async fn a_replaced_certificate_is_used_once_its_key_is_there_too() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("app.cer"), folder.path().join("app.key"));
        let files = CertificateFiles::new(certificate.clone(), key.clone(), Algorithm::Ps256);
        let error = files.signer().await.unwrap_err();
        assert!(error.what.ends_with("app.key can't be read"), "{error}");

        let (old, new) = (make(), make());
        fs::write(&certificate, &old.0).unwrap();
        let error = files.signer().await.unwrap_err();
        assert!(error.what.ends_with("app.key can't be read"), "{error}");
        fs::write(&key, &old.1).unwrap();
        let first = files.signer().await.unwrap();
        assert!(Arc::ptr_eq(&first, &files.signer().await.unwrap()), "read once");

        // As a tool replaces a file: another inode under the same name.
        let replace = |path: &Path, text: &str| {
            let beside = path.with_extension("new");
            fs::write(&beside, text).unwrap();
            fs::rename(&beside, path).unwrap();
        };
        replace(&certificate, &new.0);
        let between = files.signer().await.unwrap();
        assert_eq!(
            between.thumbprint(),
            first.thumbprint(),
            "the key is still the old one"
        );
        replace(&key, &new.1);
        let after = files.signer().await.unwrap();
        assert_ne!(after.thumbprint(), first.thumbprint());

        fs::remove_file(&key).unwrap();
        assert_eq!(files.signer().await.unwrap().thumbprint(), after.thumbprint());
    }

    #[tokio::test]
    async fn what_cannot_sign_is_told_without_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.pem");
        fs::write(&path, "CANARY").unwrap();
        let files = CertificateFiles::new(path.clone(), path, Algorithm::Ps256);
        let error = files.signer().await.unwrap_err();
        assert!(error.what.contains("no certificate"), "{error}");
        assert!(!format!("{error:?} {files:?}").contains("CANARY"));
    }
}
