//! One app, before accounts say for which tenant and which protocols it is.

use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use super::super::provider::Provider;
use super::super::tenant::Named;
use super::ConfiguredApp;
use super::browser::Browser;
use super::grant::Kind;
use super::proof::Planned;
use super::scope::Asked;
use crate::oauth::authority::{Anyone, Tenant};
use crate::oauth::flow::authorize::Authorization;
use crate::oauth::{App, ClientCredentials, Delegated, Grant, Registration, Scopes, UsualSignIn};
use crate::provider::Protocol;

/// An app without its tenant, which an account may replace, and without protocols, which each account chooses.
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) provider: Arc<Provider>,
    pub(super) tenant: Option<Named>,
    pub(super) way: Way,
    pub(super) token_export: bool,
    pub(super) secret_expires: Option<SystemTime>,
    pub(super) environment: Vec<&'static str>,
}

/// How tokens are obtained.
pub(super) enum Way {
    /// The same for every tenant and protocol.
    Fixed(Arc<App>),
    ByApp {
        registered: Registered,
        scope: Box<str>,
    },
    ByPerson {
        registered: Registered,
        asked: Asked,
        /// None for a password, for which nobody sees a browser.
        sign_in: Option<(UsualSignIn, Browser)>,
    },
}

/// An app registration without its tenant.
pub(super) struct Registered {
    pub(super) client_id: Box<str>,
    pub(super) proof: Planned,
}

/// What an account makes of an app.
#[derive(Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) tenant: Option<&'a Named>,
    pub(super) protocols: &'a [Protocol],
}

impl Use<'_> {
    fn tenant(&self) -> &str {
        self.tenant.map_or("", |named| named.tenant.as_str())
    }
}

impl Plan {
    /// Whether the tenant makes a difference.
    pub(super) fn takes_tenant(&self) -> bool {
        !matches!(self.way, Way::Fixed(_)) && self.provider.has_tenants()
    }

    /// What an account's people are asked to consent to, if there are people.
    pub(super) fn asked(&self) -> Option<&Asked> {
        match &self.way {
            Way::ByPerson { asked, .. } => Some(asked),
            Way::Fixed(_) | Way::ByApp { .. } => None,
        }
    }

    /// What makes the app for one account another than for the next: where it asks, and for what.
    pub(super) fn variant(&self, used: Use<'_>) -> (String, String) {
        if let Way::Fixed(_) = self.way {
            return Default::default();
        }
        let url = self.token_url(used).map_or_else(String::new, String::from);
        let scopes = self.asked().map(|asked| asked.by(used.protocols).to_string());
        (url, scopes.unwrap_or_default())
    }

    /// The app for one account's use of it.
    pub(super) fn make(&self, name: &str, used: Use<'_>) -> Option<ConfiguredApp> {
        let app = match &self.way {
            Way::Fixed(app) => Arc::clone(app),
            Way::ByApp { registered, scope } => self.app(
                name,
                Grant::ClientCredentials(ClientCredentials {
                    registration: self.registration(registered, used)?,
                    scope: scope.clone(),
                }),
            ),
            Way::ByPerson {
                registered,
                asked,
                sign_in,
            } => {
                let scopes = asked.by(used.protocols);
                let delegated = self.delegated(registered, scopes, sign_in.as_ref(), used)?;
                let grant = match sign_in {
                    Some(_) => Grant::SignIn(delegated),
                    None => Grant::Password(delegated),
                };
                self.app(name, grant)
            }
        };
        Some(ConfiguredApp {
            app,
            provider: Arc::clone(&self.provider),
            tenant: used.tenant.map(|named| named.tenant.as_str().into()),
            environment: self.environment.clone(),
        })
    }

    fn app(&self, name: &str, grant: Grant) -> Arc<App> {
        Arc::new(App {
            name: name.into(),
            grant,
            token_export: self.token_export,
            secret_expires: self.secret_expires,
        })
    }

    fn endpoint(&self, template: Option<&str>, used: Use<'_>) -> Option<Url> {
        let dialect = self.provider.dialect(used.tenant.and_then(|named| named.dialect));
        self.provider.endpoint(template?, used.tenant(), dialect)
    }

    fn token_url(&self, used: Use<'_>) -> Option<Url> {
        self.endpoint(self.provider.token_url.as_deref(), used)
    }

    fn registration(&self, registered: &Registered, used: Use<'_>) -> Option<Registration> {
        Some(Registration {
            token_url: self.token_url(used)?,
            client_id: registered.client_id.clone(),
            proof: registered.proof.make(),
            dialect: self.provider.dialect(used.tenant.and_then(|named| named.dialect)),
        })
    }

    fn delegated(
        &self,
        registered: &Registered,
        scopes: Scopes,
        sign_in: Option<&(UsualSignIn, Browser)>,
        used: Use<'_>,
    ) -> Option<Delegated> {
        let registration = self.registration(registered, used)?;
        let browser = sign_in.and_then(|(_, browser)| {
            Some(Authorization {
                authorize_url: self.endpoint(self.provider.authorize_url.as_deref(), used)?,
                client_id: registered.client_id.clone(),
                redirect_uri: browser.redirect_uri.clone(),
                scopes: scopes.clone(),
                dialect: registration.dialect,
                extra: browser.extra.clone(),
            })
        });
        Some(Delegated {
            registration,
            scopes,
            browser,
            device_url: sign_in.and_then(|_| self.endpoint(self.provider.device_url.as_deref(), used)),
            admin_consent_url: sign_in.and_then(|_| self.admin_consent_url(used)),
            usual: sign_in.map_or(UsualSignIn::Browser, |(usual, _)| *usual),
        })
    }

    /// An administrator consents for one tenant. Entra ID finds out which by who signs in, under `organizations` alone.
    fn admin_consent_url(&self, used: Use<'_>) -> Option<Url> {
        let template = self.provider.preset?.admin_consent_url;
        let anyone = Named {
            tenant: Tenant::Any(Anyone::Organizations),
            dialect: used.tenant.and_then(|named| named.dialect),
        };
        match used.tenant.map(|named| &named.tenant) {
            Some(Tenant::Any(Anyone::Consumers)) => None,
            Some(Tenant::Any(Anyone::Common)) => {
                let tenant = Some(&anyone);
                self.endpoint(template, Use { tenant, ..used })
            }
            _ => self.endpoint(template, used),
        }
    }
}
