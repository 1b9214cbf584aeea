//! `[provider.NAME]`, and the presets seen the same way: where tokens come from and where mail is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use toml::de::DeTable;
use url::Url;

use super::keys;
use super::reader::{At, Reader, Text};
use super::table::{Table, nearest};
use crate::oauth::Dialect;
use crate::oauth::authority::Authority;
use crate::provider::{BearerMechanism, MailHost, PRESETS, Preset, Protocol, UpstreamTls, preset};

/// A provider that an app may name.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The preset's name, or the one in `[provider.NAME]`.
    pub name: Box<str>,
    /// What is known of it; none if the operator wrote it: it may then be any host, so `check` shows it.
    pub preset: Option<&'static Preset>,
    /// The token endpoint; here and in the next two `{tenant}` stands for the tenant. None if only commands give its tokens.
    pub token_url: Option<Box<str>>,
    /// Where people sign in by browser.
    pub authorize_url: Option<Box<str>>,
    /// Where a sign-in on another device begins (RFC 8628 3.1).
    pub device_url: Option<Box<str>>,
    /// How a token is said there.
    pub mechanism: BearerMechanism,
    /// Its mail hosts.
    pub hosts: HashMap<Protocol, MailHost>,
}

const TLS: &[(&str, UpstreamTls)] = &[
    ("implicit", UpstreamTls::Implicit),
    ("starttls", UpstreamTls::StartTls),
];

impl Provider {
    fn of_preset(preset: &'static Preset) -> Self {
        let host = |protocol| Some((protocol, preset.host(protocol)?.host()));
        Self {
            name: preset.name.into(),
            preset: Some(preset),
            token_url: Some(preset.token_url.into()),
            authorize_url: Some(preset.authorize_url.into()),
            device_url: preset.device_url.map(Into::into),
            mechanism: preset.mechanism,
            hosts: Protocol::ALL.into_iter().filter_map(host).collect(),
        }
    }

    /// Whether its token endpoint depends on the tenant.
    pub(super) fn has_tenants(&self) -> bool {
        self.token_url
            .as_deref()
            .is_some_and(|url| url.contains("{tenant}"))
    }

    /// Whether it is a cloud of Entra ID that a preset knows.
    pub(super) fn is_entra(&self) -> bool {
        self.preset.is_some_and(Preset::is_entra)
    }

    /// Which generation of Entra ID's endpoints is asked, where the address that names the tenant says it.
    ///
    /// The first is for the cloud in China, some of which gives mail tokens there only; everywhere else its addresses are
    /// taken for the tenant in them, as the portal still lists them beside the second's. Whoever writes the
    /// address of one into `[provider.NAME]` means it.
    pub(super) fn dialect(&self, named: Option<Dialect>) -> Dialect {
        let written = || {
            let read = Authority::read(
                self.endpoint(self.token_url.as_deref()?, "tenant.example", Dialect::Scope)?
                    .as_str(),
            )?;
            let is_entra = PRESETS
                .iter()
                .any(|preset| preset.authorities.contains(&&*read.host));
            read.dialect.filter(|_| is_entra)
        };
        let said = match self.preset {
            Some(preset) => named.filter(|_| preset.name == CHINA),
            None => written(),
        };
        said.unwrap_or_default()
    }

    /// One of its endpoints for one tenant. What is known of Entra ID's are those of the second generation.
    pub(super) fn endpoint(&self, template: &str, tenant: &str, dialect: Dialect) -> Option<Url> {
        let template = match dialect {
            Dialect::Resource if self.preset.is_some() => template.replace("/v2.0", ""),
            _ => template.to_owned(),
        };
        Url::parse(&template.replace("{tenant}", tenant)).ok()
    }
}

/// The preset with both generations of endpoints.
const CHINA: &str = "microsoft365-china";

/// One `[provider.NAME]`: its name's place, what it is if it is sound, and whether an app uses it.
type Written<'t> = (At<&'t str>, Option<Arc<Provider>>, bool);

/// The providers of one file. One that is wrong is known without being usable, so that it is not also called unknown.
pub(super) struct Providers<'t> {
    written: BTreeMap<&'t str, Written<'t>>,
}

impl<'t> Providers<'t> {
    pub(super) fn read(root: &Table<'t>, reader: &mut Reader<'_>) -> Self {
        let mut written = BTreeMap::new();
        for (name, entries) in root.named("provider", reader) {
            let provider = read(&name, entries, reader).map(Arc::new);
            written.insert(name.value, (name, provider, false));
        }
        Self { written }
    }

    /// The provider that an app names; without a name the first preset.
    pub(super) fn find(&mut self, name: Option<&Text>, reader: &mut Reader<'_>) -> Option<Arc<Provider>> {
        let Some(name) = name else {
            return PRESETS.first().map(Provider::of_preset).map(Arc::new);
        };
        if let Some((_, provider, used)) = self.written.get_mut(name.value.as_str()) {
            *used = true;
            return provider.clone();
        }
        if let Some(preset) = preset(&name.value) {
            return Some(Arc::new(Provider::of_preset(preset)));
        }
        let known = PRESETS
            .iter()
            .map(|preset| preset.name)
            .chain(self.written.keys().copied());
        let fix = match nearest(&name.written, known) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => "describe it in a table [provider.NAME] of that name".to_owned(),
        };
        reader.error(
            &name.span,
            format!("there is no preset or provider {}", name.shown()),
            "its token endpoint and mail hosts are not known",
            fix,
        );
        None
    }

    /// Notes the providers that no app named.
    pub(super) fn note_unused(&self, reader: &mut Reader<'_>) {
        for (name, _, used) in self.written.values() {
            // Beside an error it may be the app that is wrong.
            if !used && reader.errors() == 0 {
                reader.warning(
                    &name.span,
                    format!("no app uses [provider.{}]", name.value),
                    "nothing reaches it",
                    "name it with `preset` in an app, or remove it",
                );
            }
        }
    }
}

fn read<'t>(name: &At<&'t str>, entries: &'t DeTable<'t>, reader: &mut Reader<'_>) -> Option<Provider> {
    let errors = reader.errors();
    let table = Table::open(&keys::PROVIDER, name.span.clone(), entries, reader);
    if preset(name.value).is_some() {
        reader.error(
            &name.span,
            format!("\"{}\" is the name of a preset", name.value),
            "an app that names it could mean either",
            "choose another name",
        );
    }
    let provider = Provider {
        name: name.value.into(),
        preset: None,
        token_url: url("token_url", &table, reader),
        authorize_url: url("authorize_url", &table, reader),
        device_url: url("device_url", &table, reader),
        mechanism: table
            .choice("mechanism", MECHANISMS, reader)
            .map(|at| at.value)
            .unwrap_or_default(),
        hosts: hosts(&table, reader),
    };
    if reader.errors() == errors && provider.hosts.is_empty() {
        let fix = "add imap, pop3 or smtp = \"host:port\"";
        reader.error(
            &name.span,
            format!("[provider.{}] has no mail host", name.value),
            "it leads nowhere",
            fix,
        );
    }
    (reader.errors() == errors).then_some(provider)
}

const MECHANISMS: &[(&str, BearerMechanism)] = &[
    ("xoauth2", BearerMechanism::XOAuth2),
    ("oauthbearer", BearerMechanism::OAuthBearer),
];

/// An endpoint. The value is never repeated: a password in the URL would be.
fn url(key: &str, table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Box<str>> {
    let text = table.text(key, reader)?;
    let parsed = Url::parse(&text.value.replace("{tenant}", "tenant"));
    let (what, why) = match parsed {
        Err(_) => ("is not a URL", "tokens are asked for there"),
        Ok(url) if url.scheme() != "https" => (
            "is not https",
            "secrets and tokens would cross the network in clear",
        ),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "has a user name or password in it",
            "the app proves itself by its own client secret",
        ),
        Ok(url) if url.fragment().is_some() => ("has a `#` in it", "no fragment is ever sent"),
        Ok(_) => return Some(text.value.as_str().into()),
    };
    reader.error(
        &text.span,
        format!("`{key}` {what}"),
        why,
        "write https://host/path, with {tenant} where the tenant belongs",
    );
    None
}

fn hosts(table: &Table<'_>, reader: &mut Reader<'_>) -> HashMap<Protocol, MailHost> {
    let tls = tls(table, reader);
    let mut hosts = HashMap::new();
    for (protocol, tls) in Protocol::ALL.into_iter().zip(tls) {
        let text = table.text(protocol.name(), reader);
        if let Some(host) = text.and_then(|text| host(protocol, &text, tls, reader)) {
            hosts.insert(protocol, host);
        }
    }
    hosts
}

/// `tls = "…"` for all hosts, or `tls.imap = "…"` for one.
fn tls(table: &Table<'_>, reader: &mut Reader<'_>) -> [Option<UpstreamTls>; 3] {
    if !table.is_table("tls") {
        return [table.choice("tls", TLS, reader).map(|at| at.value); 3];
    }
    let Some(sub) = table.sub("tls", &keys::PROVIDER_TLS, reader) else {
        return [None; 3];
    };
    Protocol::ALL.map(|protocol| sub.choice(protocol.name(), TLS, reader).map(|at| at.value))
}

fn host(
    protocol: Protocol,
    text: &Text,
    tls: Option<UpstreamTls>,
    reader: &mut Reader<'_>,
) -> Option<MailHost> {
    let parts = text.value.rsplit_once(':').and_then(|(name, port)| {
        let name = name.trim_matches(['[', ']']);
        let port = port.parse().ok().filter(|port| *port != 0)?;
        ServerName::try_from(name).ok()?;
        Some((name, port))
    });
    let Some((name, port)) = parts else {
        reader.error(
            &text.span,
            format!("`{protocol}` = {} is not a host and a port", text.shown()),
            "both are needed to connect",
            "write \"host:port\", such as \"imap.example.com:993\"",
        );
        return None;
    };
    let tls = tls.or_else(|| usual_tls(port));
    if tls.is_none() {
        reader.error(
            &text.span,
            format!("port {port} does not tell when TLS starts"),
            "only 993, 995 and 465 (implicit) and 143, 110 and 587 (STARTTLS) do",
            format!("add `tls.{protocol} = \"implicit\"` or `\"starttls\"`"),
        );
    }
    Some(MailHost {
        name: name.into(),
        port,
        tls: tls?,
    })
}

/// RFC 8314 for implicit TLS, RFC 2595 and RFC 6409 for STARTTLS.
fn usual_tls(port: u16) -> Option<UpstreamTls> {
    match port {
        993 | 995 | 465 => Some(UpstreamTls::Implicit),
        143 | 110 | 587 => Some(UpstreamTls::StartTls),
        _ => None,
    }
}
