//! The client id, and what is mistaken for it: nothing of that is repeated, because one of them is a secret.

use super::{Label, guid_behind, labelled};

const WHERE: &str = "copy Application (client) ID from the app registration's Overview";

/// Reads a client id. `tenant` is the tenant, which stands beside it in the portal.
pub(in super::super) fn client_id(typed: &str, tenant: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.contains("://") {
        return match (guid_behind(typed, "appid"), guid_behind(typed, "objectid")) {
            (Some(guid), _) => of_guid(guid, tenant),
            (None, Some(_)) => Err(format!(
                "that address names the Object ID, which is another one: {WHERE}"
            )),
            (None, None) => Err(format!("no client id is in that address: {WHERE}")),
        };
    }
    match labelled(typed) {
        Some((None | Some(Label::Client), guid)) => of_guid(guid, tenant),
        Some((Some(Label::Object), _)) => Err(format!(
            "that is the Object ID, which stands below the client id: {WHERE}"
        )),
        Some((Some(Label::Tenant), _)) => Err(format!("that is the tenant: {WHERE}")),
        Some((Some(Label::Secret), _)) => Err(format!("that is the ID of a client secret: {WHERE}")),
        None if super::client_secret::is_like_a_value(typed) => Err(format!(
            "that looks like a client secret, which is asked for later and not shown then. It can be read on this screen now, so \
             better make another. Here: {WHERE}"
        )),
        None => Err(format!(
            "that is not a client id, which has the form 11111111-2222-3333-4444-555555555555: {WHERE}"
        )),
    }
}

fn of_guid(guid: &str, tenant: &str) -> Result<String, String> {
    if guid.eq_ignore_ascii_case(tenant) {
        return Err(format!("that is the tenant once more: {WHERE}"));
    }
    Ok(guid.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0a0b0c0d-1111-2222-3333-444455556666";
    const TENANT: &str = "99999999-1111-2222-3333-444455556666";

    #[test]
    fn a_client_id_is_taken_out_of_what_was_copied() {
        let cases = [
            GUID.to_owned(),
            GUID.to_ascii_uppercase(),
            format!("  {GUID}\t"),
            format!("Application (client) ID\t{GUID}"),
            format!("client_id = \"{GUID}\""),
            format!("https://entra.microsoft.com/#view/App/~/Overview/appId/{GUID}/isMSAApp~/false"),
            format!("https://entra.microsoft.com/#view/App/~/Overview/objectId/{TENANT}/appId/{GUID}"),
        ];
        for typed in &cases {
            assert_eq!(client_id(typed, TENANT).as_deref(), Ok(GUID), "{typed}");
        }
        assert_eq!(cases.len(), 7);
    }

    #[test]
    fn what_stands_beside_it_is_told_apart_and_never_repeated() {
        const SECRET: &str = "gU8Q~a.Value_as-the-portal~shows.it-once";
        let cases = [
            (TENANT.to_owned(), "the tenant once more"),
            (format!("Object ID: {GUID}"), "the Object ID"),
            (format!("Directory (tenant) ID: {GUID}"), "the tenant"),
            (format!("Secret ID: {GUID}"), "ID of a client secret"),
            (SECRET.to_owned(), "looks like a client secret"),
            (
                format!("https://portal.azure.com/#view/App/objectId/{GUID}"),
                "names the Object ID",
            ),
            ("https://portal.azure.com/#home".into(), "no client id is in"),
            ("saslgate".into(), "has the form"),
            (GUID[1..].to_owned(), "has the form"),
        ];
        for (typed, word) in &cases {
            let error = client_id(typed, TENANT).unwrap_err();
            assert!(error.contains(word), "{typed}: {error}");
            assert!(!error.contains(SECRET), "{error}");
        }
        assert_eq!(cases.len(), 9);
    }
}
