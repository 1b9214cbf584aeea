//! What probes and scrapes are told.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout, timeout_at};

use super::Desk;
use super::kept::Kept;
use crate::account::Account;
use crate::account::state::State;
use crate::control::{HealthTold, seconds};
use crate::health::{Saying, Verdict, Vitals};
use crate::listener::identity;
use crate::log;
use crate::metrics::{AccountSample, Certificate, Degraded, Sample};
use crate::probe::Door;
use crate::provider::Protocol;
use crate::server::{expiry, process};

/// How long a look at everything is good for: whoever asks all the time makes no work.
const FRESH: Duration = Duration::from_secs(1);

/// How long the token store may keep a look waiting, and so the files of apps.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long a probe waits for a look. A kubelet gives up after a second, and a disk that hangs must not look to it like a saslgate
/// that hangs.
const PROBE: Duration = Duration::from_millis(700);

/// After so many accounts others get a turn.
const BATCH: usize = 64;

/// Of all files that may be open, so many hundredths are a word worth.
const FILES_NEARLY_ALL: u64 = 90;

/// The last look, and when it was.
pub(super) type Looked = tokio::sync::Mutex<Option<(Instant, Arc<Sample>)>>;

impl Vitals for Desk {
    fn healthy(&self) -> Saying<'_, Verdict> {
        Box::pin(async {
            let lost = self.lost();
            let mut text = if lost.is_empty() {
                "healthy".to_owned()
            } else {
                format!("a restart would help: ended by a defect: {}", lost.join(", "))
            };
            match timeout(PROBE, self.sample()).await {
                Ok(sample) => {
                    for (reason, what) in &sample.degraded {
                        let _ = write!(text, "\ndegraded: {}: {what}", reason.word());
                    }
                }
                Err(_) => text.push_str("\nhow everything else stands takes too long to find out"),
            }
            Verdict {
                yes: lost.is_empty(),
                text,
            }
        })
    }

    fn ready(&self) -> Verdict {
        let (yes, stage) = self.pulse.stage();
        Verdict {
            yes,
            text: stage.to_owned(),
        }
    }

    fn metrics(&self) -> Saying<'_, String> {
        Box::pin(async {
            let sample = self.sample().await;
            self.context.metrics.set_log_lines_dropped(log::dropped());
            let pace = &self.context.pace;
            for protocol in Protocol::ALL {
                let (in_use, waiting) = (pace.in_use(protocol), pace.waiting(protocol));
                self.context.metrics.set_places(protocol, in_use, waiting);
            }
            self.context.metrics.page(Arc::unwrap_or_clone(sample))
        })
    }
}

impl Desk {
    /// The same for a command on this machine.
    pub(super) async fn health(&self) -> HealthTold {
        let Verdict { yes, text } = self.healthy().await;
        HealthTold { healthy: yes, text }
    }

    /// What has ended although it should go on.
    fn lost(&self) -> Vec<Box<str>> {
        let mut lost = self.pulse.lost();
        if !self.context.tokens.renews() {
            lost.push("the renewal of tokens".into());
        }
        lost
    }

    /// How everything stands, or stood within the last second.
    async fn sample(&self) -> Arc<Sample> {
        let mut looked = self.looked.lock().await;
        if let Some((at, sample)) = &*looked
            && at.elapsed() < FRESH
        {
            return Arc::clone(sample);
        }
        let sample = Arc::new(self.look().await);
        *looked = Some((Instant::now(), Arc::clone(&sample)));
        sample
    }

    async fn look(&self) -> Sample {
        let (logged_in, sessions) = self.sessions();
        let rooms = self.context.rooms.load_full();
        let accounts = rooms.accounts.all();
        let kept = timeout(PATIENCE, self.kept(&accounts, ready(self.store.at_once()))).await;
        let kept = kept.unwrap_or_else(|_| self.unanswered());
        let (each_account, accounts) = self.accounts(&accounts, &kept, &sessions).await;
        let token_seconds = each_account
            .iter()
            .filter_map(|account| account.token_seconds)
            .min();
        let (secrets, certificates) = self.endings().await;
        let mut sample = Sample {
            ready: self.pulse.stage().0,
            logged_in,
            accounts,
            token_requests: self.token_requests(),
            token_seconds,
            secrets,
            certificates,
            degraded: Vec::new(),
            unsaved: kept.store.as_ref().map(|store| store.unsaved.len()),
            open_files: process::open_files(),
            open_files_limit: process::open_files_limit(),
            each_account,
        };
        sample.degraded = self.degraded(&sample, &kept);
        if !self.account_names {
            sample.each_account.clear();
        }
        sample
    }

    /// Who is logged in: by protocol, and by account.
    fn sessions(&self) -> (Vec<(Protocol, usize)>, HashMap<String, usize>) {
        let mut by_protocol = Protocol::ALL.map(|protocol| (protocol, 0));
        let mut by_account = HashMap::new();
        self.context.registry.each(|by| {
            by_protocol[by.protocol() as usize].1 += 1;
            if self.account_names {
                *by_account.entry(by.account().to_string()).or_default() += 1;
            }
        });
        (by_protocol.into(), by_account)
    }

    /// Every account, and how many are in each state.
    async fn accounts(
        &self,
        accounts: &[&Arc<Account>],
        kept: &Kept,
        sessions: &HashMap<String, usize>,
    ) -> (Vec<AccountSample>, Vec<(&'static str, usize)>) {
        let mut each = Vec::with_capacity(accounts.len());
        let mut states = State::ALL.map(|state| (state, 0));
        for batch in accounts.chunks(BATCH) {
            for account in batch {
                let (state, token_seconds) = self.standing(account, kept);
                states
                    .iter_mut()
                    .filter(|(known, _)| *known == state)
                    .for_each(|(_, count)| *count += 1);
                let name = account.name.to_string();
                each.push(AccountSample {
                    sessions: sessions.get(&name).copied().unwrap_or(0),
                    account: name,
                    state: state.name(),
                    token_seconds,
                });
            }
            tokio::task::yield_now().await;
        }
        (each, states.map(|(state, count)| (state.name(), count)).into())
    }

    fn token_requests(&self) -> Vec<(&'static str, u64)> {
        let counts = self.context.tokens.counts();
        vec![
            ("issued", counts.issued),
            ("same", counts.same),
            ("temporary", counts.temporary),
            ("misconfigured", counts.misconfigured),
            ("needs_sign_in", counts.needs_sign_in),
        ]
    }

    /// When client secrets end, and certificates.
    async fn endings(&self) -> (Vec<(String, i64)>, Vec<Certificate>) {
        let (now, deadline) = (seconds(SystemTime::now()), Instant::now() + PATIENCE);
        let mut secrets: Vec<(String, i64)> = Vec::new();
        let mut certificates: Vec<Certificate> = Vec::new();
        for configured in self.apps() {
            let app = &configured.app.name;
            // An app for several tenants has one secret and one certificate.
            if let Some(secret) = expiry::of_secret(&configured)
                && !secrets.iter().any(|(known, _)| **known == **app)
            {
                secrets.push((app.to_string(), until(secret.at, now)));
            }
            let read = timeout_at(deadline, expiry::of_certificate(&configured)).await;
            if let Ok(Some(certificate)) = read
                && !certificates.iter().any(|known| *known.name == **app)
            {
                certificates.push(Certificate {
                    kind: "app",
                    name: app.to_string(),
                    seconds: until(certificate.at, now),
                });
            }
        }
        certificates.extend(self.of_listeners(now));
        (secrets, certificates)
    }

    fn of_listeners(&self, now: u64) -> Vec<Certificate> {
        let of_door = |door: &Door| {
            let validity = identity::validity(door.own.as_ref()?).ok()?;
            Some(Certificate {
                kind: "listener",
                name: format!("{} {}", door.protocol, door.address),
                seconds: until(seconds(validity.not_after), now),
            })
        };
        self.doors.load().iter().filter_map(of_door).collect()
    }

    fn degraded(&self, sample: &Sample, kept: &Kept) -> Vec<(Degraded, String)> {
        let ended = |seconds: i64| seconds <= 0;
        let secrets = sample.secrets.iter().filter(|(_, left)| ended(*left));
        let certificates = sample.certificates.iter().filter(|one| ended(one.seconds));
        let found = [
            (Degraded::Accounts, self.in_trouble(sample)),
            // Before and after that it is not open, which is no trouble.
            (
                Degraded::Store,
                kept.store
                    .as_ref()
                    .filter(|_| sample.ready)
                    .and_then(store_trouble),
            ),
            (
                Degraded::Reload,
                (!self.context.metrics.reload_succeeded()).then(|| {
                    "the file has a problem, and the configuration before it stays in use".to_owned()
                }),
            ),
            (
                Degraded::Secret,
                several(
                    secrets.count(),
                    "client secret has ended",
                    "client secrets have ended",
                ),
            ),
            (
                Degraded::Certificate,
                several(
                    certificates.count(),
                    "certificate has ended",
                    "certificates have ended",
                ),
            ),
            (
                Degraded::OpenFiles,
                files(sample.open_files, sample.open_files_limit),
            ),
        ];
        found
            .into_iter()
            .filter_map(|(reason, what)| Some((reason, what?)))
            .collect()
    }

    /// How many accounts are in which trouble; which ones, where names may be shown.
    fn in_trouble(&self, sample: &Sample) -> Option<String> {
        let is_trouble = |state: &str| ![State::Ready, State::Off].iter().any(|fine| fine.name() == state);
        let counts = sample.accounts.iter();
        let counts = counts.filter(|(state, count)| *count > 0 && is_trouble(state));
        let counts: Vec<_> = counts.map(|(state, count)| format!("{count} {state}")).collect();
        if counts.is_empty() {
            return None;
        }
        let named = sample.each_account.iter().filter(|_| self.account_names);
        let named = named.filter(|account| is_trouble(account.state));
        let named: Vec<_> = named.map(|account| account.account.as_str()).collect();
        Some(match named.as_slice() {
            [] => counts.join(", "),
            named => format!("{} ({})", counts.join(", "), named.join(", ")),
        })
    }
}

/// Seconds from now on; negative if it has passed.
fn until(at: u64, now: u64) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    whole(at).saturating_sub(whole(now))
}

fn several(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    }
}

fn store_trouble(store: &crate::control::StoreStatus) -> Option<String> {
    store.trouble.as_ref()?;
    let unsaved = several(
        store.unsaved.len(),
        "account's last change is in memory only",
        "accounts' last changes are in memory only",
    );
    Some(unsaved.unwrap_or_else(|| "it can't be read now".to_owned()))
}

fn files(open: Option<u64>, limit: Option<u64>) -> Option<String> {
    let (open, limit) = (open?, limit?);
    let nearly_all = limit.saturating_mul(FILES_NEARLY_ALL) / 100;
    (open >= nearly_all).then(|| format!("{open} of {limit} are open"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_seconds_from_now() {
        assert_eq!(until(100, 40), 60);
        assert_eq!(until(40, 100), -60);
        assert_eq!(until(u64::MAX, 0), i64::MAX);
    }

    #[test]
    fn files_are_told_when_nearly_all_are_open() {
        assert_eq!(files(Some(899), Some(1000)), None);
        assert_eq!(
            files(Some(900), Some(1000)).as_deref(),
            Some("900 of 1000 are open")
        );
        assert_eq!(files(Some(900), None), None);
        assert_eq!(files(None, Some(1000)), None);
    }
}
