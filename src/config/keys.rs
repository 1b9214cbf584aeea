//! Every table and key there is: the one list that the reader, the "did you mean" and the reference file share.

/// One kind of table.
#[derive(Debug)]
pub(super) struct Shape {
    /// How a message names it.
    pub(super) name: &'static str,
    /// The keys it may have.
    pub(super) keys: &'static [&'static str],
    /// Whether `${NAME}` in its strings is replaced by an environment variable.
    pub(super) expands: bool,
    /// Keys that are refused with words of their own.
    pub(super) refused: &'static [Refused],
}

/// A key that people look for and do not find here.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) key: &'static str,
    pub(super) why: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const ROOT: Shape = Shape {
    name: "the top level of the file",
    keys: &[
        "app",
        "provider",
        "account",
        "users_file",
        "listener",
        "store",
        "log",
        "limits",
        "upstream",
        "server",
        "alert",
        "health",
        "admin",
    ],
    expands: false,
    refused: &[],
};

pub(super) const APP: Shape = Shape {
    name: "[app]",
    keys: &[
        "tenant",
        "client_id",
        "client_secret_file",
        "client_secret_env",
        "client_secret_expires",
        "certificate",
        "key",
        "certificate_algorithm",
        "federated_token_file",
        "managed_identity",
        "service_account_file",
        "grant",
        "scope",
        "preset",
        "redirect_uri",
        "domain_hint",
        "prompt",
        "token_export",
        "command",
        "command_timeout",
    ],
    expands: true,
    refused: &[Refused {
        key: "client_secret",
        why: "a configuration is copied, mailed and committed, and a secret in it goes along",
        fix: "put the secret in a file and name it with `client_secret_file`, or in a variable and name it with \
                  `client_secret_env`",
    }],
};

pub(super) const PROVIDER: Shape = Shape {
    name: "[provider.NAME]",
    keys: &[
        "token_url",
        "authorize_url",
        "device_url",
        "imap",
        "pop3",
        "smtp",
        "tls",
        "mechanism",
    ],
    expands: false,
    refused: &[],
};

pub(super) const PROVIDER_TLS: Shape = Shape {
    name: "`tls` of [provider.NAME]",
    keys: &["imap", "pop3", "smtp"],
    expands: false,
    refused: &[],
};

pub(super) const ACCOUNT: Shape = Shape {
    name: "[[account]]",
    keys: &[
        "login",
        "logins",
        "password",
        "password_file",
        "password_env",
        "mailbox",
        "signs_in_as",
        "app",
        "tenant",
        "protocols",
        "allow_from",
        "may_open",
        "allow_any_mailbox",
        "upstream_password_file",
        "watch",
        "notify_in_client",
        "imap",
        "pop3",
        "smtp",
    ],
    // A login that an environment variable can change would be an account that nobody wrote down.
    expands: false,
    refused: &[],
};

/// An account on a line of a `users_file`: the same, under a name that is found there.
pub(super) const ACCOUNT_LINE: Shape = Shape {
    name: "this line",
    ..ACCOUNT
};

pub(super) const ACCOUNT_IMAP: Shape = Shape {
    name: "`imap` of [[account]]",
    keys: &["app"],
    expands: false,
    refused: &[],
};

pub(super) const ACCOUNT_POP3: Shape = Shape {
    name: "`pop3` of [[account]]",
    keys: &["app"],
    expands: false,
    refused: &[],
};

pub(super) const ACCOUNT_SMTP: Shape = Shape {
    name: "`smtp` of [[account]]",
    keys: &["app", "identity"],
    expands: false,
    refused: &[],
};

pub(super) const LISTENER: Shape = Shape {
    name: "[[listener]]",
    keys: &[
        "protocol",
        "bind",
        "tls",
        "certificate",
        "key",
        "plaintext_from",
        "allow_from",
        "proxy_protocol",
        "proxy_from",
        "passwords",
        "devices",
    ],
    expands: true,
    refused: &[],
};

pub(super) const LOG: Shape = Shape {
    name: "[log]",
    keys: &["format", "level", "audit"],
    expands: false,
    refused: &[],
};

pub(super) const LIMITS: Shape = Shape {
    name: "[limits]",
    keys: &[
        "connections",
        "connections_per_source",
        "login_seconds",
        "idle_minutes",
        "attempts",
        "smtp_per_mailbox",
        "imap_per_mailbox",
        "place_seconds",
        "idle_place_seconds",
    ],
    expands: false,
    refused: &[],
};

pub(super) const UPSTREAM: Shape = Shape {
    name: "[upstream]",
    keys: &["ca_file", "proxy", "post_quantum"],
    expands: false,
    refused: &[],
};

pub(super) const SERVER: Shape = Shape {
    name: "[server]",
    keys: &["drain", "control"],
    expands: false,
    refused: &[],
};

pub(super) const HEALTH: Shape = Shape {
    name: "[health]",
    keys: &["bind", "allow_from", "account_names"],
    expands: false,
    refused: &[],
};

pub(super) const ADMIN: Shape = Shape {
    name: "[admin]",
    keys: &[
        "bind",
        "url",
        "certificate",
        "key",
        "password",
        "password_file",
        "behind_proxy",
        "allow_from",
    ],
    expands: false,
    refused: &[],
};

pub(super) const STORE: Shape = Shape {
    name: "[store]",
    keys: &["path", "key_file", "key_env"],
    expands: false,
    refused: &[],
};

pub(super) const ALERT: Shape = Shape {
    name: "[alert]",
    keys: &[
        "command",
        "webhook",
        "webhook_header_file",
        "mail_from",
        "mail_to",
    ],
    expands: false,
    refused: &[],
};

/// Every shape, for those who go through all keys.
pub(super) const SHAPES: &[&Shape] = &[
    &ROOT,
    &APP,
    &PROVIDER,
    &PROVIDER_TLS,
    &ACCOUNT,
    &ACCOUNT_IMAP,
    &ACCOUNT_POP3,
    &ACCOUNT_SMTP,
    &LISTENER,
    &STORE,
    &LOG,
    &LIMITS,
    &UPSTREAM,
    &SERVER,
    &ALERT,
    &HEALTH,
    &ADMIN,
];

/// Whether the value of a key may be shown when its line is quoted. Only keys that are known, and among them none
/// that could hold a secret: a mistyped `pasword` is not known, an argument of a command, the user part of a URL or
/// the path of a webhook can be a secret, and some write a key itself where its file's name belongs.
pub(super) fn may_be_shown(key: &str) -> bool {
    let hides = |part: &str| {
        [
            "secret",
            "password",
            "token",
            "key",
            "certificate",
            "account_file",
            "webhook",
        ]
        .iter()
        .any(|word| part.contains(word))
            || matches!(part, "command" | "proxy")
    };
    let known = |part: &str| SHAPES.iter().any(|shape| shape.keys.contains(&part));
    key.split('.').all(|part| known(part) && !hides(part))
}
