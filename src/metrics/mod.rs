//! What is counted, and the page that Prometheus reads (`OpenMetrics` 1.0 text).
//!
//! Sessions count by relaxed atomics that were found once at the start; what can be looked up is looked up when somebody
//! scrapes, in a [`Sample`]. No label says what a mail client typed.

mod grid;
mod label;
mod sample;
mod timing;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

pub use label::{Alert, Degraded, Direction, End, Login, Rejection, Stage};
pub use sample::{AccountSample, Certificate, Sample};

use crate::provider::Protocol;
use grid::Grid;
use timing::Timing;

/// In front of every name.
const PREFIX: &str = "saslgate";

/// The media type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. Numbers are since the start.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions: Sessions,
    service: Service,
}

/// What sessions count.
#[derive(Debug)]
struct Sessions {
    connected: Grid<Protocol, (), Gauge>,
    logins: Grid<Login, Protocol, Counter>,
    login_seconds: Grid<Protocol, (), Timing>,
    stage_seconds: Grid<Stage, (), Timing>,
    rejections: Grid<Rejection, Protocol, Counter>,
    relayed: Grid<Direction, Protocol, Counter>,
    ends: Grid<End, Protocol, Counter>,
    panics: Counter,
}

/// What is counted of saslgate as a whole.
#[derive(Debug)]
struct Service {
    places_in_use: Grid<Protocol, (), Gauge>,
    places_waiting: Grid<Protocol, (), Gauge>,
    generation: Gauge,
    reloaded: Gauge,
    reload_succeeded: Gauge,
    log_lines_dropped: Counter,
    alerts: Grid<Alert, (), Counter>,
}

impl Sessions {
    fn register(all: &mut Registry) -> Self {
        let connected = "Mail clients that are connected now";
        let logins = "Logins by what the mail client was told";
        let login_seconds = "How long logins took that were accepted";
        let stage_seconds = "How long each part of the logins took that were accepted";
        let rejections = "Logins that upstream refused, by what kind of no it was";
        let relayed = "Bytes relayed after a login, counted when the session ends";
        let ends = "Sessions that have ended, by why";
        let panics = "Sessions that a defect of saslgate has ended";
        Self {
            connected: add(all, "sessions_connected", connected, Grid::new()),
            logins: add(all, "logins", logins, Grid::new()),
            login_seconds: add(all, "login_seconds", login_seconds, Grid::new()),
            stage_seconds: add(all, "login_stage_seconds", stage_seconds, Grid::new()),
            rejections: add(all, "upstream_rejections", rejections, Grid::new()),
            relayed: add(all, "relayed_bytes", relayed, Grid::new()),
            ends: add(all, "session_ends", ends, Grid::new()),
            panics: add(all, "session_panics", panics, Counter::default()),
        }
    }
}

impl Service {
    fn register(all: &mut Registry) -> Self {
        let in_use = "Places of mailboxes that are taken now";
        let waiting = "Logins that wait for a place of their mailbox now";
        let generation = "Which configuration since the start is in use, the first being 1";
        let reloaded = "When the configuration in use was taken";
        let succeeded = "1 if the configuration was taken when it was last read, 0 if it has a problem";
        let dropped = "Lines that the log has lost, because whoever reads it is too slow";
        let alerts = "Alerts by what became of them";
        let gauge = Gauge::default;
        Self {
            places_in_use: add(all, "places_in_use", in_use, Grid::new()),
            places_waiting: add(all, "places_waiting", waiting, Grid::new()),
            generation: add(all, "config_generation", generation, gauge()),
            reloaded: add(all, "config_taken_timestamp_seconds", reloaded, gauge()),
            reload_succeeded: add(all, "config_last_reload_successful", succeeded, gauge()),
            log_lines_dropped: add(all, "log_lines_dropped", dropped, Counter::default()),
            alerts: add(all, "alerts", alerts, Grid::new()),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Every series at its beginning, and the configuration that saslgate starts with.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        about(&mut registry);
        let metrics = Self {
            sessions: Sessions::register(&mut registry),
            service: Service::register(&mut registry),
            registry,
        };
        metrics.reloaded();
        metrics
    }

    /// A mail client has connected. It counts until what is handed out is dropped.
    pub fn connected(self: &Arc<Self>, protocol: Protocol) -> Connected {
        self.sessions.connected.of(protocol, ()).inc();
        Connected {
            metrics: Arc::clone(self),
            protocol,
        }
    }

    /// Another configuration is in use.
    pub fn reloaded(&self) {
        self.service.generation.inc();
        self.service.reloaded.set(now());
        self.service.reload_succeeded.set(1);
    }

    /// The configuration was read and has a problem; the one before stays in use.
    pub fn reload_failed(&self) {
        self.service.reload_succeeded.set(0);
    }

    /// Whether the configuration was taken when it was last read.
    pub fn reload_succeeded(&self) -> bool {
        self.service.reload_succeeded.get() == 1
    }

    /// How many places of mailboxes are taken, and how many logins wait for one.
    pub fn set_places(&self, protocol: Protocol, in_use: usize, waiting: usize) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.service.places_in_use.of(protocol, ()).set(number(in_use));
        self.service.places_waiting.of(protocol, ()).set(number(waiting));
    }

    /// How many lines the log has lost since the start.
    pub fn set_log_lines_dropped(&self, lines: u64) {
        self.service
            .log_lines_dropped
            .inner()
            .store(lines, Ordering::Relaxed);
    }

    /// An alert was sent, or was not.
    pub fn alert(&self, outcome: Alert) {
        self.service.alerts.of(outcome, ()).inc();
    }

    /// The page, with how everything stands.
    pub fn page(&self, sample: Sample) -> String {
        let mut sampled = Registry::with_prefix(PREFIX);
        sampled.register_collector(Box::new(sample));
        let mut page = String::new();
        // Writing to memory does not fail.
        let written = encode_registry(&mut page, &self.registry)
            .and_then(|()| encode_registry(&mut page, &sampled))
            .and_then(|()| encode_eof(&mut page));
        debug_assert!(written.is_ok());
        page
    }
}

/// What runs, and since when.
fn about(registry: &mut Registry) {
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "What is running", build);
    let started: Gauge = add(
        registry,
        "start_time_seconds",
        "When saslgate was started",
        Gauge::default(),
    );
    started.set(now());
}

/// The library ends each help text with a full stop.
fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// One mail client that is connected.
#[derive(Debug)]
pub struct Connected {
    metrics: Arc<Metrics>,
    protocol: Protocol,
}

impl Connected {
    /// It was told something about a login.
    pub fn told(&self, outcome: Login) {
        self.metrics.sessions.logins.of(outcome, self.protocol).inc();
    }

    /// It has logged in, in that time, and each part took that long.
    pub fn logged_in(&self, time: Duration, stages: [(Stage, Duration); 4]) {
        self.told(Login::Accepted);
        self.metrics
            .sessions
            .login_seconds
            .of(self.protocol, ())
            .took(time);
        for (stage, time) in stages {
            self.metrics.sessions.stage_seconds.of(stage, ()).took(time);
        }
    }

    /// Upstream has refused its login.
    pub fn rejected(&self, kind: Rejection) {
        self.metrics.sessions.rejections.of(kind, self.protocol).inc();
    }

    /// So many bytes were relayed for it.
    pub fn relayed(&self, direction: Direction, bytes: u64) {
        self.metrics
            .sessions
            .relayed
            .of(direction, self.protocol)
            .inc_by(bytes);
    }

    /// Its session has ended.
    pub fn ended(&self, cause: End) {
        self.metrics.sessions.ends.of(cause, self.protocol).inc();
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.metrics.sessions.connected.of(self.protocol, ()).dec();
        // Dropped by the unwinding of its own session's task.
        if std::thread::panicking() {
            self.metrics.sessions.panics.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Sample {
        Sample {
            ready: true,
            logged_in: Vec::new(),
            accounts: Vec::new(),
            token_requests: Vec::new(),
            token_seconds: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            degraded: Vec::new(),
            unsaved: None,
            open_files: None,
            open_files_limit: None,
            each_account: Vec::new(),
        }
    }

    fn value(metrics: &Metrics, series: &str) -> Option<String> {
        let page = metrics.page(empty());
        let line = |line: &str| Some(line.strip_prefix(series)?.strip_prefix(' ')?.to_owned());
        page.lines().find_map(line)
    }

    #[test]
    fn a_session_is_counted_from_its_connection_to_its_end() {
        let metrics = Arc::new(Metrics::new());
        let session = metrics.connected(Protocol::Imap);
        let value = |series: &str| value(&metrics, series).unwrap();
        assert_eq!(value("saslgate_sessions_connected{protocol=\"imap\"}"), "1");
        session.told(Login::AuthenticationFailed);
        let stages = [Stage::Password, Stage::Token, Stage::Dial, Stage::Handshake];
        session.logged_in(
            Duration::from_millis(1500),
            stages.map(|stage| (stage, Duration::from_millis(20))),
        );
        session.relayed(Direction::ToMailClient, 7);
        session.ended(End::Idle);
        let logins = |outcome| {
            value(&format!(
                "saslgate_logins_total{{outcome=\"{outcome}\",protocol=\"imap\"}}"
            ))
        };
        assert_eq!(logins("authentication_failed"), "1");
        assert_eq!(logins("accepted"), "1");
        assert_eq!(
            logins("unavailable"),
            "0",
            "a series is there before its first event"
        );
        assert_eq!(
            value("saslgate_login_seconds_bucket{le=\"1.0\",protocol=\"imap\"}"),
            "0"
        );
        assert_eq!(
            value("saslgate_login_seconds_bucket{le=\"2.5\",protocol=\"imap\"}"),
            "1"
        );
        assert_eq!(
            value("saslgate_login_seconds_bucket{le=\"+Inf\",protocol=\"imap\"}"),
            "1"
        );
        assert_eq!(value("saslgate_login_seconds_sum{protocol=\"imap\"}"), "1.5");
        assert_eq!(value("saslgate_login_stage_seconds_count{stage=\"token\"}"), "1");
        let bytes = "saslgate_relayed_bytes_total{direction=\"to_mail_client\",protocol=\"imap\"}";
        assert_eq!(value(bytes), "7");
        assert_eq!(
            value("saslgate_session_ends_total{cause=\"idle\",protocol=\"imap\"}"),
            "1"
        );
        drop(session);
        assert_eq!(value("saslgate_sessions_connected{protocol=\"imap\"}"), "0");
        assert_eq!(value("saslgate_session_panics_total"), "0");
    }

    #[test]
    fn a_session_that_panics_is_counted_and_is_not_connected_any_more() {
        let metrics = Arc::new(Metrics::new());
        let session = metrics.connected(Protocol::Smtp);
        let panicked = std::thread::spawn(move || {
            let _session = session;
            panic!("as a defect would");
        });
        assert!(panicked.join().is_err());
        assert_eq!(value(&metrics, "saslgate_session_panics_total").unwrap(), "1");
        let connected = "saslgate_sessions_connected{protocol=\"smtp\"}";
        assert_eq!(value(&metrics, connected).unwrap(), "0");
    }

    #[test]
    fn a_broken_configuration_shows_until_the_next_good_one() {
        let metrics = Metrics::new();
        let shown = || {
            let names = [
                "saslgate_config_generation",
                "saslgate_config_last_reload_successful",
            ];
            names.map(|name| value(&metrics, name).unwrap())
        };
        assert_eq!(shown(), ["1", "1"]);
        metrics.reload_failed();
        assert_eq!(shown(), ["1", "0"]);
        metrics.reloaded();
        assert_eq!(shown(), ["2", "1"]);
    }
}
