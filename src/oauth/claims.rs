//! What a token says of itself (RFC 7519 4): read, never verified. It is a word to an operator and the name by which a
//! person is known again; whether it is true is judged by the mail host, and it came from the provider's own endpoint.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::issued::since_epoch;
use crate::name;
use crate::secret::Secret;

/// The longest claim shown: names and addresses have 254 bytes at most.
const SHOWN: usize = 254;

/// What is of use of a token's claims. Every text is on one line and bounded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Claims {
    /// Whom it is for: the resource of an access token, the client id of an `id_token`.
    pub aud: Vec<Box<str>>,
    /// The delegated permissions (`scp`).
    pub scp: Vec<Box<str>>,
    /// The application permissions (`roles`).
    pub roles: Vec<Box<str>>,
    /// The tenant (`tid`).
    pub tid: Option<Box<str>>,
    /// The object id (`oid`) of the person, or of the app's service principal.
    pub oid: Option<Box<str>>,
    /// By what name the person signs in: `upn`, `unique_name`, `preferred_username` or `email`, the first that there is.
    pub upn: Option<Box<str>>,
    /// The client id (`appid`, or `azp` in tokens of the second version).
    pub appid: Option<Box<str>>,
    /// Who issued it (`iss`).
    pub iss: Option<Box<str>>,
    /// Who it is about (`sub`).
    pub sub: Option<Box<str>>,
    /// Until when it lives (`exp`).
    pub exp: Option<SystemTime>,
}

/// Whose a grant is: what a sign-in is compared with, and pinned to. The token store keeps it under these names.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Owner {
    /// The person's object id; where there is none, the provider's own name for the person (`sub`). It never changes.
    pub oid: Box<str>,
    /// The tenant; where there is none, the issuer (`iss`).
    pub tid: Box<str>,
    /// By what name the person signs in. It changes, with a marriage or a new domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<Box<str>>,
}

impl Claims {
    /// The claims of a token that is a JWT; personal accounts' tokens are not.
    pub fn read(token: &str) -> Option<Self> {
        let payload = payload(token)?;
        let json: Value = serde_json::from_slice(payload.expose()).ok()?;
        json.is_object().then(|| Self::of(&json))
    }

    fn of(json: &Value) -> Self {
        let text = |names: &[&str]| names.iter().find_map(|name| json.get(name)?.as_str()).map(shown);
        let upn = text(&["upn", "unique_name", "preferred_username", "email"]);
        Self {
            aud: texts(json.get("aud")),
            scp: texts(json.get("scp")),
            roles: texts(json.get("roles")),
            tid: text(&["tid"]),
            oid: text(&["oid"]),
            // Tokens of personal accounts, when they can be read, say who vouches for the name.
            upn: upn.map(|upn| {
                upn.strip_prefix("live.com#")
                    .map_or_else(|| upn.clone(), Into::into)
            }),
            appid: text(&["appid", "azp"]),
            iss: text(&["iss"]),
            sub: text(&["sub"]),
            exp: json.get("exp").and_then(Value::as_f64).and_then(since_epoch),
        }
    }

    /// Whose it is, if it says so in a way that will still be true tomorrow.
    pub fn owner(&self) -> Option<Owner> {
        Some(Owner {
            oid: self.oid.clone().or_else(|| self.sub.clone())?,
            tid: self.tid.clone().or_else(|| self.iss.clone())?,
            upn: self.upn.clone(),
        })
    }
}

/// The middle of a JWT (RFC 7519 3). It is as secret as the rest: it holds names.
fn payload(token: &str) -> Option<Secret<Vec<u8>>> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Secret::new(BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?))
}

fn shown(text: &str) -> Box<str> {
    name::shown(text.as_bytes(), SHOWN).into()
}

/// A list, or a text that is one: `aud` may be either (RFC 7519 4.1.3), `scp` is separated by spaces.
fn texts(value: Option<&Value>) -> Vec<Box<str>> {
    match value {
        Some(Value::String(text)) => text
            .split(' ')
            .filter(|part| !part.is_empty())
            .map(shown)
            .collect(),
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(shown).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    fn read(claims: &str) -> Claims {
        Claims::read(&jwt(claims)).unwrap()
    }

    fn list(items: &[&str]) -> Vec<Box<str>> {
        items.iter().map(|item| (*item).into()).collect()
    }

    #[test]
    fn a_token_of_exchange_says_what_it_opens_and_whose_it_is() {
        let claims = read(
            r#"{"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All SMTP.Send","tid":"t","oid":"o",
                "sub":"s","upn":"alice@contoso.com","unique_name":"old@contoso.com","appid":"app","exp":1763700000,
                "iss":"https://sts.windows.net/t/","ver":"1.0","nested":{"a":[1]}}"#,
        );
        assert_eq!(claims.aud, list(&["https://outlook.office.com"]));
        assert_eq!(claims.scp, list(&["IMAP.AccessAsUser.All", "SMTP.Send"]));
        assert_eq!((claims.roles.len(), claims.appid.as_deref()), (0, Some("app")));
        assert_eq!(claims.exp, Some(UNIX_EPOCH + Duration::from_secs(1_763_700_000)));
        let owner = Owner {
            oid: "o".into(),
            tid: "t".into(),
            upn: Some("alice@contoso.com".into()),
        };
        assert_eq!(claims.owner(), Some(owner));
    }

    #[test]
    fn an_app_only_token_has_roles_and_no_name() {
        let claims = read(
            r#"{"aud":["a","b",7],"roles":["IMAP.AccessAsApp","SMTP.SendAsApp"],"tid":"t","oid":"o","azp":"app"}"#,
        );
        assert_eq!(claims.aud, list(&["a", "b"]));
        assert_eq!(claims.roles, list(&["IMAP.AccessAsApp", "SMTP.SendAsApp"]));
        assert_eq!((claims.upn, claims.appid.as_deref()), (None, Some("app")));
    }

    #[test]
    fn an_owner_is_known_by_what_does_not_change() {
        let cases = [
            (
                r#"{"oid":"o","tid":"t","preferred_username":"a@x"}"#,
                Some(("o", "t", Some("a@x"))),
            ),
            (
                r#"{"oid":"o","tid":"t","unique_name":"live.com#a@x","email":"b@x"}"#,
                Some(("o", "t", Some("a@x"))),
            ),
            // Google.
            (
                r#"{"sub":"1122","iss":"https://accounts.google.com","email":"a@gmail.com"}"#,
                Some(("1122", "https://accounts.google.com", Some("a@gmail.com"))),
            ),
            (r#"{"oid":"o","tid":"t","upn":7}"#, Some(("o", "t", None))),
            (r#"{"upn":"a@x"}"#, None),
            (r#"{"oid":"o"}"#, None),
            ("{}", None),
        ];
        for (claims, expected) in cases {
            let owner = read(claims).owner();
            let owner = owner
                .as_ref()
                .map(|owner| (&*owner.oid, &*owner.tid, owner.upn.as_deref()));
            assert_eq!(owner, expected, "{claims}");
        }
        assert_eq!(cases.len(), 7);
    }

    #[test]
    fn what_is_no_jwt_says_nothing() {
        for token in [
            "EwBopaque",
            "",
            "a.b",
            "a.b.c.d",
            "a.!.c",
            &jwt("[]"),
            &jwt("7"),
            &jwt("{"),
        ] {
            assert_eq!(Claims::read(token), None, "{token}");
        }
        for claims in [r#"{"exp":-5}"#, r#"{"exp":1e300}"#, r#"{"exp":"soon"}"#] {
            assert_eq!(read(claims).exp, None, "{claims}");
        }
    }

    #[test]
    fn a_claim_cannot_act_or_fill_the_log() {
        let claims = read(&format!(
            r#"{{"upn":"a\r\nINFO \u001b[2J","oid":"{}"}}"#,
            "x".repeat(3000)
        ));
        assert_eq!(claims.upn.as_deref(), Some(r"a\r\nINFO \u{1b}[2J"));
        assert_eq!(claims.oid.unwrap().chars().count(), SHOWN + 1);
    }
}
