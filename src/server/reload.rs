//! Another configuration while mail clients are connected: who asks for it, what comes of it, and how it stands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot};
use tokio::task::block_in_place;

use super::files::Files;
use super::{Server, supervisor};
use crate::audit;
use crate::config::{self, Config, Origin, Problems, Sources, System};
use crate::control::{ConfigurationStatus, seconds};
use crate::hook::Alert;

/// Requests that wait while one is carried out: each is one of a person's.
const WAITING: usize = 16;

/// What comes of a request: what has changed, or why nothing has.
pub(super) type Reloaded = Result<Applied, String>;

/// What a reload has changed.
pub(super) struct Applied {
    /// In one line.
    pub(super) plan: String,
    /// What works and should be looked at.
    pub(super) warnings: String,
    /// The configuration's number since the start.
    pub(super) generation: u64,
}

/// Why the configuration is read again.
pub enum Why {
    /// SIGHUP.
    Signal,
    /// A file has changed.
    Files,
    /// Somebody waits for what comes of it.
    Command(Answer),
}

/// Where what comes of a reload is told.
pub struct Answer(oneshot::Sender<Reloaded>);

/// The desk's side of it.
#[derive(Clone)]
pub(super) struct Requests(mpsc::Sender<Answer>);

impl Requests {
    pub(super) fn new() -> (Self, mpsc::Receiver<Answer>) {
        let (ask, asked) = mpsc::channel(WAITING);
        (Self(ask), asked)
    }

    /// Has the configuration read again; none if saslgate is about to end.
    pub(super) async fn ask(&self) -> Option<Reloaded> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Answer(answer)).await.ok()?;
        answered.await.ok()
    }
}

/// The file that the configuration comes from, and everything that it refers to.
pub(super) struct Followed {
    origin: Origin,
    sources: Sources,
    files: Files,
}

impl Followed {
    pub(super) fn new(origin: Origin, sources: Sources) -> Self {
        let mut files = Files::new();
        files.watch(sources.paths());
        Self {
            origin,
            sources,
            files,
        }
    }

    /// Waits until something is not any more what it was when it was read.
    pub(super) async fn changed(&mut self) {
        loop {
            self.files.stirred().await;
            if block_in_place(|| self.sources.changed(&System)) {
                return;
            }
            // A file that was replaced by one that reads the same is another one to watch.
            self.files.watch(self.sources.paths());
        }
    }

    /// Reads all of it. Hashing plain password files takes milliseconds each: other sessions go on meanwhile.
    fn read(&mut self) -> Result<Config, Problems> {
        // Watched before it is read: what changes meanwhile is noticed.
        self.files.watch(self.sources.paths());
        let (config, sources) = block_in_place(|| config::read(&self.origin, &System));
        self.sources = sources;
        self.files.watch(self.sources.paths());
        config
    }
}

/// How the configuration in use stands.
pub(super) struct Standing(Mutex<ConfigurationStatus>);

impl Standing {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(ConfigurationStatus {
            generation: 1,
            since: seconds(SystemTime::now()),
            refused: None,
        })))
    }

    pub(super) fn now(&self) -> ConfigurationStatus {
        self.status().clone()
    }

    fn applied(&self) -> u64 {
        let mut status = self.status();
        status.generation += 1;
        status.since = seconds(SystemTime::now());
        status.refused = None;
        status.generation
    }

    fn refused(&self, why: &str) {
        self.status().refused = Some(why.to_owned());
    }

    fn status(&self) -> MutexGuard<'_, ConfigurationStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Follows the file that the configuration was read from.
    pub fn follow(&mut self, origin: Origin, sources: Sources) {
        self.followed = Some(Followed::new(origin, sources));
    }

    /// Waits until a command asks for it or a file has changed.
    pub async fn asked_to_reload(&mut self) -> Why {
        let changed = async {
            match &mut self.followed {
                Some(followed) => followed.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(answer) = self.asked.recv() => Why::Command(answer),
            () = changed => Why::Files,
        }
    }

    /// Reads the configuration again and takes it, if there is nothing wrong with it. Else all stays as it is.
    pub async fn reread(&mut self, why: Why) {
        supervisor::tell_reloading();
        let was_refused = self.standing.now().refused.is_some();
        let reloaded = self.read_and_take().await;
        match &reloaded {
            Ok(_) if was_refused => self.house.alerts.tell(Alert::reload_taken()),
            Ok(_) => {}
            Err(problems) => self.refuse(problems, was_refused),
        }
        supervisor::tell_ready(&self.in_words());
        if let Why::Command(Answer(answer)) = why {
            let _ = answer.send(reloaded);
        }
    }

    /// Tells everybody that a configuration was not taken; alerts once, until one is taken again.
    fn refuse(&self, problems: &str, is_known: bool) {
        self.standing.refused(problems);
        self.metrics().reload_failed();
        for problem in problems.lines() {
            tracing::error!(problem, "not reloaded; the old configuration stays in use");
        }
        let in_one_line = problems.replace('\n', " | ");
        audit::reloaded(&in_one_line, self.standing.now().generation, false);
        if !is_known {
            let first = problems.lines().next().unwrap_or_default();
            self.house.alerts.tell(Alert::reload_refused(first));
        }
    }

    async fn read_and_take(&mut self) -> Reloaded {
        let Some(followed) = &mut self.followed else {
            return Err("there is no file to read".into());
        };
        let config = followed.read().map_err(|problems| problems.to_string())?;
        let warnings = config.warnings.to_string();
        for line in warnings.lines() {
            tracing::warn!(problem = line, "configuration");
        }
        let before = seconds(SystemTime::now()).saturating_sub(self.standing.now().since);
        let plan = self.reload(config).await.map_err(|error| error.to_string())?;
        let told = if plan.is_empty() {
            // Whoever has just changed the file would take it that the change was not taken: it was read by itself.
            format!("{plan}; nothing has changed since it was read {before} s ago")
        } else {
            plan.to_string()
        };
        Ok(Applied {
            plan: told,
            warnings,
            generation: self.standing.now().generation,
        })
    }

    /// One more configuration is in use.
    pub(super) fn count_reload(&self) -> u64 {
        self.standing.applied()
    }
}
