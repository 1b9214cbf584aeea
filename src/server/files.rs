//! Tells when a file of the configuration may have changed: by file events, and by a look now and then where none come.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

/// An editor that writes a file makes a handful of events, and a swap of many files a handful for each: it is over when
/// nothing has come for so long.
const QUIET: Duration = Duration::from_millis(250);

/// Something that never is quiet is looked at all the same.
const AT_LAST: Duration = Duration::from_secs(2);

/// Network file systems and some bind mounts tell nothing (inotify(7)).
const LOOK: Duration = Duration::from_secs(15);

/// Watches files by their directories. A file that is replaced is another file: who watches the file itself hears of the first
/// replacement and then nothing any more. It is watched as well, though: in a container one that is mounted alone lies in a
/// directory that nobody writes to.
pub(super) struct Files {
    /// None where the system has no more watches to give: then it is only looked now and then.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// The last parts of what is watched.
    names: Arc<ArcSwap<Names>>,
    stirred: Arc<Notify>,
}

type Names = BTreeSet<OsString>;

impl Files {
    pub(super) fn new() -> Self {
        let stirred = Arc::new(Notify::new());
        let names = Arc::new(ArcSwap::from_pointee(Names::new()));
        let (told, known) = (Arc::clone(&stirred), Arc::clone(&names));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if !event.is_ok_and(|event| changes_nothing(&event, &known.load())) {
                told.notify_one();
            }
        });
        let watcher = watcher.inspect_err(tell_blind).ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
            names,
            stirred,
        }
    }

    /// Watches these files, and no others any more. A file that is replaced has to be watched anew, even under the same name.
    pub(super) fn watch<'a>(&mut self, files: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        for path in std::mem::take(&mut self.watched) {
            // One that is gone is not watched any more either.
            let _ = watcher.unwatch(&path);
        }
        let paths: BTreeSet<_> = files.flat_map(with_directory).collect();
        let names = paths.iter().filter_map(|path| path.file_name());
        self.names.store(Arc::new(names.map(Into::into).collect()));
        for path in paths {
            if watcher.watch(&path, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(path);
            }
        }
    }

    /// Waits until something may have changed and has come to rest.
    pub(super) async fn stirred(&self) {
        tokio::select! {
            () = self.stirred.notified() => self.rest().await,
            () = sleep(LOOK) => {}
        }
    }

    async fn rest(&self) {
        let at_last = Instant::now() + AT_LAST;
        loop {
            let quiet = at_last.min(Instant::now() + QUIET);
            let more = timeout_at(quiet, self.stirred.notified()).await;
            if more.is_err() {
                return;
            }
        }
    }
}

/// Reading is an event, too: our own would be followed by the next for ever. So is what is written into another file of the same
/// directory, and a log that lies there would never let it come to rest. Names that come and go count, whatever they are: a
/// link that a file is reached by may be one of them.
fn changes_nothing(event: &Event, names: &Names) -> bool {
    let is_watched = |path: &PathBuf| path.file_name().is_some_and(|name| names.contains(name));
    match event.kind {
        EventKind::Access(_) => true,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            !event.paths.iter().any(is_watched)
        }
        _ => false,
    }
}

/// A file and its directory; of a name that stands for another file, that one and its directory, too: a certificate's
/// `live/` points into `archive/`, a mounted `ConfigMap`'s files to `..data/`.
fn with_directory(file: &Path) -> Vec<PathBuf> {
    let target = file.canonicalize().ok();
    let both = [Some(file.to_owned()), target];
    let mut found = Vec::new();
    for path in both.into_iter().flatten() {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        found.push(directory.unwrap_or(Path::new(".")).to_owned());
        found.push(path);
    }
    found
}

fn tell_blind(error: &notify::Error) {
    tracing::warn!(
        %error,
        fix = "raise fs.inotify.max_user_instances, or type `saslgate reload` after a change",
        seconds = LOOK.as_secs(),
        "file events can't be had: changed files are noticed by a look now and then"
    );
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Does something to the files and waits until it is noticed, by an event and not by the look.
    async fn notices(files: &mut Files, watched: &[&Path], what: &str, deed: impl FnOnce()) {
        files.watch(watched.iter().copied());
        // Whatever was noticed before is none of this deed.
        files.stirred.notify_one();
        files.stirred.notified().await;
        deed();
        tokio::time::timeout(LOOK / 2, files.stirred())
            .await
            .unwrap_or_else(|_| panic!("not noticed: {what}"));
    }

    #[tokio::test]
    async fn every_way_to_change_a_file_is_noticed_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let file = at("saslgate.toml");
        fs::write(&file, "1").unwrap();
        let mut files = Files::new();
        for round in 0..3 {
            notices(&mut files, &[&file], "written anew", || {
                fs::write(&file, format!("2{round}")).unwrap();
            })
            .await;
            notices(&mut files, &[&file], "replaced, as editors do", || {
                fs::write(at("saslgate.toml~"), "3").unwrap();
                fs::rename(at("saslgate.toml~"), &file).unwrap();
            })
            .await;
            notices(&mut files, &[&file], "deleted", || {
                fs::remove_file(&file).unwrap();
            })
            .await;
            notices(&mut files, &[&file], "there again", || {
                fs::write(&file, "4").unwrap();
            })
            .await;
        }
    }

    /// Kubernetes swaps the directory that all names point into.
    #[tokio::test]
    async fn a_swapped_directory_is_noticed_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let swap = |version: &str| {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("saslgate.toml"), version).unwrap();
            symlink(version, at("..data_tmp")).unwrap();
            fs::rename(at("..data_tmp"), at("..data")).unwrap();
        };
        swap("..1");
        symlink("..data/saslgate.toml", at("saslgate.toml")).unwrap();
        let file = at("saslgate.toml");
        let mut files = Files::new();
        for version in ["..2", "..3", "..4"] {
            notices(&mut files, &[&file], version, || swap(version)).await;
            assert_eq!(fs::read_to_string(&file).unwrap(), version);
        }
    }

    /// A file that is mounted alone: nothing happens in the directory under its name.
    #[tokio::test]
    async fn a_file_with_another_name_elsewhere_is_noticed() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = here.path().join("saslgate.toml");
        fs::write(&file, "1").unwrap();
        let other_name = there.path().join("saslgate.toml");
        fs::hard_link(&file, &other_name).unwrap();
        let mut files = Files::new();
        notices(&mut files, &[&file], "written by another name", || {
            fs::write(&other_name, "2").unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_log_beside_the_configuration_keeps_it_from_coming_to_rest() {
        let directory = tempfile::tempdir().unwrap();
        let (file, log) = (
            directory.path().join("saslgate.toml"),
            directory.path().join("log"),
        );
        fs::write(&file, "1").unwrap();
        fs::write(&log, "1").unwrap();
        let mut files = Files::new();
        files.watch(std::iter::once(&*file));
        for _ in 0..3 {
            fs::write(&log, "2").unwrap();
        }
        let noticed = tokio::time::timeout(QUIET * 2, files.stirred.notified()).await;
        assert!(noticed.is_err());
        // And the file itself still is.
        notices(&mut files, &[&file], "written anew", || {
            fs::write(&file, "3").unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn reading_is_not_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("saslgate.toml");
        fs::write(&file, "1").unwrap();
        let mut files = Files::new();
        files.watch(std::iter::once(&*file));
        for _ in 0..3 {
            fs::read(&file).unwrap();
        }
        let noticed = tokio::time::timeout(QUIET * 2, files.stirred.notified()).await;
        assert!(noticed.is_err());
    }
}
