//! Which files there will be, and what becomes of those that are there.

use std::fmt;
use std::path::{Path, PathBuf};

use super::answers::Answers;
use super::surroundings::Surroundings;
use super::way::Proof;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Config,
    Secret,
    AppKey,
    AppCertificate,
    /// The same for the portal, DER.
    AppUpload,
    Authority,
    AuthorityKey,
    Server,
    ServerKey,
    Users,
    Cards,
    /// The local password of the one mailbox.
    Password,
    PowerShell,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Readers {
    /// Whoever writes it.
    Owner,
    /// Also the group that runs saslgate, where there is one.
    Service,
    Everybody,
}

/// What happens to a file of that name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum IfThere {
    /// Somebody agreed to lose sight of it.
    Replace,
    /// Nothing is written then: it holds a key or a password that others know.
    Refuse,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) readers: Readers,
    pub(super) if_there: IfThere,
}

/// All files that are to be written.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    directory: PathBuf,
    pub(super) files: Vec<Planned>,
}

/// The files' names, as the configuration says them: counted from its own directory, so that all of it can be moved.
pub(super) const CONFIG: &str = "saslgate.toml";
pub(super) const USERS: &str = "users";
pub(super) const CARDS: &str = "cards.csv";
pub(super) const SERVER: &str = "certs/server.pem";
pub(super) const SERVER_KEY: &str = "certs/server.key";
const AUTHORITY: &str = "certs/ca.pem";
const AUTHORITY_KEY: &str = "certs/ca.key";

/// The file of the client secret.
pub(super) fn secret(answers: &Answers) -> String {
    format!("{}.secret", answers.label())
}

/// A file of the app's certificate: `pem`, `key`, or `cer`.
pub(super) fn app(answers: &Answers, ending: &str) -> String {
    format!("{}-app/app.{ending}", answers.label())
}

/// Files for the answers. Keys and certificates that are there are used as they are.
pub(super) fn of(answers: &Answers, powershell: Option<&Path>, surroundings: &dyn Surroundings) -> Layout {
    use IfThere::{Refuse, Replace};
    use Readers::{Everybody, Owner, Service};
    let directory = &answers.directory;
    let has = |name: &str| surroundings.is_there(&directory.join(name));
    let mut files = vec![(CONFIG.to_owned(), Kind::Config, Service, Replace)];
    if answers.has_users_file() {
        files.push((USERS.to_owned(), Kind::Users, Service, Replace));
        if answers.way.has_local_password() {
            files.push((CARDS.to_owned(), Kind::Cards, Owner, Replace));
        }
    }
    if answers.secret.is_some() {
        files.push((secret(answers), Kind::Secret, Service, Replace));
    }
    let [pem, key, cer] = ["pem", "key", "cer"].map(|ending| app(answers, ending));
    if answers.proof == Proof::Certificate && !(has(&pem) && has(&key)) {
        files.push((key, Kind::AppKey, Service, Refuse));
        files.push((pem, Kind::AppCertificate, Everybody, Refuse));
        files.push((cer, Kind::AppUpload, Everybody, Refuse));
    }
    if answers.place.has_certificate() && !(has(SERVER) && has(SERVER_KEY)) {
        files.push((AUTHORITY_KEY.to_owned(), Kind::AuthorityKey, Owner, Refuse));
        files.push((AUTHORITY.to_owned(), Kind::Authority, Everybody, Refuse));
        files.push((SERVER_KEY.to_owned(), Kind::ServerKey, Service, Refuse));
        files.push((SERVER.to_owned(), Kind::Server, Everybody, Refuse));
    }
    let mut files: Vec<_> = files
        .into_iter()
        .map(|(name, kind, readers, if_there)| Planned {
            path: directory.join(name),
            kind,
            readers,
            if_there,
        })
        .collect();
    // A password that stays as it was is in its file already.
    let is_new = |mailbox: &String| !surroundings.kept(directory).has(mailbox);
    files.extend(
        answers
            .password_file
            .iter()
            .filter(|_| answers.mailboxes.iter().any(is_new))
            .map(|path| Planned {
                path: path.clone(),
                kind: Kind::Password,
                readers: Owner,
                if_there: Refuse,
            }),
    );
    files.extend(powershell.map(|path| Planned {
        path: path.to_owned(),
        kind: Kind::PowerShell,
        readers: Owner,
        if_there: Replace,
    }));
    Layout {
        directory: directory.clone(),
        files,
    }
}

impl Kind {
    /// What it is, for whoever looks for it.
    const fn about(self) -> &'static str {
        match self {
            Self::Config => "the configuration",
            Self::Secret => "the client secret",
            Self::AppKey => "the key of the app's certificate",
            Self::AppCertificate => "the app's certificate",
            Self::AppUpload => "the same, to be uploaded in the portal",
            Self::Authority => "the authority: what logs in has to trust it",
            Self::AuthorityKey => "its key",
            Self::Server => "saslgate's certificate",
            Self::ServerKey => "the key of saslgate's certificate",
            Self::Users => "the accounts, one a line",
            Self::Cards => {
                "the settings of each mail client with its password: hand them out, then delete it"
            }
            Self::Password => "the mail client's password, which is shown nowhere else",
            Self::PowerShell => "the PowerShell file: read before run",
        }
    }
}

impl Layout {
    /// The files that somebody has to agree to replace, by name.
    pub(super) fn replaced(&self, surroundings: &dyn Surroundings) -> Vec<String> {
        let is_there =
            |file: &&Planned| file.if_there == IfThere::Replace && surroundings.is_there(&file.path);
        self.files
            .iter()
            .filter(is_there)
            .map(|file| self.name(file))
            .collect()
    }

    /// As short as it can be said.
    fn name(&self, file: &Planned) -> String {
        short(&self.directory, &file.path)
    }
}

/// As short as a path can be said below a directory.
fn short(directory: &Path, path: &Path) -> String {
    path.strip_prefix(directory).unwrap_or(path).display().to_string()
}

/// A line about the files that had to say what they say already.
pub(super) fn as_before(directory: &Path, unchanged: &[PathBuf]) -> String {
    let names: Vec<_> = unchanged.iter().map(|path| short(directory, path)).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(
            "\nLeft alone, because nothing in it changes: {}",
            names.join(", ")
        )
    }
}

/// The directory, and the files in it.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "In {}:", self.directory.display())?;
        let names: Vec<_> = self.files.iter().map(|file| self.name(file)).collect();
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (name, file) in names.iter().zip(&self.files) {
            write!(f, "\n  {name:<widest$}  {}", file.kind.about())?;
        }
        Ok(())
    }
}
