//! RFC 6749 4.3: the mail client's own password, shown to the provider. Deprecated, and here because old set-ups live on
//! it; every wrong guess is a guess at the provider and brings the person nearer to being locked out.

use oauth2::{ResourceOwnerPassword, ResourceOwnerUsername};

use crate::name::Mailbox;
use crate::oauth::endpoint::{Endpoint, Unanswered, oauth_client};
use crate::oauth::error::{Kind, TokenError};
use crate::oauth::granted::Granted;
use crate::oauth::reply::ErrorReply;
use crate::oauth::{Registration, Scopes};
use crate::secret::Secret;

/// Why a password brought no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The name or the password is wrong. Which of them is told to nobody outside.
    Wrong,
    /// The password is right, and has to be changed.
    Expired,
    /// The password is right or was not even looked at: the person is locked out, disabled, or has to do more than a
    /// password can. Somebody has to act at the provider.
    Barred,
    /// It says nothing about the password.
    Unknown,
}

impl Verdict {
    /// The error with what it says about the password.
    fn judged(self, error: TokenError) -> TokenError {
        let kind = match self {
            Self::Wrong => Kind::WrongPassword,
            Self::Expired => Kind::PasswordExpired,
            Self::Barred | Self::Unknown => error.kind,
        };
        TokenError { kind, ..error }
    }
}

/// Why a password brought no token, for the mail client and for the operator.
#[derive(Debug)]
pub struct PasswordError {
    /// For the mail client.
    pub verdict: Verdict,
    /// For the operator.
    pub error: Box<TokenError>,
}

impl Endpoint {
    /// A person's tokens for name and password.
    pub async fn password(
        &self,
        app: &Registration,
        scopes: &Scopes,
        user: &Mailbox,
        password: &Secret<String>,
    ) -> Result<Granted, PasswordError> {
        let unknown = |error| PasswordError {
            verdict: Verdict::Unknown,
            error: Box::new(error),
        };
        let way = self
            .way(app, &app.token_url, &[password])
            .await
            .map_err(unknown)?;
        let (client, (name, value)) = (oauth_client(app), app.dialect.asks(&scopes.to_string()));
        let user = ResourceOwnerUsername::new(user.as_str().to_owned());
        let secret = ResourceOwnerPassword::new(password.expose().clone());
        let request = client
            .exchange_password(&user, &secret)
            .add_extra_param(name, value);
        match way.token(request.request_async(&way)).await {
            Ok(reply) => Granted::of(&way.asked, reply).map_err(unknown),
            Err(why) => {
                let verdict = match &why {
                    Unanswered::Refused(reply) => verdict(reply),
                    Unanswered::Failed(_) => Verdict::Unknown,
                };
                let error = why.told(&way.asked);
                Err(PasswordError {
                    verdict,
                    error: Box::new(verdict.judged(error)),
                })
            }
        }
    }
}

/// By AADSTS number, because Entra ID has one word for all of it.
const NUMBERS: &[(Verdict, &[u64])] = &[
    // 50034 is a name that the tenant does not know.
    (Verdict::Wrong, &[50_126, 50_034]),
    // 50144 is a password of an on-premises directory.
    (Verdict::Expired, &[50_055, 50_144]),
    (
        Verdict::Barred,
        &[
            // Locked out; disabled; without a password, such as with a security key.
            50_053, 50_057, 50_056, // More than a password is wanted.
            50_072, 50_074, 50_076, 50_078, 50_079, 50_158, // A policy forbids it.
            50_131, 53_000, 53_001, 53_002, 53_003, 53_004, 530_032, 530_034, 530_035,
        ],
    ),
];

/// What a refusal says about the password.
fn verdict(reply: &ErrorReply) -> Verdict {
    let numbers = reply.aadsts();
    let known = NUMBERS
        .iter()
        .find(|(_, known)| numbers.iter().any(|number| known.contains(number)));
    match (known, reply.error.as_str(), reply.suberror.as_deref()) {
        (Some((verdict, _)), ..) => *verdict,
        (None, _, Some("user_password_expired")) => Verdict::Expired,
        (None, "interaction_required", _) => Verdict::Barred,
        // Providers without numbers say no more than this (RFC 6749 5.2).
        (None, "invalid_grant", _) if numbers.is_empty() => Verdict::Wrong,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_wrong_with_the_password_or_that_nothing_is() {
        use Verdict::{Barred, Expired, Unknown, Wrong};
        let cases = [
            ("invalid_grant", "50126", "", Wrong),
            ("invalid_grant", "50034", "", Wrong),
            ("invalid_grant", "50055", "user_password_expired", Expired),
            ("invalid_grant", "", "user_password_expired", Expired),
            ("invalid_grant", "50144", "", Expired),
            ("invalid_grant", "50053", "", Barred),
            ("invalid_grant", "50057", "", Barred),
            ("invalid_grant", "50076", "basic_action", Barred),
            ("interaction_required", "50079", "", Barred),
            ("interaction_required", "", "", Barred),
            ("access_denied", "53003", "", Barred),
            ("invalid_grant", "", "", Wrong),
            // Nothing of the person's doing: these must never count as a wrong password.
            ("invalid_grant", "50196", "", Unknown),
            ("invalid_grant", "65001", "consent_required", Unknown),
            ("invalid_grant", "12345", "", Unknown),
            ("invalid_client", "7000218", "", Unknown),
            ("unauthorized_client", "", "", Unknown),
            ("invalid_request", "9001023", "", Unknown),
            ("temporarily_unavailable", "90033", "", Unknown),
        ];
        for (word, number, suberror, expected) in cases {
            let json = format!(r#"{{"error":"{word}","error_codes":[{number}],"suberror":"{suberror}"}}"#);
            let reply = serde_json::from_str(&json).unwrap();
            assert_eq!(verdict(&reply), expected, "{json}");
        }
        assert_eq!(cases.len(), 19);
    }
}
