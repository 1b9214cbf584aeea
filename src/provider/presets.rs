//! The table of presets.

use super::{BearerMechanism, Preset, PresetHost, PresetScopes, UpstreamTls};

/// Every preset. The first is the default.
pub const PRESETS: &[Preset] = &[
    MICROSOFT365,
    GCC_HIGH,
    DOD,
    CHINA,
    OUTLOOK_COM,
    GOOGLE,
    YAHOO,
    AOL,
    FASTMAIL,
    YANDEX,
];

/// Microsoft 365 all over the world, its US government's moderate cloud (GCC) included.
const MICROSOFT365: Preset = Preset {
    name: "microsoft365",
    authorities: &[
        "login.microsoftonline.com",
        "sts.windows.net",
        "login.windows.net",
    ],
    authorize_url: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
    authorize_extra: &[],
    token_url: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    device_url: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"),
    admin_consent_url: Some("https://login.microsoftonline.com/{tenant}/v2.0/adminconsent"),
    // The permissions are chosen under Microsoft Graph, but asked for with this prefix: a token for Graph opens no mailbox.
    scopes: PresetScopes {
        imap: "https://outlook.office.com/IMAP.AccessAsUser.All",
        pop3: "https://outlook.office.com/POP.AccessAsUser.All",
        smtp: "https://outlook.office.com/SMTP.Send",
        sign_in: ENTRA_SIGN_IN,
    },
    // One resource for all three protocols; a scope without `/.default` is AADSTS1002012 here.
    app_scope: Some("https://outlook.office365.com/.default"),
    mechanism: BearerMechanism::XOAuth2,
    imap: exchange_imap("outlook.office365.com"),
    pop3: Some(exchange_pop3("outlook.office365.com")),
    smtp: exchange_smtp("smtp.office365.com"),
};

/// The cloud of US government contractors.
const GCC_HIGH: Preset = Preset {
    name: "microsoft365-gcc-high",
    imap: exchange_imap("outlook.office365.us"),
    pop3: Some(exchange_pop3("outlook.office365.us")),
    smtp: exchange_smtp("smtp.office365.us"),
    ..US_GOVERNMENT
};

/// The cloud of the US Department of Defense: its own mail hosts, one sign-in host for both.
const DOD: Preset = Preset {
    name: "microsoft365-dod",
    imap: exchange_imap("outlook-dod.office365.us"),
    pop3: Some(exchange_pop3("outlook-dod.office365.us")),
    smtp: exchange_smtp("outlook-dod.office365.us"),
    ..US_GOVERNMENT
};

const US_GOVERNMENT: Preset = Preset {
    authorities: &["login.microsoftonline.us"],
    authorize_url: "https://login.microsoftonline.us/{tenant}/oauth2/v2.0/authorize",
    token_url: "https://login.microsoftonline.us/{tenant}/oauth2/v2.0/token",
    device_url: Some("https://login.microsoftonline.us/{tenant}/oauth2/v2.0/devicecode"),
    admin_consent_url: Some("https://login.microsoftonline.us/{tenant}/v2.0/adminconsent"),
    scopes: PresetScopes {
        imap: "https://outlook.office365.us/IMAP.AccessAsUser.All",
        pop3: "https://outlook.office365.us/POP.AccessAsUser.All",
        smtp: "https://outlook.office365.us/SMTP.Send",
        sign_in: ENTRA_SIGN_IN,
    },
    app_scope: Some("https://outlook.office365.us/.default"),
    ..MICROSOFT365
};

/// The cloud that 21Vianet runs in China. Its Exchange has been seen to take only tokens for everything that was
/// consented; by their names the permissions are not known there.
const CHINA: Preset = Preset {
    name: "microsoft365-china",
    authorities: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    authorize_url: "https://login.partner.microsoftonline.cn/{tenant}/oauth2/v2.0/authorize",
    token_url: "https://login.partner.microsoftonline.cn/{tenant}/oauth2/v2.0/token",
    device_url: Some("https://login.partner.microsoftonline.cn/{tenant}/oauth2/v2.0/devicecode"),
    admin_consent_url: Some("https://login.partner.microsoftonline.cn/{tenant}/v2.0/adminconsent"),
    scopes: PresetScopes {
        imap: "https://partner.outlook.cn/.default",
        pop3: "https://partner.outlook.cn/.default",
        smtp: "https://partner.outlook.cn/.default",
        sign_in: ENTRA_SIGN_IN,
    },
    app_scope: Some("https://partner.outlook.cn/.default"),
    imap: exchange_imap("partner.outlook.cn"),
    pop3: Some(exchange_pop3("partner.outlook.cn")),
    smtp: exchange_smtp("smtp.partner.outlook.cn"),
    ..MICROSOFT365
};

/// Personal accounts: one tenant for all of them, and no app-only tokens.
const OUTLOOK_COM: Preset = Preset {
    name: "outlook.com",
    authorities: &["login.microsoftonline.com"],
    authorize_url: "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize",
    token_url: "https://login.microsoftonline.com/consumers/oauth2/v2.0/token",
    device_url: Some("https://login.microsoftonline.com/consumers/oauth2/v2.0/devicecode"),
    admin_consent_url: None,
    app_scope: None,
    smtp: exchange_smtp("smtp-mail.outlook.com"),
    ..MICROSOFT365
};

/// `profile` brings the object id, by which a person is known again after a change of name.
const ENTRA_SIGN_IN: &str = "offline_access openid profile";

/// Gmail and Google Workspace. The device flow exists, but mail is not among what it may ask for.
const GOOGLE: Preset = Preset {
    name: "google",
    authorities: &[],
    authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
    // Google's way to ask for a refresh token; without a new consent it gives one to the first sign-in only.
    authorize_extra: &[("access_type", "offline"), ("prompt", "consent")],
    token_url: "https://oauth2.googleapis.com/token",
    device_url: None,
    admin_consent_url: None,
    scopes: PresetScopes {
        imap: "https://mail.google.com/",
        pop3: "https://mail.google.com/",
        smtp: "https://mail.google.com/",
        sign_in: "openid email",
    },
    app_scope: None,
    mechanism: BearerMechanism::XOAuth2,
    imap: implicit("imap.gmail.com", 993),
    pop3: Some(implicit("pop.gmail.com", 995)),
    smtp: implicit("smtp.gmail.com", 465),
};

/// Yahoo, whose hosts serve att.net too.
const YAHOO: Preset = Preset {
    name: "yahoo",
    authorities: &[],
    authorize_url: "https://api.login.yahoo.com/oauth2/request_auth",
    authorize_extra: &[],
    token_url: "https://api.login.yahoo.com/oauth2/get_token",
    device_url: None,
    admin_consent_url: None,
    scopes: PresetScopes {
        imap: "mail-w",
        pop3: "mail-w",
        smtp: "mail-w",
        sign_in: "",
    },
    app_scope: None,
    mechanism: BearerMechanism::XOAuth2,
    imap: implicit("imap.mail.yahoo.com", 993),
    pop3: Some(implicit("pop.mail.yahoo.com", 995)),
    smtp: implicit("smtp.mail.yahoo.com", 465),
};

const AOL: Preset = Preset {
    name: "aol",
    authorize_url: "https://api.login.aol.com/oauth2/request_auth",
    token_url: "https://api.login.aol.com/oauth2/get_token",
    imap: implicit("imap.aol.com", 993),
    pop3: Some(implicit("pop.aol.com", 995)),
    smtp: implicit("smtp.aol.com", 465),
    ..YAHOO
};

/// Fastmail redeems codes at the address that is named after refreshing.
const FASTMAIL: Preset = Preset {
    name: "fastmail",
    authorities: &[],
    authorize_url: "https://api.fastmail.com/oauth/authorize",
    authorize_extra: &[],
    token_url: "https://api.fastmail.com/oauth/refresh",
    device_url: None,
    admin_consent_url: None,
    scopes: PresetScopes {
        imap: "https://www.fastmail.com/dev/protocol-imap",
        pop3: "https://www.fastmail.com/dev/protocol-pop",
        smtp: "https://www.fastmail.com/dev/protocol-smtp",
        sign_in: "",
    },
    app_scope: None,
    mechanism: BearerMechanism::OAuthBearer,
    imap: implicit("imap.fastmail.com", 993),
    pop3: Some(implicit("pop.fastmail.com", 995)),
    smtp: implicit("smtp.fastmail.com", 465),
};

/// Yandex documents tokens for IMAP and SMTP, none for POP3.
const YANDEX: Preset = Preset {
    name: "yandex",
    authorities: &[],
    authorize_url: "https://oauth.yandex.com/authorize",
    authorize_extra: &[],
    token_url: "https://oauth.yandex.com/token",
    device_url: Some("https://oauth.yandex.com/device/code"),
    admin_consent_url: None,
    scopes: PresetScopes {
        imap: "mail:imap_full",
        pop3: "",
        smtp: "mail:smtp",
        sign_in: "",
    },
    app_scope: None,
    mechanism: BearerMechanism::XOAuth2,
    imap: implicit("imap.yandex.com", 993),
    pop3: None,
    smtp: implicit("smtp.yandex.com", 465),
};

/// A host of which nothing is known before the first login.
const fn implicit(name: &'static str, port: u16) -> PresetHost {
    PresetHost {
        name,
        port,
        tls: UpstreamTls::Implicit,
        offer: &[],
    }
}

const fn exchange_imap(name: &'static str) -> PresetHost {
    PresetHost {
        name,
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
    }
}

const fn exchange_pop3(name: &'static str) -> PresetHost {
    PresetHost {
        name,
        port: 995,
        tls: UpstreamTls::Implicit,
        offer: &["TOP", "UIDL"],
    }
}

/// 587 with STARTTLS is the only submission port that Exchange Online documents; 465 is not served.
const fn exchange_smtp(name: &'static str) -> PresetHost {
    PresetHost {
        name,
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
    }
}
