//! Workload identity: another issuer's token, which the platform puts into a file and renews there.

use std::path::{Path, PathBuf};

use crate::oauth::error::TokenError;
use crate::oauth::file;
use crate::secret::Secret;

/// The longest token taken: those of Kubernetes have 1 KiB.
const MAX_TOKEN: usize = 16 * 1024;

/// Where the token lies.
#[derive(Debug)]
pub struct FederatedToken(PathBuf);

impl FederatedToken {
    /// The token in a file, which is read for every request: platforms renew it there every hour.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn shown(&self) -> String {
        format!("the federated token file {}", file::shown(&self.0))
    }

    pub(super) async fn read(&self) -> Result<Secret<String>, TokenError> {
        let path = self.0.clone();
        let bytes = file::aside(move || file::read(&path))
            .await
            .map_err(|error| file::unread(&self.shown(), &error))?;
        token(&bytes).ok_or_else(|| {
            TokenError::misconfigured(
                format!("{} holds no token", self.shown()),
                "a token is one JWT alone: three parts joined by dots",
                "name the file that the platform writes, as AZURE_FEDERATED_TOKEN_FILE does",
            )
        })
    }
}

/// The token in what a file holds: one JWT, with or without a line end.
fn token(bytes: &[u8]) -> Option<Secret<String>> {
    let text = str::from_utf8(bytes.trim_ascii()).ok()?;
    let is_token = text.len() <= MAX_TOKEN
        && text.split('.').count() == 3
        && text.split('.').all(|part| !part.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_jwt_is_a_token() {
        let long = format!("a.{}.c", "b".repeat(MAX_TOKEN));
        let cases = [
            ("a.b.c", true),
            ("a.b.c\n", true),
            ("\r\n a.b.c \r\n", true),
            ("", false),
            ("a.b", false),
            ("a..c", false),
            ("a.b.c.d", false),
            ("a.b.c a.b.c", false),
            ("a.b\n.c", false),
            ("a.ü.c", false),
            (long.as_str(), false),
        ];
        for (text, expected) in cases {
            assert_eq!(token(text.as_bytes()).is_some(), expected, "{text:.20}");
        }
        assert_eq!(cases.len(), 11);
    }

    #[tokio::test]
    async fn the_file_is_read_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let federated = FederatedToken::new(path.clone());
        let error = federated.read().await.unwrap_err();
        assert!(error.what.contains("can't be read"), "{error}");
        for text in ["a.b.c", "a.b.d"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(federated.read().await.unwrap().expose(), text);
        }
        std::fs::write(&path, "CANARY").unwrap();
        let error = federated.read().await.unwrap_err();
        assert!(error.what.ends_with("holds no token"), "{error}");
        assert!(!format!("{error:?}").contains("CANARY"));
    }
}
