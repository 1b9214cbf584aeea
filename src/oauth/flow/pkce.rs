//! RFC 7636: a code is worth nothing to whoever did not begin the sign-in.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::oauth::error::TokenError;
use crate::oauth::jws;
use crate::secret::Secret;

/// The code verifier: 43 characters from 32 random bytes (RFC 7636 4.1), for one sign-in.
#[derive(Debug)]
pub struct Verifier(Secret<String>);

impl Verifier {
    /// A new one.
    pub fn random() -> Result<Self, TokenError> {
        Ok(Self(random()?))
    }

    /// What goes to the provider by the browser: the S256 challenge (RFC 7636 4.2). `plain` is never used.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, self.0.expose().as_bytes()))
    }

    pub(super) fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

/// 32 bytes that nobody can guess, in characters that need no encoding anywhere.
pub(super) fn random() -> Result<Secret<String>, TokenError> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| jws::no_randomness())?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_gives_its_challenge() {
        // RFC 7636 appendix B.
        let verifier = Verifier(Secret::new(
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
        ));
        assert_eq!(
            verifier.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_verifier_has_the_form_that_the_rfc_allows_and_no_other_has_it() {
        let verifiers = [Verifier::random().unwrap(), Verifier::random().unwrap()];
        for verifier in &verifiers {
            let text = verifier.secret().expose();
            assert!((43..=128).contains(&text.len()));
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
            );
            assert!(!format!("{verifier:?}").contains(text.as_str()));
        }
        assert_ne!(verifiers[0].secret().expose(), verifiers[1].secret().expose());
        assert_ne!(verifiers[0].challenge(), verifiers[1].challenge());
    }
}
