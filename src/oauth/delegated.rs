//! An app that people sign in to.

use url::Url;

use super::flow::authorize::Authorization;
use super::{Registration, Scopes};

/// What a person consents to once, and what renews that person's tokens from then on.
#[derive(Debug)]
pub struct Delegated {
    /// The app registration, as the token endpoint sees it.
    pub registration: Registration,
    /// What each access token is for: permissions of one resource, and those that belong to none.
    pub scopes: Scopes,
    /// Where a browser is sent; none if the provider's page is not known.
    pub browser: Option<Authorization>,
    /// Where a sign-in on another device begins (RFC 8628 3.1); none if the provider has no such way to mail.
    pub device_url: Option<Url>,
    /// Where an administrator consents for everybody; none where there is no such page.
    pub admin_consent_url: Option<Url>,
    /// How people usually sign in.
    pub usual: UsualSignIn,
}

/// How people usually sign in; a command may choose another way each time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UsualSignIn {
    /// RFC 6749 4.1 with RFC 7636.
    Browser,
    /// RFC 8628.
    Device,
    /// Somewhere else: saslgate is given the refresh token.
    RefreshToken,
}
