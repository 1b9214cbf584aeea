//! Mail providers as data: where tokens come from, where mail is, and what is known of both.

use std::fmt;

use serde::{Deserialize, Serialize};

mod presets;

pub use presets::PRESETS;

/// A mail protocol that a mail client speaks to us and that we speak upstream.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 3501 and RFC 9051.
    Imap,
    /// RFC 1939.
    Pop3,
    /// Submission, RFC 6409 and RFC 5321.
    Smtp,
}

impl Protocol {
    /// Every protocol, in the order in which we list them.
    pub const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Smtp];

    /// The name used in configurations, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Smtp => "smtp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When TLS starts on the way to a mail host. There is no third way: nothing goes upstream in clear.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum UpstreamTls {
    /// From the first byte (ports 993, 995 and 465).
    Implicit,
    /// After STARTTLS or STLS (ports 143, 110 and 587).
    StartTls,
}

/// One upstream mail service.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MailHost {
    /// Its name, which its certificate must carry.
    pub name: Box<str>,
    /// Its TCP port.
    pub port: u16,
    /// When TLS starts.
    pub tls: UpstreamTls,
}

impl fmt::Display for MailHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// How an access token is said to an upstream.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BearerMechanism {
    /// Microsoft's and Google's own form; the only one that Exchange Online takes.
    #[default]
    XOAuth2,
    /// RFC 7628.
    OAuthBearer,
}

/// One mail host of a preset, with what it is known to announce after a login.
#[derive(Clone, Copy, Debug)]
pub struct PresetHost {
    /// Host name.
    pub name: &'static str,
    /// TCP port.
    pub port: u16,
    /// When TLS starts.
    pub tls: UpstreamTls,
    /// IMAP capabilities, POP3 CAPA lines or EHLO lines, as seen from the real service.
    pub offer: &'static [&'static str],
}

impl PresetHost {
    /// The host without what is known of it.
    pub fn host(&self) -> MailHost {
        MailHost {
            name: self.name.into(),
            port: self.port,
            tls: self.tls,
        }
    }
}

/// What is known of one provider, so that nobody has to type it. In every URL `{tenant}` stands for the tenant.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name used in a configuration.
    pub name: &'static str,
    /// The sign-in hosts of this cloud of Entra ID, the usual one first; none where the provider is another.
    pub authorities: &'static [&'static str],
    /// Where a person signs in, by browser.
    pub authorize_url: &'static str,
    /// What this provider wants to see in that address beside what RFC 6749 4.1.1 has.
    pub authorize_extra: &'static [(&'static str, &'static str)],
    /// The token endpoint.
    pub token_url: &'static str,
    /// Where the device flow begins (RFC 8628 3.1), if the provider lets it have mail.
    pub device_url: Option<&'static str>,
    /// Where an administrator consents for everybody, if there is such a page.
    pub admin_consent_url: Option<&'static str>,
    /// What is asked for on a person's behalf.
    pub scopes: PresetScopes,
    /// The scope of an app-only token, if the provider has such tokens.
    pub app_scope: Option<&'static str>,
    /// How the token is said upstream.
    pub mechanism: BearerMechanism,
    /// IMAP service.
    pub imap: PresetHost,
    /// POP3 service, if it takes tokens.
    pub pop3: Option<PresetHost>,
    /// Submission service.
    pub smtp: PresetHost,
}

/// The scopes of a person's token, as a provider names them.
#[derive(Clone, Copy, Debug)]
pub struct PresetScopes {
    /// To read mail by IMAP.
    pub imap: &'static str,
    /// To read mail by POP3.
    pub pop3: &'static str,
    /// To send mail.
    pub smtp: &'static str,
    /// What else a sign-in asks for, separated by spaces: a refresh token, and who signed in.
    pub sign_in: &'static str,
}

impl PresetScopes {
    /// The scope for one protocol.
    pub const fn of(&self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
            Protocol::Smtp => self.smtp,
        }
    }
}

impl Preset {
    /// The mail host of one protocol; none where the provider takes no tokens for it.
    pub fn host(&self, protocol: Protocol) -> Option<&PresetHost> {
        match protocol {
            Protocol::Imap => Some(&self.imap),
            Protocol::Pop3 => self.pop3.as_ref(),
            Protocol::Smtp => Some(&self.smtp),
        }
    }

    /// Whether it is a cloud of Entra ID, with all that this says about client ids, scopes and error codes.
    pub const fn is_entra(&self) -> bool {
        !self.authorities.is_empty()
    }
}

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use url::Url;

    use super::*;

    #[test]
    fn every_address_of_a_preset_is_https_and_of_its_own_hosts() {
        let mut names = HashSet::new();
        for preset in PRESETS {
            assert!(names.insert(preset.name), "{} is there twice", preset.name);
            let urls = [Some(preset.authorize_url), Some(preset.token_url)];
            for url in urls
                .into_iter()
                .chain([preset.device_url, preset.admin_consent_url])
                .flatten()
            {
                let url = Url::parse(&url.replace("{tenant}", "contoso.com")).unwrap();
                assert_eq!(url.scheme(), "https", "{url}");
                assert_eq!(url.query(), None, "{url}");
                if preset.is_entra() {
                    assert_eq!(url.host_str(), Some(preset.authorities[0]), "{url}");
                }
            }
        }
        assert_eq!(names.len(), 10);
    }

    #[test]
    fn a_protocol_with_a_host_has_a_scope() {
        let mut seen = 0;
        for preset in PRESETS {
            for protocol in Protocol::ALL {
                let scope = preset.scopes.of(protocol);
                assert!(!scope.contains(' '), "{scope}");
                assert_eq!(
                    preset.host(protocol).is_some(),
                    !scope.is_empty(),
                    "{} {protocol}",
                    preset.name
                );
                seen += 1;
            }
        }
        assert_eq!(seen, 30);
    }

    #[test]
    fn an_app_only_scope_is_all_of_one_resource() {
        // AADSTS1002012 is what Entra ID says to anything else.
        let scopes: Vec<_> = PRESETS.iter().filter_map(|preset| preset.app_scope).collect();
        assert!(
            scopes.iter().all(|scope| scope.ends_with("/.default")),
            "{scopes:?}"
        );
        assert_eq!(scopes.len(), 4);
    }
}
