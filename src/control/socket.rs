//! The socket: in a directory that only saslgate's user can enter, and that user or root at both ends.

use std::fs::{self, DirBuilder};
use std::future::pending;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{News, Operations, Operator, Order, Talk, TroubleTold, Word, talk};
use crate::secret::Secret;

/// The longest line: a status of ten thousand accounts fits.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// The longest order or word: a pasted address has some kilobytes.
const MAX_ORDER: u64 = 64 * 1024;

/// Commands at one time: people, a monitoring system, a few scripts.
const AT_ONCE: usize = 32;

/// Why the socket can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens there.
    #[error("no saslgate is running with this configuration")]
    NotRunning,
    /// It is there, and this user may not.
    #[error("the control socket {} may only be used by saslgate's own user and root: type the command as one of them, with `sudo`, or \
            `sudo -u USER`", .0.display())]
    NotAllowed(PathBuf),
    /// It is not what it should be.
    #[error("the directory {} of the control socket belongs to another user, or others may enter it", .0.display())]
    Exposed(PathBuf),
    /// Another saslgate listens there.
    #[error("another saslgate listens at {}", .0.display())]
    InUse(PathBuf),
    /// Anything else.
    #[error("the control socket {} can't be used: {error}", path.display())]
    Broken {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl ControlError {
    fn broken(path: &Path, error: io::Error) -> Self {
        Self::Broken {
            path: path.into(),
            error,
        }
    }
}

/// What a command says first.
#[derive(Debug, Deserialize, Serialize)]
struct Asked {
    /// The file that it takes for the server's configuration. Two of one user have their state, and so the socket, in the same place.
    configuration: Option<PathBuf>,
    order: Order,
}

/// The server's end.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Makes the directory and the socket in it. One that a killed server has left behind is taken over.
    pub fn bind(path: &Path) -> Result<Self, ControlError> {
        let broken = |error| ControlError::broken(path, error);
        let folder = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(broken)?;
        let metadata = folder.metadata().map_err(broken)?;
        if metadata.mode() & 0o077 != 0 || metadata.uid() != own_uid() {
            return Err(ControlError::Exposed(folder.into()));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ControlError::InUse(path.into()));
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(broken)?;
        Ok(Self {
            listener,
            path: path.into(),
        })
    }

    /// Carries out what comes in, until told to stop. Each order is a task among `orders` and ends by itself: what was begun
    /// for a command is finished when the command has gone, because a code that was redeemed is good for nothing else.
    /// Commands that mean another file than `configuration` are told so.
    pub async fn serve(
        self,
        configuration: Option<PathBuf>,
        operations: Arc<dyn Operations>,
        orders: TaskTracker,
        stop: CancellationToken,
    ) {
        let configuration: Option<Arc<Path>> = configuration.map(Into::into);
        let tasks = TaskTracker::new();
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a command could not be accepted at the control socket");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    }
                },
                () = stop.cancelled() => break,
            };
            if !is_ours(&stream) || tasks.len() >= AT_ONCE {
                continue;
            }
            let (operations, orders, stop) = (Arc::clone(&operations), orders.clone(), stop.clone());
            let configuration = configuration.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = attend(stream, configuration.as_deref(), operations, &orders) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        tasks.close();
        tasks.wait().await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Whoever finds it gone knows that no server runs; one that stays is taken over by the next.
        let _ = fs::remove_file(&self.path);
    }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The directory's mode keeps others out; this is for sockets that somebody has moved.
fn is_ours(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == own_uid() || peer.uid() == 0)
}

/// One command, from its order to its end, or until it has gone: then whatever still waits for a person hears of it.
async fn attend(
    stream: UnixStream,
    configuration: Option<&Path>,
    operations: Arc<dyn Operations>,
    orders: &TaskTracker,
) {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    let Ok(Some(Asked {
        configuration: meant,
        order,
    })) = read(&mut reading, MAX_ORDER).await
    else {
        return;
    };
    if let (Some(ours), Some(meant)) = (configuration, &meant)
        && !is_same_file(ours, meant)
    {
        // Whoever asked may have gone.
        let _ = write(&mut writing, &News::Refused(another(ours, meant))).await;
        let _ = write(&mut writing, &News::Done).await;
        return;
    }
    let (mut here, there) = talk();
    orders.spawn(async move {
        operations.carry_out(order, &mut here).await;
        here.tell(News::Done).await;
    });
    pass_on(reading, writing, there).await;
}

/// Links are followed now: a `ConfigMap`'s lead elsewhere after each change.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn another(ours: &Path, meant: &Path) -> TroubleTold {
    let (ours, meant) = (ours.display(), meant.display());
    TroubleTold {
        code: None,
        what: format!("the saslgate that runs here has the configuration {ours}, not {meant}"),
        why: "both have their state, and the socket by which commands reach it, in the same directory".into(),
        fix: format!(
            "add `--config {ours}` to reach the one that runs, or stop that one first; for two at one time give one of the files `control` \
             in [server] and `path` in [store]"
        ),
    }
}

/// Passes news to the command and its words back, until the news end or the command has gone.
async fn pass_on(mut reading: BufReader<OwnedReadHalf>, mut writing: OwnedWriteHalf, there: Operator) {
    let (tell, mut hear) = there.split();
    let news = async {
        while let Some(news) = hear.recv().await {
            if write(&mut writing, &news).await.is_err() {
                return;
            }
        }
    };
    let words = async {
        while let Ok(Some(word)) = read::<Word>(&mut reading, MAX_ORDER).await {
            let _ = tell.send(word).await;
        }
    };
    tokio::select! {
        () = news => {}
        () = words => {}
    }
}

/// The command's end: gives an order to the running server. What the server tells comes out of the returned side. An
/// order that no server has taken comes back with the error.
pub async fn connect(
    path: &Path,
    configuration: Option<PathBuf>,
    order: Order,
) -> Result<Operator, (ControlError, Order)> {
    // A name that is no Unicode can't be said in JSON, and is not compared.
    let configuration = configuration.filter(|file| file.to_str().is_some());
    let asked = Asked { configuration, order };
    let (reading, writing) = match give(path, &asked).await {
        Ok(stream) => stream.into_split(),
        Err(error) => return Err((error, asked.order)),
    };
    let (here, operator) = talk();
    tokio::spawn(relay(BufReader::new(reading), writing, here));
    Ok(operator)
}

async fn give(path: &Path, asked: &Asked) -> Result<UnixStream, ControlError> {
    let mut stream = UnixStream::connect(path)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                ControlError::NotRunning
            }
            io::ErrorKind::PermissionDenied => ControlError::NotAllowed(path.into()),
            _ => ControlError::broken(path, error),
        })?;
    let given = write(&mut stream, asked).await;
    given.map_err(|error| ControlError::broken(path, error))?;
    Ok(stream)
}

/// The same from the command's end.
async fn relay(mut reading: BufReader<OwnedReadHalf>, mut writing: OwnedWriteHalf, here: Talk) {
    let (tell, mut hear) = here.split();
    let news = async {
        while let Ok(Some(news)) = read::<News>(&mut reading, MAX_LINE).await {
            if matches!(news, News::Done) || tell.send(news).await.is_err() {
                return;
            }
        }
    };
    let words = async {
        while let Some(word) = hear.recv().await {
            if write(&mut writing, &word).await.is_err() {
                return;
            }
        }
        // The command says no more, and still hears.
        pending::<()>().await;
    };
    tokio::select! {
        () = news => {}
        () = words => {}
        () = tell.closed() => {}
    }
}

/// One line of JSON; none at the end.
async fn read<T: DeserializeOwned>(
    reading: &mut BufReader<OwnedReadHalf>,
    most: u64,
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    reading.take(most).read_until(b'\n', &mut line).await?;
    let line = Secret::new(line);
    if line.expose().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(line.expose())
        .map(Some)
        // Its text would repeat what was sent.
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

async fn write<T: Serialize>(writing: &mut (impl AsyncWrite + Unpin), what: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let line = Secret::new(line);
    writing.write_all(line.expose()).await
}
