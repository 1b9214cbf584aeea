//! What stands in the path where a tenant belongs, and whom it lets in.

use super::error::{self, EntraError};
use crate::sim::World;
use crate::sim::directory::{App, Audience, Directory, PERSONAL_TENANT, Person, Tenant};

/// One tenant, or one of the three words for many.
#[derive(Debug, Clone)]
pub(super) enum Realm {
    Tenant(Tenant),
    Common,
    Organizations,
    Consumers,
}

impl Realm {
    /// The realm of this name in the path.
    pub(super) fn named(world: &World, name: &str) -> Result<Self, EntraError> {
        match name {
            "common" => return Ok(Self::Common),
            "organizations" => return Ok(Self::Organizations),
            "consumers" | PERSONAL_TENANT => return Ok(Self::Consumers),
            _ => {}
        }
        let tenant = world
            .directory
            .tenant(name)
            .ok_or_else(|| error::unknown_tenant(name))?;
        if tenant.cloud == world.entra.cloud.get() {
            Ok(Self::Tenant(tenant))
        } else {
            Err(error::other_cloud(name, tenant.cloud))
        }
    }

    /// What tells one realm from the next: a code of one is worth nothing in another.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Tenant(tenant) => &tenant.id,
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => PERSONAL_TENANT,
        }
    }

    /// The tenant, for grants that need exactly one.
    pub(super) fn tenant(&self) -> Result<&Tenant, EntraError> {
        match self {
            Self::Tenant(tenant) => Ok(tenant),
            _ => Err(error::no_tenant()),
        }
    }

    /// The app with this client id, if people of this realm may use it.
    pub(super) fn app(&self, directory: &Directory, client_id: &str) -> Result<App, EntraError> {
        let unknown = || error::unknown_app(client_id, self.key());
        let registration = directory.app_anywhere(client_id).ok_or_else(unknown)?;
        let app = match self {
            Self::Tenant(tenant) => match directory.app(client_id, &tenant.id) {
                Some(app) => app,
                None if registration.audience == Audience::OneTenant => return Err(unknown()),
                None => registration,
            },
            Self::Consumers if registration.audience != Audience::Everyone => {
                return Err(error::work_accounts_only(&registration));
            }
            Self::Common | Self::Organizations if registration.audience == Audience::OneTenant => {
                return Err(error::not_multi_tenant(&registration));
            }
            _ => registration,
        };
        if app.disabled {
            return Err(error::disabled_app(&app));
        }
        Ok(app)
    }

    /// The tenant of a person, if this realm lets them in.
    pub(super) fn tenant_of(
        &self,
        directory: &Directory,
        person: &Person,
        app: &App,
    ) -> Result<Tenant, EntraError> {
        let foreign = || error::foreign_account(&person.upn, self.key(), app);
        let tenant = directory.tenant_of(&person.upn).ok_or_else(foreign)?;
        let welcome = match self {
            Self::Tenant(only) => only.id == tenant.id,
            Self::Common => !tenant.is_personal() || app.audience == Audience::Everyone,
            Self::Organizations => !tenant.is_personal(),
            Self::Consumers => tenant.is_personal(),
        };
        if welcome { Ok(tenant) } else { Err(foreign()) }
    }
}
