//! LOGIN, from a mail client: never standardised (draft-murchison-sasl-login), and all that some old software has.

use zeroize::Zeroizing;

use crate::name::MAX_NAME;
use crate::secret::Secret;
use crate::wire::MAX_PASSWORD;

/// `Username:` in base64. Old software compares this text instead of decoding it.
pub const USER_PROMPT: &str = "VXNlcm5hbWU6";

/// `Password:` in base64, compared likewise.
pub const PASSWORD_PROMPT: &str = "UGFzc3dvcmQ6";

/// A user name that can be one.
pub fn user(message: &[u8]) -> Option<Vec<u8>> {
    is_field(message, MAX_NAME).then(|| message.to_vec())
}

/// A password that can be one.
pub fn password(mut message: Zeroizing<Vec<u8>>) -> Option<Secret<Vec<u8>>> {
    is_field(&message, MAX_PASSWORD).then(|| Secret::new(std::mem::take(&mut *message)))
}

/// NUL is no part of a name or password in PLAIN (RFC 4616 2); the two mechanisms must not differ in what they accept.
fn is_field(message: &[u8], limit: usize) -> bool {
    (1..=limit).contains(&message.len()) && !message.contains(&0)
}
