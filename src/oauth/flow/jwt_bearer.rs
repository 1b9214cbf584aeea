//! RFC 7523 2.1: a service account of Google Workspace, for every mailbox of its domain that an administrator gave it.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::name::Mailbox;
use crate::oauth::endpoint::{Endpoint, Unanswered};
use crate::oauth::error::{Kind, TokenError};
use crate::oauth::granted;
use crate::oauth::jws::{self, Algorithm, KeyError, SigningKey};
use crate::oauth::proof::Proof;
use crate::oauth::reply::TokenReply;
use crate::oauth::{Dialect, Issued, Registration, Scopes};
use crate::secret::Secret;

/// RFC 7523 2.1.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion is good: Google's limit is an hour, and one is made for each request.
const LIFETIME: u64 = 10 * 60;

/// A service account with its key.
#[derive(Debug)]
pub struct ServiceAccount {
    registration: Registration,
    key: SigningKey,
    key_id: Box<str>,
    scopes: Scopes,
}

/// Why a key file of a service account can't be used. No message repeats what is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServiceAccountError {
    /// It is not the JSON that Google's console gives.
    #[error("it is not the JSON key file of a service account")]
    NotOne,
    /// Its key can't sign.
    #[error(transparent)]
    Key(KeyError),
}

impl ServiceAccountError {
    /// What mends it.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::NotOne => {
                "in Google Cloud, under IAM > Service accounts > Keys, add a key of the type JSON and name that file"
            }
            Self::Key(_) => "the file is damaged: add a new key in Google Cloud and name its file",
        }
    }
}

/// What is of use of the file. Its `token_uri` is not: a file should not say where keys are sent.
#[derive(Deserialize)]
struct Json {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key_id: String,
    private_key: String,
}

impl ServiceAccount {
    /// Reads the JSON key file of a service account, for tokens of `scopes` from `token_url`.
    pub fn from_json(json: &[u8], token_url: Url, scopes: Scopes) -> Result<Self, ServiceAccountError> {
        let json: Json = serde_json::from_slice(json).map_err(|_| ServiceAccountError::NotOne)?;
        let key = Secret::new(json.private_key);
        if json.kind != "service_account" || json.client_email.is_empty() {
            return Err(ServiceAccountError::NotOne);
        }
        Ok(Self {
            registration: Registration {
                token_url,
                client_id: json.client_email.into(),
                proof: Proof::None,
                dialect: Dialect::Scope,
            },
            key: SigningKey::from_pem(key.expose().as_bytes()).map_err(ServiceAccountError::Key)?,
            key_id: json.private_key_id.into(),
            scopes,
        })
    }

    /// The account's own address, under which an administrator gives it access.
    pub fn address(&self) -> &str {
        &self.registration.client_id
    }

    /// Where it asks.
    pub fn token_url(&self) -> &Url {
        &self.registration.token_url
    }

    /// What it asks for.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// What tells one key of the account from another.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The assertion that asks for a token of one person.
    fn assertion(&self, subject: &Mailbox, now: SystemTime) -> Result<Secret<String>, TokenError> {
        let now = jws::seconds(now);
        let claims = json!({
            "iss": &*self.registration.client_id,
            "sub": subject.as_str(),
            "aud": self.registration.token_url.as_str(),
            "scope": self.scopes.to_string(),
            "iat": now,
            "exp": now + LIFETIME,
        });
        self.key.sign(Algorithm::Rs256, &[("kid", &self.key_id)], &claims)
    }
}

impl Endpoint {
    /// One token for a person's mailbox by the service account's own word.
    pub async fn service_account(
        &self,
        account: &ServiceAccount,
        subject: &Mailbox,
    ) -> Result<Issued, TokenError> {
        let app = &account.registration;
        let assertion = account.assertion(subject, SystemTime::now())?;
        let way = self.way(app, &app.token_url, &[&assertion]).await?;
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.expose())];
        // Not by `oauth2`: it does not know this grant.
        let reply: Result<TokenReply, Unanswered> = way.post(&app.token_url, &form).await;
        let reply = reply.map_err(|why| explained(why.told(&way.asked)))?;
        granted::issued(&way.asked, reply)
    }
}

/// Google's reasons for the words of RFC 6749 5.2 in this grant.
fn explained(error: TokenError) -> TokenError {
    let (why, fix) = match error.code.as_deref() {
        Some("unauthorized_client") => (
            "the domain's administrator has not given this service account the scope",
            "in the Google Admin console, under Security > API controls > Domain-wide delegation, add the service account's client id with the scope",
        ),
        Some("invalid_grant") => (
            "the mailbox is of another domain or does not exist, the key was deleted, or a clock is wrong",
            "check the mailbox's address, that the key is still listed in Google Cloud, and the clock of this machine",
        ),
        _ => return error,
    };
    TokenError {
        kind: Kind::Misconfigured,
        why: why.into(),
        fix: fix.into(),
        ..error
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use rcgen::{KeyPair, PKCS_RSA_SHA256};
    use serde_json::Value;

    use super::*;

    fn file(kind: &str, key: &str) -> String {
        json!({
            "type": kind,
            "project_id": "p",
            "private_key_id": "kid-1",
            "private_key": key,
            "client_email": "mail@p.iam.gserviceaccount.com",
            "client_id": "1122",
            "token_uri": "https://evil.example/token",
        })
        .to_string()
    }

    fn read(json: &str) -> Result<ServiceAccount, ServiceAccountError> {
        ServiceAccount::from_json(
            json.as_bytes(),
            "https://oauth2.googleapis.com/token".parse().unwrap(),
            Scopes::parse("https://mail.google.com/").unwrap(),
        )
    }

    #[test]
    fn an_assertion_is_the_one_that_google_documents() {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
        let account = read(&file("service_account", &key)).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_219_200);
        let alice = Mailbox::parse("alice@contoso.com").unwrap();
        let assertion = account.assertion(&alice, now).unwrap();
        let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let decoded = |part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let json_of = |part| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        assert_eq!(
            json_of(header),
            json!({ "alg": "RS256", "typ": "JWT", "kid": "kid-1" })
        );
        assert_eq!(
            json_of(claims),
            json!({
                "iss": "mail@p.iam.gserviceaccount.com",
                "sub": "alice@contoso.com",
                "aud": "https://oauth2.googleapis.com/token",
                "scope": "https://mail.google.com/",
                "iat": 1_795_219_200,
                "exp": 1_795_219_800,
            })
        );
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, account.key.public_key())
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();
        assert!(!format!("{account:?}").contains("PRIVATE"));
    }

    #[test]
    fn another_file_is_refused_without_repeating_it() {
        let cases = [
            (String::new(), ServiceAccountError::NotOne),
            ("CANARY".to_owned(), ServiceAccountError::NotOne),
            ("{}".to_owned(), ServiceAccountError::NotOne),
            (file("authorized_user", "CANARY"), ServiceAccountError::NotOne),
            (
                file("service_account", "CANARY"),
                ServiceAccountError::Key(KeyError::Missing),
            ),
        ];
        for (json, why) in &cases {
            let error = read(json).unwrap_err();
            assert_eq!(error, *why, "{json}");
            assert!(!error.fix().is_empty() && !error.to_string().contains("CANARY"));
        }
        assert_eq!(cases.len(), 5);
    }
}
