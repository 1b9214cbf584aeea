//! From the table of an app to its plan.

use std::sync::Arc;

use super::super::provider::{Provider, Providers};
use super::super::reader::{Reader, Text};
use super::super::table::Table;
use super::super::tenant::{self, Named};
use super::browser::Browser;
use super::grant::Kind;
use super::plan::{Plan, Registered, Way};
use super::proof::{self, Chosen, Planned};
use super::{client_id, client_secret, command, identity, scope, service_account, workload};
use crate::oauth::{App, Grant, UsualSignIn};

/// An app's table under way.
pub(super) struct Reading<'a, 't> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) table: &'a Table<'t>,
}

/// How tokens are obtained, and for which tenant; the inner `None` where the provider has none.
type Obtained = (Option<Way>, Option<Option<Named>>);

impl Reading<'_, '_> {
    /// None beside an error.
    pub(super) fn plan(&self, providers: &mut Providers<'_>, reader: &mut Reader<'_>) -> Option<Plan> {
        let errors = reader.errors();
        let Self { kind, table, .. } = *self;
        kind.note_unused(table, reader);
        let token_export = table.flag("token_export", reader).is_some_and(|at| at.value);
        let chosen = match kind {
            Kind::Command => Chosen::Nothing,
            _ => Chosen::read(kind, table, reader),
        };
        let mut environment = chosen.environment();
        let provider = provider(&chosen, table, providers, &mut environment, reader);
        let known = provider.as_deref();
        let secret_expires = chosen
            .takes_secret(kind)
            .then(|| client_secret::expires(table, reader));
        let (way, tenant) = match (kind, &chosen) {
            (Kind::Command, _) => {
                let command = command::read(table, reader).map(Grant::Command);
                self.fixed(command, token_export)
            }
            (_, Chosen::ManagedIdentity(id)) => {
                let identity = identity::read(id.as_ref(), table, known, reader);
                self.fixed(identity.map(Grant::ManagedIdentity), token_export)
            }
            (_, Chosen::ServiceAccount) => {
                let account = service_account::read(table, known, reader);
                self.fixed(account.map(Grant::ServiceAccount), token_export)
            }
            (Kind::ClientCredentials, _) => self.by_app(&chosen, known, &mut environment, reader),
            (Kind::Password, _) => self.by_person(None, &chosen, known, reader),
            (Kind::SignIn(usual), _) => self.by_person(Some(usual), &chosen, known, reader),
        };
        let plan = Plan {
            kind,
            provider: provider?,
            tenant: tenant?,
            way: way?,
            token_export,
            secret_expires: secret_expires.flatten(),
            environment,
        };
        (reader.errors() == errors).then_some(plan)
    }

    fn fixed(&self, grant: Option<Grant>, token_export: bool) -> Obtained {
        let app = |grant| App {
            name: self.name.into(),
            grant,
            token_export,
            secret_expires: None,
        };
        (grant.map(|grant| Way::Fixed(Arc::new(app(grant)))), Some(None))
    }

    fn by_app(
        &self,
        chosen: &Chosen,
        provider: Option<&Provider>,
        environment: &mut Vec<&'static str>,
        reader: &mut Reader<'_>,
    ) -> Obtained {
        let table = self.table;
        let is_workload = matches!(chosen, Chosen::Workload(_));
        let mut given = |key: &str, name: &'static str, reader: &mut Reader<'_>| -> Option<Text> {
            let wanted = is_workload && table.key(key).is_none();
            let text = wanted.then(|| proof::variable(name, &table.span, reader))??;
            environment.push(name);
            Some(text)
        };
        let id = given("client_id", workload::CLIENT_ID, reader);
        let id = client_id::read(table, provider, id, reader);
        // Where no app has tokens of its own, that is what is wrong.
        let preset = provider.and_then(|provider| provider.preset);
        let has_apps = preset.is_none_or(|preset| preset.app_scope.is_some());
        let proof = match chosen.planned(table, reader) {
            Some(Planned::None) => {
                if has_apps {
                    proof::note_missing(table, reader);
                }
                None
            }
            proof => proof,
        };
        let tenant = given("tenant", workload::TENANT_ID, reader);
        let tenant = tenant::read(table, provider, self.kind.everybody(), tenant, reader);
        let scope = scope::of_app(table, provider, reader);
        self.note_endpoints(provider, reader);
        let registered = id
            .zip(proof)
            .map(|(client_id, proof)| Registered { client_id, proof });
        let way = registered
            .zip(scope)
            .map(|(registered, scope)| Way::ByApp { registered, scope });
        (way, tenant)
    }

    fn by_person(
        &self,
        usual: Option<UsualSignIn>,
        chosen: &Chosen,
        provider: Option<&Provider>,
        reader: &mut Reader<'_>,
    ) -> Obtained {
        let table = self.table;
        let id = client_id::read(table, provider, None, reader);
        let proof = chosen.planned(table, reader);
        let tenant = tenant::read(table, provider, self.kind.everybody(), None, reader);
        let Some(provider) = provider else {
            return (None, tenant);
        };
        let asked = scope::of_person(table, provider, reader);
        let sign_in = usual.map(|usual| (usual, Browser::read(table, provider, reader)));
        self.note_endpoints(Some(provider), reader);
        let registered = id
            .zip(proof)
            .map(|(client_id, proof)| Registered { client_id, proof });
        let way = registered.zip(asked).map(|(registered, asked)| Way::ByPerson {
            registered,
            asked,
            sign_in,
        });
        (way, tenant)
    }

    /// Notes that the provider lacks what the grant needs.
    fn note_endpoints(&self, provider: Option<&Provider>, reader: &mut Reader<'_>) {
        let Some(provider) = provider else { return };
        let needed = [
            ("token_url", &provider.token_url, true),
            (
                "authorize_url",
                &provider.authorize_url,
                self.kind == Kind::SignIn(UsualSignIn::Browser),
            ),
            (
                "device_url",
                &provider.device_url,
                self.kind == Kind::SignIn(UsualSignIn::Device),
            ),
        ];
        for (key, url, needed) in needed {
            if needed && url.is_none() {
                self.note_endpoint(key, provider, reader);
            }
        }
        // Others have ended it, and nobody's app can have it there.
        let has_passwords = provider.preset.is_none() || provider.is_entra() && provider.has_tenants();
        if self.kind == Kind::Password && !has_passwords {
            reader.error(
                &self.table.span,
                format!("the provider \"{}\" takes no passwords for tokens", provider.name),
                "the password grant is for work accounts of Microsoft 365",
                "use grant = \"authorization_code\"",
            );
        }
    }

    fn note_endpoint(&self, key: &str, provider: &Provider, reader: &mut Reader<'_>) {
        let (what, why, fix) = match provider.preset {
            Some(_) => (
                format!("the provider \"{}\" lets no device code have mail", provider.name),
                "its sign-in on another device is for other things",
                "use grant = \"authorization_code\"; `sign-in --paste` works without a browser on this machine".to_owned(),
            ),
            None => (
                format!("[provider.{}] has no `{key}`", provider.name),
                match key {
                    "token_url" => "this app asks there for its tokens",
                    "authorize_url" => "people sign in there",
                    _ => "a sign-in on another device begins there",
                },
                format!("add `{key}` to the provider"),
            ),
        };
        reader.error(&self.table.span, what, why, fix);
    }
}

fn provider(
    chosen: &Chosen,
    table: &Table<'_>,
    providers: &mut Providers<'_>,
    environment: &mut Vec<&'static str>,
    reader: &mut Reader<'_>,
) -> Option<Arc<Provider>> {
    let preset = match table.text("preset", reader) {
        None if table.key("preset").is_some() => return None,
        None if matches!(chosen, Chosen::Workload(_)) => workload::preset(table, environment, reader)?,
        preset => preset,
    };
    providers.find(preset.as_ref(), reader)
}
