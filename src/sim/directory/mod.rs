//! Who exists in the simulated tenants: domains, app registrations, people, mailboxes, and who agreed to what.

mod app;
mod consent;
mod person;
mod tenant;

use std::collections::HashMap;
use std::sync::Arc;

pub use self::app::{App, Audience, ClientSecret, FederatedCredential, Platform, RedirectUri};
pub use self::person::{Mfa, Person};
pub use self::tenant::{Cloud, PERSONAL_TENANT, Tenant};

use self::consent::Consents;
use super::knob::Knob;
use super::mailbox::Mailbox;

#[derive(Default)]
struct Entries {
    tenants: Vec<Tenant>,
    apps: Vec<App>,
    people: Vec<Person>,
    consents: Consents,
    /// By lower-case address, aliases and the owner's sign-in name included.
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

    /// Adds a person, or replaces the one with the same sign-in name.
    pub fn add_person(&self, person: Person) {
        self.entries.change(|entries| {
            entries
                .people
                .retain(|old| !old.upn.eq_ignore_ascii_case(&person.upn));
            entries.people.push(person);
        });
    }

    /// Changes the person of this sign-in name.
    pub fn change_person(&self, name: &str, change: impl FnMut(&mut Person)) {
        self.entries.change(|entries| {
            entries
                .people
                .iter_mut()
                .filter(|person| person.is_named(name))
                .for_each(change);
        });
    }

    /// The person with this sign-in name.
    pub fn person(&self, name: &str) -> Option<Person> {
        self.entries.change(|entries| {
            entries
                .people
                .iter()
                .find(|person| person.is_named(name))
                .cloned()
        })
    }

    /// Adds an empty mailbox whose primary address (and its owner's sign-in name) is `address`, and its owner if there is
    /// nobody of that name.
    pub fn add_mailbox(&self, address: &str) -> Arc<Mailbox> {
        self.add_mailbox_of(address, address)
    }

    /// Adds an empty mailbox whose owner signs in with a name that differs from its primary address. Exchange takes
    /// either.
    pub fn add_mailbox_of(&self, owner: &str, address: &str) -> Arc<Mailbox> {
        if self.person(owner).is_none() {
            self.add_person(Person::new(owner));
        }
        let mailbox = Arc::new(Mailbox::new(owner, address));
        for name in [owner, address] {
            self.add_alias(&mailbox, name);
        }
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

    /// Somebody agrees that the app uses these permissions (`SMTP.Send`) for them; with `None` an administrator agrees
    /// for everybody.
    pub fn consent(&self, client_id: &str, tenant: &str, person: Option<&str>, permissions: &[&str]) {
        let permissions: Vec<String> = permissions.iter().map(ToString::to_string).collect();
        self.entries
            .change(|entries| entries.consents.add(client_id, tenant, person, &permissions));
    }

    /// A person takes their agreement back; with `None` an administrator takes everybody's.
    pub fn withdraw_consent(&self, client_id: &str, tenant: &str, person: Option<&str>) {
        self.entries
            .change(|entries| entries.consents.remove(client_id, tenant, person));
    }

    /// Whether the app may use this permission for this person.
    pub fn has_consent(&self, client_id: &str, tenant: &str, person: &str, permission: &str) -> bool {
        self.entries
            .change(|entries| entries.consents.covers(client_id, tenant, person, permission))
    }

    /// The registration or service principal of `client_id` in the tenant with this GUID.
    pub fn app(&self, client_id: &str, tenant: &str) -> Option<App> {
        let is_it = |app: &&App| app.client_id.eq_ignore_ascii_case(client_id) && app.tenant == tenant;
        self.entries
            .change(|entries| entries.apps.iter().find(is_it).cloned())
    }

    /// The oldest registration of `client_id`, in whichever tenant.
    pub(crate) fn app_anywhere(&self, client_id: &str) -> Option<App> {
        let is_it = |app: &&App| app.client_id.eq_ignore_ascii_case(client_id);
        self.entries
            .change(|entries| entries.apps.iter().find(is_it).cloned())
    }

    /// The tenant whose domain ends `address`.
    pub(crate) fn tenant_of(&self, address: &str) -> Option<Tenant> {
        address
            .rsplit_once('@')
            .and_then(|(_, domain)| self.tenant(domain))
    }
}
