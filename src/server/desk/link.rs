//! Where the admin page is, and the links to it by which owners of mailboxes sign in.

use super::{Desk, Refused, refused};

impl Desk {
    /// Where a browser comes back to the admin page, to the letter as it has to be registered.
    pub(super) fn callback(&self) -> Result<Box<str>, Refused> {
        let url = self.admin_url.load_full().ok_or_else(no_page)?;
        Ok(format!("{}/oauth/callback", url.as_str().trim_end_matches('/')).into())
    }
}

fn no_page() -> Refused {
    refused(
        "there is no admin page that a browser could come back to",
        "the configuration that is in use has no [admin] with a `url`",
        "add [admin] with `url`, the address by which people reach this saslgate, and restart it",
    )
}

/// Links are not made yet.
pub(super) fn not_yet() -> Refused {
    no_page()
}
