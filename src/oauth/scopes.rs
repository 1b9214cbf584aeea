//! What a token is asked for (RFC 6749 3.3): a list of scopes, of one resource.

use std::fmt;

use crate::provider::{Preset, Protocol};

/// Scopes that belong to no resource (`OpenID` Connect Core 5.4 and 11): they may stand beside those of any.
const OF_NO_RESOURCE: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// What a scope without a resource before it means at Entra ID.
const GRAPH: &str = "https://graph.microsoft.com";

/// A list of scopes: none twice, in the order in which they were written.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Scopes(Vec<Box<str>>);

/// Why no token can be asked for with a list of scopes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScopesError {
    /// A character that RFC 6749 3.3 does not allow.
    #[error("a scope has a character that no scope can have")]
    Character,
    /// Nothing that opens anything: the list is empty, or has only what belongs to no resource.
    #[error("no scope says what the token is to open")]
    Nothing,
    /// Entra ID: a token is for one resource.
    #[error("the scopes are of two services, {0} and {1}, and a token is for one")]
    TwoResources(Box<str>, Box<str>),
    /// Entra ID: `.default` means all that was consented, and takes no other scope of its resource beside it.
    #[error("{0}/.default means everything that was consented, so no other scope can stand beside it")]
    DefaultAndMore(Box<str>),
}

impl Scopes {
    /// Reads a list, separated by spaces, commas or both, as the products whose settings are taken over write it.
    pub fn parse(text: &str) -> Result<Self, ScopesError> {
        let mut scopes = Self::default();
        for scope in text.split([' ', ',', '\t', '\r', '\n']) {
            let is_sound = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
            if !scope.bytes().all(is_sound) {
                return Err(ScopesError::Character);
            }
            scopes.add(scope);
        }
        Ok(scopes)
    }

    /// What a preset asks for on a person's behalf to let them use these protocols.
    pub fn of(preset: &Preset, protocols: &[Protocol]) -> Self {
        let mut scopes = Self::default();
        for protocol in protocols {
            scopes.add(preset.scopes.of(*protocol));
        }
        for scope in preset.scopes.sign_in.split(' ') {
            scopes.add(scope);
        }
        scopes
    }

    fn add(&mut self, scope: &str) {
        if !scope.is_empty() && !self.iter().any(|known| known == scope) {
            self.0.push(scope.into());
        }
    }

    /// Each scope.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The one resource that Entra ID would give a token for. Other providers have no such rule.
    pub fn resource(&self) -> Result<&str, ScopesError> {
        let mut of_resources = self.iter().filter(|scope| !OF_NO_RESOURCE.contains(scope));
        let first = of_resources.next().ok_or(ScopesError::Nothing)?;
        let (resource, permission) = parts(first);
        let mut has_default = permission == ".default";
        for scope in of_resources {
            let (other, permission) = parts(scope);
            if other != resource {
                return Err(ScopesError::TwoResources(resource.into(), other.into()));
            }
            has_default |= permission == ".default";
            if has_default {
                return Err(ScopesError::DefaultAndMore(resource.into()));
            }
        }
        Ok(resource)
    }

    /// Those of these scopes that a reply's `scope` lacks. Only the last part is compared, and not its case: Entra ID may
    /// name the same permission by another resource than it was asked for by.
    pub fn missing_from<'a>(&'a self, granted: &str) -> Vec<&'a str> {
        let last = |scope: &str| scope.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let granted: Vec<_> = granted.split(' ').map(last).collect();
        let is_told = |scope: &&str| !OF_NO_RESOURCE.contains(scope) && !scope.ends_with("/.default");
        self.iter()
            .filter(is_told)
            .filter(|scope| !granted.contains(&last(scope)))
            .collect()
    }
}

/// Resource and permission of one scope as Entra ID reads it.
fn parts(scope: &str) -> (&str, &str) {
    match scope.rsplit_once('/') {
        Some((resource, permission)) if resource.contains("://") => (resource, permission),
        _ => (GRAPH, scope),
    }
}

impl fmt::Display for Scopes {
    /// As a request has them: separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(f, "{gap}{scope}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{PRESETS, preset};

    const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
    const SMTP: &str = "https://outlook.office.com/SMTP.Send";

    fn parsed(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn a_list_is_read_with_whatever_stands_between() {
        let lists = [
            format!("{IMAP} {SMTP}"),
            format!("{IMAP},{SMTP}"),
            format!("{IMAP}, {SMTP}"),
            format!("  {IMAP}\r\n\t{SMTP} ,{IMAP},"),
        ];
        for list in &lists {
            assert_eq!(parsed(list).to_string(), format!("{IMAP} {SMTP}"), "{list:?}");
        }
        assert_eq!(lists.len(), 4);
        assert_eq!(parsed("").to_string(), "");
        for list in ["a\"b", "a\\b", "käse", "a\u{1}b"] {
            assert_eq!(Scopes::parse(list), Err(ScopesError::Character), "{list}");
        }
    }

    #[test]
    fn one_token_opens_every_protocol_of_a_preset() {
        let microsoft = preset("microsoft365").unwrap();
        assert_eq!(
            Scopes::of(microsoft, &[Protocol::Imap, Protocol::Smtp]).to_string(),
            format!("{IMAP} {SMTP} offline_access openid profile")
        );
        let google = preset("google").unwrap();
        assert_eq!(
            Scopes::of(google, &Protocol::ALL).to_string(),
            "https://mail.google.com/ openid email"
        );
        let mut seen = 0;
        for preset in PRESETS.iter().filter(|preset| preset.is_entra()) {
            let scopes = Scopes::of(preset, &Protocol::ALL);
            let resource = scopes.resource().unwrap();
            assert!(resource.starts_with("https://"), "{}: {resource}", preset.name);
            seen += 1;
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn a_token_is_for_one_resource() {
        let office365 = "https://outlook.office365.com";
        let outlook = "https://outlook.office.com";
        let two = |one: &str, other: &str| Err(ScopesError::TwoResources(one.into(), other.into()));
        let cases = [
            (format!("offline_access {IMAP} {SMTP} openid"), Ok(outlook)),
            (format!("{office365}/.default offline_access"), Ok(office365)),
            // What is chosen under Microsoft Graph, and asked for as it is shown there.
            ("IMAP.AccessAsUser.All SMTP.Send".to_owned(), Ok(GRAPH)),
            (format!("{IMAP} User.Read"), two(outlook, GRAPH)),
            (format!("{IMAP} {office365}/SMTP.Send"), two(outlook, office365)),
            (
                format!("{IMAP} {outlook}/.default"),
                Err(ScopesError::DefaultAndMore(outlook.into())),
            ),
            (
                format!("{outlook}/.default {IMAP}"),
                Err(ScopesError::DefaultAndMore(outlook.into())),
            ),
            ("offline_access openid".to_owned(), Err(ScopesError::Nothing)),
            (String::new(), Err(ScopesError::Nothing)),
        ];
        for (text, resource) in &cases {
            assert_eq!(&parsed(text).resource(), resource, "{text}");
        }
        assert_eq!(cases.len(), 9);
    }

    #[test]
    fn what_was_not_granted_is_named() {
        let asked = parsed(&format!("{IMAP} {SMTP} offline_access"));
        let granted = "https://outlook.office365.com/imap.accessasuser.all profile";
        assert_eq!(asked.missing_from(granted), [SMTP]);
        assert!(asked.missing_from(&format!("{SMTP} {IMAP}")).is_empty());
        assert!(
            parsed("https://partner.outlook.cn/.default")
                .missing_from("")
                .is_empty()
        );
    }
}
