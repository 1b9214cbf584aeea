//! What a token says of itself that Exchange will not like. It is a word to an operator and never a refusal: claims are no
//! contract, and only the mail host decides.

use super::Diagnosis;
use super::facts::Facts;
use crate::oauth::Claims;
use crate::provider::Protocol;

/// Exchange Online, as a number.
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// Microsoft Graph, as a number.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// What speaks against a token, if something does: it is for another resource, of another tenant, or lacks the permission of the
/// protocol. Only tokens of Entra ID are judged, which name their tenant.
pub fn explain_claims(claims: &Claims, facts: &Facts) -> Option<Diagnosis> {
    let tenant = claims.tid.as_deref()?;
    wrong_resource(claims, facts)
        .or_else(|| wrong_tenant(tenant, facts))
        .or_else(|| missing_permission(claims, facts))
}

fn wrong_resource(claims: &Claims, facts: &Facts) -> Option<Diagnosis> {
    let aud = claims.aud.first()?;
    if claims.aud.iter().any(|aud| is_exchange(aud)) {
        return None;
    }
    let why = if aud.contains("graph") || **aud == *GRAPH {
        "`scope` of the app asks for permissions of Microsoft Graph (a permission without a prefix is one of Graph too), and Exchange takes \
         tokens of its own alone"
    } else {
        "`scope` of the app begins with the address of another service, and Exchange takes tokens of its own alone"
    };
    Some(Diagnosis {
        code: Some("WrongResource".into()),
        what: format!("the token is for {aud}, not for Exchange Online"),
        why: why.into(),
        fix: facts
            .fill(
                "remove `scope` from the app (saslgate then asks for the right one), or let it begin with https://outlook.office.com/; reload \
                 saslgate (`saslgate reload`); the app needs PERMISSION of \"Office 365 Exchange Online\" (entra.microsoft.com > App \
                 registrations > your app (CLIENT_ID) > API permissions)",
                None,
            )
            .into(),
    })
}

/// Whatever the cloud: `https://outlook.office365.com`, `https://outlook.office.com`, `https://outlook.office365.us`,
/// `https://outlook-dod.office365.us`, `https://partner.outlook.cn`.
fn is_exchange(aud: &str) -> bool {
    aud == EXCHANGE || aud.contains("outlook")
}

fn wrong_tenant(tenant: &str, facts: &Facts) -> Option<Diagnosis> {
    let wanted = facts.tenant.as_deref().filter(|wanted| is_guid(wanted))?;
    (!wanted.eq_ignore_ascii_case(tenant)).then(|| Diagnosis {
        code: Some("WrongTenant".into()),
        what: format!("the token is of the tenant {tenant}, not of {wanted}"),
        why: "the app or the person who signed in belongs to another organisation than the one in the configuration".into(),
        fix: "set `tenant` of the app (or of the account) to the organisation that has the mailbox, and sign in again where people sign in"
            .into(),
    })
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn missing_permission(claims: &Claims, facts: &Facts) -> Option<Diagnosis> {
    let delegated = !claims.scp.is_empty();
    let needed = needed(facts.protocol?, delegated);
    let granted = if delegated { &claims.scp } else { &claims.roles };
    if granted.iter().any(|one| &**one == needed) {
        return None;
    }
    let has = if granted.is_empty() {
        "no permission at all".to_owned()
    } else {
        format!("only {}", granted.join(", "))
    };
    let kind = if delegated { "delegated" } else { "application" };
    let after = if delegated {
        "; then `saslgate sign-in ACCOUNT`"
    } else if facts.protocol == Some(Protocol::Smtp) {
        ", unless Exchange has given it the right itself (RBAC for Applications)"
    } else {
        ""
    };
    let fix = format!(
        "add the {kind} permission {needed} of \"Office 365 Exchange Online\" (entra.microsoft.com > App registrations > your app (CLIENT_ID) > \
         API permissions > Add a permission > APIs my organization uses), and click Grant admin consent{after}"
    );
    Some(Diagnosis {
        code: Some("MissingPermission".into()),
        what: format!("the token has {has}, and this protocol needs {needed}"),
        why: "the permission was not added to the app registration, waits for an administrator's consent, or is one of another API of the same name".into(),
        fix: facts.fill(&fix, None).into(),
    })
}

/// The permission that the token itself must show: in `scp` a person's, in `roles` an app's.
const fn needed(protocol: Protocol, delegated: bool) -> &'static str {
    match (protocol, delegated) {
        (Protocol::Imap, true) => "IMAP.AccessAsUser.All",
        (Protocol::Pop3, true) => "POP.AccessAsUser.All",
        (Protocol::Smtp, true) => "SMTP.Send",
        (Protocol::Imap, false) => "IMAP.AccessAsApp",
        (Protocol::Pop3, false) => "POP.AccessAsApp",
        (Protocol::Smtp, false) => "SMTP.SendAsApp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0001";

    fn list(words: &str) -> Vec<Box<str>> {
        words.split_whitespace().map(Into::into).collect()
    }

    fn told(aud: &str, scp: &str, roles: &str, tid: Option<&str>) -> Option<String> {
        let claims = Claims {
            aud: list(aud),
            scp: list(scp),
            roles: list(roles),
            tid: tid.map(Into::into),
            ..Claims::default()
        };
        let facts = Facts {
            protocol: Some(Protocol::Imap),
            tenant: Some(TENANT.into()),
            client_id: Some("my-app".into()),
            account: Some("a@x.org".into()),
            ..Facts::default()
        };
        let diagnosis = explain_claims(&claims, &facts)?;
        assert!(!diagnosis.fix.contains("CLIENT_ID") && !diagnosis.fix.contains("ACCOUNT"));
        diagnosis.code
    }

    #[test]
    fn what_exchange_will_not_like_is_recognised() {
        let (outlook, other) = (
            "https://outlook.office.com",
            "11111111-2222-3333-4444-555555555555",
        );
        let (user, app) = ("IMAP.AccessAsUser.All", "IMAP.AccessAsApp");
        let cases = [
            (outlook, user, "", Some(TENANT), None),
            (outlook, "", app, Some(TENANT), None),
            (EXCHANGE, "", app, Some(TENANT), None),
            ("https://partner.outlook.cn", "", app, Some(TENANT), None),
            (
                "https://graph.microsoft.com",
                user,
                "",
                Some(TENANT),
                Some("WrongResource"),
            ),
            (GRAPH, user, "", Some(TENANT), Some("WrongResource")),
            (
                "https://vault.azure.net",
                "",
                "",
                Some(TENANT),
                Some("WrongResource"),
            ),
            (outlook, user, "", Some(other), Some("WrongTenant")),
            (outlook, "SMTP.Send", "", Some(TENANT), Some("MissingPermission")),
            (
                outlook,
                "",
                "POP.AccessAsApp",
                Some(TENANT),
                Some("MissingPermission"),
            ),
            (outlook, "", "", Some(TENANT), Some("MissingPermission")),
            // A person's token does not open anything by an app's permission.
            (outlook, "SMTP.Send", app, Some(TENANT), Some("MissingPermission")),
            // Not a token of Entra ID.
            ("https://mail.google.com", "", "", None, None),
        ];
        for (aud, scp, roles, tid, expected) in cases {
            assert_eq!(
                told(aud, scp, roles, tid).as_deref(),
                expected,
                "{aud} {scp} {roles} {tid:?}"
            );
        }
        assert_eq!(cases.len(), 13);
    }
}
