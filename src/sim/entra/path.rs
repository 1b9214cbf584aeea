//! Which endpoint a path means.

/// A generation of endpoints. v1 has `resource` in the place of `scope` and numbers in quotes; it is what China's mail
/// programs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// `/oauth2/…`
    V1,
    /// `/oauth2/v2.0/…`
    V2,
}

impl Version {
    /// The parameter that says what a token is for.
    pub(super) fn scope_parameter(self) -> &'static str {
        match self {
            Self::V1 => "resource",
            Self::V2 => "scope",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Authorize,
    Token,
    DeviceCode,
    AdminConsent,
}

/// A path taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// What stands where the tenant belongs.
    pub(super) realm: &'a str,
    pub(super) version: Version,
    pub(super) endpoint: Endpoint,
}

impl<'a> Place<'a> {
    /// Reads `/{tenant}/…`.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (realm, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (version, endpoint) = match rest {
            "oauth2/v2.0/authorize" => (Version::V2, Endpoint::Authorize),
            "oauth2/v2.0/token" => (Version::V2, Endpoint::Token),
            "oauth2/v2.0/devicecode" => (Version::V2, Endpoint::DeviceCode),
            "v2.0/adminconsent" => (Version::V2, Endpoint::AdminConsent),
            "oauth2/authorize" => (Version::V1, Endpoint::Authorize),
            "oauth2/token" => (Version::V1, Endpoint::Token),
            "oauth2/devicecode" => (Version::V1, Endpoint::DeviceCode),
            "adminconsent" => (Version::V1, Endpoint::AdminConsent),
            _ => return None,
        };
        Some(Self {
            realm,
            version,
            endpoint,
        })
    }
}
