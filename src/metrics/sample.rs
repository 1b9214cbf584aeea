//! What is not counted but looked up when somebody scrapes: how everything stands at that moment.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::label::Degraded;
use crate::provider::Protocol;

/// How everything stands.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Whether mail clients are served: neither starting nor stopping.
    pub ready: bool,
    /// Sessions that are logged in.
    pub logged_in: Vec<(Protocol, usize)>,
    /// How many accounts are in each state, by its word.
    pub accounts: Vec<(&'static str, usize)>,
    /// Requests for tokens since the start, by how they ended.
    pub token_requests: Vec<(&'static str, u64)>,
    /// Seconds until the first of the access tokens at hand ends; none if none is at hand.
    pub token_seconds: Option<u64>,
    /// The apps whose client secret's end is known, each with the seconds until then, negative after it.
    pub secrets: Vec<(String, i64)>,
    /// The certificates of apps and listeners.
    pub certificates: Vec<Certificate>,
    /// What is wrong and survived, each in a few words without a name.
    pub degraded: Vec<(Degraded, String)>,
    /// The accounts whose last change is not on the disk; none if no account needs the token store.
    pub unsaved: Option<usize>,
    /// Files that are open, sockets among them; none where the system does not tell.
    pub open_files: Option<u64>,
    /// How many may be; none if there is no limit.
    pub open_files_limit: Option<u64>,
    /// Every account of the configuration; empty unless the operator allows names.
    pub each_account: Vec<AccountSample>,
}

/// A certificate that saslgate shows.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// `app` or `listener`.
    pub kind: &'static str,
    /// The app's name, or the listener's protocol and address.
    pub name: String,
    /// Seconds until it ends, negative after it.
    pub seconds: i64,
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountSample {
    /// Its name in the configuration, never what a mail client types.
    pub account: String,
    /// The word for its state.
    pub state: &'static str,
    /// Sessions that are logged in.
    pub sessions: usize,
    /// Seconds until its first access token ends; none if none is at hand.
    pub token_seconds: Option<u64>,
}

/// The labels of one series.
type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// Series with their values.
type Rows<'a, N> = Vec<(Labels<'a>, N)>;

struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, rows: Rows<'_, i64>) -> fmt::Result {
        self.metric(name, help, MetricType::Gauge, rows, ConstGauge::new)
    }

    fn counter(&mut self, name: &str, help: &str, rows: Rows<'_, u64>) -> fmt::Result {
        self.metric(name, help, MetricType::Counter, rows, ConstCounter::new)
    }

    fn metric<N, M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: Rows<'_, N>,
        value: impl Fn(N) -> M,
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, number) in rows {
            let value = value(number);
            if labels.is_empty() {
                return value.encode(encoder);
            }
            value.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn one<'a>(key: &'static str, word: impl Into<Cow<'a, str>>) -> Labels<'a> {
    vec![(key, word.into())]
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A row without labels, if there is something to say.
fn alone(number: Option<impl TryInto<i64>>) -> Rows<'static, i64> {
    number
        .into_iter()
        .map(|number| (Vec::new(), whole(number)))
        .collect()
}

impl Collector for Sample {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.of_sessions(&mut page)?;
        self.of_accounts(&mut page)?;
        self.of_expiries(&mut page)?;
        self.of_process(&mut page)?;
        self.of_each_account(&mut page)
    }
}

impl Sample {
    fn of_sessions(&self, page: &mut Page<'_>) -> fmt::Result {
        let logged_in = self.logged_in.iter();
        let logged_in = logged_in.map(|(protocol, count)| (one("protocol", protocol.name()), whole(*count)));
        page.gauge(
            "sessions_logged_in",
            "Mail clients that are logged in now.",
            logged_in.collect(),
        )?;
        let requests = self.token_requests.iter();
        page.counter(
            "token_requests",
            "Requests for access tokens since the start.",
            requests
                .map(|(outcome, count)| (one("outcome", *outcome), *count))
                .collect(),
        )
    }

    fn of_accounts(&self, page: &mut Page<'_>) -> fmt::Result {
        let accounts = self.accounts.iter();
        page.gauge(
            "accounts",
            "Accounts of the configuration by their state.",
            accounts
                .map(|(state, count)| (one("state", *state), whole(*count)))
                .collect(),
        )?;
        let reasons = Degraded::ALL.iter().map(|reason| {
            let holds = self.degraded.iter().any(|(known, _)| known == reason);
            (one("reason", reason.word()), i64::from(holds))
        });
        page.gauge(
            "degraded",
            "1 while that is wrong and survived: mail goes on as far as it can, and a restart would not help.",
            reasons.collect(),
        )?;
        page.gauge(
            "store_unsaved_accounts",
            "Accounts whose last change is in memory only, because the token store can't be saved.",
            alone(self.unsaved),
        )
    }

    fn of_expiries(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(
            "token_expires_in_seconds",
            "Seconds until the first of the access tokens at hand ends.",
            alone(self.token_seconds),
        )?;
        let secrets = self.secrets.iter();
        page.gauge(
            "client_secret_expires_in_seconds",
            "Seconds until an app's client secret ends, as the configuration says; negative after it.",
            secrets
                .map(|(app, seconds)| (one("app", app), *seconds))
                .collect(),
        )?;
        let certificates = self.certificates.iter().map(|certificate| {
            let name = ("name", Cow::from(&certificate.name));
            (vec![("kind", certificate.kind.into()), name], certificate.seconds)
        });
        page.gauge(
            "certificate_expires_in_seconds",
            "Seconds until a certificate of an app or a listener ends; negative after it.",
            certificates.collect(),
        )
    }

    fn of_process(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(
            "ready",
            "1 while mail clients are served, 0 during start and stop.",
            alone(Some(u8::from(self.ready))),
        )?;
        page.gauge(
            "open_files",
            "Files and sockets that the process has open.",
            alone(self.open_files),
        )?;
        page.gauge(
            "open_files_limit",
            "Files and sockets that it may have open.",
            alone(self.open_files_limit),
        )
    }

    fn of_each_account(&self, page: &mut Page<'_>) -> fmt::Result {
        let accounts = || self.each_account.iter();
        let states = accounts().map(|account| {
            let state = ("state", account.state.into());
            (vec![("account", Cow::from(&account.account)), state], 1)
        });
        page.gauge(
            "account_state",
            "1 for the state of an account.",
            states.collect(),
        )?;
        let sessions = accounts().map(|account| (one("account", &account.account), whole(account.sessions)));
        page.gauge(
            "account_sessions",
            "Mail clients that are logged in to an account.",
            sessions.collect(),
        )?;
        let tokens = accounts()
            .filter_map(|account| Some((one("account", &account.account), whole(account.token_seconds?))));
        page.gauge(
            "account_token_expires_in_seconds",
            "Seconds until the first of an account's access tokens at hand ends.",
            tokens.collect(),
        )
    }
}
