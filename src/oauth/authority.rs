//! The tenant's sign-in host as the portal shows it: any URL of an app registration's Endpoints blade.

use url::Url;

use super::dialect::Dialect;

/// What stands for the tenant in an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tenant {
    /// One tenant, by its GUID or by one of its domains, in lower case.
    One(Box<str>),
    /// Whoever signs in.
    Any(Anyone),
}

/// Who may sign in where no tenant is named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Anyone {
    /// Work accounts of every tenant, and personal ones.
    Common,
    /// Work accounts of every tenant.
    Organizations,
    /// Personal accounts.
    Consumers,
}

impl Anyone {
    const ALL: [Self; 3] = [Self::Common, Self::Organizations, Self::Consumers];

    /// As it stands in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
        }
    }
}

impl Tenant {
    /// A GUID, a domain, or one of the words that stand for everybody.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if let Some(anyone) = Anyone::ALL.into_iter().find(|anyone| anyone.name() == text) {
            return Some(Self::Any(anyone));
        }
        (is_guid(&text) || is_domain(&text)).then(|| Self::One(text.into()))
    }

    /// As it stands in an address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::One(tenant) => tenant,
            Self::Any(anyone) => anyone.name(),
        }
    }
}

/// What an address of the Endpoints blade says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authority {
    /// The sign-in host.
    pub host: Box<str>,
    /// The first part of the path.
    pub tenant: Option<Tenant>,
    /// Which generation of endpoints it is of; none for those that both share, such as SAML's.
    pub dialect: Option<Dialect>,
}

impl Authority {
    /// Reads any https address: of whichever endpoint, with or without a query.
    pub fn read(address: &str) -> Option<Self> {
        let url = Url::parse(address.trim()).ok()?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        if url.scheme() != "https" || !is_plain {
            return None;
        }
        let mut path = url.path_segments()?;
        let tenant = path.next().and_then(Tenant::parse);
        let rest: Vec<_> = path.collect();
        Some(Self {
            host: url.host_str()?.into(),
            tenant,
            dialect: dialect(&rest),
        })
    }
}

/// `v2.0` stands in the path of everything that is of the second generation.
fn dialect(path: &[&str]) -> Option<Dialect> {
    if path.contains(&"v2.0") {
        return Some(Dialect::Scope);
    }
    matches!(path, ["oauth2", ..] | ["adminconsent"]).then_some(Dialect::Resource)
}

/// Whether it has the form of a GUID, which is that of client ids and Secret IDs too.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0a0b0c0d-1111-2222-3333-444455556666";

    #[test]
    fn every_address_of_the_blade_names_its_tenant() {
        use Dialect::{Resource, Scope};
        let cases = [
            ("oauth2/v2.0/authorize", Some(Scope)),
            ("oauth2/v2.0/token", Some(Scope)),
            ("oauth2/v2.0/devicecode", Some(Scope)),
            ("v2.0/adminconsent", Some(Scope)),
            ("v2.0/.well-known/openid-configuration", Some(Scope)),
            ("v2.0", Some(Scope)),
            ("oauth2/authorize", Some(Resource)),
            ("oauth2/token?api-version=1.0", Some(Resource)),
            ("oauth2/devicecode", Some(Resource)),
            ("adminconsent", Some(Resource)),
            ("wsfed", None),
            ("saml2", None),
            ("federationmetadata/2007-06/federationmetadata.xml", None),
            ("", None),
        ];
        for (path, dialect) in cases {
            let upper = GUID.to_ascii_uppercase();
            let read = Authority::read(&format!(" https://login.microsoftonline.us/{upper}/{path}\n"));
            let expected = Authority {
                host: "login.microsoftonline.us".into(),
                tenant: Some(Tenant::One(GUID.into())),
                dialect,
            };
            assert_eq!(read, Some(expected), "{path}");
        }
        assert_eq!(cases.len(), 14);
    }

    #[test]
    fn a_tenant_is_a_guid_a_domain_or_everybody() {
        let cases = [
            (GUID, Some(GUID)),
            ("Contoso.onmicrosoft.com", Some("contoso.onmicrosoft.com")),
            ("Common", Some("common")),
            ("organizations", Some("organizations")),
            ("consumers", Some("consumers")),
            ("contoso", None),
            ("", None),
            ("-x.com", None),
            ("a..b", None),
            ("käse.de", None),
            ("contoso.com/../evil", None),
        ];
        for (text, expected) in cases {
            let tenant = Tenant::parse(text);
            assert_eq!(tenant.as_ref().map(Tenant::as_str), expected, "{text}");
        }
        assert_eq!(cases.len(), 11);
        assert_eq!(Tenant::parse("common"), Some(Tenant::Any(Anyone::Common)));
    }

    #[test]
    fn an_address_that_sends_secrets_elsewhere_is_none() {
        let cases = [
            "http://login.microsoftonline.com/common/oauth2/v2.0/token",
            "https://login.microsoftonline.com@evil.example/common",
            "https://user:word@login.microsoftonline.com/common",
            "https://login.microsoftonline.com:8443/common",
            "login.microsoftonline.com/common",
            "contoso.com",
            "",
        ];
        for address in cases {
            assert_eq!(Authority::read(address), None, "{address}");
        }
        assert_eq!(cases.len(), 7);
    }
}
