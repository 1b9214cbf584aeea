//! One mailbox: who may open it, which protocols are on, and its mail.

use hyper::body::Bytes;
use tokio::sync::watch;

use super::exchange::Refusals;
use super::folder::Folders;
use super::knob::Knob;
use super::message::Message;

/// What a delegate or an app may do in somebody's mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// `Add-MailboxPermission … -AccessRights FullAccess`: opening it.
    FullAccess,
    /// `Add-RecipientPermission … -AccessRights SendAs`: its address as sender.
    SendAs,
}

/// A submission session's place in the order of logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// `Set-CASMailbox`, and whether there is a licence at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// `-ImapEnabled`.
    pub imap: bool,
    /// `-PopEnabled`.
    pub pop: bool,
    /// `-SmtpClientAuthenticationDisabled` turned round; `None` inherits the organisation's setting.
    pub smtp_auth: Option<bool>,
    /// Without a licence the login succeeds and no mailbox opens.
    pub licensed: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            imap: true,
            pop: true,
            smtp_auth: None,
            licensed: true,
        }
    }
}

/// A mailbox. Shared by the directory and every session that is in it.
#[derive(Debug)]
pub struct Mailbox {
    /// The owner's sign-in name.
    owner: String,
    address: String,
    rights: Knob<Vec<(String, Right)>>,
    /// Protocols and licence.
    pub switches: Knob<Switches>,
    /// Refusals for this mailbox alone; they come before those of the whole simulator.
    pub refusals: Knob<Refusals>,
    folders: Knob<Folders>,
    /// SMTP sessions that are logged in, in the order of their logins.
    submissions: Knob<Vec<Place>>,
    most_submissions: Knob<usize>,
    changes: watch::Sender<u64>,
}

impl Mailbox {
    pub(crate) fn new(owner: &str, address: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            address: address.to_owned(),
            rights: Knob::default(),
            switches: Knob::default(),
            refusals: Knob::default(),
            folders: Knob::new(Folders::new()),
            submissions: Knob::default(),
            most_submissions: Knob::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// The primary address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether this is the primary address or the owner's sign-in name, and not an alias.
    pub(crate) fn has_own_name(&self, name: &str) -> bool {
        self.address.eq_ignore_ascii_case(name) || self.owner.eq_ignore_ascii_case(name)
    }

    /// Gives a right to a user (by sign-in name) or an app (by client id).
    pub fn grant(&self, holder: &str, right: Right) {
        self.rights
            .change(|rights| rights.push((holder.to_ascii_lowercase(), right)));
    }

    /// Takes every right of a holder away.
    pub fn revoke(&self, holder: &str) {
        self.rights
            .change(|rights| rights.retain(|(who, _)| !who.eq_ignore_ascii_case(holder)));
    }

    /// Whether the holder has this right; the owner has all.
    pub fn allows(&self, holder: &str, right: Right) -> bool {
        self.owner.eq_ignore_ascii_case(holder)
            || self.rights.change(|rights| {
                rights
                    .iter()
                    .any(|(who, what)| *what == right && who.eq_ignore_ascii_case(holder))
            })
    }

    /// Delivers a message into INBOX and says which UID it got.
    pub fn deliver(&self, raw: impl Into<Bytes>) -> u32 {
        self.store("INBOX", Message::new(raw)).unwrap_or_default()
    }

    /// The raw messages of a folder, in order; empty when there is no such folder.
    pub fn messages(&self, folder: &str) -> Vec<Bytes> {
        self.folders.change(|folders| {
            folders.get(folder).map_or_else(Vec::new, |folder| {
                folder
                    .entries
                    .iter()
                    .map(|entry| entry.message.raw().clone())
                    .collect()
            })
        })
    }

    /// A submission session begins.
    pub(crate) fn take_place(&self) -> Place {
        self.submissions.change(|places| {
            let place = Place(places.last().map_or(0, |last| last.0 + 1));
            places.push(place);
            self.most_submissions
                .change(|most| *most = places.len().max(*most));
            place
        })
    }

    /// The most submission sessions that were logged in at one time so far.
    pub fn most_submissions(&self) -> usize {
        self.most_submissions.get()
    }

    /// How many submission sessions are older than this one.
    pub(crate) fn place_number(&self, place: Place) -> usize {
        self.submissions
            .change(|places| places.iter().filter(|other| other.0 < place.0).count())
    }

    /// A submission session ends.
    pub(crate) fn leave_place(&self, place: Place) {
        self.submissions
            .change(|places| places.retain(|other| *other != place));
    }

    pub(crate) fn store(&self, folder: &str, message: Message) -> Option<u32> {
        self.change_folders(|folders| folders.deliver(folder, message))
    }

    /// Reads the folders.
    pub(crate) fn with_folders<R>(&self, read: impl FnOnce(&Folders) -> R) -> R {
        self.folders.change(|folders| read(folders))
    }

    /// Changes the folders and wakes the sessions that idle.
    pub(crate) fn change_folders<R>(&self, change: impl FnOnce(&mut Folders) -> R) -> R {
        let answer = self.folders.change(change);
        self.changes.send_modify(|version| *version += 1);
        answer
    }

    /// Ticks after each change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
