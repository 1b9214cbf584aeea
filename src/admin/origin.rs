//! Whether a form was sent from a page of ours.

use http::HeaderMap;
use http::header::ORIGIN;

/// Whether a browser says that a POST comes from our own pages. `Origin: null` proves nothing: a sandboxed frame sends it, and some
/// people's browsers with every form. Then `Sec-Fetch-Site` has to say it. Whoever sends neither is no browser of the last years.
pub(super) fn is_ours(headers: &HeaderMap, ours: &str) -> bool {
    let by_origin = match headers.get(ORIGIN).map(http::HeaderValue::as_bytes) {
        None | Some(b"null") => None,
        Some(named) => Some(named == ours.as_bytes()),
    };
    let by_site = headers
        .get("sec-fetch-site")
        .map(|site| site.as_bytes() == b"same-origin");
    match (by_origin, by_site) {
        (Some(false), _) | (_, Some(false)) | (None, None) => false,
        (Some(true), _) | (_, Some(true)) => true,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_form_has_to_come_from_here() {
        let ours = "https://gate.example:8424";
        let table = [
            (None, None, false),
            (Some("null"), None, false),
            (Some(ours), None, true),
            (Some(ours), Some("same-origin"), true),
            (Some("null"), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (Some(ours), Some("cross-site"), false),
            (Some("null"), Some("cross-site"), false),
            (None, Some("none"), false),
            (None, Some("same-site"), false),
            (Some("https://gate.example"), Some("same-origin"), false),
            (Some("http://gate.example:8424"), Some("same-origin"), false),
            (Some("https://evil.test"), None, false),
        ];
        for (origin, site, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            assert_eq!(is_ours(&headers, ours), expected, "{origin:?} {site:?}");
        }
        assert_eq!(table.len(), 13);
    }
}
