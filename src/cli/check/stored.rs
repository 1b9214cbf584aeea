//! The token store that the accounts need: whether it can be opened with the key that there is.

use crate::config::Config;
use crate::server::needs_store;
use crate::token::store::FileStore;

/// Notes what would keep it from being opened. That is a warning, as `run` serves whoever needs no store all the same. Who may not
/// look into its directory is told nothing: the service's own user may.
pub(super) fn note(config: &mut Config) {
    let store = &config.state.store;
    let may_look = store
        .path
        .parent()
        .is_some_and(|folder| folder.read_dir().is_ok());
    if !may_look || !needs_store(config.accounts.iter()) {
        return;
    }
    if let Some(error) = FileStore::examine(store) {
        config.warnings.warn(error.what, error.why, error.fix);
    }
}
