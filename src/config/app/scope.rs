//! `scope`: what a token is for.

use super::super::provider::Provider;
use super::super::reader::{Reader, Span, Text};
use super::super::table::Table;
use crate::oauth::{Scopes, ScopesError};
use crate::provider::{Preset, Protocol};

/// What Entra ID takes a permission for that has no service before it.
const GRAPH: &str = "https://graph.microsoft.com";

/// What a person is asked to consent to.
pub(super) enum Asked {
    /// Whatever the protocols need that an account uses. Each account asks for its own, so that a further one
    /// does not make others ask for what their people have not consented to.
    OfPreset(&'static Preset),
    /// What the configuration says.
    Written(Scopes, Span),
}

impl Asked {
    /// For an account that uses these protocols.
    pub(super) fn by(&self, protocols: &[Protocol]) -> Scopes {
        match self {
            Self::OfPreset(preset) => Scopes::of(preset, protocols),
            Self::Written(scopes, _) => scopes.clone(),
        }
    }

    /// Notes that an account uses a protocol which the scopes do not open.
    pub(super) fn note_missing(
        &self,
        protocols: &[Protocol],
        preset: Option<&Preset>,
        reader: &mut Reader<'_>,
    ) {
        let (Self::Written(scopes, span), Some(preset)) = (self, preset) else {
            return;
        };
        if scopes.iter().any(|scope| scope.ends_with("/.default")) {
            return;
        }
        let written = scopes.to_string();
        for protocol in protocols {
            let needed = Scopes::parse(preset.scopes.of(*protocol)).unwrap_or_default();
            for missing in needed.missing_from(&written) {
                reader.warning(
                    span,
                    format!("`scope` has nothing for {protocol}, and an account uses it by this app"),
                    format!("{} refuses the token there", preset.name),
                    format!("add {missing}, or leave {protocol} out of the account's `protocols`"),
                );
            }
        }
    }
}

/// What a person's tokens are for. What brings a refresh token, and who signed in, is added where a preset knows it.
pub(super) fn of_person(table: &Table<'_>, provider: &Provider, reader: &mut Reader<'_>) -> Option<Asked> {
    let Some(list) = table.one_or_more("scope", reader) else {
        if provider.preset.is_none() && table.key("scope").is_none() {
            let fix = "add the scopes of the provider's mail services, and the one that brings a refresh token (mostly offline_access)";
            table.missing("scope", "no preset knows them for this provider", fix, reader);
        }
        return provider
            .preset
            .filter(|_| table.key("scope").is_none())
            .map(Asked::OfPreset);
    };
    let mut text: String = list
        .value
        .iter()
        .flat_map(|text| [text.value.as_str(), " "])
        .collect();
    text.push_str(provider.preset.map_or("", |preset| preset.scopes.sign_in));
    let checked = Scopes::parse(&text).and_then(|scopes| {
        let resource = match provider.is_entra() {
            true => scopes.resource()?.to_owned(),
            false if scopes.iter().next().is_none() => return Err(ScopesError::Nothing),
            false => String::new(),
        };
        Ok((scopes, resource))
    });
    let (why, fix) = match checked {
        Ok((scopes, resource)) if resource != GRAPH => return Some(Asked::Written(scopes, list.span)),
        Ok(_) => (
            "a permission without a service before it is one of Microsoft Graph, whose tokens open no mailbox".to_owned(),
            format!("write it with its service, such as {}", example(provider)),
        ),
        Err(error) => (error.to_string(), fix(&error, provider)),
    };
    let what = "`scope` cannot be used";
    reader.error(&list.span, what, why, fix);
    None
}

fn example(provider: &Provider) -> &'static str {
    provider.preset.map_or("", |preset| preset.scopes.imap)
}

fn fix(error: &ScopesError, provider: &Provider) -> String {
    match error {
        ScopesError::TwoResources(..) => {
            "keep those of the mail service; a permission without a service before it, such as User.Read, is one of Microsoft Graph, and \
             is not needed here"
                .to_owned()
        }
        ScopesError::DefaultAndMore(_) => {
            "keep /.default alone, or the permissions alone (AADSTS70011); offline_access, openid and profile may stand beside both"
                .to_owned()
        }
        ScopesError::Character => "separate scopes by a space or a comma".to_owned(),
        ScopesError::Nothing => match provider.preset {
            Some(_) => "remove `scope` for the default".to_owned(),
            None => "write the scopes of the provider's mail services".to_owned(),
        },
    }
}

/// What a service account asks for, on behalf of one person at a time.
pub(super) fn of_service_account(
    table: &Table<'_>,
    provider: &Provider,
    reader: &mut Reader<'_>,
) -> Option<Scopes> {
    let Some(list) = table.one_or_more("scope", reader) else {
        let Some(preset) = provider.preset else {
            if table.key("scope").is_none() {
                let fix = "add the scope that the domain's administrator gave the service account";
                table.missing("scope", "no preset knows it for this provider", fix, reader);
            }
            return None;
        };
        let all: Vec<_> = Protocol::ALL
            .iter()
            .map(|protocol| preset.scopes.of(*protocol))
            .collect();
        return Scopes::parse(&all.join(" ")).ok();
    };
    let text: String = list
        .value
        .iter()
        .flat_map(|text| [text.value.as_str(), " "])
        .collect();
    match Scopes::parse(&text) {
        Ok(scopes) if scopes.iter().next().is_some() => Some(scopes),
        other => {
            let error = other.err().unwrap_or(ScopesError::Nothing);
            let fix = fix(&error, provider);
            reader.error(&list.span, "`scope` cannot be used", error.to_string(), fix);
            None
        }
    }
}

/// What an app's own token is for: one resource's `/.default`.
pub(super) fn of_app(
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<Box<str>> {
    let preset = provider.and_then(|provider| provider.preset);
    if let Some(preset) = preset.filter(|preset| preset.app_scope.is_none()) {
        note_people_only(preset, table, reader);
        return None;
    }
    let Some(scope) = table.text("scope", reader) else {
        if preset.is_none() && provider.is_some() && table.key("scope").is_none() {
            let fix = "add the scope of an app-only token, usually the resource's address with \"/.default\" after it";
            table.missing("scope", "no preset knows it for this provider", fix, reader);
        }
        return preset?.app_scope.map(Into::into);
    };
    note_misuse(&scope, preset, reader);
    Some(scope.value.into())
}

fn note_people_only(preset: &Preset, table: &Table<'_>, reader: &mut Reader<'_>) {
    let fix = match preset.name {
        "google" => {
            "use `service_account_file`, or grant = \"authorization_code\" and let each person sign in"
        }
        _ => "use grant = \"authorization_code\" and let each person sign in",
    };
    reader.error(
        &table.span,
        format!("the provider \"{}\" has no app-only tokens", preset.name),
        "with grant = \"client_credentials\" an app signs in as itself, and there only people do",
        fix,
    );
}

/// Entra ID refuses anything but one `/.default` in this grant with AADSTS1002012 or AADSTS70011.
fn note_misuse(scope: &Text, preset: Option<&Preset>, reader: &mut Reader<'_>) {
    let sound = !scope.value.is_empty() && scope.value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let entra = preset.is_none() || scope.value.ends_with("/.default") && !scope.value.contains([' ', ',']);
    if !sound || !entra {
        reader.error(
            &scope.span,
            format!("`scope` = {} is no scope of an app-only token", scope.shown()),
            "an app asks for one resource and everything it was granted there",
            "remove it for the default, or write one resource's address with \"/.default\" after it",
        );
    }
}
