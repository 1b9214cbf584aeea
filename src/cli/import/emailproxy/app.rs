//! From an account's section to the app that gives its tokens.

use super::super::draft::{App, Draft, OwnProvider, Proof};
use super::super::endpoint;
use super::Section;
use super::servers::Server;
use crate::provider::Protocol;
use crate::secret::Secret;

/// The app of an account; none beside a note.
pub(super) fn app(section: &Section<'_>, servers: &[Server], draft: &mut Draft) -> Option<usize> {
    let of = format!("[{}]", section.login);
    let Some((token_url, client_id)) = section.get("token_url").zip(section.get("client_id")) else {
        draft.note(
            of,
            "it has no `token_url` or no `client_id`, so it was not imported",
            "complete it there, or write the [[account]] by hand",
        );
        return None;
    };
    let flow = section.get("oauth2_flow");
    let Some(grant) = grant(flow, section.get("permission_url").is_some()) else {
        let what =
            "neither `permission_url` nor `oauth2_flow` says how it gets tokens, so it was not imported";
        draft.note(of, what, "write the [[account]] by hand");
        return None;
    };
    let hosts: Vec<_> = servers.iter().map(|server| server.host.clone()).collect();
    let proof = proof(section, flow, grant, draft)?;
    let is_service = matches!(proof, Proof::ServiceAccountFile(_) | Proof::ServiceAccountKey(_));
    let known = match endpoint::known(token_url, &hosts) {
        Some(known) => (known.preset.to_owned(), known.tenant),
        None if is_service => ("google".to_owned(), None),
        None => (draft.provider(provider(section, token_url, grant, servers)), None),
    };
    let scope = section
        .get("oauth2_scope")
        .map(|scope| scope.split_whitespace().collect::<Vec<_>>().join(" "));
    let usual = endpoint::preset(&known.0).and_then(|preset| preset.app_scope);
    let is_entra = known.1.is_some();
    let app = App {
        name: String::new(),
        preset: known.0,
        tenant: known.1,
        client_id: (!is_service).then(|| client_id.to_owned()),
        proof,
        grant,
        scope: scope.filter(|scope| grant != "client_credentials" || Some(scope.as_str()) != usual),
        redirect_uri: redirect_uri(section, grant, is_entra, draft),
    };
    Some(draft.app(app))
}

/// How saslgate calls a flow.
fn grant(flow: Option<&str>, has_page: bool) -> Option<&'static str> {
    match flow {
        Some("device") if has_page => Some("device_code"),
        // Whatever else is said: that program takes the way by browser wherever it has the page for it.
        _ if has_page => Some("authorization_code"),
        Some("client_credentials" | "service_account") => Some("client_credentials"),
        Some("password") => Some("password"),
        _ => None,
    }
}

/// What proves the app; none beside a note, where there is no app without.
fn proof(section: &Section<'_>, flow: Option<&str>, grant: &str, draft: &mut Draft) -> Option<Proof> {
    let of = format!("[{}]", section.login);
    let secret = section
        .get("client_secret")
        .filter(|secret| !secret.starts_with("*** your"));
    if flow == Some("service_account") {
        return match (section.get("client_id"), secret) {
            (Some("file"), Some(path)) => Some(Proof::ServiceAccountFile(section.folder.join(path))),
            (Some("key"), Some(json)) => Some(Proof::ServiceAccountKey(Secret::new(json.to_owned()))),
            _ => {
                draft.note(
                    of,
                    "it has no key of its service account, so it was not imported",
                    "name the JSON key file by `service_account_file`",
                );
                None
            }
        };
    }
    if let Some(secret) = secret {
        return Some(Proof::Secret(Secret::new(secret.to_owned())));
    }
    if let Some((certificate, key)) = section
        .path("jwt_certificate_path")
        .zip(section.path("jwt_key_path"))
    {
        return Some(Proof::Certificate { certificate, key });
    }
    let was_sealed = section.get("client_secret_encrypted").is_some();
    if was_sealed {
        draft.note(
            format!("client_secret_encrypted of {of}"),
            "the app's client secret is sealed under one mail client's password, and saslgate needs it for every login",
            "take it from where you keep it, or make another in the portal (App registrations > your app > Certificates & secrets); write it into a \
             file and name that by `client_secret_file` in the app",
        );
    }
    if grant == "client_credentials" {
        let what = "an app that acts for itself needs a client secret or a certificate, and none could be read: not imported";
        draft.note(
            of,
            what,
            "write its client secret into the section as `client_secret`, and import again",
        );
        return None;
    }
    Some(Proof::Nothing)
}

/// A provider that no preset knows: its mail hosts are those of the listeners.
fn provider(section: &Section<'_>, token_url: &str, grant: &str, servers: &[Server]) -> OwnProvider {
    let page = section.get("permission_url").map(str::to_owned);
    let (authorize_url, device_url) = match grant {
        "device_code" => (None, page),
        _ => (page, None),
    };
    let of_protocol = |protocol| {
        let mut of = servers.iter().filter(|server| server.protocol == protocol);
        // Where there are several, one that no preset has is more likely to be this provider's.
        let mut own = of.clone().filter(|server| !server.is_of_preset());
        let server = own.next().or_else(|| of.next())?;
        Some((protocol, format!("{}:{}", server.host, server.port), server.tls))
    };
    OwnProvider {
        name: String::new(),
        token_url: token_url.to_owned(),
        authorize_url,
        device_url,
        hosts: Protocol::ALL.into_iter().filter_map(of_protocol).collect(),
    }
}

/// Where the browser is sent back to, if saslgate can wait there.
fn redirect_uri(section: &Section<'_>, grant: &str, is_entra: bool, draft: &mut Draft) -> Option<String> {
    let given = section
        .get("redirect_uri")
        .filter(|_| grant == "authorization_code")?;
    let url = url::Url::parse(given).ok()?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match (url.scheme(), url.port()) {
        ("https", _) => Some(given.to_owned()),
        ("http", Some(_)) if is_here => Some(given.to_owned()),
        // Entra ID looks past the port of localhost, not past the path.
        ("http", None) if is_here && is_entra => {
            Some(given.replacen("://localhost", "://localhost:8425", 1)).filter(|uri| uri.contains(":8425"))
        }
        _ => {
            draft.note(
                format!("redirect_uri of [{}]", section.login),
                format!("saslgate can't wait at {given}"),
                "it matters at the next sign-in only: register http://localhost:8425/ too, or sign in with --paste",
            );
            None
        }
    }
}

/// The protocols that the account's permissions and the listeners have in common; all of the listeners' where the scope does not tell.
pub(super) fn protocols(section: &Section<'_>, servers: &[Server], app: &App) -> Vec<Protocol> {
    let scope = section.get("oauth2_scope").unwrap_or_default().to_lowercase();
    let by_name = [
        (Protocol::Imap, "imap.accessasuser.all"),
        (Protocol::Pop3, "pop.accessasuser.all"),
        (Protocol::Smtp, "smtp.send"),
    ];
    let tells = by_name.iter().any(|(_, permission)| scope.contains(permission));
    let allowed = |protocol: &Protocol| {
        let of_scope = by_name
            .iter()
            .any(|(of, permission)| of == protocol && scope.contains(permission));
        let served = servers.is_empty() || servers.iter().any(|server| server.protocol == *protocol);
        let has_host = endpoint::preset(&app.preset)
            .is_none_or(|preset| *protocol != Protocol::Pop3 || preset.pop3.is_some());
        served && has_host && (!tells || of_scope)
    };
    Protocol::ALL.into_iter().filter(allowed).collect()
}
