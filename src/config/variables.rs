//! One account wholly from environment variables, for a container that is given no file. They become the document that a
//! file would be, so that the same is checked in both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::container;
use super::environment::Environment;
use super::reader::{Reader, Span};
use super::table::nearest;

/// What all of them begin with.
const OURS: &str = "SASLGATE_";

/// What a variable's value is.
#[derive(Clone, Copy)]
enum Kind {
    /// The string that the key has in a file.
    Text,
    /// Such a string, or true or false.
    FlagOrText,
    /// Several, with commas between.
    List,
    /// A secret: the key has the variable's name, not its value.
    Secret,
    /// A password as it is, or its hash.
    Password,
}

/// A variable, the table and key that it stands for, and what its value is.
type Variable = (&'static str, &'static str, &'static str, Kind);

/// The table of what variables say about the usual listeners. No file has it.
const USUAL: &str = "usual";

const VARIABLES: &[Variable] = &[
    ("SASLGATE_LOGIN", "account", "login", Kind::Text),
    ("SASLGATE_MAILBOX", "account", "mailbox", Kind::Text),
    ("SASLGATE_PASSWORD", "account", "password_env", Kind::Password),
    ("SASLGATE_PASSWORD_FILE", "account", "password_file", Kind::Text),
    ("SASLGATE_GRANT", "app", "grant", Kind::Text),
    ("SASLGATE_PRESET", "app", "preset", Kind::Text),
    ("SASLGATE_TENANT", "app", "tenant", Kind::Text),
    ("SASLGATE_CLIENT_ID", "app", "client_id", Kind::Text),
    ("SASLGATE_CLIENT_SECRET", "app", "client_secret_env", Kind::Secret),
    (
        "SASLGATE_CLIENT_SECRET_FILE",
        "app",
        "client_secret_file",
        Kind::Text,
    ),
    ("SASLGATE_CERTIFICATE", "app", "certificate", Kind::Text),
    ("SASLGATE_KEY", "app", "key", Kind::Text),
    (
        "SASLGATE_FEDERATED_TOKEN_FILE",
        "app",
        "federated_token_file",
        Kind::Text,
    ),
    (
        "SASLGATE_MANAGED_IDENTITY",
        "app",
        "managed_identity",
        Kind::FlagOrText,
    ),
    ("SASLGATE_BIND", USUAL, "bind", Kind::List),
    ("SASLGATE_PLAINTEXT_FROM", USUAL, "plaintext_from", Kind::List),
    ("SASLGATE_ALLOW_FROM", USUAL, "allow_from", Kind::List),
    ("SASLGATE_STORE_PATH", "store", "path", Kind::Text),
    ("SASLGATE_STORE_KEY_FILE", "store", "key_file", Kind::Text),
    ("SASLGATE_STORE_KEY", "store", "key_env", Kind::Secret),
    ("SASLGATE_HEALTH", "health", "bind", Kind::List),
    ("SASLGATE_ADMIN_URL", "admin", "url", Kind::Text),
    ("SASLGATE_ADMIN_BIND", "admin", "bind", Kind::List),
    (
        "SASLGATE_ADMIN_PASSWORD_FILE",
        "admin",
        "password_file",
        Kind::Text,
    ),
    (
        "SASLGATE_ADMIN_BEHIND_PROXY",
        "admin",
        "behind_proxy",
        Kind::FlagOrText,
    ),
    ("SASLGATE_ADMIN_ALLOW_FROM", "admin", "allow_from", Kind::List),
    ("SASLGATE_ADMIN_CERTIFICATE", "admin", "certificate", Kind::Text),
    ("SASLGATE_ADMIN_KEY", "admin", "key", Kind::Text),
    ("SASLGATE_LOG", "log", "level", Kind::Text),
    ("SASLGATE_LOG_FORMAT", "log", "format", Kind::Text),
    ("SASLGATE_UPSTREAM_CA_FILE", "upstream", "ca_file", Kind::Text),
];

/// Every variable that describes an account where no file is, and what it says, for whoever lists them.
pub fn listed() -> impl Iterator<Item = (&'static str, String)> {
    VARIABLES
        .iter()
        .map(|(name, table, key, kind)| (*name, meaning(table, key, *kind)))
}

fn meaning(table: &str, key: &str, kind: Kind) -> String {
    let table = match table {
        USUAL => "the usual [[listener]] tables".to_owned(),
        "account" => "[[account]]".to_owned(),
        table => format!("[{table}]"),
    };
    match kind {
        Kind::Text => format!("`{key}` of {table}"),
        Kind::FlagOrText => format!("`{key}` of {table}, or true"),
        Kind::List => format!("`{key}` of {table}, with commas between several"),
        Kind::Secret => format!("what `{key}` of {table} would name: the secret itself"),
        Kind::Password => {
            format!("the password of {table} as it is, or lines of `saslgate password` with commas between")
        }
    }
}

/// What is no part of a configuration: where its file is, where it runs, and whose token a `command` is asked for, which
/// may run saslgate itself.
const OTHERS: &[&str] = &["SASLGATE_CONFIG", container::VARIABLE, "SASLGATE_OWNER"];

/// The variables that mean to configure saslgate, right or wrong, in order.
pub(super) fn given(environment: &dyn Environment) -> Vec<String> {
    let mut names = environment.variables(OURS);
    names.retain(|name| !OTHERS.contains(&name.as_str()) && !is_of_kubernetes(name));
    // A `command` is told the mailbox beside the owner.
    if names.iter().eq(["SASLGATE_MAILBOX"]) {
        return Vec::new();
    }
    names
}

/// Kubernetes and old Docker links put the addresses of a Service into every container beside it, under its name: one that
/// is called saslgate, or saslgate-imap, has ours in front.
fn is_of_kubernetes(name: &str) -> bool {
    let rest = name.trim_start_matches("SASLGATE");
    let of_port = |part: &str| part.is_empty() || part.starts_with('_');
    let ends = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];
    ends.iter()
        .any(|end| rest.rfind(end).is_some_and(|at| of_port(&rest[at + end.len()..])))
}

/// Notes those that stand beside a file, except for the ones that the file itself has asked for.
pub(super) fn note_beside_file(environment: &dyn Environment, reader: &mut Reader<'_>) {
    let is_known = |name: &String| VARIABLES.iter().any(|(known, ..)| known == name);
    let mut names = given(environment);
    names.retain(|name| is_known(name) && !reader.has_asked(name));
    if names.is_empty() {
        return;
    }
    let what = format!("beside this file these variables are set: {}", names.join(", "));
    let why = "a configuration is one or the other, so that nobody has to guess which of them counts";
    reader.file_error(0, &what, why, "unset the variables, or remove the file");
}

/// What variables say: the document that a file would be, and what is said about the usual listeners.
pub(super) struct Said {
    pub(super) document: DeTable<'static>,
    pub(super) usual: Option<DeTable<'static>>,
}

/// Reads all of them.
pub(super) fn read(environment: &dyn Environment, reader: &mut Reader<'_>) -> Said {
    let everything = reader.name(NAME);
    let mut tables = BTreeMap::from([("app", DeTable::new()), ("account", DeTable::new())]);
    for name in given(environment) {
        let span = reader.name(&name);
        let Some(variable) = VARIABLES.iter().find(|(known, ..)| *known == name) else {
            unknown(&name, &span, reader);
            continue;
        };
        match reader.variable(&name) {
            Ok(value) => put(*variable, &value, &span, &mut tables),
            Err(why) => reader.error(
                &span,
                "the variable cannot be used",
                why,
                "set it to text in UTF-8",
            ),
        }
    }
    let usual = tables.remove(USUAL);
    let mut document = DeTable::new();
    for (name, table) in tables {
        let table = Spanned::new(everything.clone(), DeValue::Table(table));
        let value = match name {
            "account" => Spanned::new(everything.clone(), DeValue::Array(DeArray::from_iter([table]))),
            _ => table,
        };
        document.insert(Spanned::new(everything.clone(), Cow::Borrowed(name)), value);
    }
    Said { document, usual }
}

fn put(
    (name, table, key, kind): Variable,
    value: &str,
    span: &Span,
    tables: &mut BTreeMap<&'static str, DeTable<'static>>,
) {
    let string = |value: &str| DeValue::String(Cow::Owned(value.to_owned()));
    let list = || {
        value
            .split(',')
            .map(|item| Spanned::new(span.clone(), string(item.trim())))
    };
    let is_hash = value.starts_with("sg1:") || value.starts_with("sg2:");
    let (key, value) = match kind {
        Kind::FlagOrText if value == "true" || value == "false" => (key, DeValue::Boolean(value == "true")),
        Kind::Text | Kind::FlagOrText => (key, string(value)),
        Kind::List => (key, DeValue::Array(list().collect())),
        Kind::Password if is_hash => ("password", DeValue::Array(list().collect())),
        Kind::Secret | Kind::Password => (key, string(name)),
    };
    let key = Spanned::new(span.clone(), Cow::Borrowed(key));
    let entries = tables.entry(table).or_default();
    entries.insert(key, Spanned::new(span.clone(), value));
}

fn unknown(name: &str, span: &Span, reader: &mut Reader<'_>) {
    let known = VARIABLES.iter().map(|(known, ..)| *known);
    // What all begin with makes no two of them alike.
    let own = known
        .chain(OTHERS.iter().copied())
        .filter_map(|known| known.strip_prefix(OURS));
    let fix = match nearest(name.trim_start_matches(OURS), own) {
        Some(word) => format!("did you mean {OURS}{word}?"),
        None => {
            "unset it; config/reference.toml lists those that there are, under \"Without a file\"".to_owned()
        }
    };
    let why = "one that is passed over could be the one that protects something";
    reader.error(span, "the variable is not known", why, fix);
}

/// What stands for all of them in a message.
pub(super) const NAME: &str = "the environment";

/// Phrases that lead somebody to a file who has none.
const PHRASES: &[(&str, &str)] = &[
    ("[app] has no ", "there is no "),
    ("[[account]] has no ", "there is no "),
    (
        "and add the line that it prints",
        "and set SASLGATE_PASSWORD to the hash that it prints",
    ),
    (
        "describe it in a table [provider.NAME] of that name",
        "write a configuration file with a table [provider.NAME]",
    ),
    ("add one of ", "set one of "),
    (
        "`service_account_file`",
        "a configuration file with `service_account_file`",
    ),
    ("`password`", "SASLGATE_PASSWORD"),
];

/// What is said about a file's keys, said about variables.
pub(super) fn worded(mut said: String) -> String {
    for (from, to) in PHRASES {
        said = said.replace(from, to);
    }
    for (name, _, key, _) in VARIABLES {
        said = said
            .replace(&format!("add `{key}`"), &format!("set {name}"))
            .replace(&format!("`{key}`"), name)
            .replace(&format!("add {key} = "), &format!("set {name}="))
            .replace(&format!("set {key} = "), &format!("set {name}="));
    }
    said
}
