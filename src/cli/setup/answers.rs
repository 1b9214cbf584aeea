//! All that was said: complete, and each part of it checked.

use std::path::PathBuf;
use std::rc::Rc;

use ipnet::IpNet;

use super::place::Place;
use super::product::Product;
use super::way::{Proof, Way};
use crate::certificates::Name;
use crate::provider::{Preset, Protocol};
use crate::secret::Secret;

/// What setup works with.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) product: Product,
    pub(super) way: Way,
    pub(super) proof: Proof,
    /// Who signs in where mailboxes are shared.
    pub(super) signs_in_as: Option<String>,
    pub(super) preset: &'static Preset,
    /// A GUID or a domain, in lower case.
    pub(super) tenant: String,
    /// None where nothing is registered yet.
    pub(super) client_id: Option<String>,
    pub(super) protocols: Vec<Protocol>,
    pub(super) mailboxes: Vec<String>,
    pub(super) place: Place,
    /// What mail clients call this machine, where that is not obvious.
    pub(super) host: Option<Name>,
    /// Empty where it comes later: nobody gets in until then.
    pub(super) networks: Vec<IpNet>,
    /// None where it is put into its file later.
    pub(super) secret: Option<Rc<Secret<String>>>,
    pub(super) secret_expires: Option<String>,
    /// Where the mail client's password goes instead of onto the screen; absolute.
    pub(super) password_file: Option<PathBuf>,
    /// Absolute.
    pub(super) directory: PathBuf,
}

/// More accounts than this stand in a file of their own: the configuration stays one that is read.
const FEW: usize = 20;

/// What stands for a client id that nobody has yet, and which `check` names until somebody has filled it in.
pub(super) use crate::config::NO_CLIENT_ID;

impl Answers {
    /// Whether the accounts stand in a users file, and the passwords in a CSV.
    pub(super) fn has_users_file(&self) -> bool {
        self.product == Product::Many || self.mailboxes.len() > FEW
    }

    /// What its files are called after.
    pub(super) fn label(&self) -> &str {
        label(&self.tenant)
    }

    /// The client id, or what stands for it in the configuration.
    pub(super) fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or(NO_CLIENT_ID)
    }
}

/// A word that tells one tenant's files from another's.
fn label(tenant: &str) -> &str {
    match tenant.split_once('.') {
        Some((first, _)) => first,
        None => "entra",
    }
}
