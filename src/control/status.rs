//! How everything stands, as it is told: nothing in it is secret.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::account::state::{State, Trouble};
use crate::failure::Diagnosis;
use crate::provider::Protocol;

/// How everything stands. Times are seconds since 1970.
#[derive(Debug, Deserialize, Serialize)]
pub struct Status {
    /// The version of whoever tells it.
    pub version: String,
    /// Since when the server runs; none if no server runs, and what sessions would know is not known.
    pub running_since: Option<u64>,
    /// How the configuration in use stands; none if no server runs.
    pub configuration: Option<ConfigurationStatus>,
    /// Every account.
    pub accounts: Vec<AccountStatus>,
    /// Every app.
    pub apps: Vec<AppStatus>,
    /// The token store; none if no account needs one.
    pub store: Option<StoreStatus>,
    /// Sign-ins that no account of the configuration uses.
    pub orphans: Vec<Orphan>,
    /// What ends by itself, soonest first.
    pub expiries: Vec<Expiry>,
    /// Names that mail clients typed in the last day and no account has; the last comes last.
    #[serde(default)]
    pub unknown_logins: Vec<UnknownLogin>,
}

/// The configuration in use.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ConfigurationStatus {
    /// How many configurations have been in use since the start, this one included.
    pub generation: u64,
    /// Since when it is in use.
    pub since: u64,
    /// Why what the file says now is not in use: every problem, as `saslgate check` shows it.
    pub refused: Option<String>,
}

/// One account.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountStatus {
    /// Its name.
    pub account: String,
    /// The worst of its states.
    pub state: State,
    /// Each of its protocols.
    pub protocols: Vec<ProtocolStatus>,
    /// Who has signed in, for each app that people sign in to.
    pub sign_ins: Vec<SignedIn>,
    /// Links by which somebody may still sign in.
    #[serde(default)]
    pub links: Vec<LinkStatus>,
    /// How many sessions are logged in.
    pub sessions: usize,
    /// Logins with a wrong password since the last right one, by protocol.
    #[serde(default)]
    pub wrong_passwords: Vec<WrongPasswords>,
}

/// Logins with a wrong password.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WrongPasswords {
    /// By which protocol.
    pub protocol: Protocol,
    /// How many, since the last right one or the start.
    pub count: u64,
    /// When the last of them came.
    pub last: u64,
    /// The address that it came from.
    pub from: IpAddr,
    /// What mends it.
    pub fix: String,
}

/// Logins under a name that no account has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UnknownLogin {
    /// The name, as the log shows it: what could be a generated password is not in it.
    pub name: String,
    /// How many.
    pub count: u64,
    /// When the last of them came.
    pub last: u64,
    /// The address that it came from.
    pub from: IpAddr,
    /// By which protocol.
    pub protocol: Protocol,
    /// A login that may have been meant.
    pub nearest: Option<String>,
    /// The logins of the accounts for which the person of that name signs in, which are other ones.
    #[serde(default)]
    pub signs_in_for: Vec<String>,
}

/// One protocol of an account.
#[derive(Debug, Deserialize, Serialize)]
pub struct ProtocolStatus {
    /// Which.
    pub protocol: Protocol,
    /// The app that gives its tokens.
    pub app: String,
    /// Where its mail is.
    pub host: String,
    /// How it stands.
    pub state: State,
    /// What is wrong.
    pub trouble: Option<TroubleTold>,
    /// Since when it stands so.
    pub since: Option<u64>,
    /// When a mail client last logged in.
    pub last_login: Option<u64>,
    /// How many seconds the access token at hand is still good.
    pub token_seconds: Option<u64>,
}

/// A sign-in of an account.
#[derive(Debug, Deserialize, Serialize)]
pub struct SignedIn {
    /// The app.
    pub app: String,
    /// Who should sign in.
    pub expected: String,
    /// Who did; none if nobody has, or the provider does not tell.
    pub owner: Option<String>,
    /// When.
    pub signed_in: Option<u64>,
    /// When the sign-in was last renewed; unused ones end after 90 days.
    pub refreshed: Option<u64>,
    /// What was consented to.
    pub permissions: Vec<String>,
}

/// A link that is good and was not used yet. The link itself is nowhere: only a digest of it is kept.
#[derive(Debug, Deserialize, Serialize)]
pub struct LinkStatus {
    /// The account that it is for: of a name that stands for many, which of them.
    pub account: String,
    /// The app.
    pub app: String,
    /// Who asked for the sign-in.
    pub asked_by: String,
    /// Until when it is good.
    pub expires: u64,
}

/// One app.
#[derive(Debug, Deserialize, Serialize)]
pub struct AppStatus {
    /// Its name.
    pub app: String,
    /// The client id, if it has one.
    pub client_id: Option<String>,
    /// Where it asks for tokens.
    pub token_url: Option<String>,
    /// How: `client_credentials`, `sign-in` and so on.
    pub grant: String,
    /// How people can sign in to it: `browser`, `device`.
    #[serde(default)]
    pub sign_in_ways: Vec<String>,
}

/// The token store.
#[derive(Debug, Deserialize, Serialize)]
pub struct StoreStatus {
    /// Where it is.
    pub path: String,
    /// What keeps it from being read or saved.
    pub trouble: Option<TroubleTold>,
    /// The accounts whose last change is not on the disk.
    pub unsaved: Vec<String>,
}

/// A sign-in that no account uses.
#[derive(Debug, Deserialize, Serialize)]
pub struct Orphan {
    /// The account that it was for.
    pub account: String,
    /// The app.
    pub app: String,
    /// Who signed in.
    pub owner: Option<String>,
    /// When.
    pub since: Option<u64>,
}

/// Whether saslgate is as well as it can be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthTold {
    /// Whether it is; if not, a restart would help.
    pub healthy: bool,
    /// One line, and one more for everything that is wrong and survived.
    pub text: String,
}

/// Something that ends by itself.
#[derive(Debug, Deserialize, Serialize)]
pub struct Expiry {
    /// What: a client secret, a certificate.
    pub what: String,
    /// When.
    pub at: u64,
    /// From when on that is worth a word. A server older than this command does not say: then only what has ended is.
    #[serde(default = "never")]
    pub told_from: u64,
    /// What to do before.
    pub fix: String,
}

const fn never() -> u64 {
    u64::MAX
}

/// A trouble, as it is told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TroubleTold {
    /// What others call it.
    pub code: Option<String>,
    /// What happened.
    pub what: String,
    /// What causes this.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

impl From<Diagnosis> for TroubleTold {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            code: diagnosis.code,
            what: diagnosis.what,
            why: diagnosis.why.into_owned(),
            fix: diagnosis.fix.into_owned(),
        }
    }
}

impl From<&Trouble> for TroubleTold {
    fn from(trouble: &Trouble) -> Self {
        Self {
            code: trouble.code.as_deref().map(Into::into),
            what: trouble.what.to_string(),
            why: trouble.why.to_string(),
            fix: trouble.fix.to_string(),
        }
    }
}
