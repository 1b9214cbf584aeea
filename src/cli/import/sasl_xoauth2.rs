//! sasl-xoauth2: `sasl-xoauth2.conf`, and the token file of each mailbox.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::draft::{Account, App, Draft, Password, Proof};
use super::endpoint;
use crate::control::Told;
use crate::provider::Protocol;
use crate::secret::Secret;

/// Where that program asks if nobody says so.
const USUAL: &str = "https://accounts.google.com/o/oauth2/token";

/// What its configuration and its token files have in common: a token file can say it for itself.
#[derive(Default, Deserialize)]
struct Said {
    client_id: Option<String>,
    client_secret: Option<Told>,
    token_endpoint: Option<String>,
    refresh_token: Option<Told>,
    user: Option<String>,
    ca_bundle_file: Option<String>,
    proxy: Option<String>,
}

/// A token file, and whose it is if somebody said so.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    pub(super) mailbox: Option<String>,
    pub(super) path: PathBuf,
}

impl TokenFile {
    /// `FILE`, or `MAILBOX=FILE`.
    pub(super) fn read(text: &str) -> Self {
        let named = text
            .split_once('=')
            .filter(|(mailbox, _)| mailbox.contains('@') && !mailbox.contains('/'));
        Self {
            mailbox: named.map(|(mailbox, _)| mailbox.to_owned()),
            path: named.map_or(text, |(_, path)| path).into(),
        }
    }
}

/// Reads a configuration and its token files, whose text is given with them.
pub(super) fn draft(text: &str, files: &[(TokenFile, Zeroizing<String>)]) -> Result<Draft, String> {
    let said: Said = parsed(text).ok_or("it is no JSON: is this sasl-xoauth2.conf?")?;
    let mut draft = Draft {
        source: "sasl-xoauth2".to_owned(),
        ..Draft::default()
    };
    if files.is_empty() {
        return Err("no token file was named: they are the passwords in Postfix's smtp_sasl_password_maps (MAILBOX:FILE)".into());
    }
    for (key, given) in [("ca_bundle_file", &said.ca_bundle_file), ("proxy", &said.proxy)] {
        if let Some(given) = given.as_ref().filter(|given| !given.is_empty()) {
            let fix = format!(
                "write {} = \"{given}\" into [upstream], if it is still needed",
                key.replace("_bundle", "")
            );
            draft.note(key, "it was not taken over", fix);
        }
    }
    for (file, text) in files {
        account(&said, file, text, &mut draft)?;
    }
    draft.note(
        "Postfix",
        "it logs in by XOAUTH2, and saslgate takes a password",
        "see docs/moving-over.md: relayhost, smtp_sasl_password_maps and smtp_sasl_mechanism_filter change",
    );
    Ok(draft)
}

/// Comments are allowed there: lines that begin with `//` or `#`.
fn parsed(text: &str) -> Option<Said> {
    let is_comment = |line: &&str| line.trim_start().starts_with("//") || line.trim_start().starts_with('#');
    let bare: Zeroizing<String> = Zeroizing::new(
        text.lines()
            .filter(|line| !is_comment(line))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    serde_json::from_str(&bare).ok()
}

fn account(said: &Said, file: &TokenFile, text: &str, draft: &mut Draft) -> Result<(), String> {
    let path = file.path.display();
    let own =
        parsed(text).ok_or_else(|| format!("{path} is no token file of sasl-xoauth2: it is no JSON"))?;
    let of_name = file
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| name.contains('@'));
    let mailbox = file
        .mailbox
        .clone()
        .or_else(|| own.user.clone())
        .or_else(|| of_name.map(str::to_owned));
    let mailbox = mailbox.ok_or_else(|| format!("{path} does not tell whose it is: write MAILBOX={path}"))?;
    let token = own
        .refresh_token
        .as_ref()
        .map(|Told(token)| token.expose())
        .filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| format!("{path} has no refresh_token"))?;
    let client_id = own.client_id.as_ref().or(said.client_id.as_ref());
    let client_id =
        client_id.ok_or_else(|| format!("neither the configuration nor {path} has a client_id"))?;
    let secret = own
        .client_secret
        .as_ref()
        .or(said.client_secret.as_ref())
        .map(|Told(secret)| secret.expose());
    let token_url = own.token_endpoint.as_ref().or(said.token_endpoint.as_ref());
    let token_url = token_url.map_or(USUAL, String::as_str);
    let known = endpoint::known(token_url, &[]).ok_or_else(|| {
        format!(
            "no preset knows the provider of {token_url}, and where mail goes stands in Postfix: write the configuration by hand \
             (config/examples/own-provider.toml) and give it the token with `saslgate sign-in {mailbox}`"
        )
    })?;
    let app = draft.app(App {
        name: String::new(),
        preset: known.preset.to_owned(),
        tenant: known.tenant,
        client_id: Some(client_id.clone()),
        proof: match secret.filter(|secret| !secret.is_empty()) {
            Some(secret) => Proof::Secret(Secret::new(secret.clone())),
            None => Proof::Nothing,
        },
        grant: "refresh_token",
        scope: None,
        redirect_uri: None,
    });
    draft.accounts.push(Account {
        login: mailbox,
        app,
        protocols: vec![Protocol::Smtp],
        password: Password::make(Some(Secret::new(token.clone())))?,
    });
    Ok(())
}

/// Reads the token files.
pub(super) fn texts(
    files: &[String],
    read: impl Fn(&Path) -> Result<Zeroizing<String>, String>,
) -> Result<Vec<(TokenFile, Zeroizing<String>)>, String> {
    let files = files.iter().map(|text| TokenFile::read(text));
    files
        .map(|file| read(&file.path).map(|text| (file, text)))
        .collect()
}
