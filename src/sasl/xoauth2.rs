//! XOAUTH2, toward an upstream: one message, no challenge unless it fails.

use zeroize::Zeroizing;

use super::bearer::{self, UnusableToken};
use crate::name::Mailbox;
use crate::secret::Secret;

/// The message in base64. [`Mailbox`] has refused U+0001 already, which separates the fields here.
pub fn initial_response(
    identity: &Mailbox,
    token: &Secret<String>,
) -> Result<Zeroizing<Vec<u8>>, UnusableToken> {
    let token = bearer::checked(token)?;
    Ok(bearer::encode(&[
        "user=",
        identity.as_str(),
        "\x01auth=Bearer ",
        token,
        "\x01\x01",
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of Microsoft's own guide.
    #[test]
    fn the_published_example_is_met() {
        let identity = Mailbox::parse("test@contoso.onmicrosoft.com").unwrap();
        let token = Secret::new(String::from("EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"));
        let response = initial_response(&identity, &token).unwrap();
        assert_eq!(
            str::from_utf8(&response).unwrap(),
            "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ=="
        );
    }

    #[test]
    fn a_token_that_could_leave_its_field_is_refused() {
        let identity = Mailbox::parse("a@x").unwrap();
        let tokens = [
            "",
            "abc def",
            "abc\x01user=victim@x",
            "abc\r\nA2 LOGOUT",
            "abc\n",
            "abc\0",
            "abc\x7f",
            "äbc",
        ];
        for token in tokens {
            let secret = Secret::new(String::from(token));
            assert_eq!(
                initial_response(&identity, &secret),
                Err(UnusableToken),
                "{token:?}"
            );
        }
        assert_eq!(tokens.len(), 8);
    }
}
