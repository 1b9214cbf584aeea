//! What a `scope` parameter asks for.

use super::error::{self, EntraError};
use super::form::Form;
use super::path::Version;
use super::realm::Realm;
use super::resource::{self, Resource};
use crate::sim::World;
use crate::sim::directory::{App, Cloud};

/// The scopes of `OpenID` Connect, which belong to no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Identity {
    pub(super) openid: bool,
    pub(super) profile: bool,
    pub(super) email: bool,
    pub(super) offline_access: bool,
}

impl Identity {
    fn take(&mut self, word: &str) -> bool {
        let flag = match word {
            "openid" => &mut self.openid,
            "profile" => &mut self.profile,
            "email" => &mut self.email,
            "offline_access" => &mut self.offline_access,
            _ => return false,
        };
        *flag = true;
        true
    }

    /// What either asked for.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            openid: self.openid || other.openid,
            profile: self.profile || other.profile,
            email: self.email || other.email,
            offline_access: self.offline_access || other.offline_access,
        }
    }
}

/// What is asked of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `/.default`: all that was picked in the portal.
    Default,
    /// Permissions by name.
    Named(Vec<&'static str>),
}

impl Wanted {
    /// The permissions that this stands for.
    pub(super) fn permissions(&self, app: &App) -> Vec<String> {
        match self {
            Self::Default => app.delegated.clone(),
            Self::Named(names) => names.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A scope taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) identity: Identity,
    /// In the order of the request, each resource once.
    pub(super) resources: Vec<(Resource, Wanted)>,
}

impl Scope {
    /// What a request asks for, by `scope`, or by `resource` in v1; `None` when it leaves that open.
    pub(super) fn of(
        world: &World,
        form: &Form,
        version: Version,
        realm: &Realm,
    ) -> Result<Option<Self>, EntraError> {
        if version == Version::V2 && form.get("resource").is_some() {
            return Err(error::resource_on_v2());
        }
        let cloud = world.entra.cloud.get();
        let read = |text| match version {
            Version::V1 => Self::of_v1(text, cloud, realm.key()),
            Version::V2 => Self::parse(text, cloud, realm.key()),
        };
        form.get(version.scope_parameter()).map(read).transpose()
    }

    /// The same where it must be there.
    pub(super) fn required(
        world: &World,
        form: &Form,
        version: Version,
        realm: &Realm,
    ) -> Result<Self, EntraError> {
        Self::of(world, form, version, realm)?.ok_or_else(|| error::missing(version.scope_parameter()))
    }

    /// Reads a scope: words with one space between two. A permission without a resource is one of Graph, which is the trap
    /// for those who copy the name from the portal.
    fn parse(text: &str, cloud: Cloud, tenant: &str) -> Result<Self, EntraError> {
        let mut scope = Self {
            identity: Identity::default(),
            resources: Vec::new(),
        };
        for word in text.split(' ') {
            if !scope.identity.take(word) {
                let (resource, name) = split(word, cloud, tenant)?;
                scope.want(resource, name, text)?;
            }
        }
        if scope.resources.is_empty() {
            let graph = resource::default(cloud).ok_or_else(|| error::invalid_scope(text))?;
            scope.resources.push((graph, Wanted::Named(Vec::new())));
        }
        Ok(scope)
    }

    /// What v1's `resource` parameter asks for: everything that was picked in the portal, a refresh token and an id token.
    fn of_v1(resource: &str, cloud: Cloud, tenant: &str) -> Result<Self, EntraError> {
        let resource = resource.strip_suffix('/').unwrap_or(resource);
        let resource =
            resource::named(resource, cloud).ok_or_else(|| error::unknown_resource(resource, tenant))?;
        Ok(Self {
            identity: Identity {
                openid: true,
                profile: true,
                email: false,
                offline_access: true,
            },
            resources: vec![(resource, Wanted::Default)],
        })
    }

    fn want(&mut self, resource: Resource, name: &str, text: &str) -> Result<(), EntraError> {
        if self.resources.iter().all(|(seen, _)| *seen != resource) {
            self.resources.push((resource, Wanted::Named(Vec::new())));
        }
        let fresh = |wanted: &Wanted| *wanted == Wanted::Named(Vec::new());
        let mut seen = self.resources.iter_mut();
        let Some((_, wanted)) = seen.find(|(seen, _)| *seen == resource) else {
            return Err(error::invalid_scope(text));
        };
        match (name, &mut *wanted) {
            (".default", now) if fresh(now) => *wanted = Wanted::Default,
            // `.default` and names of one resource may not be mixed.
            (".default", _) | (_, Wanted::Default) => return Err(error::invalid_scope(text)),
            (name, Wanted::Named(names)) => {
                names.push(resource::permission(name).ok_or_else(|| error::invalid_scope(text))?);
            }
        }
        Ok(())
    }

    /// The only resource, as a token request must have it.
    pub(super) fn only_resource(&self) -> Option<&(Resource, Wanted)> {
        match self.resources.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// All permissions, of whichever resource.
    pub(super) fn permissions(&self, app: &App) -> Vec<String> {
        self.resources
            .iter()
            .flat_map(|(_, wanted)| wanted.permissions(app))
            .collect()
    }
}

/// Resource and permission of one word.
fn split<'a>(word: &'a str, cloud: Cloud, tenant: &str) -> Result<(Resource, &'a str), EntraError> {
    if word.contains(',') {
        return Err(error::invalid_scope(word));
    }
    let Some((prefix, name)) = word.rsplit_once('/') else {
        let graph = resource::default(cloud).filter(|_| resource::permission(word).is_some());
        return graph
            .map(|graph| (graph, word))
            .ok_or_else(|| error::invalid_scope(word));
    };
    let resource = resource::named(prefix, cloud).ok_or_else(|| error::unknown_resource(prefix, tenant))?;
    Ok((resource, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";

    fn parse(text: &str) -> Result<Scope, u32> {
        Scope::parse(text, Cloud::Global, "t").map_err(|error| error.code)
    }

    #[test]
    fn words_with_their_resources() {
        let scope = parse(&format!(
            "openid {IMAP} https://outlook.office.com/smtp.send offline_access"
        ))
        .unwrap();
        assert!(scope.identity.openid && scope.identity.offline_access && !scope.identity.email);
        let [(resource, wanted)] = scope.resources.as_slice() else {
            panic!("{scope:?}");
        };
        assert!(resource.exchange);
        assert_eq!(*wanted, Wanted::Named(vec!["IMAP.AccessAsUser.All", "SMTP.Send"]));
        // Copied from the portal without the prefix: Graph.
        let bare = parse("IMAP.AccessAsUser.All").unwrap();
        assert!(bare.resources.iter().all(|(resource, _)| !resource.exchange));
        assert_eq!(parse(&format!("{IMAP} Mail.Send")).unwrap().resources.len(), 2);
    }

    #[test]
    fn refuses_what_no_resource_has() {
        let comma = format!("{IMAP},https://outlook.office.com/SMTP.Send");
        let two_spaces = format!("{IMAP}  offline_access");
        let mixed = format!("{IMAP} https://outlook.office.com/.default");
        let wrong = [
            (comma.as_str(), 70_011),
            (two_spaces.as_str(), 70_011),
            (mixed.as_str(), 70_011),
            ("https://outlook.office.com/Imap.Everything", 70_011),
            ("offline", 70_011),
            ("https://outlook.office365.us/.default", 500_011),
        ];
        for (text, code) in wrong {
            assert_eq!(parse(text).err(), Some(code), "{text}");
        }
        assert_eq!(wrong.len(), 6);
    }
}
