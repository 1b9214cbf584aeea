//! EHLO: who the mail client says it is, and what it is told.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::downstream::reception::Reception;

/// The longest domain, in bytes (RFC 5321 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// The lines behind the first: what upstream has, where a relay can keep it, and ours. PLAIN stands before LOGIN,
/// because several mail clients take the first that they know.
pub(super) fn keywords(reception: &Reception) -> Vec<String> {
    let mut lines: Vec<String> = reception.opening.offer.iter().map(str::to_owned).collect();
    // RFC 2034: our own replies carry the codes, whatever upstream does.
    if !lines
        .iter()
        .any(|line| line.eq_ignore_ascii_case("ENHANCEDSTATUSCODES"))
    {
        lines.push("ENHANCEDSTATUSCODES".into());
    }
    if reception.offers_tls() {
        lines.push("STARTTLS".into());
    }
    // RFC 4954 4: passwords are not asked for before TLS, where that comes first.
    if reception.takes_logins() {
        lines.push("AUTH PLAIN LOGIN".into());
    }
    lines
}

/// The argument of EHLO, if it is what RFC 5321 4.1.1.1 asks for. Only then may it be repeated upstream.
pub(super) fn host_name(argument: &[u8]) -> Option<Box<str>> {
    let name = str::from_utf8(argument.trim_ascii()).ok()?;
    let valid = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(literal) => is_address(literal),
        None => is_domain(name),
    };
    valid.then(|| name.into())
}

/// RFC 5321 4.1.3.
fn is_address(literal: &str) -> bool {
    let v6 = literal
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"))
        .and_then(|_| literal.get(5..));
    match v6 {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => literal.parse::<Ipv4Addr>().is_ok(),
    }
}

/// RFC 5321 4.1.2: labels of letters, digits and inner hyphens.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_DOMAIN && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_domain_or_an_address_literal_is_repeated_upstream() {
        let cases: &[(&[u8], bool)] = &[
            (b"scanner-3.contoso.com", true),
            (b"localhost", true),
            (b"localhost ", true),
            (b"[192.0.2.7]", true),
            (b"[IPv6:2001:db8::1]", true),
            (b"[ipv6:::1]", true),
            (b"", false),
            (b"my_pc", false),
            (b"-x", false),
            (b"x-", false),
            (b"a..b", false),
            (b"a.b.", false),
            (b"192.0.2.7 x", false),
            (b"[192.0.2]", false),
            (b"[2001:db8::1]", false),
            (b"[IPv6:192.0.2.7]", false),
            (b"<script>", false),
            ("bücher.example".as_bytes(), false),
            (b"\xff", false),
        ];
        for (argument, valid) in cases {
            assert_eq!(
                host_name(argument).is_some(),
                *valid,
                "{}",
                argument.escape_ascii()
            );
        }
        assert_eq!(cases.len(), 19);
        assert!(host_name(&[b'x'; MAX_DOMAIN]).is_some());
        assert!(host_name(&[b'x'; MAX_DOMAIN + 1]).is_none());
    }
}
