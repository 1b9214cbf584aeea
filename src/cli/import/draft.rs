//! What an import is going to make, whatever program it was read from.

use std::path::PathBuf;

use crate::account::password::{GeneratedHash, GeneratedPassword};
use crate::provider::{Protocol, UpstreamTls};
use crate::secret::Secret;
use crate::token::imported::Sealed;

/// All of it.
#[derive(Default)]
pub(super) struct Draft {
    /// Where it comes from, in words.
    pub(super) source: String,
    pub(super) listeners: Vec<Listener>,
    pub(super) providers: Vec<OwnProvider>,
    pub(super) apps: Vec<App>,
    pub(super) accounts: Vec<Account>,
    pub(super) notes: Vec<Note>,
}

/// Something without an equivalent, or that somebody has to do.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Note {
    /// Whose it is: a section, a key.
    pub(super) of: String,
    pub(super) what: String,
    pub(super) fix: String,
}

/// A `[[listener]]`.
pub(super) struct Listener {
    pub(super) was: String,
    pub(super) protocol: Protocol,
    pub(super) bind: Vec<String>,
    pub(super) tls: Option<Tls>,
}

/// A listener's TLS.
pub(super) struct Tls {
    pub(super) mode: &'static str,
    pub(super) certificate: PathBuf,
    pub(super) key: Option<PathBuf>,
}

/// A `[provider.NAME]`.
pub(super) struct OwnProvider {
    pub(super) name: String,
    pub(super) token_url: String,
    pub(super) authorize_url: Option<String>,
    pub(super) device_url: Option<String>,
    /// Host, port, and when TLS starts.
    pub(super) hosts: Vec<(Protocol, String, UpstreamTls)>,
}

/// An `[app]`.
pub(super) struct App {
    pub(super) name: String,
    pub(super) preset: String,
    pub(super) tenant: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) proof: Proof,
    pub(super) grant: &'static str,
    pub(super) scope: Option<String>,
    pub(super) redirect_uri: Option<String>,
}

/// What proves an app.
pub(super) enum Proof {
    Nothing,
    Secret(Secret<String>),
    Certificate { certificate: PathBuf, key: PathBuf },
    ServiceAccountFile(PathBuf),
    ServiceAccountKey(Secret<String>),
}

impl Proof {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Secret(one), Self::Secret(other))
            | (Self::ServiceAccountKey(one), Self::ServiceAccountKey(other)) => {
                one.expose() == other.expose()
            }
            (Self::ServiceAccountFile(one), Self::ServiceAccountFile(other)) => one == other,
            (
                Self::Certificate { certificate, key },
                Self::Certificate {
                    certificate: other_certificate,
                    key: other_key,
                },
            ) => certificate == other_certificate && key == other_key,
            _ => false,
        }
    }
}

/// An `[[account]]`.
pub(super) struct Account {
    pub(super) login: String,
    /// Which of the apps.
    pub(super) app: usize,
    pub(super) protocols: Vec<Protocol>,
    pub(super) password: Password,
}

/// An account's local password, and what comes with it.
pub(super) enum Password {
    /// The one that the mail client has; it opens what was sealed.
    Imported(Sealed),
    /// A new one, and a refresh token that nobody had sealed.
    Made {
        password: GeneratedPassword,
        hash: GeneratedHash,
        refresh_token: Option<Secret<String>>,
    },
    /// The provider's.
    Provider,
}

impl Password {
    /// A new one.
    pub(super) fn make(refresh_token: Option<Secret<String>>) -> Result<Self, String> {
        let (password, hash) = GeneratedPassword::make().map_err(|error| error.to_string())?;
        Ok(Self::Made {
            password,
            hash,
            refresh_token,
        })
    }
}

impl Draft {
    /// Notes something.
    pub(super) fn note(&mut self, of: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
        let note = Note {
            of: of.into(),
            what: what.into(),
            fix: fix.into(),
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The app that is like this one, else this one as a further one.
    pub(super) fn app(&mut self, app: App) -> usize {
        let is_same = |known: &App| {
            known.preset == app.preset
                && known.tenant == app.tenant
                && known.client_id == app.client_id
                && known.grant == app.grant
                && known.scope == app.scope
                && known.proof.same_as(&app.proof)
        };
        if let Some(at) = self.apps.iter().position(is_same) {
            return at;
        }
        let is_free = |name: &String| self.apps.iter().all(|known| known.name != *name);
        let further = (2..).map(|number| format!("{}-{number}", app.preset));
        let mut names = std::iter::once(app.preset.clone()).chain(further);
        let name = names.find(is_free).unwrap_or_default();
        self.apps.push(App { name, ..app });
        self.apps.len() - 1
    }

    /// The name of a provider that is like this one, which is added if there is none. One that lacks a page gets it.
    pub(super) fn provider(&mut self, provider: OwnProvider) -> String {
        let is_same = |known: &&mut OwnProvider| {
            known.token_url == provider.token_url
                && known.hosts == provider.hosts
                && can_be_one(known.authorize_url.as_ref(), provider.authorize_url.as_ref())
                && can_be_one(known.device_url.as_ref(), provider.device_url.as_ref())
        };
        if let Some(known) = self.providers.iter_mut().find(is_same) {
            known.authorize_url = known.authorize_url.take().or(provider.authorize_url);
            known.device_url = known.device_url.take().or(provider.device_url);
            return known.name.clone();
        }
        let name = match self.providers.len() {
            0 => "imported".to_owned(),
            count => format!("imported-{}", count + 1),
        };
        self.providers.push(OwnProvider {
            name: name.clone(),
            ..provider
        });
        name
    }
}

fn can_be_one(known: Option<&String>, other: Option<&String>) -> bool {
    known.zip(other).is_none_or(|(known, other)| known == other)
}
