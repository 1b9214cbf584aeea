//! What commands do where no server runs: the same, on the same store, without listeners.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::StartError;
use super::house::{House, Parts, limits};
use crate::config::Config;
use crate::control::{Operations as _, Order, Talk};

/// The desk of a command.
pub struct Offline(House);

/// The state belongs to somebody else, whose server could not read what this command would write.
#[derive(Debug, thiserror::Error)]
#[error("{} belongs to user id {owner}; run the command as that user (sudo -u), or let the server run and the command talks to it", path.display())]
struct Foreign {
    path: std::path::PathBuf,
    owner: u32,
}

impl Offline {
    /// Puts the rooms together. The token store is opened if an account needs it.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let settings = config.state.store;
        check_owner(&settings.path).map_err(StartError::prepare)?;
        let parts = Parts {
            upstream: config.upstream,
            accounts: config.accounts,
            apps: config.apps,
            store: settings,
            limits: limits(&config.limits),
        };
        House::furnish(parts, None, None).map(Self)
    }

    /// Carries one order out, and lets the store go.
    pub async fn carry_out(self, order: Order, mut talk: Talk) {
        let House {
            context,
            keeping,
            desk,
            ..
        } = self.0;
        desk.carry_out(order, &mut talk).await;
        keeping.hand_on(&context.tokens).await;
    }
}

/// Where a server of another user has its state, this command must not leave files that the server can't read.
fn check_owner(store: &Path) -> io::Result<()> {
    let Some(folder) = store.parent().and_then(|folder| folder.metadata().ok()) else {
        return Ok(());
    };
    let own = rustix::process::geteuid().as_raw();
    if folder.uid() == own {
        return Ok(());
    }
    Err(io::Error::other(Foreign {
        path: store.parent().unwrap_or(store).into(),
        owner: folder.uid(),
    }))
}
