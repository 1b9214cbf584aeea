//! OAUTHBEARER (RFC 7628), toward an upstream.

use zeroize::Zeroizing;

use super::bearer::{self, UnusableToken};
use crate::name::Mailbox;
use crate::provider::MailHost;
use crate::secret::Secret;

/// The message in base64, with the host and port that it is meant for (RFC 7628 3.1).
pub fn initial_response(
    host: &MailHost,
    identity: &Mailbox,
    token: &Secret<String>,
) -> Result<Zeroizing<Vec<u8>>, UnusableToken> {
    let token = bearer::checked(token)?;
    Ok(bearer::encode(&[
        "n,a=",
        &saslname(identity.as_str()),
        ",\x01host=",
        &host.name,
        "\x01port=",
        &host.port.to_string(),
        "\x01auth=Bearer ",
        token,
        "\x01\x01",
    ]))
}

/// RFC 5801 4: a comma ends the name and an equals sign escapes, so both are escaped.
fn saslname(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::provider::UpstreamTls;

    fn decoded(identity: &str) -> String {
        let host = MailHost {
            name: "server.example.com".into(),
            port: 143,
            tls: UpstreamTls::StartTls,
        };
        let token = Secret::new(String::from("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="));
        let response = initial_response(&host, &Mailbox::parse(identity).unwrap(), &token).unwrap();
        String::from_utf8(STANDARD.decode(&*response).unwrap()).unwrap()
    }

    /// RFC 7628 4.1.
    #[test]
    fn the_rfcs_example_is_met() {
        assert_eq!(
            decoded("user@example.com"),
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
    }

    #[test]
    fn a_name_with_a_comma_stays_one_name() {
        assert!(decoded("a,b=c@x").starts_with("n,a=a=2Cb=3Dc@x,\x01host="));
    }
}
