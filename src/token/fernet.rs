//! Fernet tokens: what Python programs seal secrets in (AES-128 in CBC mode, then HMAC-SHA-256 over all of it).

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The only version there is.
const VERSION: u8 = 0x80;

/// Version, eight bytes of time, sixteen of initialization vector.
const HEAD: usize = 25;
const BLOCK: usize = 16;
const TAG: usize = 32;

/// Refresh tokens have some 2 KiB; nobody seals a hundred times that.
const LONGEST: usize = 256 * 1024;

/// A sealed text. Its layout was checked, nothing else.
pub(super) struct Fernet(Vec<u8>);

impl Fernet {
    /// Reads its base64 form; `None` if it can't be one.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE.decode(text).ok()?;
        let sealed = bytes.len().checked_sub(HEAD + TAG)?;
        let is_one = bytes[0] == VERSION && sealed > 0 && sealed.is_multiple_of(BLOCK);
        is_one.then_some(Self(bytes))
    }

    /// What is in it, if that is the key. The tag is compared in constant time, and before anything is deciphered: a padding
    /// that is wrong tells nobody anything.
    pub(super) fn open(&self, key: &Secret<[u8; 32]>) -> Option<Secret<String>> {
        let (signing, enciphering) = key.expose().split_at(BLOCK);
        let (signed, tag) = self.0.split_at_checked(self.0.len() - TAG)?;
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, signing), signed, tag).ok()?;
        let (head, sealed) = signed.split_at_checked(HEAD)?;
        let vector: &[u8; BLOCK] = head.last_chunk()?;
        let key = UnboundCipherKey::new(&AES_128, enciphering).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let opened = key
            .decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(vector)))
            .ok()?;
        str::from_utf8(opened)
            .ok()
            .map(|text| Secret::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by the `cryptography` package of Python; its first lines say how.
    const VECTORS: &str = include_str!("../../tests/golden/fernet.txt");

    fn vectors() -> Vec<[&'static str; 6]> {
        let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
        let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into());
        fields.map(|fields| fields.unwrap()).collect()
    }

    fn key(text: &str) -> Secret<[u8; 32]> {
        Secret::new(URL_SAFE.decode(text).unwrap().try_into().unwrap())
    }

    #[test]
    fn what_python_sealed_is_opened_with_its_key_only() {
        let mut seen = 0;
        for [_, _, _, right, text, token] in vectors() {
            let sealed = Fernet::read(token).unwrap();
            assert_eq!(sealed.open(&key(right)).unwrap().expose(), text);
            for bit in [0, 100, 255] {
                let mut wrong = *key(right).expose();
                wrong[bit / 8] ^= 1 << (bit % 8);
                // A key whose second half alone is wrong fits the tag: what comes out is no text, or no padding.
                let opened = sealed.open(&Secret::new(wrong));
                assert!(opened.is_none_or(|opened| opened.expose() != text));
            }
            seen += 1;
        }
        assert_eq!(seen, 6);
    }

    proptest! {
        /// Any change of any byte is found out before anything is deciphered.
        #[test]
        fn a_damaged_token_opens_for_nobody(which in 0_usize..6, at in any::<prop::sample::Index>(), change in 1_u8..) {
            let [_, _, _, right, _, token] = vectors()[which];
            let mut bytes = URL_SAFE.decode(token).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let opened = Fernet::read(&URL_SAFE.encode(&bytes)).and_then(|sealed| sealed.open(&key(right)));
            prop_assert!(opened.is_none());
        }

        /// A token that is cut, or text that never was one, is no defect.
        #[test]
        fn nonsense_is_no_token(text in ".{0,200}", which in 0_usize..6, cut in any::<prop::sample::Index>()) {
            let [_, _, _, right, _, token] = vectors()[which];
            let short = &token[..cut.index(token.len())];
            for text in [text.as_str(), short] {
                let opened = Fernet::read(text).and_then(|sealed| sealed.open(&key(right)));
                prop_assert!(opened.is_none());
            }
        }
    }
}
