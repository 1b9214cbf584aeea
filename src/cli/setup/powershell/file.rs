//! `--powershell FILE`: one file that registers the app and lets it into the mailboxes.
//!
//! It can't be tried where there is no tenant, so it is written to be read: it asks before each change, changes nothing that
//! is as it should be, and finds ids by their names, so that none can be wrong here.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::answers::Answers;
use super::super::layout;
use super::super::made::Upload;
use super::super::portal::{REDIRECT_URI, Registration};
use super::super::way::Proof;
use super::{environments, quoted};
use crate::provider::Protocol;

/// Microsoft Graph's and Office 365 Exchange Online's own app ids, the same in every tenant of every cloud.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// The file. `upload`: the certificate that proves the app, if there is one.
pub(in super::super) fn file(answers: &Answers, upload: Option<&Upload>) -> String {
    let what = match (Registration::of(answers).redirect(), answers.proof) {
        (Some(_), _) => "redirect URI and permissions",
        (None, Proof::Certificate) => "certificate and permissions",
        (None, _) => "permissions",
    };
    let mut text = HEAD.replace("WHAT", what);
    let client_id = answers.client_id.as_deref().unwrap_or_default();
    text += &PARAMETERS.replace("'CLIENT_ID'", &quoted(client_id));
    text += &values(answers, upload);
    for part in [
        include_str!("common.ps1"),
        include_str!("registration.ps1"),
        include_str!("consent.ps1"),
        include_str!("exchange.ps1"),
        include_str!("main.ps1"),
    ] {
        text.push('\n');
        text += part;
    }
    text
}

const HEAD: &str = include_str!("head.ps1");
const PARAMETERS: &str = include_str!("parameters.ps1");

/// What this set-up is, as the rest of the file reads it.
fn values(answers: &Answers, upload: Option<&Upload>) -> String {
    let registration = Registration::of(answers);
    let (graph, exchange) = environments(answers.preset);
    let is_app = answers.way.is_app_only();
    let redirect = registration.redirect();
    let flag = |on: bool| if on { "$true" } else { "$false" };
    let has = |protocol| flag(answers.protocols.contains(&protocol)).to_owned();
    let of_upload = |bytes: fn(&Upload) -> &Vec<u8>| {
        let encoded = upload
            .filter(|_| answers.proof == Proof::Certificate)
            .map(|upload| BASE64_STANDARD.encode(bytes(upload)));
        quoted(&encoded.unwrap_or_default())
    };
    let values = [
        ("Tenant", quoted(&answers.tenant)),
        ("GraphEnvironment", quoted(graph)),
        ("ExchangeEnvironment", quoted(exchange)),
        ("AppOnly", flag(is_app).to_owned()),
        ("ResourceAppId", quoted(if is_app { EXCHANGE } else { GRAPH })),
        ("Permissions", array(&registration.permissions())),
        ("RedirectUri", quoted(redirect.map_or("", |_| REDIRECT_URI))),
        ("RedirectIsWeb", flag(redirect == Some("Web")).to_owned()),
        ("PublicFlows", flag(registration.is_public()).to_owned()),
        ("Certificate", of_upload(|upload| &upload.certificate)),
        ("CertificateThumbprint", of_upload(|upload| &upload.thumbprint)),
        ("UsesImap", has(Protocol::Imap)),
        ("UsesPop", has(Protocol::Pop3)),
        ("UsesSmtp", has(Protocol::Smtp)),
        ("Mailboxes", array(&answers.mailboxes)),
        (
            "SignsInAs",
            quoted(answers.signs_in_as.as_deref().unwrap_or_default()),
        ),
        ("Toml", array(&toml(answers))),
    ];
    let mut text = String::from("\n# --- What it is for ---\n\n");
    for (name, value) in values {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "${name} = {value}");
    }
    text
}

/// Lines of `[app]` beside those that only the tenant knows.
fn toml(answers: &Answers) -> Vec<String> {
    let string = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut lines = vec![format!("grant = {}", string(answers.way.grant()))];
    match answers.proof {
        Proof::None => {}
        Proof::Secret => lines.push(format!(
            "client_secret_file = {}",
            string(&layout::secret(answers))
        )),
        Proof::Certificate => {
            lines.push(format!("certificate = {}", string(&layout::app(answers, "pem"))));
            lines.push(format!("key = {}", string(&layout::app(answers, "key"))));
        }
    }
    if answers.preset.name != "microsoft365" {
        lines.push(format!("preset = {}", string(answers.preset.name)));
    }
    lines
}

/// A list of texts, a line each.
fn array<T: AsRef<str>>(texts: &[T]) -> String {
    let mut list = String::from("@(");
    for text in texts {
        list += "\n    ";
        list += &quoted(text.as_ref());
    }
    list += "\n)";
    list
}
