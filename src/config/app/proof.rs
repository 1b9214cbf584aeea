//! What proves an app: one of several keys, or what the platform says.

use std::path::PathBuf;

use super::super::reader::{Reader, Span, Text};
use super::super::table::{FlagOrText, Table, list};
use super::grant::{self, Kind};
use super::{certificate, client_secret};
use crate::oauth::{Algorithm, CertificateFiles, FederatedToken, Proof};
use crate::secret::Secret;

/// The variable in which a platform names the file with its token about this workload.
const FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// A proof of an app, for any number of tenants.
pub(super) enum Planned {
    None,
    Secret(Secret<String>),
    Certificate {
        certificate: PathBuf,
        key: PathBuf,
        algorithm: Algorithm,
    },
    Federated(PathBuf),
}

impl Planned {
    pub(super) fn make(&self) -> Proof {
        match self {
            Self::None => Proof::None,
            Self::Secret(secret) => Proof::Secret(Secret::new(secret.expose().clone())),
            Self::Certificate {
                certificate,
                key,
                algorithm,
            } => Proof::Certificate(CertificateFiles::new(
                certificate.clone(),
                key.clone(),
                *algorithm,
            )),
            Self::Federated(path) => Proof::Federated(FederatedToken::new(path.clone())),
        }
    }
}

/// Which way the app proves itself, before anything of it has been read.
pub(super) enum Chosen {
    SecretFile,
    SecretVariable,
    Certificate,
    Federated,
    /// The platform's own word for the app: the client id of a user-assigned identity, or none for the machine's.
    ManagedIdentity(Option<Text>),
    ServiceAccount,
    /// No key says it, and a variable of the platform names a federated token.
    Workload(Text),
    /// Nothing: a public app, or something is missing.
    Nothing,
    /// It was wrong, and that has been noted.
    Wrong,
}

const KEYS: [&str; 6] = [
    "client_secret_file",
    "client_secret_env",
    "certificate",
    "federated_token_file",
    "managed_identity",
    "service_account_file",
];

impl Chosen {
    pub(super) fn read(kind: Kind, table: &Table<'_>, reader: &mut Reader<'_>) -> Self {
        let errors = reader.errors();
        // A delegated app has no use for the last two, which is noted elsewhere.
        let keys = if kind == Kind::ClientCredentials {
            &KEYS[..]
        } else {
            &KEYS[..4]
        };
        let identity = keys.get(4).and_then(|key| table.flag_or_text(key, reader));
        let is_off = matches!(identity, Some(FlagOrText::Flag(false)));
        let mut given: Vec<_> = keys
            .iter()
            .filter(|key| !(is_off && **key == "managed_identity"))
            .filter_map(|key| Some((*key, table.key(key)?)))
            .collect();
        given.sort_by_key(|(_, span)| span.start);
        if let [(first, _), (second, span), ..] = given.as_slice() {
            note_both(first, second, span, reader);
        }
        note_beside(kind, given.first().map(|(key, _)| *key), table, reader);
        if reader.errors() > errors {
            return Self::Wrong;
        }
        match given.first() {
            Some((key, _)) => Self::of(key, identity),
            None if kind == Kind::ClientCredentials => Self::of_platform(table, reader),
            None => Self::Nothing,
        }
    }

    fn of(key: &str, identity: Option<FlagOrText>) -> Self {
        match (key, identity) {
            ("client_secret_file", _) => Self::SecretFile,
            ("client_secret_env", _) => Self::SecretVariable,
            ("certificate", _) => Self::Certificate,
            ("federated_token_file", _) => Self::Federated,
            ("managed_identity", Some(FlagOrText::Text(text))) => Self::ManagedIdentity(Some(text)),
            ("managed_identity", _) => Self::ManagedIdentity(None),
            _ => Self::ServiceAccount,
        }
    }

    /// What a cluster that gives its workloads an identity has put into the environment.
    fn of_platform(table: &Table<'_>, reader: &mut Reader<'_>) -> Self {
        match variable(FEDERATED_TOKEN_FILE, &table.span, reader) {
            Some(file) if table.key("client_secret").is_none() => Self::Workload(file),
            _ => Self::Nothing,
        }
    }

    /// The variables that chose it.
    pub(super) fn environment(&self) -> Vec<&'static str> {
        match self {
            Self::Workload(_) => vec![FEDERATED_TOKEN_FILE],
            _ => Vec::new(),
        }
    }

    /// Whether `client_secret_expires` may have a meaning beside it.
    pub(super) fn takes_secret(&self, kind: Kind) -> bool {
        match self {
            Self::SecretFile | Self::SecretVariable => true,
            Self::Nothing | Self::Wrong => kind == Kind::ClientCredentials,
            _ => false,
        }
    }

    /// What is to be shown to a token endpoint. None where that is another grant's, or wrong.
    pub(super) fn planned(&self, table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Planned> {
        match self {
            Self::SecretFile => client_secret::in_file(table, reader).map(Planned::Secret),
            Self::SecretVariable => client_secret::in_variable(table, reader).map(Planned::Secret),
            Self::Certificate => certificate::read(table, reader),
            Self::Federated => {
                let file = table.text("federated_token_file", reader)?;
                Some(federated(&file, reader))
            }
            Self::Workload(file) => Some(federated(file, reader)),
            Self::Nothing => Some(Planned::None),
            Self::ManagedIdentity(_) | Self::ServiceAccount | Self::Wrong => None,
        }
    }
}

/// A variable of the platform as a key's text. Messages show its name.
pub(super) fn variable(name: &str, span: &Span, reader: &mut Reader<'_>) -> Option<Text> {
    Some(Text {
        value: reader.variable(name).ok()?,
        written: format!("${{{name}}}"),
        span: span.clone(),
    })
}

fn note_both(first: &str, second: &str, span: &Span, reader: &mut Reader<'_>) {
    reader.error(
        span,
        format!("both `{first}` and `{second}` are given"),
        "only one can be meant",
        "remove one of them",
    );
}

/// Notes keys that belong to another proof than the one given, or to none.
fn note_beside(kind: Kind, given: Option<&str>, table: &Table<'_>, reader: &mut Reader<'_>) {
    if given != Some("certificate") && !table.is_mistyped("certificate") {
        let of_certificates = ["key", "certificate_algorithm"];
        grant::note(&of_certificates, "it belongs to `certificate`", table, reader);
    }
    let is_secret = given.is_some_and(|given| given.starts_with("client_secret"))
        || KEYS[..2].iter().any(|key| table.is_mistyped(key));
    // An app that asks for itself and has no proof lacks one, and that may be its secret.
    if !is_secret && (given.is_some() || kind != Kind::ClientCredentials) {
        grant::note(
            &["client_secret_expires"],
            "there is no client secret",
            table,
            reader,
        );
    }
}

/// The file is the platform's, which renews it every hour, so what is in it is not looked at here.
fn federated(file: &Text, reader: &mut Reader<'_>) -> Planned {
    if let Some((shown, why)) = reader.unreadable_now(file) {
        reader.warning(
            &file.span,
            format!("{shown} cannot be read"),
            why,
            "let the platform write it, readable by the user that runs saslgate; until then no account of this app gets a token",
        );
    }
    Planned::Federated(reader.path(file))
}

/// Notes that an app that asks for itself has nothing to prove it.
pub(super) fn note_missing(table: &Table<'_>, reader: &mut Reader<'_>) {
    if table.key("client_secret").is_some() || KEYS.iter().any(|key| table.is_mistyped(key)) {
        return;
    }
    let why = "an app that asks for itself has to prove which one it is";
    let fix = format!("add one of {}", list(KEYS[..5].iter().copied()));
    table.missing("client_secret_file", why, &fix, reader);
}
