//! From a draft to files and records: all of it checked before any of it is written.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::process::geteuid;

use super::draft::{Draft, Password};
use super::render::Rendered;
use crate::account::{Accounts, Authorized, Shared};
use crate::certificates::{Mode, create_all};
use crate::config::{self, Becoming, Config, Origin};
use crate::name::LoginName;
use crate::oauth::GrantKey;
use crate::provider::Protocol;
use crate::secret::Secret;
use crate::server::check_owner;
use crate::token::imported;
use crate::token::store::{self, FileStore, Record, SignIn, StoreError, Swap, TokenStore as _};

/// What is going to be written, and where.
pub(super) struct Plan {
    pub(super) path: PathBuf,
    pub(super) store: PathBuf,
    records: Vec<(GrantKey, Record)>,
    settings: store::Settings,
}

impl Plan {
    /// Checks what was rendered, and finds the place of every record.
    pub(super) fn new(path: &Path, rendered: &Rendered, draft: &Draft) -> Result<Self, String> {
        let mut files: BTreeMap<_, _> = rendered
            .secrets
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_bytes()))
            .collect();
        files.insert(path, rendered.text.as_bytes());
        let read = config::read(
            &Origin::File(path.to_owned()),
            &Becoming {
                files,
                is_container: None,
            },
        )
        .0;
        let config = read.map_err(|problems| {
            format!(
                "what would be written can't be used, so nothing was. Mend it in the other program's configuration, and import again:\n{problems}"
            )
        })?;
        let Config { accounts, state, .. } = config;
        let shared = Shared::new().map_err(|error| error.to_string())?;
        let accounts = Accounts::new(accounts, shared).map_err(|error| error.to_string())?;
        Ok(Self {
            path: path.to_owned(),
            store: state.store.path.clone(),
            records: records(draft, &accounts)?,
            settings: state.store,
        })
    }

    /// Writes everything: what was in the store before, which stays as it is.
    pub(super) async fn carry_out(self, rendered: &Rendered) -> Result<Vec<String>, String> {
        if self.records.is_empty() {
            write(&self.path, rendered)?;
            return Ok(Vec::new());
        }
        // Root may write for whom it belongs to, and gives it to them.
        if !is_root() {
            check_owner(&self.settings.path).map_err(|error| error.to_string())?;
        }
        let place = self.settings.path.clone();
        // Before any file is written: a saslgate that runs has it.
        let (store, _) = FileStore::open(&Arc::new(self.settings))
            .await
            .map_err(|error| told(&error))?;
        write(&self.path, rendered)?;
        let mut kept = Vec::new();
        for (key, record) in self.records {
            let account = record.account.to_string();
            match store
                .swap(key, None, record)
                .await
                .map_err(|error| told(&error))?
            {
                Swap::Saved(_) => {}
                Swap::Unsaved(_, error) => return Err(told(&error)),
                Swap::Conflict(_) => kept.push(account),
            }
        }
        store.close().await.map_err(|error| told(&error))?;
        hand_over_store(&place)
            .map_err(|error| format!("{} can't be given to its user: {error}", place.display()))?;
        Ok(kept)
    }
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// What root has written into the directory of another user's store is that user's: the service could not read it otherwise.
fn hand_over_store(store: &Path) -> io::Result<()> {
    let Some(folder) = store.parent().filter(|_| is_root()) else {
        return Ok(());
    };
    let of = folder.metadata()?;
    let name = store.file_name().unwrap_or_default().to_owned();
    for suffix in ["", ".prev", ".lock", ".key"] {
        let mut name = name.clone();
        name.push(suffix);
        let path = folder.join(name);
        if path.try_exists()? {
            std::os::unix::fs::chown(path, Some(of.uid()), Some(of.gid()))?;
        }
    }
    Ok(())
}

/// What root has written into a directory that a group may read, as the package makes it, is for that group too.
fn hand_over_secret(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|_| is_root()) else {
        return Ok(());
    };
    let of = folder.metadata()?;
    if of.gid() == 0 || of.mode() & 0o040 == 0 {
        return Ok(());
    }
    std::os::unix::fs::chown(path, None, Some(of.gid()))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o640))
}

fn told(error: &StoreError) -> String {
    format!("{error}\n  why: {}\n  fix: {}", error.why, error.fix)
}

fn write(path: &Path, rendered: &Rendered) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    }
    let mut files: Vec<(&PathBuf, Mode, &[u8])> = rendered
        .secrets
        .iter()
        .map(|(path, text)| (path, Mode::Secret, text.as_bytes()))
        .collect();
    let path = path.to_owned();
    files.push((&path, Mode::Public, rendered.text.as_bytes()));
    create_all(&files).map_err(|error| {
        format!("{error}\n  fix: name another directory with --to; an import never writes over a file that is there")
    })?;
    for (path, _) in &rendered.secrets {
        hand_over_secret(path)
            .map_err(|error| format!("{} can't be given to its group: {error}", path.display()))?;
    }
    Ok(())
}

/// What goes into the token store.
fn records(draft: &Draft, accounts: &Accounts) -> Result<Vec<(GrantKey, Record)>, String> {
    let mut records = Vec::new();
    for account in &draft.accounts {
        match &account.password {
            Password::Imported(sealed) => {
                let wanted = login(accounts, &account.login)?.token_wanted();
                let record = imported::record(&wanted.name, &wanted.app.name, sealed);
                records.push((GrantKey::of_local_password(&wanted.name), record));
            }
            Password::Made {
                refresh_token: Some(token),
                ..
            } => records.extend(sign_in(&login(accounts, &account.login)?, token)),
            Password::Made { .. } | Password::Provider => {}
        }
    }
    Ok(records)
}

fn login(accounts: &Accounts, name: &str) -> Result<Authorized, String> {
    let parsed = LoginName::parse(name.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    let mut logins = Protocol::ALL
        .iter()
        .filter_map(|protocol| accounts.for_operator(&parsed, *protocol));
    logins
        .next()
        .ok_or_else(|| format!("{name} has no protocol by which it could be used"))
}

fn sign_in(login: &Authorized, token: &Secret<String>) -> Option<(GrantKey, Record)> {
    let wanted = login.token_wanted();
    let app = wanted.app.grant.delegated()?;
    let now = SystemTime::now();
    let content = store::Content::SignIn(SignIn {
        owner: None,
        expected: Some(wanted.owner.as_str().into()),
        scopes: app.scopes.to_string().into(),
        client_id: app.registration.client_id.clone(),
        authority: app.registration.token_url.as_str().into(),
        signed_in: now,
        refreshed: now,
    });
    let record = Record {
        account: wanted.account.clone(),
        app: wanted.app.name.clone(),
        content,
        secret: Secret::new(token.expose().clone()),
    };
    Some((wanted.key.grant, record))
}
