//! A person signs in at a browser and agrees to what the app wants, or does not. Also what is asked of a person when
//! there is no browser.

use super::error::{self, EntraError};
use super::realm::Realm;
use crate::sim::World;
use crate::sim::directory::{App, Directory, Mfa, Person, Tenant};

/// Whose session is in the browser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Who {
    /// Whoever `login_hint` names; without a hint the page waits for an account to be picked.
    #[default]
    Hinted,
    /// This person, whatever was hinted: the way to a token of the wrong account.
    Person(String),
    /// Nobody: the page waits.
    Nobody,
}

/// What they do with the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Does {
    /// They agree, for themselves.
    #[default]
    Agrees,
    /// An administrator ticks "Consent on behalf of your organization".
    AgreesForEverybody,
    /// They cancel.
    Declines,
    /// They leave the page open.
    Leaves,
}

/// Who sits at the browser, and what they do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Browser {
    /// Who.
    pub who: Who,
    /// What.
    pub does: Does,
}

/// What goes wrong in the browser, whoever sits there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInFault {
    /// An error page; the redirect URI never hears of it.
    Page(EntraError),
    /// The browser is sent back with this error.
    Return(EntraError),
    /// The browser is sent back with this `error` and no description, as happens to personal accounts.
    Bare(&'static str),
}

/// Why there is no code.
#[derive(Debug)]
pub(super) enum Stop {
    Page(EntraError),
    Return(EntraError),
    Bare(&'static str),
    /// The page stays open, and nothing comes.
    Waits,
}

/// What a visit of the browser is about.
pub(super) struct Asking<'a> {
    pub(super) realm: &'a Realm,
    pub(super) app: &'a App,
    /// `login_hint`
    pub(super) hint: Option<&'a str>,
    /// `prompt=none`: no page may be shown.
    pub(super) silent: bool,
    pub(super) permissions: Vec<String>,
}

/// The person who has signed in and agreed, and their tenant.
pub(super) fn at_browser(world: &World, asking: &Asking<'_>) -> Result<(Person, Tenant), Stop> {
    let (person, tenant) = account(world, asking)?;
    let missing = missing(
        &world.directory,
        asking.app,
        &tenant,
        &person,
        &asking.permissions,
    );
    if asking.silent && missing {
        let refusal = error::consent_missing(asking.app, "interaction_required");
        return Err(Stop::Return(refusal));
    }
    if !asking.silent {
        consent_page(world, asking, (&person, &tenant), missing)?;
    }
    Ok((person, tenant))
}

/// The person decides. `missing` says whether they have something to agree to.
fn consent_page(
    world: &World,
    asking: &Asking<'_>,
    (person, tenant): (&Person, &Tenant),
    missing: bool,
) -> Result<(), Stop> {
    let does = world.entra.browser.change(|browser| browser.does);
    let may_not = missing && tenant.user_consent_off && !person.admin;
    match does {
        Does::Leaves => return Err(Stop::Waits),
        // "Return to the application without granting consent"
        Does::Declines if may_not => return Err(Stop::Return(error::admin_needed(person))),
        Does::Declines => return Err(Stop::Return(error::declined("access_denied"))),
        _ if may_not => return Err(Stop::Page(error::admin_needed(person))),
        Does::AgreesForEverybody if !person.admin => {
            return Err(Stop::Page(error::admin_needed(person)));
        }
        Does::AgreesForEverybody => agree(world, asking, tenant, None),
        Does::Agrees if missing => agree(world, asking, tenant, Some(&person.upn)),
        Does::Agrees => {}
    }
    Ok(())
}

/// Who is in the browser, if their account may be used here.
pub(super) fn account(world: &World, asking: &Asking<'_>) -> Result<(Person, Tenant), Stop> {
    match world.entra.sign_in_fault.get() {
        Some(SignInFault::Page(error)) => return Err(Stop::Page(error)),
        Some(SignInFault::Return(error)) => return Err(Stop::Return(error)),
        Some(SignInFault::Bare(error)) => return Err(Stop::Bare(error)),
        None => {}
    }
    let name = match world.entra.browser.get().who {
        Who::Hinted => asking.hint.map(str::to_owned),
        Who::Person(name) => Some(name),
        Who::Nobody => None,
    };
    let Some(name) = name else {
        return Err(if asking.silent {
            Stop::Return(error::nobody_signed_in())
        } else {
            Stop::Waits
        });
    };
    let unknown = || Stop::Page(error::unknown_person(&name, asking.realm.key()));
    let person = world.directory.person(&name).ok_or_else(unknown)?;
    let tenant = asking
        .realm
        .tenant_of(&world.directory, &person, asking.app)
        .map_err(Stop::Page)?;
    if person.disabled {
        return Err(Stop::Page(error::disabled_person()));
    }
    if person.blocked_by_policy {
        let refusal = error::blocked("access_denied");
        return Err(if asking.silent {
            Stop::Return(refusal)
        } else {
            Stop::Page(refusal)
        });
    }
    Ok((person, tenant))
}

/// Whether somebody still has to agree to one of these permissions.
fn missing(
    directory: &Directory,
    app: &App,
    tenant: &Tenant,
    person: &Person,
    permissions: &[String],
) -> bool {
    permissions
        .iter()
        .any(|permission| !directory.has_consent(&app.client_id, &tenant.id, &person.upn, permission))
}

fn agree(world: &World, asking: &Asking<'_>, tenant: &Tenant, person: Option<&str>) {
    let permissions: Vec<&str> = asking.permissions.iter().map(String::as_str).collect();
    let directory = &world.directory;
    directory.consent(&asking.app.client_id, &tenant.id, person, &permissions);
    install(world, asking.app, tenant);
}

/// The first consent in a tenant makes the service principal there of an app that is registered elsewhere.
pub(super) fn install(world: &World, app: &App, tenant: &Tenant) {
    if world.directory.app(&app.client_id, &tenant.id).is_none() {
        let all_roles = [app.roles.as_slice(), app.roles_without_consent.as_slice()].concat();
        world.directory.add_app(App {
            tenant: tenant.id.clone(),
            object_id: world.random.guid(),
            roles: Vec::new(),
            roles_without_consent: all_roles,
            known_to_exchange: false,
            ..app.clone()
        });
    }
}

/// Whether an account may be used without a browser: an old sign-in, or a password alone.
pub(super) fn check_account(person: &Person) -> Result<(), EntraError> {
    if person.disabled {
        Err(error::disabled_person())
    } else if person.blocked_by_policy {
        Err(error::blocked("invalid_grant"))
    } else {
        Ok(())
    }
}

/// Whether a password alone is enough.
pub(super) fn check_password_is_enough(person: &Person) -> Result<(), EntraError> {
    if person.password_expired {
        return Err(error::expired_password());
    }
    match person.mfa {
        Mfa::Off => Ok(()),
        Mfa::Required => Err(error::mfa_required()),
        Mfa::NotSetUp => Err(error::mfa_not_set_up()),
    }
}

/// Whether everything was agreed to before.
pub(super) fn check_consent(
    directory: &Directory,
    app: &App,
    tenant: &Tenant,
    person: &Person,
    permissions: &[String],
) -> Result<(), EntraError> {
    if missing(directory, app, tenant, person, permissions) {
        Err(error::consent_missing(app, "invalid_grant"))
    } else {
        Ok(())
    }
}
