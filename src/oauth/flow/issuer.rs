//! Which provider an answer comes from, where it says so (RFC 9207).

use url::{Host, Url};

/// Whether an issuer is that of the page which was asked. RFC 9207 2.4: else one provider, that leads its visitors on to another, would
/// be brought the other's codes (RFC 9700 4.4). No configuration says how issuers are called, so it is their host that has to be the
/// page's, or beside it: `www.example.com` may speak for `api.example.com`.
pub(super) fn is_beside(issuer: &str, page: &Url) -> bool {
    let issuer = Url::parse(issuer);
    let Some((issuer, page)) = issuer.as_ref().ok().and_then(Url::host).zip(page.host()) else {
        return false;
    };
    let (Host::Domain(name), Host::Domain(of_page)) = (&issuer, &page) else {
        return issuer == page;
    };
    let site = of_page.split_once('.').map(|(_, site)| site);
    let site = site.filter(|site| site.contains('.'));
    let is_in = |site: &str| {
        let before = name.strip_suffix(site);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    name == of_page || site.is_some_and(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_known_by_its_host() {
        let cases = [
            ("https://login.example", "https://login.example/t/v2.0", true),
            (
                "https://accounts.google.com/o/oauth2/v2/auth",
                "https://accounts.google.com",
                true,
            ),
            ("https://api.fastmail.com/oauth", "https://www.fastmail.com", true),
            ("https://api.fastmail.com/oauth", "https://fastmail.com", true),
            ("https://localhost:8443/", "https://localhost/t", true),
            ("https://[::1]:8443/", "https://[::1]/t", true),
            ("https://login.example", "https://evil.example", false),
            ("https://login.example", "https://login.example.evil.test", false),
            ("https://accounts.google.com", "https://evilgoogle.com", false),
            ("https://accounts.google.com", "https://com", false),
            ("https://localhost:8443/", "https://evil.localhost/", false),
            ("https://192.0.2.1/", "https://198.51.2.1/", false),
            ("https://login.example", "login.example", false),
            ("https://login.example", "", false),
        ];
        for (page, issuer, expected) in cases {
            assert_eq!(
                is_beside(issuer, &page.parse().unwrap()),
                expected,
                "{issuer} at {page}"
            );
        }
        assert_eq!(cases.len(), 14);
    }
}
