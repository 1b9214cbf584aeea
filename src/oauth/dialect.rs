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
}

#[cfg(test)]
mod tests {
    use super::*;

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
