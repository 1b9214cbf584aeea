//! The answer to a token request that was granted.

use serde_json::{Map, Value, json};

use super::TokenShape;
use super::grant::Seen;
use super::path::Version;
use super::refresh::SignedIn;
use super::scope::Identity;
use super::token::{Claims, IdClaims};
use crate::sim::World;
use crate::sim::directory::Person;

/// What was granted, and to whom.
pub(super) struct Granted {
    claims: Claims,
    /// The person, and what they let the app know about them; nobody when the app acts for itself.
    person: Option<(Person, Identity)>,
    nonce: Option<String>,
    pub(super) refresh_token: Option<String>,
}

impl Granted {
    /// To an app for itself.
    pub(super) fn to_app(claims: Claims) -> Self {
        Self {
            claims,
            person: None,
            nonce: None,
            refresh_token: None,
        }
    }

    /// To an app on behalf of a person.
    pub(super) fn to_person(
        claims: Claims,
        person: &Person,
        identity: Identity,
        nonce: Option<String>,
    ) -> Self {
        Self {
            claims,
            person: Some((person.clone(), identity)),
            nonce,
            refresh_token: None,
        }
    }

    /// Gives the first refresh token of a sign-in, if one was asked for.
    pub(super) fn begin(&mut self, world: &World, sign_in: SignedIn<'_>, seen: &mut Seen) {
        let wanted = sign_in.scope.identity.offline_access;
        if wanted && world.entra.tokens.change(|shape| shape.refresh_token) {
            let now = world.entra.ages.now();
            let (token, family) = world.entra.refresh_tokens.first(sign_in, now, &world.random);
            self.refresh_token = Some(token);
            seen.family = Some(family);
        }
    }
}

/// The body of a `200`, as the shape and the version want it.
pub(super) fn body(world: &World, version: Version, granted: Granted) -> String {
    let shape = world.entra.tokens.get();
    let mut body = Map::new();
    body.insert("token_type".to_owned(), json!(shape.token_type));
    lifetime(&mut body, &shape, version, &granted.claims);
    let token = world.entra.mint(&granted.claims);
    body.insert("access_token".to_owned(), json!(token.reveal()));
    if let Some((person, identity)) = &granted.person {
        body.insert("scope".to_owned(), json!(scope(&shape, version, &granted.claims)));
        if identity.openid {
            let claims = IdClaims {
                token: &granted.claims,
                person,
                email: address(world, person),
                identity: *identity,
                nonce: granted.nonce.as_deref(),
            };
            body.insert(
                "id_token".to_owned(),
                json!(world.entra.id_token(&claims, version)),
            );
        }
    }
    if let Some(token) = granted.refresh_token {
        body.insert("refresh_token".to_owned(), json!(token));
    }
    Value::Object(body).to_string()
}

/// The address of the person's mailbox; without one, the sign-in name.
fn address(world: &World, person: &Person) -> String {
    let mailbox = world.directory.mailbox(&person.upn);
    mailbox.map_or_else(|| person.upn.clone(), |mailbox| mailbox.address().to_owned())
}

/// `expires_in` and its like. v1 writes numbers as texts and has some more of them.
fn lifetime(body: &mut Map<String, Value>, shape: &TokenShape, version: Version, claims: &Claims) {
    let number = |seconds: u64| match version {
        Version::V1 => json!(seconds.to_string()),
        Version::V2 => json!(seconds),
    };
    match &shape.expires_in {
        Some(Value::Null) => return,
        Some(other) => body.insert("expires_in".to_owned(), other.clone()),
        None => body.insert("expires_in".to_owned(), number(shape.lifetime)),
    };
    body.insert("ext_expires_in".to_owned(), number(shape.lifetime));
    if version == Version::V1 {
        body.insert("expires_on".to_owned(), number(claims.expires));
        body.insert("not_before".to_owned(), number(claims.not_before));
        body.insert("resource".to_owned(), json!(claims.audience));
    }
}

/// The permissions of the token, which v2 spells with the resource in front, though not always the one that was asked for.
fn scope(shape: &TokenShape, version: Version, claims: &Claims) -> String {
    let prefix = shape.scope_prefix.as_deref().unwrap_or(&claims.audience);
    let spelled = |name: &String| match version {
        Version::V1 => name.clone(),
        Version::V2 => format!("{prefix}/{name}"),
    };
    let all: Vec<String> = claims.scopes.iter().map(spelled).collect();
    all.join(" ")
}
