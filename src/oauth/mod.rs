//! Identity providers: apps, grants, and the only HTTP that goes to a token endpoint.

pub mod aadsts;
pub mod authority;
mod claims;
mod command;
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
mod timestamp;

use std::fmt;
use std::time::Duration;

use url::Url;

pub use claims::{Claims, Owner};
pub(crate) use command::{Commands, For};
pub use dialect::Dialect;
pub use endpoint::{Endpoint, EndpointError, Proxy};
pub use error::{Kind, TokenError};
pub use flow::{ClientCredentials, ManagedIdentity, ServiceAccount};
pub use granted::Granted;
pub use issued::Issued;
pub use jws::{Algorithm, KeyError};
pub use key::Holder;
pub use proof::{CertificateFiles, FederatedToken, Proof, Signer, SignerError, Workload};
pub use scopes::{Scopes, ScopesError};

/// One way to get tokens: an app registration, or a command that prints one.
#[derive(Debug)]
pub struct App {
    /// The name in the configuration; `app` where there is only one.
    pub name: Box<str>,
    /// How tokens are obtained.
    pub grant: Grant,
}

/// How tokens are obtained without a person. What begins with a person's sign-in needs a refresh token that is kept from
/// one run to the next: for that, [`Endpoint`] has methods that take one and give one.
#[derive(Debug)]
pub enum Grant {
    /// RFC 6749 4.4: the app itself, for every mailbox that Exchange lets it open.
    ClientCredentials(ClientCredentials),
    /// The platform that this process runs on, for every mailbox that Exchange lets the identity open.
    ManagedIdentity(ManagedIdentity),
    /// RFC 7523 2.1: a service account, for one person at a time.
    ServiceAccount(ServiceAccount),
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
