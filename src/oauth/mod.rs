//! Identity providers: apps, grants, and the only HTTP that goes to a token endpoint.

pub mod aadsts;
pub mod authority;
mod claims;
mod command;
mod date;
mod delegated;
mod dialect;
mod endpoint;
mod error;
mod fault;
mod file;
pub mod flow;
mod granted;
mod issued;
mod jws;
mod key;
mod printed;
mod proof;
mod readable;
mod refusal;
mod reply;
mod scopes;
pub(crate) mod timestamp;
pub mod words;

use std::fmt;
use std::time::{Duration, SystemTime};

use url::Url;

pub use claims::{Claims, Owner};
pub(crate) use command::{Commands, For};
pub use delegated::{Delegated, UsualSignIn};
pub use dialect::Dialect;
pub use endpoint::Endpoint;
pub use error::{Kind, TokenError};
pub use flow::{ClientCredentials, ManagedIdentity, ServiceAccount};
pub use granted::Granted;
pub use issued::Issued;
pub use jws::{Algorithm, KeyError};
pub use key::Holder;
pub use proof::{CertificateFiles, FederatedToken, Proof, Signer, SignerError};
pub use scopes::{Scopes, ScopesError};

/// One way to get tokens: an app registration, or a command that prints one.
#[derive(Debug)]
pub struct App {
    /// The name in the configuration; `app` where there is only one.
    pub name: Box<str>,
    /// How tokens are obtained.
    pub grant: Grant,
    /// Whether the operator lets a command print its access tokens, for programs that speak to the provider themselves.
    pub token_export: bool,
    /// When its client secret ends, as the operator wrote it down: no provider tells it.
    pub secret_expires: Option<SystemTime>,
}

/// How tokens are obtained.
#[derive(Debug)]
pub enum Grant {
    /// RFC 6749 4.4: the app itself, for every mailbox that Exchange lets it open.
    ClientCredentials(ClientCredentials),
    /// The platform that this process runs on, for every mailbox that Exchange lets the identity open.
    ManagedIdentity(ManagedIdentity),
    /// RFC 7523 2.1: a service account, for one person at a time.
    ServiceAccount(ServiceAccount),
    /// RFC 6749 4.1 and 6, or RFC 8628: a person has signed in once, and the token store keeps what came of it.
    SignIn(Delegated),
    /// RFC 6749 4.3: a person's password, shown to the provider.
    Password(Delegated),
    /// An external program, asked once per token.
    Command(Command),
}

/// An app registration as a token endpoint sees it: where it asks, who it is, and what proves it.
#[derive(Debug)]
pub struct Registration {
    /// The token endpoint with its tenant in it: https, always.
    pub token_url: Url,
    /// The app registration's Application (client) ID.
    pub client_id: Box<str>,
    /// What proves that it is this app that asks.
    pub proof: Proof,
    /// How the endpoint is told what a token is for.
    pub dialect: Dialect,
}

impl Registration {
    /// What tells one registration from another, its proof included.
    pub fn distinguish(&self, mut add: impl FnMut(&[u8])) {
        add(self.token_url.as_str().as_bytes());
        add(self.client_id.as_bytes());
        self.proof.distinguish(add);
    }
}

/// A program that prints an access token, or JSON with `access_token` and `expires_in`, `expires_on` or `expiry`.
#[derive(Debug)]
pub struct Command {
    /// Program and arguments; no shell. `{mailbox}` and `{owner}` are replaced in the arguments.
    pub argv: Vec<Box<str>>,
    /// How long it may run.
    pub timeout: Duration,
}

/// A digest of all that makes a grant that grant: authority, client id, account, who signs in, kind.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct GrantKey([u8; 32]);

impl Grant {
    /// The app that people sign in to; none where no person is behind the tokens.
    pub const fn delegated(&self) -> Option<&Delegated> {
        match self {
            Self::SignIn(delegated) | Self::Password(delegated) => Some(delegated),
            Self::ClientCredentials(_)
            | Self::ManagedIdentity(_)
            | Self::ServiceAccount(_)
            | Self::Command(_) => None,
        }
    }

    /// The word for it in a status.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClientCredentials(_) => "client credentials",
            Self::ManagedIdentity(_) => "managed identity",
            Self::ServiceAccount(_) => "service account",
            Self::SignIn(_) => "sign-in",
            Self::Password(_) => "password",
            Self::Command(_) => "command",
        }
    }

    /// The app registration; none where the provider knows no app.
    pub const fn registration(&self) -> Option<&Registration> {
        match self {
            Self::ClientCredentials(grant) => Some(&grant.registration),
            Self::SignIn(app) | Self::Password(app) => Some(&app.registration),
            Self::ManagedIdentity(_) | Self::ServiceAccount(_) | Self::Command(_) => None,
        }
    }

    /// Where tokens are asked for, if that is known: a platform has an address of its own for it, a command keeps it to itself.
    pub fn token_url(&self) -> Option<&Url> {
        match self {
            Self::ServiceAccount(service) => Some(service.token_url()),
            _ => self.registration().map(|app| &app.token_url),
        }
    }

    /// Whether its tokens belong to the app, which opens every mailbox that the mail provider lets it open.
    pub const fn is_app_only(&self) -> bool {
        matches!(self, Self::ClientCredentials(_) | Self::ManagedIdentity(_))
    }
}

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GrantKey({:02x}{:02x}{:02x}{:02x}…)",
            self.0[0], self.0[1], self.0[2], self.0[3]
        )
    }
}

/// The grant and the scopes: keys the token cache, so that editing scopes never orphans a grant.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TokenKey {
    /// The grant.
    pub grant: GrantKey,
    /// The scopes asked for, space-separated.
    pub scopes: Box<str>,
}
