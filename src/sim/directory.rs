//! Who exists in the simulated tenants: domains, app registrations, secrets, mailboxes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::clock;
use super::knob::Knob;
use super::mailbox::Mailbox;

/// One tenant of the simulated Entra ID.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The tenant's GUID.
    pub id: String,
    /// Its verified domains, the first being `….onmicrosoft.com`.
    pub domains: Vec<String>,
    /// The organisation's `SmtpClientAuthenticationDisabled`; a mailbox may say otherwise.
    pub smtp_auth_disabled: bool,
}

impl Tenant {
    /// A tenant that allows SMTP AUTH.
    pub fn new(id: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            domains: vec![domain.into()],
            smtp_auth_disabled: false,
        }
    }

    /// Whether `name`, as it stands in a token endpoint's path, means this tenant.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self
                .domains
                .iter()
                .any(|domain| domain.eq_ignore_ascii_case(name))
    }
}

/// A client secret of an app registration.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// What the portal calls the Value.
    pub value: String,
    /// Seconds since 1970 at which Entra stops taking it.
    pub expires: u64,
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// An app registration with its service principal.
#[derive(Debug, Clone)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// Object id of the *enterprise application*, which is the `oid` of its tokens.
    pub object_id: String,
    /// GUID of the tenant in which it is registered.
    pub tenant: String,
    /// The name that error texts show.
    pub name: String,
    /// Valid and expired secrets.
    pub secrets: Vec<ClientSecret>,
    /// Application permissions with admin consent, such as `IMAP.AccessAsApp`.
    pub roles: Vec<String>,
    /// Whether `New-ServicePrincipal` was run in Exchange for it.
    pub known_to_exchange: bool,
}

impl App {
    /// A registration without secret or permission, known to Exchange; its object id is derived from the client id.
    pub fn new(client_id: impl Into<String>, tenant: impl Into<String>) -> Self {
        let client_id = client_id.into();
        Self {
            object_id: format!("0b1ec7{}", client_id.get(6..).unwrap_or_default()),
            client_id,
            tenant: tenant.into(),
            name: "saslgate demo".to_owned(),
            secrets: Vec::new(),
            roles: Vec::new(),
            known_to_exchange: true,
        }
    }

    /// Adds a secret that is good for a year.
    #[must_use]
    pub fn secret(mut self, value: impl Into<String>) -> Self {
        self.secrets.push(ClientSecret {
            value: value.into(),
            expires: clock::now() + 31_536_000,
        });
        self
    }

    /// Sets the application permissions.
    #[must_use]
    pub fn roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(ToString::to_string).collect();
        self
    }
}

#[derive(Default)]
struct Entries {
    tenants: Vec<Tenant>,
    apps: Vec<App>,
    /// By lower-case address, aliases included.
    mailboxes: HashMap<String, Arc<Mailbox>>,
}

/// Everything that administrators of the simulated tenants have set up. It may change at any moment.
#[derive(Default, Debug)]
pub struct Directory {
    entries: Knob<Entries>,
}

impl Directory {
    /// Adds a tenant.
    pub fn add_tenant(&self, tenant: Tenant) {
        self.entries.change(|entries| entries.tenants.push(tenant));
    }

    /// Adds an app registration, or replaces the one with the same client id and tenant.
    pub fn add_app(&self, app: App) {
        self.entries.change(|entries| {
            entries
                .apps
                .retain(|old| old.client_id != app.client_id || old.tenant != app.tenant);
            entries.apps.push(app);
        });
    }

    /// Changes every registration with this client id, such as its roles or secrets.
    pub fn change_app(&self, client_id: &str, mut change: impl FnMut(&mut App)) {
        self.entries.change(|entries| {
            entries
                .apps
                .iter_mut()
                .filter(|app| app.client_id == client_id)
                .for_each(&mut change);
        });
    }

    /// Changes the tenant of this id or domain.
    pub fn change_tenant(&self, name: &str, mut change: impl FnMut(&mut Tenant)) {
        self.entries.change(|entries| {
            entries
                .tenants
                .iter_mut()
                .filter(|tenant| tenant.is_named(name))
                .for_each(&mut change);
        });
    }

    /// Adds an empty mailbox whose primary address (and sign-in name) is `address`.
    pub fn add_mailbox(&self, address: &str) -> Arc<Mailbox> {
        let mailbox = Arc::new(Mailbox::new(address));
        self.entries.change(|entries| {
            entries
                .mailboxes
                .insert(address.to_ascii_lowercase(), Arc::clone(&mailbox));
        });
        mailbox
    }

    /// Makes `alias` another address of `mailbox`.
    pub fn add_alias(&self, mailbox: &Arc<Mailbox>, alias: &str) {
        self.entries.change(|entries| {
            entries
                .mailboxes
                .insert(alias.to_ascii_lowercase(), Arc::clone(mailbox));
        });
    }

    /// Takes a mailbox and all its aliases away; sessions that are in it stay.
    pub fn remove_mailbox(&self, address: &str) {
        self.entries.change(|entries| {
            if let Some(gone) = entries.mailboxes.remove(&address.to_ascii_lowercase()) {
                entries
                    .mailboxes
                    .retain(|_, mailbox| !Arc::ptr_eq(mailbox, &gone));
            }
        });
    }

    /// The mailbox with this primary address or alias.
    pub fn mailbox(&self, address: &str) -> Option<Arc<Mailbox>> {
        self.entries
            .change(|entries| entries.mailboxes.get(&address.to_ascii_lowercase()).cloned())
    }

    /// The tenant with this GUID or domain.
    pub fn tenant(&self, name: &str) -> Option<Tenant> {
        self.entries.change(|entries| {
            entries
                .tenants
                .iter()
                .find(|tenant| tenant.is_named(name))
                .cloned()
        })
    }

    /// The registration of `client_id` in the tenant with this GUID.
    pub fn app(&self, client_id: &str, tenant: &str) -> Option<App> {
        let is_it = |app: &&App| app.client_id.eq_ignore_ascii_case(client_id) && app.tenant == tenant;
        self.entries
            .change(|entries| entries.apps.iter().find(is_it).cloned())
    }

    /// Any registration of `client_id`, in whichever tenant.
    pub(crate) fn app_anywhere(&self, client_id: &str) -> Option<App> {
        self.entries.change(|entries| {
            entries
                .apps
                .iter()
                .find(|app| app.client_id == client_id)
                .cloned()
        })
    }

    /// The tenant whose domain ends `address`.
    pub(crate) fn tenant_of(&self, address: &str) -> Option<Tenant> {
        address
            .rsplit_once('@')
            .and_then(|(_, domain)| self.tenant(domain))
    }
}
