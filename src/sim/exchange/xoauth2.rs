//! The initial responses of XOAUTH2 and OAUTHBEARER, taken apart without mercy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A SASL mechanism that takes an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// What Exchange offers.
    Xoauth2,
    /// RFC 7628, which Exchange does not offer.
    OauthBearer,
}

/// Who wants to open which mailbox with what.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) token: String,
}

/// Takes the base64 line of a login apart; `None` when a single byte is out of place.
pub(super) fn decode(mechanism: Mechanism, line: &[u8]) -> Option<Credentials> {
    // The standard engine wants exact padding and zero trailing bits (RFC 4648, 3.5).
    let decoded = String::from_utf8(STANDARD.decode(line).ok()?).ok()?;
    let credentials = match mechanism {
        Mechanism::Xoauth2 => xoauth2(&decoded)?,
        Mechanism::OauthBearer => oauth_bearer(&decoded)?,
    };
    let clean = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_control() || c == ' ');
    (clean(&credentials.user) && clean(&credentials.token)).then_some(credentials)
}

/// `user=` name ^A `auth=Bearer ` token ^A ^A
fn xoauth2(text: &str) -> Option<Credentials> {
    let (user, rest) = text.strip_prefix("user=")?.split_once('\x01')?;
    let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\x01\x01")?;
    Some(Credentials {
        user: user.to_owned(),
        token: token.to_owned(),
    })
}

/// `n,a=` name `,` ^A (`host=`… ^A) (`port=`… ^A) `auth=Bearer ` token ^A ^A (RFC 7628, 3.1)
fn oauth_bearer(text: &str) -> Option<Credentials> {
    let (gs2, rest) = text.split_once('\x01')?;
    let user = gs2.strip_prefix("n,a=")?.strip_suffix(',')?;
    let pairs = rest.strip_suffix("\x01\x01")?;
    let mut token = None;
    for pair in pairs.split('\x01') {
        match pair.split_once('=')? {
            ("auth", value) if token.is_none() => token = Some(value.strip_prefix("Bearer ")?),
            ("host", value) if !value.is_empty() => {}
            ("port", value) if value.parse::<u16>().is_ok() => {}
            _ => return None,
        }
    }
    Some(Credentials {
        user: saslname(user)?,
        token: token?.to_owned(),
    })
}

/// RFC 5801, 4: comma and equals sign are escaped.
fn saslname(text: &str) -> Option<String> {
    let unescaped = text.replace("=2C", ",");
    let bare = text.replace("=2C", "").replace("=3D", "");
    (!bare.contains([',', '='])).then(|| unescaped.replace("=3D", "="))
}

/// The JSON of an error challenge, in base64.
pub(super) fn error_challenge(mechanism: Mechanism) -> String {
    STANDARD.encode(match mechanism {
        Mechanism::Xoauth2 => {
            r#"{"status":"401","schemes":"bearer mac","scope":"https://outlook.office365.com/.default"}"#
        }
        Mechanism::OauthBearer => {
            r#"{"status":"invalid_token","scope":"https://outlook.office365.com/.default"}"#
        }
    })
}

/// What the peer must answer to an error challenge: nothing, or a lone ^A (RFC 7628, 3.2.3).
pub(super) fn challenge_answer(mechanism: Mechanism) -> &'static [u8] {
    match mechanism {
        Mechanism::Xoauth2 => b"",
        Mechanism::OauthBearer => b"AQ==",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microsofts_own_example() {
        let line =
            b"dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUw\
                     YmpMQldaV0NjbFJDM0VvQUEBAQ==";
        let credentials = decode(Mechanism::Xoauth2, line).map(|it| (it.user, it.token));
        let expected = (
            "test@contoso.onmicrosoft.com",
            "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
        );
        assert_eq!(credentials, Some((expected.0.to_owned(), expected.1.to_owned())));
    }

    #[test]
    fn refuses_everything_that_is_not_exact() {
        let wrong = [
            "user=a\x01auth=Bearer t\x01",
            "user=a\x01auth=Bearer t\x01\x01\x01",
            "user=a\x01auth=bearer t\x01\x01",
            "user=a\x01auth=Bearer  t\x01\x01",
            "user=\x01auth=Bearer t\x01\x01",
            "user=a\x01auth=Bearer \x01\x01",
            "user=a\r\n\x01auth=Bearer t\x01\x01",
            " user=a\x01auth=Bearer t\x01\x01",
            "user=a\x01auth=Bearer t\x01\x01\n",
            "n,a=a,\x01auth=Bearer t\x01\x01",
        ];
        let refused = wrong
            .iter()
            .filter(|text| decode(Mechanism::Xoauth2, STANDARD.encode(text).as_bytes()).is_none());
        assert_eq!(refused.count(), wrong.len());
        let right = STANDARD.encode("user=a\x01auth=Bearer t\x01\x01");
        let not_base64 = [
            right.replace('=', ""),
            format!("{right}\n"),
            format!(" {right}"),
            format!("{right}="),
        ];
        let refused = not_base64
            .iter()
            .filter(|line| decode(Mechanism::Xoauth2, line.as_bytes()).is_none());
        assert_eq!(refused.count(), not_base64.len());
        assert!(decode(Mechanism::Xoauth2, right.as_bytes()).is_some());
    }

    #[test]
    fn oauthbearer_with_and_without_host() {
        let right = [
            "n,a=a@b,\x01auth=Bearer t\x01\x01",
            "n,a=a=2Cb=3D,\x01host=h\x01port=993\x01auth=Bearer t\x01\x01",
        ];
        let taken = right
            .iter()
            .filter(|text| decode(Mechanism::OauthBearer, STANDARD.encode(text).as_bytes()).is_some());
        assert_eq!(taken.count(), right.len());
        let wrong = [
            "n,,\x01auth=Bearer t\x01\x01",
            "n,a=a=b,\x01auth=Bearer t\x01\x01",
            "y,a=a,\x01auth=Bearer t\x01\x01",
        ];
        let refused = wrong
            .iter()
            .filter(|text| decode(Mechanism::OauthBearer, STANDARD.encode(text).as_bytes()).is_none());
        assert_eq!(refused.count(), wrong.len());
    }
}
