//! What was said so far, and how one more answer changes it.

use std::path::PathBuf;
use std::rc::Rc;

use ipnet::IpNet;

use super::answers::Answers;
use super::place::Place;
use super::product::Product;
use super::question::{Question, SHARED};
use super::surroundings::Surroundings;
use super::typed::{self, Reach};
use super::way::{Proof, Way};
use crate::certificates::Name;
use crate::provider::{Preset, Protocol};
use crate::secret::Secret;

/// An answer that may be put off: the inner `None` is "later", or nobody.
#[allow(clippy::option_option, reason = "not asked yet and put off are two things")]
type Later<T> = Option<Option<T>>;

/// Answers as far as they go. What was said before a step back stays as the default of its question.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) product: Option<Product>,
    pub(super) way: Option<Way>,
    pub(super) is_shared: Option<bool>,
    /// The person who signs in where mailboxes are shared.
    pub(super) signs_in_as: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) clouds: Vec<&'static Preset>,
    pub(super) cloud: Option<&'static Preset>,
    pub(super) protocols: Option<Vec<Protocol>>,
    pub(super) client_id: Later<String>,
    /// A client id that came with the tenant's address.
    pub(super) seen_client_id: Option<String>,
    pub(super) mailboxes: Option<Vec<String>>,
    pub(super) place: Option<Place>,
    pub(super) host: Option<Name>,
    pub(super) networks: Option<Vec<IpNet>>,
    pub(super) secret: Later<Rc<Secret<String>>>,
    /// Whether somebody said that the app has none, as one of the platform for mobile and desktop applications.
    pub(super) has_no_secret: bool,
    pub(super) expires: Later<String>,
    pub(super) directory: Option<PathBuf>,
}

/// What stands for an answer that comes later.
pub(super) const LATER: &str = "later";

/// What stands for the secret of an app that has none.
pub(super) const NO_SECRET: &str = "none";

/// What stands for the app itself, where a person could sign in for a shared mailbox.
pub(super) const NOBODY_SIGNS_IN: &str = "nobody";

impl Draft {
    /// Takes the answer to a question; what is wrong with it, if something is.
    pub(super) fn put(
        &mut self,
        question: Question,
        typed: &str,
        surroundings: &dyn Surroundings,
    ) -> Result<(), String> {
        match question {
            Question::Product => self.put_product(typed)?,
            Question::Way => self.way = Some(pick(typed, &self.ways(), Way::key)?),
            Question::Shared => {
                let (key, ..) = pick(typed, &SHARED, |(key, ..)| key)?;
                self.is_shared = Some(key == "shared");
                let ways = self.ways();
                self.way = self.way.filter(|way| ways.contains(way));
            }
            Question::SignsInAs => self.put_signer(typed)?,
            Question::Tenant => self.put_tenant(typed)?,
            Question::Cloud => self.cloud = Some(pick(typed, &self.clouds, |preset| preset.name)?),
            Question::Protocols => self.protocols = Some(protocols(typed)?),
            Question::ClientId => {
                let tenant = self.tenant.as_deref().unwrap_or_default();
                self.client_id = Some(unless_later(typed, |typed| typed::client_id(typed, tenant))?);
            }
            Question::Mailboxes => self.mailboxes = Some(typed::mailboxes(typed)?),
            Question::Place => self.put_place(typed)?,
            Question::Host if self.place == Some(Place::Internet) => {
                self.host = Some(typed::public_host(typed)?);
            }
            Question::Host => self.host = Some(typed::host(typed)?),
            Question::Networks => {
                let given = unless_later(typed, |typed| typed::networks(typed, self.reach()))?;
                self.networks = Some(given.unwrap_or_default());
            }
            Question::Secret => self.put_secret(typed)?,
            Question::SecretExpires => self.expires = Some(unless_later(typed, typed::day)?),
            Question::Directory => {
                let directory = surroundings.absolute(typed.trim())?;
                surroundings.usable(&directory)?;
                self.directory = Some(directory);
            }
        }
        Ok(())
    }

    /// Another product brings other defaults.
    fn put_product(&mut self, typed: &str) -> Result<(), String> {
        let product = pick(typed, &Product::ALL, |product| product.facts().key)?;
        if self.product != Some(product) {
            (self.way, self.protocols, self.place, self.networks) = (None, None, None, None);
            self.signs_in_as = None;
        }
        self.product = Some(product);
        Ok(())
    }

    /// One person; or nobody, and then the app itself opens the mailbox.
    fn put_signer(&mut self, typed: &str) -> Result<(), String> {
        if typed.trim().eq_ignore_ascii_case(NOBODY_SIGNS_IN) {
            self.way = Some(Way::AppSecret);
            return Ok(());
        }
        match typed::mailboxes(typed)?.as_slice() {
            [person] => self.signs_in_as = Some(person.clone()),
            _ => return Err("one person signs in: write one address, or nobody".to_owned()),
        }
        Ok(())
    }

    fn put_tenant(&mut self, typed: &str) -> Result<(), String> {
        let found = typed::tenant(typed)?;
        self.cloud = self
            .cloud
            .filter(|cloud| found.clouds.iter().any(|known| known.name == cloud.name));
        self.tenant = Some(found.name);
        self.clouds = found.clouds;
        self.seen_client_id = found.client_id.or(self.seen_client_id.take());
        Ok(())
    }

    /// Only an app that acts for itself has to prove itself: a person's sign-in may do without.
    fn put_secret(&mut self, typed: &str) -> Result<(), String> {
        let is_none = typed.trim().eq_ignore_ascii_case(NO_SECRET);
        if is_none && self.way.is_some_and(Way::is_app_only) {
            return Err(
                "an app that acts for itself proves itself by its secret: write the Value, or later"
                    .to_owned(),
            );
        }
        self.secret = if is_none {
            Some(None)
        } else {
            Some(unless_later(typed, typed::client_secret)?.map(Rc::new))
        };
        self.has_no_secret = is_none;
        Ok(())
    }

    fn put_place(&mut self, typed: &str) -> Result<(), String> {
        let place = pick(typed, &self.places(), Place::key)?;
        if self.place != Some(place) {
            self.networks = None;
        }
        self.place = Some(place);
        Ok(())
    }

    /// The ways that can be chosen. A shared mailbox has no password that anybody could type.
    pub(super) fn ways(&self) -> Vec<Way> {
        match (self.product, self.is_shared) {
            (Some(product), Some(true)) => product.ways_to_shared(),
            (Some(product), _) => product.ways(),
            (None, _) => Vec::new(),
        }
    }

    /// The places that can be chosen. Whoever can be reached from the internet takes generated passwords alone, and a
    /// password of Microsoft's is none.
    pub(super) fn places(&self) -> Vec<Place> {
        let is_possible =
            |place: &Place| *place != Place::Internet || self.way.is_none_or(Way::has_local_password);
        Place::ALL.into_iter().filter(is_possible).collect()
    }

    fn reach(&self) -> Reach {
        if self.place == Some(Place::Internet) {
            Reach::Public
        } else {
            Reach::Private
        }
    }

    /// What usually proves the app, if that is known already.
    pub(super) fn usual_proof(&self) -> Option<Proof> {
        Some(self.way?.proof(self.product?))
    }

    /// What proves it, if that is known already.
    pub(super) fn proof(&self) -> Option<Proof> {
        match (self.way?, self.usual_proof()?) {
            (way, Proof::Secret) if self.has_no_secret && !way.is_app_only() => Some(Proof::None),
            (_, usual) => Some(usual),
        }
    }

    /// All of it; none if something is missing.
    pub(super) fn answers(&self) -> Option<Answers> {
        let place = self.place?;
        let proof = self.proof()?;
        let has_secret = proof == Proof::Secret;
        let of_secret = |said: bool| said && has_secret;
        let secret = self.secret.clone().flatten().filter(|_| has_secret);
        let expires = self.expires.clone().flatten();
        Some(Answers {
            product: self.product?,
            way: self.way?,
            proof,
            signs_in_as: self
                .signs_in_as
                .clone()
                .filter(|_| Question::SignsInAs.applies(self)),
            preset: self.cloud.or(self.clouds.first().copied())?,
            tenant: self.tenant.clone()?,
            client_id: self.client_id.clone()?,
            protocols: self.protocols.clone()?,
            mailboxes: self.mailboxes.clone()?,
            place,
            host: self.host.clone().filter(|_| place.has_networks()),
            networks: self
                .networks
                .clone()
                .filter(|_| place.has_networks())
                .unwrap_or_default(),
            secret_expires: expires.filter(|_| of_secret(true)),
            secret,
            password_file: None,
            directory: self.directory.clone()?,
        })
    }
}

fn unless_later<T>(typed: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    let typed = typed.trim();
    if typed.is_empty() || typed.eq_ignore_ascii_case(LATER) {
        return Ok(None);
    }
    read(typed).map(Some)
}

fn pick<T: Copy>(typed: &str, from: &[T], key: impl Fn(T) -> &'static str) -> Result<T, String> {
    let keys: Vec<_> = from.iter().map(|one| key(*one)).collect();
    let at = typed::choice(typed, &keys)?;
    from.get(at)
        .copied()
        .ok_or_else(|| "there is no such choice".to_owned())
}

fn protocols(typed: &str) -> Result<Vec<Protocol>, String> {
    let words = typed
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut found = Vec::new();
    for word in words {
        let word = word.to_ascii_lowercase();
        let is_it =
            |protocol: &Protocol| protocol.name() == word || (word == "pop" && *protocol == Protocol::Pop3);
        match Protocol::ALL.into_iter().find(is_it) {
            Some(protocol) => found.push(protocol),
            None if word == "all" => found.extend(Protocol::ALL),
            None => {
                let shown = crate::name::shown(word.as_bytes(), 20);
                return Err(format!("{shown} is none of imap, pop3 and smtp"));
            }
        }
    }
    if found.is_empty() {
        return Err("write one or more of imap, pop3 and smtp".to_owned());
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
