//! Mail providers as data: where tokens come from, where mail is, and what is known of both.

use std::fmt;

/// A mail protocol that a mail client speaks to us and that we speak upstream.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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

/// What is known of one provider, so that nobody has to type it.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name used in a configuration.
    pub name: &'static str,
    /// The token endpoint; `{tenant}` stands for the tenant.
    pub token_url: &'static str,
    /// The scope of an app-only token.
    pub app_scope: &'static str,
    /// How the token is said upstream.
    pub mechanism: BearerMechanism,
    /// IMAP service.
    pub imap: PresetHost,
    /// POP3 service.
    pub pop3: PresetHost,
    /// Submission service.
    pub smtp: PresetHost,
}

impl Preset {
    /// The mail host of one protocol.
    pub fn host(&self, protocol: Protocol) -> &PresetHost {
        match protocol {
            Protocol::Imap => &self.imap,
            Protocol::Pop3 => &self.pop3,
            Protocol::Smtp => &self.smtp,
        }
    }
}

/// Every preset. The first is the default.
pub const PRESETS: &[Preset] = &[Preset {
    name: "microsoft365",
    token_url: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    // One resource for all three protocols; a scope without `/.default` is AADSTS1002012 here.
    app_scope: "https://outlook.office365.com/.default",
    mechanism: BearerMechanism::XOAuth2,
    imap: PresetHost {
        name: "outlook.office365.com",
        port: 993,
        tls: UpstreamTls::Implicit,
        offer: &[
            "IMAP4",
            "IMAP4rev1",
            "UIDPLUS",
            "MOVE",
            "ID",
            "UNSELECT",
            "CHILDREN",
            "IDLE",
            "NAMESPACE",
            "LITERAL+",
        ],
    },
    pop3: PresetHost {
        name: "outlook.office365.com",
        port: 995,
        tls: UpstreamTls::Implicit,
        offer: &["TOP", "UIDL"],
    },
    // 587 with STARTTLS is the only submission port that Exchange Online documents; 465 is not served.
    smtp: PresetHost {
        name: "smtp.office365.com",
        port: 587,
        tls: UpstreamTls::StartTls,
        offer: &[
            "SIZE 157286400",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ],
    },
}];

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
