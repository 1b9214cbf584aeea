//! Access tokens: JWT-shaped or opaque, signed with a key that only this simulator has.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::path::Version;
use super::scope::Identity;
use crate::sim::clock;
use crate::sim::directory::Person;
use crate::sim::knob::Knob;
use crate::sim::random::Random;

/// Size of a token whose groups are few, in bytes; Exchange's own are 1,500 to 2,500.
pub const USUAL_TOKEN_SIZE: usize = 1_800;

/// The header of every JWT. Nobody but this simulator can check the signature, and nobody else has to.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256","kid":"simulator"}"#;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The resource it opens.
    pub audience: String,
    /// Tenant GUID.
    pub tenant: String,
    /// Object id of the user or of the service principal.
    pub object_id: String,
    /// Client id of the app that asked for it.
    pub client_id: String,
    /// How the app proved itself (`appidacr`): 0 not at all, 1 with a secret, 2 with a certificate.
    pub app_class: u8,
    /// Sign-in name of the user; `None` when the app acts for itself.
    pub user: Option<String>,
    /// Delegated permissions (`scp`); empty when the app acts for itself.
    pub scopes: Vec<String>,
    /// Application permissions (`roles`).
    pub roles: Vec<String>,
    /// Seconds since 1970 from which it counts.
    pub not_before: u64,
    /// Seconds since 1970 at which it ends.
    pub expires: u64,
}

impl Claims {
    fn to_json(&self, id: &str) -> Value {
        let mut claims = json!({
            "aud": self.audience,
            "iss": format!("https://sts.windows.net/{}/", self.tenant),
            "iat": self.not_before,
            "nbf": self.not_before,
            "exp": self.expires,
            "aio": id,
            "app_displayname": "saslgate demo",
            "appid": self.client_id,
            "appidacr": self.app_class.to_string(),
            "idp": format!("https://sts.windows.net/{}/", self.tenant),
            "idtyp": if self.user.is_some() { "user" } else { "app" },
            "oid": self.object_id,
            "sub": self.object_id,
            "tid": self.tenant,
            "uti": id,
            "ver": "1.0",
        });
        if let Some(user) = &self.user {
            claims["upn"] = json!(user);
            claims["unique_name"] = json!(user);
            claims["scp"] = json!(self.scopes.join(" "));
        }
        if !self.roles.is_empty() {
            claims["roles"] = json!(self.roles);
        }
        claims
    }

    fn from_json(claims: &Value) -> Option<Self> {
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        let roles = claims.get("roles").and_then(Value::as_array);
        Some(Self {
            audience: text("aud")?,
            tenant: text("tid")?,
            object_id: text("oid")?,
            client_id: text("appid")?,
            app_class: text("appidacr")?.parse().ok()?,
            user: text("upn"),
            scopes: text("scp").map_or_else(Vec::new, |all| {
                all.split_whitespace().map(str::to_owned).collect()
            }),
            roles: roles
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            not_before: claims.get("nbf")?.as_u64()?,
            expires: claims.get("exp")?.as_u64()?,
        })
    }
}

/// What an id token says about a person, as far as they let the app know.
pub(super) struct IdClaims<'a> {
    /// The access token that it comes with.
    pub(super) token: &'a Claims,
    pub(super) person: &'a Person,
    /// Their address, which need not be the sign-in name.
    pub(super) email: String,
    pub(super) identity: Identity,
    pub(super) nonce: Option<&'a str>,
}

impl IdClaims<'_> {
    /// v1 says `upn` and `unique_name` where v2 says `preferred_username`.
    fn to_json(&self, version: Version) -> Value {
        let token = self.token;
        let (issuer, number) = match version {
            Version::V1 => (format!("https://sts.windows.net/{}/", token.tenant), "1.0"),
            Version::V2 => (
                format!("https://login.microsoftonline.com/{}/v2.0", token.tenant),
                "2.0",
            ),
        };
        let mut claims = json!({
            "aud": token.client_id, "iss": issuer, "iat": token.not_before, "nbf": token.not_before,
            "exp": token.expires, "sub": token.object_id, "tid": token.tenant, "ver": number,
        });
        if self.identity.profile {
            claims["oid"] = json!(token.object_id);
            claims["name"] = json!(self.person.name);
            match version {
                Version::V1 => {
                    claims["upn"] = json!(self.person.upn);
                    claims["unique_name"] = json!(self.person.upn);
                }
                Version::V2 => claims["preferred_username"] = json!(self.person.upn),
            }
        }
        if self.identity.email {
            claims["email"] = json!(self.email);
        }
        if let Some(nonce) = self.nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }
}

/// An access token that was made by this simulator.
#[derive(Clone, PartialEq, Eq)]
pub struct MintedToken(String);

impl MintedToken {
    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MintedToken({} bytes)", self.0.len())
    }
}

/// Makes tokens and knows its own again.
pub(crate) struct Mint {
    key: hmac::Key,
    random: Arc<Random>,
    /// Opaque tokens say nothing, so what they stand for is kept here.
    opaque: Knob<HashMap<String, Claims>>,
}

impl Mint {
    pub(crate) fn new(random: Arc<Random>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random.bytes(32));
        Self {
            key,
            random,
            opaque: Knob::default(),
        }
    }

    /// A signed JWT of about `size` bytes: group ids fill it up, as they do in large tenants.
    pub(crate) fn jwt(&self, claims: &Claims, size: usize) -> MintedToken {
        let mut body = claims.to_json(&self.random.text(22));
        let bare = (HEADER.len() + body.to_string().len()) * 4 / 3 + 46;
        let groups = size.saturating_sub(bare + 16) / 52;
        if groups > 0 {
            body["groups"] = (0..groups).map(|_| self.random.guid()).collect();
        }
        MintedToken(self.signed(&body))
    }

    /// A signed JWT with these claims.
    fn signed(&self, claims: &Value) -> String {
        let signed = [HEADER, &claims.to_string()]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// An id token: who has signed in, for the app itself.
    pub(super) fn id_token(&self, claims: &IdClaims<'_>, version: Version) -> String {
        self.signed(&claims.to_json(version))
    }

    /// A token without any structure, as personal accounts get them.
    pub(crate) fn opaque(&self, claims: &Claims, size: usize) -> MintedToken {
        let token = format!("EwB{}", self.random.text(size.saturating_sub(3)));
        self.opaque
            .change(|known| known.insert(token.clone(), claims.clone()));
        MintedToken(token)
    }

    /// What a token of ours says, whether or not it has expired; `None` for anything else.
    pub(crate) fn read(&self, token: &str) -> Option<Claims> {
        if let Some(claims) = self.opaque.change(|known| known.get(token).cloned()) {
            return Some(claims);
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let body = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1)?).ok()?;
        Claims::from_json(&serde_json::from_slice(&body).ok()?)
    }
}

/// The claims of a token that begins now.
pub(crate) fn valid_from_now(lifetime: u64) -> (u64, u64) {
    let now = clock::now();
    // Entra dates its tokens back by five minutes, for receivers whose clock is behind.
    (now.saturating_sub(300), now.saturating_add(lifetime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            audience: "https://outlook.office365.com".to_owned(),
            tenant: "t".to_owned(),
            object_id: "o".to_owned(),
            client_id: "c".to_owned(),
            app_class: 1,
            user: Some("alice@contoso.com".to_owned()),
            scopes: vec!["IMAP.AccessAsUser.All".to_owned()],
            roles: Vec::new(),
            not_before: 1,
            expires: 2,
        }
    }

    #[test]
    fn reads_its_own_tokens_and_no_others() {
        let mint = Mint::new(Arc::new(Random::seeded(1)));
        let other = Mint::new(Arc::new(Random::seeded(2)));
        let tokens = [mint.jwt(&claims(), USUAL_TOKEN_SIZE), mint.opaque(&claims(), 900)];
        for token in &tokens {
            assert_eq!(mint.read(token.reveal()), Some(claims()));
            assert_eq!(other.read(token.reveal()), None);
            let mut forged = token.reveal().to_owned();
            forged.insert(40, 'A');
            assert_eq!(mint.read(&forged), None);
        }
    }

    #[test]
    fn size_is_about_what_was_asked() {
        let mint = Mint::new(Arc::new(Random::seeded(1)));
        for size in [1_800, 4_500, 5_000] {
            let length = mint.jwt(&claims(), size).reveal().len();
            assert!(length.abs_diff(size) < 120, "{length} instead of {size}");
        }
    }
}
