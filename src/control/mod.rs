//! What an operator can ask of saslgate, and the socket by which commands ask it.
//!
//! An [`Order`] is given once; until it is done the one side tells [`News`] and the other may say a [`Word`]. Who carries
//! orders out implements [`Operations`]: the running server, or a command itself where no server runs.

mod socket;
mod status;
mod steps;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use socket::{Control, ControlError, connect};
pub use status::{
    AccountStatus, AppStatus, ConfigurationStatus, Expiry, HealthTold, LinkStatus, Orphan, ProtocolStatus,
    SignedIn, Status, StoreStatus, TroubleTold, UnknownLogin, WrongPasswords,
};
pub use steps::{StepOutcome, StepTold, TestStep};

use crate::provider::Protocol;
use crate::secret::Secret;

/// What an operator wants.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// How everything stands.
    Status,
    /// Whether a restart would help.
    Health,
    /// A person signs in for an account.
    SignIn(SignInOrder),
    /// saslgate forgets a sign-in.
    SignOut {
        /// Which account: what a mail client types.
        account: String,
        /// Which of its apps; all where it is not said.
        app: Option<String>,
    },
    /// An access token, for a program that speaks XOAUTH2 itself.
    Token {
        /// Which account.
        account: String,
        /// For which protocol.
        protocol: Protocol,
    },
    /// Which level the log has; with `level`, another one.
    Log {
        /// A level, or one per module.
        level: Option<String>,
    },
    /// The next login of an account is read along, secrets masked.
    Trace {
        /// Which account.
        account: String,
    },
    /// Accounts are tested, step by step.
    Test {
        /// Which account; all where none is named.
        account: Option<String>,
        /// By which protocol; by all that it has where none is named.
        protocol: Option<Protocol>,
    },
    /// The configuration is read again.
    Reload,
    /// A test alert is told by every way.
    AlertTest,
    /// A link is made by which the owner of an account's mailbox signs in, without being an operator.
    MakeLink {
        /// For which account; for each that needs a sign-in where none is named.
        account: Option<String>,
        /// For which of its apps, where it has several that people sign in to.
        app: Option<String>,
        /// Who asks the owner to sign in, as the owner is told.
        asked_by: String,
    },
    /// What a link is for. Asking does not use it up: mail scanners open links before people do.
    LookAtLink {
        /// What the link ends with, as a browser brought it.
        link: Told,
    },
    /// The owner signs in by a link, as [`SignInWay::Page`] does. It is used up once the sign-in is kept. While one sign-in by it goes
    /// on another is refused; whoever lets a person begin anew in the same browser drops the first talk before.
    SignInByLink {
        /// What the link ends with, as a browser brought it.
        link: Told,
    },
}

impl Order {
    /// The command that gives it.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Health => "health",
            Self::SignIn(_) | Self::MakeLink { .. } | Self::LookAtLink { .. } | Self::SignInByLink { .. } => {
                "sign-in"
            }
            Self::SignOut { .. } => "sign-out",
            Self::Token { .. } => "token",
            Self::Log { .. } => "log",
            Self::Trace { .. } => "trace",
            Self::Test { .. } => "test",
            Self::Reload => "reload",
            Self::AlertTest => "alert",
        }
    }
}

/// A sign-in that is wanted.
#[derive(Debug, Deserialize, Serialize)]
pub struct SignInOrder {
    /// Which account.
    pub account: String,
    /// Which of its apps, where it has several that people sign in to.
    pub app: Option<String>,
    /// How.
    pub way: SignInWay,
    /// The operator knows that another person than the configured one will sign in, and wants it.
    pub accept_owner: bool,
}

/// How a person signs in.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// As the app's grant says.
    Usual,
    /// In a browser that can reach this machine.
    Browser,
    /// In any browser; what it ends at is pasted.
    Paste,
    /// In any browser; it comes back to the admin page, which says [`Word::Landed`].
    Page,
    /// With a code, on another device.
    Device,
    /// An administrator consents for everybody.
    AdminConsent,
    /// Somebody signed in elsewhere.
    RefreshToken(Told),
}

/// A secret on its way between a command and the server; the socket carries it, nothing shows it.
#[derive(Debug)]
pub struct Told(pub Secret<String>);

impl Serialize for Told {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// What happens while an order is carried out.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// How everything stands.
    Status(Box<Status>),
    /// Whether a restart would help.
    Health(HealthTold),
    /// A browser has to open this address.
    OpenBrowser {
        /// The address. It is for the person alone.
        url: Told,
        /// Where the browser will end, to the letter as it has to be registered.
        redirect_uri: String,
        /// Whether saslgate waits there; else what the browser shows in its address line has to be pasted.
        listening: bool,
        /// For whom the sign-in is.
        owner: String,
    },
    /// A code has to be typed on some device.
    TypeCode {
        /// What to type.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it, if the provider has that.
        verification_uri_complete: Option<Told>,
        /// The provider's own sentence.
        message: Option<String>,
        /// How many seconds there are for it.
        seconds: u64,
        /// For whom the sign-in is.
        owner: String,
    },
    /// A link was made.
    Link {
        /// The account that it is for.
        account: String,
        /// The app: an account may use several that people sign in to, each with a link of its own.
        app: String,
        /// The mailbox, by which the owner knows it.
        mailbox: String,
        /// Who has to sign in.
        owner: String,
        /// The host of the provider's own sign-in page, to which the link leads.
        sign_in_page: String,
        /// The link. Whoever has it can begin the sign-in, nothing else.
        url: Told,
        /// Until when it is good, in seconds since 1970.
        expires: u64,
    },
    /// What happens to a link, while somebody waits for its sign-in.
    LinkHappens(LinkHappening),
    /// What a link is for.
    LinkIs {
        /// The account.
        account: String,
        /// The mailbox, by which the owner knows it.
        mailbox: String,
        /// Who has to sign in.
        owner: String,
        /// The host of the provider's own sign-in page, to which it leads.
        sign_in_page: String,
        /// Who asks for it.
        asked_by: String,
        /// Until when it is good, in seconds since 1970.
        expires: u64,
    },
    /// Nothing has come back for a while: what the browser may be showing.
    Silence {
        /// The redirect URI to compare.
        redirect_uri: String,
        /// The app's client id.
        client_id: String,
        /// Whether the app has a proof: the portal has redirect URIs of such apps under another platform.
        proves_itself: bool,
    },
    /// What was pasted is nothing of this sign-in.
    NotThat(String),
    /// A mailbox is being opened, to see whether the person who signed in may.
    Probing {
        /// Which.
        mailbox: String,
        /// As whom.
        owner: String,
    },
    /// It is done.
    SignedIn {
        /// The account.
        account: String,
        /// The app.
        app: String,
        /// Who signed in, as the provider says.
        owner: Option<String>,
        /// What there is to know: another owner than the configured one, a permission that was not granted, a store that
        /// could not be saved.
        remarks: Vec<String>,
    },
    /// An administrator has consented.
    Consented {
        /// For which tenant, as the browser said.
        tenant: Option<String>,
    },
    /// The sign-in is forgotten.
    SignedOut {
        /// The account.
        account: String,
        /// How many sessions were ended.
        sessions: usize,
        /// The apps whose sign-ins are gone.
        apps: Vec<String>,
    },
    /// The token that was asked for.
    Token(Told),
    /// The level that the log has now.
    LogLevel(String),
    /// Somebody's next login is waited for.
    Tracing {
        /// The account.
        account: String,
    },
    /// A session has named the account; what it said follows.
    TraceOf {
        /// Its id, as the log has it.
        session: String,
        /// Where it comes from.
        peer: String,
        /// What it speaks.
        protocol: Protocol,
    },
    /// A line of it.
    Heard {
        /// Who said it to whom.
        voice: Voice,
        /// What, masked; nothing in it acts on a terminal.
        line: String,
    },
    /// The login that was traced is over.
    Traced(TraceEnd),
    /// A step of a test begins.
    StepBegun(StepTold),
    /// A step of a test has ended.
    Step(Box<TestStep>),
    /// The test is over: there are no further steps.
    Tested,
    /// Another configuration is in use.
    Reloaded {
        /// What it changes, in one line.
        plan: String,
        /// What works and should be looked at.
        warnings: String,
        /// Its number since the start.
        generation: u64,
    },
    /// The old configuration stays in use.
    NotReloaded {
        /// Everything that is wrong with the new one.
        problems: String,
    },
    /// A test alert was told by one way, or could not be.
    AlertTried {
        /// The way: `command`, `webhook`, `mail`.
        way: String,
        /// Where it leads, as it may be shown.
        to: String,
        /// Why it did not arrive; none if it did.
        trouble: Option<TroubleTold>,
    },
    /// Every way was tried.
    AlertsTried,
    /// It could not be done.
    Refused(TroubleTold),
    /// Nothing more will come.
    Done,
}

/// What happens to a link before it is used up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkHappening {
    /// A browser has opened it; a mail scanner does that too.
    Opened,
    /// Somebody goes to the provider's sign-in page by it.
    Begun,
    /// Nobody has signed in after all; it is still good.
    Failed(TroubleTold),
}

/// Who said a line of a login.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The mail client, to saslgate.
    MailClient,
    /// saslgate, to the mail client.
    ToMailClient,
    /// Upstream, to saslgate.
    Upstream,
    /// saslgate, to upstream.
    ToUpstream,
}

/// How a login ended that was traced.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceEnd {
    /// The mail client is in.
    LoggedIn,
    /// It is not, and why.
    Refused(Box<TroubleTold>),
    /// The session went away before that.
    Gone,
}

/// What an operator says meanwhile.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// What the browser's address line shows.
    Paste(Told),
    /// The path and query with which a browser came back to the admin page, for [`SignInWay::Page`]: judged by its state alone.
    /// The answer is [`News::NotThat`] if it is of no sign-in or of another, else how this one ended.
    Landed(Told),
}

/// One side of a talk: to tell, and to hear.
#[derive(Debug)]
pub struct Side<T, H> {
    tell: mpsc::Sender<T>,
    hear: mpsc::Receiver<H>,
}

/// The side of who carries an order out.
pub type Talk = Side<News, Word>;

/// The side of who gave it.
pub type Operator = Side<Word, News>;

/// How much may be told before it is heard.
const WAITING: usize = 16;

/// The two sides of a talk.
pub fn talk() -> (Talk, Operator) {
    let (news, heard_news) = mpsc::channel(WAITING);
    let (words, heard_words) = mpsc::channel(WAITING);
    let talk = Side {
        tell: news,
        hear: heard_words,
    };
    let operator = Side {
        tell: words,
        hear: heard_news,
    };
    (talk, operator)
}

impl<T, H> Side<T, H> {
    fn split(self) -> (mpsc::Sender<T>, mpsc::Receiver<H>) {
        (self.tell, self.hear)
    }

    /// Tells something; nobody may be there any more to hear it.
    pub async fn tell(&self, what: T) {
        let _ = self.tell.send(what).await;
    }

    /// The next thing that the other side tells; none once it has gone.
    pub async fn hear(&mut self) -> Option<H> {
        self.hear.recv().await
    }

    /// Waits until the other side does not listen any more.
    pub async fn gone(&self) {
        self.tell.closed().await;
    }
}

/// What an order's carrying out is.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Who carries orders out. [`News::Done`] comes from the caller, when the future has ended.
pub trait Operations: Send + Sync + 'static {
    /// Carries one order out.
    fn carry_out<'a>(&'a self, order: Order, talk: &'a mut Talk) -> Carrying<'a>;
}

impl fmt::Debug for dyn Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operations")
    }
}

/// A time as it is told: seconds since 1970.
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
