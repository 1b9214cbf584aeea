//! What goes into the files: keys, certificates and passwords are made here, once, and shown once.

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::KeyPair;
use zeroize::Zeroizing;

use super::answers::Answers;
use super::config_text;
use super::kept::Kept;
use super::layout::{self, Kind, Layout, Planned};
use super::powershell;
use super::product::Product;
use super::users;
use crate::account::PasswordHash;
use crate::account::password::GeneratedPassword;
use crate::certificates::{Authority, Kind as KeyKind, Name, server_key, without_repeats};
use crate::cli::certs;

/// How many days an app's certificate is good: two years, the longest that the portal gives a client secret.
const APP_CERTIFICATE_DAYS: u32 = 730;

/// One mailbox as its mail client is set up.
pub(super) struct Account {
    pub(super) mailbox: String,
    /// None where the mailbox's own password at Microsoft is typed.
    pub(super) password: Option<Password>,
    /// Whether mail programs may log in by what stands before the @ as well.
    pub(super) has_short_login: bool,
}

/// What a mail client logs in by.
pub(super) enum Password {
    New(Made),
    /// It has one already: what is stored of it.
    AsBefore(Vec<String>),
}

impl Password {
    /// What is stored.
    pub(super) fn stored(&self) -> &[String] {
        match self {
            Self::New(made) => std::slice::from_ref(&made.stored),
            Self::AsBefore(stored) => stored,
        }
    }
}

/// A password that has just been made, and what is stored of it.
pub(super) struct Made {
    pub(super) password: GeneratedPassword,
    pub(super) stored: String,
}

/// The public half of what proves the app.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    /// DER.
    pub(super) certificate: Vec<u8>,
    /// SHA-1, by which Entra ID knows it.
    pub(super) thumbprint: Vec<u8>,
}

/// Everything that is to be written and shown.
pub(super) struct Work {
    pub(super) files: Vec<(Planned, Zeroizing<Vec<u8>>)>,
    pub(super) accounts: Vec<Account>,
}

/// Makes what the files need. `kept`: the passwords that stay; `now` begins the life of certificates.
pub(super) fn work(answers: &Answers, layout: Layout, kept: &Kept, now: SystemTime) -> Result<Work, String> {
    let accounts = accounts(answers, kept)?;
    let mut files = Vec::new();
    let wants = |kind| layout.files.iter().any(|file| file.kind == kind);
    let pair = wants(Kind::AppKey)
        .then(|| certs::app::pair("saslgate", APP_CERTIFICATE_DAYS, now))
        .transpose()?;
    let server = wants(Kind::ServerKey)
        .then(|| Server::make(answers, now))
        .transpose()?;
    let upload = match &pair {
        Some(pair) => Some(pair.certificate.der().to_vec()),
        None => std::fs::read(answers.directory.join(layout::app(answers, "cer"))).ok(),
    };
    for planned in layout.files {
        let text = |text: String| Zeroizing::new(text.into_bytes());
        let pair = || pair.as_ref().ok_or(MISSING);
        let server = || server.as_ref().ok_or(MISSING);
        let content = match planned.kind {
            Kind::Config => text(config_text::of(answers, &accounts)),
            Kind::Users => text(users::file(answers, &accounts)),
            Kind::Cards => users::cards(answers, &accounts),
            Kind::Password => password_line(&accounts)?,
            Kind::Secret => Zeroizing::new(
                answers
                    .secret
                    .as_ref()
                    .map_or(Vec::new(), |secret| format!("{}\n", secret.expose()).into_bytes()),
            ),
            Kind::AppKey => Zeroizing::new(pair()?.key.serialize_pem().into_bytes()),
            Kind::AppCertificate => text(pair()?.certificate.pem()),
            Kind::AppUpload => Zeroizing::new(pair()?.certificate.der().to_vec()),
            Kind::Authority => text(server()?.authority.pem().to_owned()),
            Kind::AuthorityKey => Zeroizing::new(server()?.authority.key_pem().as_bytes().to_vec()),
            Kind::ServerKey => Zeroizing::new(server()?.key.serialize_pem().into_bytes()),
            Kind::Server => text(server()?.certificate.clone()),
            Kind::PowerShell => text(powershell::file(answers, upload.clone().map(Upload::of).as_ref())),
        };
        files.push((planned, content));
    }
    Ok(Work { files, accounts })
}

/// A file was planned without what it is made of: a defect of setup's.
const MISSING: &str = "a file was planned that setup can't make: please report it";

impl Upload {
    fn of(certificate: Vec<u8>) -> Self {
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate).as_ref().to_vec();
        Self {
            certificate,
            thumbprint,
        }
    }
}

/// What saslgate shows to mail clients.
struct Server {
    authority: Authority,
    key: KeyPair,
    certificate: String,
}

impl Server {
    fn make(answers: &Answers, now: SystemTime) -> Result<Self, String> {
        // Programs on this machine call it so.
        let local = ["localhost", "127.0.0.1", "::1"];
        let local = local.into_iter().filter_map(|name| Name::parse(name).ok());
        let names = without_repeats(answers.host.iter().cloned().chain(local));
        let first = names.first().ok_or(MISSING)?;
        let authority = Authority::make(first, KeyKind::Rsa, now)?;
        let key = server_key(KeyKind::Rsa)?;
        let (certificate, _) = authority.issue(&names, &key, now)?;
        Ok(Self {
            authority,
            key,
            certificate,
        })
    }
}

/// The file of the one password.
fn password_line(accounts: &[Account]) -> Result<Zeroizing<Vec<u8>>, String> {
    let [
        Account {
            password: Some(Password::New(made)),
            ..
        },
    ] = accounts
    else {
        return Err(MISSING.to_owned());
    };
    let mut line = Zeroizing::new(Vec::with_capacity(made.password.text().len() + 1));
    line.extend_from_slice(made.password.text().as_bytes());
    line.push(b'\n');
    Ok(line)
}

fn accounts(answers: &Answers, kept: &Kept) -> Result<Vec<Account>, String> {
    let has_short_login = has_short_login(answers);
    let account = |mailbox: &String| {
        let password = match kept.get(mailbox) {
            _ if !answers.way.has_local_password() => None,
            Some([stored]) => Some(Password::AsBefore(vec![stored.clone()])),
            Some(several) if !answers.has_users_file() => Some(Password::AsBefore(several.to_vec())),
            _ => Some(Password::New(Made::new()?)),
        };
        Ok(Account {
            mailbox: mailbox.clone(),
            password,
            has_short_login,
        })
    };
    answers.mailboxes.iter().map(account).collect()
}

/// Outlook and others propose what stands before the @ as the user name. Where there is one account, nobody else can be meant;
/// further accounts can only be in conf.d.
fn has_short_login(answers: &Answers) -> bool {
    answers.product == Product::MailProgram
        && answers.way.has_local_password()
        && !answers.has_users_file()
        && answers.mailboxes.len() == 1
        && !answers.directory.join("conf.d").exists()
}

impl Made {
    fn new() -> Result<Self, String> {
        let (password, hash) = GeneratedPassword::make().map_err(|error| error.to_string())?;
        Ok(Self {
            password,
            stored: PasswordHash::Generated(hash).stored(),
        })
    }
}
