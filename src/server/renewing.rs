//! The listeners' certificates that `saslgate certs` made are renewed before their end is worth a word; whoever watches the files takes them in.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use crate::certificates::{NotRenewed, Renewal, renew_due};
use crate::listener::identity::Files;

/// What could not be renewed the last time, and why: the log says it once.
#[derive(Default)]
pub(super) struct Renewing(HashMap<PathBuf, String>);

impl Renewing {
    /// Renews those that are due.
    pub(super) async fn look(&mut self, certificates: Vec<Files>) {
        for files in certificates {
            let path = files.certificate.clone();
            let renewing = move || renew_due(&files.certificate, &files.key, SystemTime::now());
            // It reads files and signs. A panic in it is no reason to stop looking after the others.
            let Ok(renewal) = spawn_blocking(renewing).await else {
                continue;
            };
            self.tell(path, renewal);
        }
    }

    fn tell(&mut self, path: PathBuf, renewal: Renewal) {
        match renewal {
            Renewal::Foreign | Renewal::NotDue => drop(self.0.remove(&path)),
            Renewal::Renewed { names, until } => {
                tracing::info!(certificate = %path.display(), names, until, "the listeners' certificate is renewed");
                self.0.remove(&path);
            }
            Renewal::Failed(NotRenewed { what, why, fix }) => {
                if self.0.get(&path) != Some(&why) {
                    tracing::error!(
                        what,
                        why,
                        fix,
                        "the listeners' certificate could not be renewed; it is tried again"
                    );
                }
                self.0.insert(path, why);
            }
        }
    }
}
