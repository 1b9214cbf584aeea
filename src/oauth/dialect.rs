//! How an endpoint is told what a token is for.

/// Entra ID has had two ways to say it. RFC 6749 3.3 has one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dialect {
    /// `scope`, as everybody says it.
    #[default]
    Scope,
    /// `resource`, as the endpoints without `v2.0` in their path want it: some of the cloud in China give a mail token in this way only.
    Resource,
}

impl Dialect {
    /// The endpoint of this dialect, given the one that has `v2.0` in its path. The older ones are beside it.
    pub fn address(self, address: &str) -> String {
        match self {
            Self::Scope => address.to_owned(),
            Self::Resource => address.replacen("/v2.0/", "/", 1),
        }
    }

    /// The parameter that asks for these scopes, separated by spaces.
    pub(super) fn asks(self, scopes: &str) -> (&'static str, String) {
        match self {
            Self::Scope => ("scope", scopes.to_owned()),
            Self::Resource => ("resource", resource(scopes).to_owned()),
        }
    }
}

/// The resource of the first scope that names one: everything before the permission.
fn resource(scopes: &str) -> &str {
    let mut named = scopes.split(' ').filter(|scope| scope.contains("://"));
    let first = named.next().unwrap_or_default();
    match first.rsplit_once('/') {
        // `https://outlook.office.com` itself: its last slash is one of the two after the scheme.
        Some((resource, _)) if !resource.ends_with('/') => resource,
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_what_its_scopes_begin_with() {
        let cases = [
            (
                "https://partner.outlook.cn/.default",
                "https://partner.outlook.cn",
            ),
            (
                "offline_access openid https://outlook.office.com/IMAP.AccessAsUser.All",
                "https://outlook.office.com",
            ),
            ("https://partner.outlook.cn", "https://partner.outlook.cn"),
            ("api://app-id/Mail.Read", "api://app-id"),
            ("offline_access", ""),
            ("", ""),
        ];
        for (scopes, resource) in cases {
            assert_eq!(
                Dialect::Resource.asks(scopes),
                ("resource", resource.to_owned()),
                "{scopes}"
            );
            assert_eq!(Dialect::Scope.asks(scopes), ("scope", scopes.to_owned()));
        }
        assert_eq!(cases.len(), 6);
    }

    #[test]
    fn the_older_endpoints_have_no_version_in_their_path() {
        let cases = [
            (
                "https://login.example/{tenant}/oauth2/v2.0/token",
                "https://login.example/{tenant}/oauth2/token",
            ),
            (
                "https://login.example/{tenant}/v2.0/adminconsent",
                "https://login.example/{tenant}/adminconsent",
            ),
            ("https://login.example/token", "https://login.example/token"),
        ];
        for (newer, older) in cases {
            assert_eq!(Dialect::Resource.address(newer), older);
            assert_eq!(Dialect::Scope.address(newer), newer);
        }
        assert_eq!(cases.len(), 3);
    }
}
