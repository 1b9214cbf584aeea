//! An app registration and its service principal: how it proves itself, where it sends people back to, what it may.

use std::fmt;

use crate::sim::clock;

/// A client secret of an app registration.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// What the portal calls the Value.
    pub value: String,
    /// Seconds since 1970 at which Entra stops taking it.
    pub expires: u64,
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What the portal calls the platform of a redirect URI. It decides whether the app has to prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// "Web": a secret or certificate is needed.
    Web,
    /// "Mobile and desktop applications": neither is allowed.
    Native,
    /// "Single-page application": tokens are only for a browser that says where it comes from.
    SinglePage,
}

/// A registered redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// As it was typed into the portal.
    pub uri: String,
    /// Where in the portal it was typed.
    pub platform: Platform,
}

/// Whose accounts may use an app (`signInAudience`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// `AzureADMyOrg`: the tenant in which it is registered.
    #[default]
    OneTenant,
    /// `AzureADMultipleOrgs`: work accounts of every tenant.
    Organizations,
    /// `AzureADandPersonalMicrosoftAccount`: these and personal accounts.
    Everyone,
}

/// A federated identity credential: which tokens of which other issuer stand in for a secret. All three names must match
/// to the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// `iss` of the other issuer's tokens.
    pub issuer: String,
    /// `sub` of the other issuer's tokens.
    pub subject: String,
    /// `aud` of the other issuer's tokens, usually `api://AzureADTokenExchange`.
    pub audience: String,
    /// The public key that the other issuer publishes, DER.
    pub key: Vec<u8>,
}

/// An app registration with its service principal.
#[derive(Debug, Clone)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// Object id of the *enterprise application*, which is the `oid` of its tokens.
    pub object_id: String,
    /// GUID of the tenant in which it is registered, or for which a consent made its service principal.
    pub tenant: String,
    /// The name that error texts show.
    pub name: String,
    /// Whose accounts may use it.
    pub audience: Audience,
    /// Where it may send people back to.
    pub redirects: Vec<RedirectUri>,
    /// "Allow public client flows", which device code and password need if there is no secret.
    pub public_flows: bool,
    /// Valid and expired secrets.
    pub secrets: Vec<ClientSecret>,
    /// Uploaded certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Tokens of others that it may prove itself with.
    pub federated: Vec<FederatedCredential>,
    /// Application permissions with admin consent, such as `IMAP.AccessAsApp`.
    pub roles: Vec<String>,
    /// Application permissions that were picked in the portal and wait for the admin's consent.
    pub roles_without_consent: Vec<String>,
    /// Delegated permissions that were picked in the portal: what `/.default` stands for when a person signs in.
    pub delegated: Vec<String>,
    /// Whether an administrator has switched its sign-ins off.
    pub disabled: bool,
    /// Whether `New-ServicePrincipal` was run in Exchange for it.
    pub known_to_exchange: bool,
}

impl App {
    /// A registration without proof, redirect URI or permission, known to Exchange; its object id is derived from the
    /// client id.
    pub fn new(client_id: impl Into<String>, tenant: impl Into<String>) -> Self {
        let client_id = client_id.into();
        Self {
            object_id: format!("0b1ec7{}", client_id.get(6..).unwrap_or_default()),
            client_id,
            tenant: tenant.into(),
            name: "saslgate demo".to_owned(),
            audience: Audience::OneTenant,
            redirects: Vec::new(),
            public_flows: false,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated: Vec::new(),
            roles: Vec::new(),
            roles_without_consent: Vec::new(),
            delegated: Vec::new(),
            disabled: false,
            known_to_exchange: true,
        }
    }

    /// Adds a secret that is good for a year.
    #[must_use]
    pub fn secret(mut self, value: impl Into<String>) -> Self {
        self.secrets.push(ClientSecret {
            value: value.into(),
            expires: clock::now() + 31_536_000,
        });
        self
    }

    /// Adds a certificate, DER.
    #[must_use]
    pub fn certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(der.into());
        self
    }

    /// Adds a redirect URI.
    #[must_use]
    pub fn redirect(mut self, platform: Platform, uri: impl Into<String>) -> Self {
        self.redirects.push(RedirectUri {
            uri: uri.into(),
            platform,
        });
        self
    }

    /// Sets the application permissions.
    #[must_use]
    pub fn roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(ToString::to_string).collect();
        self
    }

    /// Sets the delegated permissions that were picked in the portal.
    #[must_use]
    pub fn delegated(mut self, permissions: &[&str]) -> Self {
        self.delegated = permissions.iter().map(ToString::to_string).collect();
        self
    }

    /// Allows the flows of apps that can't keep a secret.
    #[must_use]
    pub fn public_flows(mut self) -> Self {
        self.public_flows = true;
        self
    }

    /// Says whose accounts may use it.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }
}
