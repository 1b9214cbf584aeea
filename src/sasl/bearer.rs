//! What both bearer mechanisms share: their names, the shape of a token, and the answer to an error challenge.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{oauthbearer, xoauth2};
use crate::name::Mailbox;
use crate::provider::{BearerMechanism, MailHost};
use crate::secret::Secret;

/// A token that can't be sent: it is empty, or a character in it could end its field or its line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the access token is empty or contains a character that no access token may have")]
pub struct UnusableToken;

/// The mechanism's registered name.
pub const fn name(mechanism: BearerMechanism) -> &'static str {
    match mechanism {
        BearerMechanism::XOAuth2 => "XOAUTH2",
        BearerMechanism::OAuthBearer => "OAUTHBEARER",
    }
}

/// The whole of what the mechanism says, in base64 without line breaks.
pub fn initial_response(
    mechanism: BearerMechanism,
    host: &MailHost,
    identity: &Mailbox,
    token: &Secret<String>,
) -> Result<Zeroizing<Vec<u8>>, UnusableToken> {
    match mechanism {
        BearerMechanism::XOAuth2 => xoauth2::initial_response(identity, token),
        BearerMechanism::OAuthBearer => oauthbearer::initial_response(host, identity, token),
    }
}

/// What is said to an error challenge, so that the failure itself follows: nothing in XOAUTH2, one U+0001 in
/// OAUTHBEARER (RFC 7628 3.2.3).
pub const fn acknowledgement(mechanism: BearerMechanism) -> &'static str {
    match mechanism {
        BearerMechanism::XOAuth2 => "",
        BearerMechanism::OAuthBearer => "AQ==",
    }
}

/// The token, if it is visible ASCII only: RFC 6750 2.1 allows fewer characters, some providers use more.
pub(super) fn checked(token: &Secret<String>) -> Result<&str, UnusableToken> {
    let text = token.expose();
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text) } else { Err(UnusableToken) }
}

/// Joins and encodes into buffers that never grow, because growing would leave copies of a token behind.
pub(super) fn encode(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut message = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        message.extend_from_slice(part.as_bytes());
    }
    let mut encoded = Zeroizing::new(String::with_capacity(length.div_ceil(3) * 4));
    STANDARD.encode_string(&*message, &mut encoded);
    Zeroizing::new(std::mem::take(&mut *encoded).into_bytes())
}
