//! What goes on by links, for whoever waits for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::control::LinkHappening;
use crate::oauth::GrantKey;
use crate::token::links::Link;

/// How much may happen before somebody who waits has heard of it.
const WAITING: usize = 256;

/// What happens to a link.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// It is on its way to a sign-in.
    OnTheWay(LinkHappening),
    /// Somebody has signed in, by the link or without it; as the operator is told.
    SignedIn {
        account: String,
        app: String,
        owner: Option<String>,
        remarks: Vec<String>,
    },
    /// It is good for nothing any more.
    Withdrawn,
}

/// All links, as far as something goes on with them.
pub(super) struct Links {
    going_on: Mutex<HashSet<GrantKey>>,
    /// Those that were opened since saslgate started.
    opened: Mutex<HashSet<GrantKey>>,
    happenings: broadcast::Sender<(GrantKey, Happening)>,
}

impl Links {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            going_on: Mutex::default(),
            opened: Mutex::default(),
            happenings: broadcast::channel(WAITING).0,
        })
    }

    /// A browser has opened a link: whether it is the first time. Mail scanners and reloaded pages open it again and again, and the
    /// log shall not be filled by that.
    pub(super) fn is_opened(&self, link: &Link) -> bool {
        self.happens(link, LinkHappening::Opened);
        of(&self.opened).insert(link.key)
    }

    /// Begins a sign-in by a link; none while another one goes on.
    pub(super) fn begin(self: &Arc<Self>, link: &Link) -> Option<GoingOn> {
        if !of(&self.going_on).insert(link.key) {
            return None;
        }
        self.happens(link, LinkHappening::Begun);
        Some(GoingOn {
            links: Arc::clone(self),
            key: link.key,
        })
    }

    /// Tells whoever waits.
    pub(super) fn happens(&self, link: &Link, happening: LinkHappening) {
        self.tell(link.key, Happening::OnTheWay(happening));
    }

    /// These links are good for nothing any more.
    pub(super) fn withdrawn(&self, gone: &[Link]) {
        self.end(gone, &Happening::Withdrawn);
    }

    /// What these links were for is done.
    pub(super) fn end(&self, gone: &[Link], how: &Happening) {
        for link in gone {
            of(&self.opened).remove(&link.key);
            self.tell(link.key, how.clone());
        }
    }

    fn tell(&self, key: GrantKey, happening: Happening) {
        // Mostly nobody waits.
        let _ = self.happenings.send((key, happening));
    }

    /// What happens from now on.
    pub(super) fn hear(&self) -> Happenings {
        Happenings(self.happenings.subscribe())
    }
}

fn of(keys: &Mutex<HashSet<GrantKey>>) -> MutexGuard<'_, HashSet<GrantKey>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sign-in by a link that goes on as long as this is held.
pub(super) struct GoingOn {
    links: Arc<Links>,
    key: GrantKey,
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        of(&self.links.going_on).remove(&self.key);
    }
}

/// What happens to links, one after the other.
pub(super) struct Happenings(broadcast::Receiver<(GrantKey, Happening)>);

impl Happenings {
    /// The next that happens to one of them.
    pub(super) async fn next(&mut self, link: &Link) -> Happening {
        loop {
            match self.0.recv().await {
                Ok((key, happening)) if key == link.key => return happening,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Happening::Withdrawn,
            }
        }
    }
}
