//! What a token says of itself, in one line: never the token.

use std::fmt::Write as _;
use std::time::Duration;

use crate::oauth::Claims;

/// The longest list of permissions that is told: an app may have dozens that are not for mail.
const MOST: usize = 8;

/// Whom it is for, what it permits, whose it is, how long it lasts.
pub(super) fn told(claims: Option<&Claims>, left: Option<Duration>) -> String {
    let mut text = claims.map_or_else(|| "it says nothing of itself".to_owned(), of_claims);
    if let Some(left) = left {
        let _ = write!(text, ", good for {} min", left.as_secs() / 60);
    }
    text
}

fn of_claims(claims: &Claims) -> String {
    let mut parts = Vec::new();
    if let Some(aud) = claims.aud.first() {
        parts.push(format!("for {aud}"));
    }
    let permissions = if claims.scp.is_empty() {
        &claims.roles
    } else {
        &claims.scp
    };
    if !permissions.is_empty() {
        let more = if permissions.len() > MOST { " and more" } else { "" };
        let shown: Vec<_> = permissions.iter().take(MOST).map(AsRef::as_ref).collect();
        parts.push(format!("with {}{more}", shown.join(" ")));
    }
    if let Some(upn) = &claims.upn {
        parts.push(format!("of {upn}"));
    }
    if let Some(tid) = &claims.tid {
        parts.push(format!("tenant {tid}"));
    }
    if let Some(oid) = &claims.oid {
        parts.push(format!("object id {oid}"));
    }
    if parts.is_empty() {
        return "it says nothing of itself".into();
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_by_what_it_permits() {
        let claims = Claims {
            aud: vec!["https://outlook.office365.com".into()],
            roles: vec!["IMAP.AccessAsApp".into()],
            tid: Some("t".into()),
            oid: Some("o".into()),
            ..Claims::default()
        };
        assert_eq!(
            told(Some(&claims), Some(Duration::from_secs(3599))),
            "for https://outlook.office365.com, with IMAP.AccessAsApp, tenant t, object id o, good for 59 min"
        );
        assert_eq!(told(None, None), "it says nothing of itself");
        assert_eq!(told(Some(&Claims::default()), None), "it says nothing of itself");
        let many = Claims {
            scp: (0..20).map(|number| format!("s{number}").into()).collect(),
            upn: Some("a@x".into()),
            ..Claims::default()
        };
        assert_eq!(
            told(Some(&many), None),
            "with s0 s1 s2 s3 s4 s5 s6 s7 and more, of a@x"
        );
    }
}
