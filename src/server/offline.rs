//! What commands do where no server runs: the same, on the same store, without listeners.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tokio_util::task::TaskTracker;

use super::StartError;
use super::house::{House, Parts, certificates, limits};
use super::keeping::is_needed;
use crate::config::Config;
use crate::control::{Operations as _, Order, Talk};
use crate::token::store::Settings;

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
    /// Puts the rooms together for a command, such as `sign-in`. The token store is opened if an account needs it.
    pub fn new(config: Config, command: &'static str) -> Result<Self, StartError> {
        let certificates = certificates(&config);
        let settings = Settings {
            command,
            ..config.state.store
        };
        // Where nothing is kept, whoever may read the configuration may test it.
        if is_needed(config.accounts.iter()) {
            check_owner(&settings.path).map_err(StartError::prepare)?;
        }
        let parts = Parts {
            upstream: config.upstream,
            accounts: config.accounts,
            apps: config.apps,
            store: settings,
            limits: limits(&config.limits),
            certificates,
            alert: config.alert,
            devices: Vec::new(),
            account_names: false,
            admin_url: config.admin.map(|admin| admin.url),
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
        let none = TaskTracker::new();
        none.close();
        keeping.hand_on(&context.tokens, &none).await;
        drop(talk);
    }
}

/// Where a server of another user has its state, this command must not leave files that the server can't read.
pub fn check_owner(store: &Path) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use std::sync::Arc;

    use super::*;
    use crate::config::{self, System};
    use crate::control::{News, SignInOrder, SignInWay, talk};
    use crate::token::store::{FileStore, KeySource};

    const CONFIG: &str = r#"
        [app]
        grant = "authorization_code"
        preset = "own"
        client_id = "app"
        scope = "mail offline_access"
        [provider.own]
        token_url = "https://login.example/token"
        authorize_url = "https://login.example/authorize"
        imap = "imap.example:993"
        [[account]]
        login = "alice@x.example"
        password = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        protocols = ["imap"]
        [store]
        path = "state/tokens"
        "#;

    fn configured() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saslgate.toml");
        std::fs::write(&path, CONFIG).unwrap();
        (directory, path)
    }

    /// The first that an operator hears of a sign-in.
    async fn first_of_sign_in(path: &Path) -> News {
        let offline = Offline::new(config::load(path, &System).unwrap(), "sign-in").unwrap();
        let order = Order::SignIn(SignInOrder {
            account: "alice@x.example".into(),
            app: None,
            way: SignInWay::Paste,
            accept_owner: false,
        });
        let (here, mut operator) = talk();
        tokio::spawn(offline.carry_out(order, here));
        operator.hear().await.unwrap()
    }

    #[tokio::test]
    async fn nobody_is_sent_to_a_browser_while_another_process_has_the_store() {
        let (_directory, path) = configured();
        let news = first_of_sign_in(&path).await;
        assert!(matches!(news, News::OpenBrowser { .. }), "{news:?}");

        let (directory, path) = configured();
        let settings = Arc::new(Settings {
            path: directory.path().join("state/tokens"),
            key: KeySource::Found { credentials: None },
            command: "sign-in",
        });
        let _held = FileStore::open(&settings).await.unwrap();
        match first_of_sign_in(&path).await {
            News::Refused(trouble) => {
                let held_by = format!("in use by process {} (`saslgate sign-in`)", std::process::id());
                assert!(trouble.what.ends_with(&held_by), "{}", trouble.what);
                assert!(trouble.why.contains("a sign-in that waits"), "{}", trouble.why);
                assert!(trouble.fix.contains("`kill "), "{}", trouble.fix);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Where no account needs the store nobody opens one, and `saslgate status` took as long as it waits for that.
    #[tokio::test(start_paused = true)]
    async fn the_status_of_accounts_that_need_no_store_does_not_wait_for_one() {
        let (_directory, path) = configured();
        let secret = CONFIG.replace("authorization_code", "client_credentials");
        let secret = secret.replace("client_id", "client_secret_env = \"PATH\"\nclient_id");
        std::fs::write(&path, secret.replace(" offline_access", "/.default")).unwrap();
        let begun = tokio::time::Instant::now();
        let offline = Offline::new(config::load(&path, &System).unwrap(), "status").unwrap();
        let (here, mut operator) = talk();
        tokio::spawn(offline.carry_out(Order::Status, here));
        let Some(News::Status(status)) = operator.hear().await else {
            panic!("no status");
        };
        assert!(status.store.is_none());
        assert_eq!(begun.elapsed(), std::time::Duration::ZERO);
    }
}
