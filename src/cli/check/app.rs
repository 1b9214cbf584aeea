//! An app as `check` shows it: with every host that it reaches, and with what the provider has to know of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::joined;
use crate::account::Account;
use crate::config::ConfiguredApp;
use crate::oauth::flow::ManagedIdentity;
use crate::oauth::{ClientCredentials, Delegated, Grant, Proof, Scopes, ServiceAccount, UsualSignIn};
use crate::provider::{Preset, Protocol, UpstreamTls};

/// One app of one tenant, for whichever protocols accounts use it.
pub(super) struct Gathered<'a> {
    configured: &'a ConfiguredApp,
    scopes: Vec<String>,
    protocols: BTreeSet<Protocol>,
}

/// Apps without the differences that accounts make.
pub(super) fn gathered<'a>(apps: &'a [ConfiguredApp], accounts: &[Account]) -> Vec<Gathered<'a>> {
    let mut gathered: Vec<Gathered<'a>> = Vec::new();
    for configured in apps {
        let app = &configured.app;
        let is_same = |known: &&mut Gathered<'_>| {
            known.configured.app.name == app.name && known.configured.tenant == configured.tenant
        };
        let routes = accounts.iter().flat_map(|account| &account.routes);
        let protocols = routes
            .filter(|(_, route)| Arc::ptr_eq(&route.app, app))
            .map(|(protocol, _)| *protocol);
        let scopes = app
            .grant
            .delegated()
            .map(|delegated| delegated.scopes.to_string());
        match gathered.iter_mut().find(is_same) {
            Some(known) => {
                known.protocols.extend(protocols);
                known.scopes.extend(scopes);
            }
            None => gathered.push(Gathered {
                configured,
                scopes: scopes.into_iter().collect(),
                protocols: protocols.collect(),
            }),
        }
    }
    gathered
}

impl fmt::Display for Gathered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfiguredApp { app, provider, .. } = self.configured;
        match provider.preset {
            Some(preset) => write!(f, "\"{}\"  preset {}", app.name, preset.name)?,
            None => write!(f, "\"{}\"  written in [provider.{}]", app.name, provider.name)?,
        }
        match &app.grant {
            Grant::ClientCredentials(grant) => self.client_credentials(grant, f),
            Grant::ManagedIdentity(identity) => self.managed_identity(identity, f),
            Grant::ServiceAccount(service) => service_account(service, f),
            Grant::SignIn(delegated) => self.sign_in(delegated, f),
            Grant::Password(delegated) => self.password(delegated, f),
            Grant::Command(command) => {
                let program = command.argv.first().map_or("", |program| program);
                line(f, "tokens", &format!("the command {program}"))
            }
        }?;
        if !self.configured.environment.is_empty() {
            let said = format!(
                "{} of the environment",
                joined(&self.configured.environment, ", ")
            );
            line(f, "by", &said)?;
        }
        if app.token_export {
            line(
                f,
                "token_export",
                "whoever may run `saslgate token` gets its access tokens",
            )?;
        }
        self.mail(f)
    }
}

impl Gathered<'_> {
    fn client_credentials(&self, grant: &ClientCredentials, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asks = format!("client credentials from {}", grant.registration.token_url);
        line(f, "tokens", &asks)?;
        line(f, "proof", &proof(&grant.registration.proof))?;
        self.application_permissions(f)
    }

    fn managed_identity(&self, identity: &ManagedIdentity, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match &identity.client_id {
            Some(client_id) => format!(
                "the managed identity {client_id}, given by this {}",
                identity.platform
            ),
            None => format!("the managed identity of this {}", identity.platform),
        };
        line(f, "tokens", &which)?;
        self.application_permissions(f)
    }

    fn sign_in(&self, delegated: &Delegated, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match delegated.usual {
            UsualSignIn::Browser => "a person's sign-in by browser",
            UsualSignIn::Device => "a person's sign-in on another device",
            UsualSignIn::RefreshToken => "a refresh token that is handed in",
        };
        let asks = format!("{how}, from {}", delegated.registration.token_url);
        line(f, "tokens", &asks)?;
        self.delegated(delegated, f)?;
        let Some(browser) = &delegated.browser else {
            return Ok(());
        };
        line(f, "redirect URI", &browser.redirect_uri)?;
        if self.preset().is_some_and(Preset::is_entra) {
            let is_public = matches!(delegated.registration.proof, Proof::None);
            let platform = if is_public {
                "Mobile and desktop applications"
            } else {
                "Web"
            };
            let said = format!("register it to the letter under Authentication, platform {platform}");
            return line(f, "", &said);
        }
        Ok(())
    }

    fn password(&self, delegated: &Delegated, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asks = format!(
            "a person's password, shown to {}",
            delegated.registration.token_url
        );
        line(f, "tokens", &asks)?;
        self.delegated(delegated, f)
    }

    fn delegated(&self, delegated: &Delegated, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_entra = self.preset().is_some_and(Preset::is_entra);
        let proof = match &delegated.registration.proof {
            Proof::None if is_entra => {
                "none: \"Allow public client flows\" has to be Yes (else AADSTS7000218)".to_owned()
            }
            Proof::None => "none".to_owned(),
            given if is_entra => format!("{}; a public app refuses it (AADSTS700025)", proof(given)),
            given => proof(given),
        };
        line(f, "proof", &proof)?;
        let scopes = Scopes::parse(&self.scopes.join(" ")).unwrap_or_default();
        line(f, "scope", &scopes.to_string())?;
        if is_entra {
            let names: Vec<_> = scopes.iter().filter_map(permission).collect();
            let said = match names.as_slice() {
                [] => "whatever the app was given for mail, consented to beforehand".to_owned(),
                names => format!("{}; delegated, listed under Microsoft Graph", names.join(", ")),
            };
            return line(f, "permissions", &said);
        }
        Ok(())
    }

    fn application_permissions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.preset().is_some_and(Preset::is_entra) {
            return Ok(());
        }
        let names: Vec<_> = self
            .protocols
            .iter()
            .map(|protocol| application_permission(*protocol))
            .collect();
        let said = format!(
            "{}; application, of Office 365 Exchange Online, with admin consent",
            names.join(", ")
        );
        line(f, "permissions", &said)
    }

    fn preset(&self) -> Option<&'static Preset> {
        self.configured.provider.preset
    }

    fn mail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = &self.configured.provider.hosts;
        let hosts = Protocol::ALL
            .iter()
            .filter_map(|protocol| Some((protocol, hosts.get(protocol)?)));
        let hosts: Vec<_> = hosts
            .map(|(protocol, host)| match host.tls {
                UpstreamTls::Implicit => format!("{protocol} {host} TLS"),
                UpstreamTls::StartTls => format!("{protocol} {host} STARTTLS"),
            })
            .collect();
        line(f, "mail", &hosts.join(", "))
    }
}

fn service_account(service: &ServiceAccount, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let asks = format!(
        "the service account {} from {}",
        service.address(),
        service.token_url()
    );
    line(f, "tokens", &asks)?;
    let scopes = format!("{}; given to it by domain-wide delegation", service.scopes());
    line(f, "scope", &scopes)
}

fn proof(proof: &Proof) -> String {
    match proof {
        Proof::None => "none".to_owned(),
        Proof::Secret(_) => "a client secret".to_owned(),
        Proof::Certificate(files) => format!("the certificate {}", files.paths()[0].display()),
        Proof::Federated(token) => format!("the federated token in {}", token.path().display()),
    }
}

/// The name in the portal of what a scope asks for; none for all that was consented to.
fn permission(scope: &str) -> Option<&str> {
    let (_, name) = scope.rsplit_once('/').unwrap_or(("", scope));
    (name != ".default" && scope.contains("://") || name == "offline_access").then_some(name)
}

const fn application_permission(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Imap => "IMAP.AccessAsApp",
        Protocol::Pop3 => "POP.AccessAsApp",
        Protocol::Smtp => "SMTP.SendAsApp",
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, said: &str) -> fmt::Result {
    let mark = if name.is_empty() { "  " } else { ": " };
    write!(f, "\n    {name}{mark}{said}")
}
