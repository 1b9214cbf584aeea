//! One login, checked: which account, which rules, which password.
//!
//! Every attempt costs one fast hash. Every attempt that fails costs one slow hash besides, if any account has a chosen
//! password: an unknown user, a wrong password, a forbidden source and a protocol that is not allowed take the same time.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::accounts::Work;
use super::hashing::{Busy, Hashed, Hashing, Queue};
use super::password::{ChosenHash, Cost, GeneratedHash, HashingError, PasswordId, Symbols};
use super::throttle::{Guess, Throttle};
use super::verdict::Way;
use super::verified::Verified;
use super::{Account, Accounts, Authorized, Candidate, Entrance, Judge, Passwords, RefusedLogin, Verdict};
use crate::downstream::Credentials;
use crate::name::{LoginName, Mailbox};
use crate::secret::Secret;

/// What a wrong guess at a seal of email-oauth2-proxy costs: its 1.2 million iterations, and the 100,000 of its first years.
const USUAL_ITERATIONS: NonZeroU32 = NonZeroU32::new(1_300_000).unwrap();

/// What outlives a reload: who guessed lately, which passwords were right a moment ago, and those who hash.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    throttle: Throttle,
    hashing: Hashing,
    verified: Verified,
    generated: GeneratedHash,
    chosen: ChosenHash,
    names: RandomState,
    /// Whether an account may wait for the first login that shows the password by which another program knew it.
    some_wait: AtomicBool,
}

impl Shared {
    /// Knows nothing yet.
    pub fn new() -> Result<Self, HashingError> {
        Ok(Self(Arc::new(Inside {
            throttle: Throttle::new(),
            hashing: Hashing::new(),
            verified: Verified::new()?,
            generated: GeneratedHash::stand_in()?,
            chosen: ChosenHash::stand_in(Cost::default())?,
            names: RandomState::new(),
            some_wait: AtomicBool::new(true),
        })))
    }

    /// How much was hashed since the start.
    pub fn hashed(&self) -> Hashed {
        self.0.hashing.hashed()
    }

    pub(super) fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    /// What the token store has told.
    pub(super) fn some_wait(&self, some: bool) {
        self.0.some_wait.store(some, Ordering::Relaxed);
    }

    pub(super) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    pub(super) fn verified(&self) -> &Verified {
        &self.0.verified
    }
}

/// A password that was found right.
enum Proof {
    Generated(PasswordId),
    Chosen,
}

impl Proof {
    fn app_password(self) -> Option<PasswordId> {
        match self {
            Self::Generated(id) => Some(id),
            Self::Chosen => None,
        }
    }
}

/// A login as it came, read as far as it can be without judging it.
struct Attempt<'a> {
    entrance: Entrance<'a>,
    authzid: &'a [u8],
    user: &'a [u8],
    account: Option<&'a Arc<Account>>,
    password: Arc<Secret<String>>,
    symbols: Option<Symbols>,
}

impl Attempt<'_> {
    /// The account's generated password that the typed one claims to be.
    fn claimed(&self) -> Option<&GeneratedHash> {
        self.account?.generated(self.symbols.as_ref()?.id())
    }

    /// Where the login leads, whatever its password.
    fn way(&self) -> Result<Way, RefusedLogin> {
        let login = LoginName::parse(self.user).map_err(RefusedLogin::BadName)?;
        let account = self.account.ok_or(RefusedLogin::UnknownUser)?;
        way(account, &login, self.entrance, self.authzid)
    }

    /// Whether the listener takes no password that a person chose.
    fn needs_generated(&self) -> bool {
        self.entrance.passwords == Passwords::Generated
    }

    /// The login, if nothing but somebody else's word is missing: whoever breaks a rule is refused without asking anybody.
    fn for_judge(&self) -> Option<(Authorized, Judge)> {
        let account = self.account?;
        let way = self.way().ok()?;
        let judge = account.judge(&way.route)?;
        let may = !self.password.expose().is_empty() && !self.needs_generated() && self.claimed().is_none();
        may.then(|| {
            let login = Authorized::new(Arc::clone(account), self.entrance.protocol, way, None);
            (login, judge)
        })
    }

    /// Why it is refused, given that its password is not right.
    fn wrong(&self, way: Result<Way, RefusedLogin>) -> RefusedLogin {
        match (way, self.account) {
            (Err(why), None) => why,
            (_, Some(account)) if account.lets_nobody_in() => RefusedLogin::NoPasswordSet,
            _ if self.needs_generated() && self.symbols.is_none() => RefusedLogin::NotGenerated,
            _ => RefusedLogin::WrongPassword,
        }
    }
}

/// Where a login of that name leads by the rules of its account.
pub(super) fn way(
    account: &Account,
    login: &LoginName,
    entrance: Entrance<'_>,
    authzid: &[u8],
) -> Result<Way, RefusedLogin> {
    let Entrance { protocol, peer, .. } = entrance;
    let own = account
        .own_mailbox(login)
        .ok_or(RefusedLogin::MailboxNotAllowed)?;
    let route = account.routes.get(&protocol);
    let route = route.ok_or(RefusedLogin::ProtocolNotAllowed(protocol))?.clone();
    if !account.allow_from.is_empty() && !peer.is_in(&account.allow_from) {
        return Err(RefusedLogin::ForbiddenSource);
    }
    let mailbox = asked_for(authzid, login, account, &own)?;
    let owner = account.signs_in_as.clone().unwrap_or(own);
    Ok(Way {
        route,
        mailbox,
        owner,
    })
}

/// The mailbox that the authorization identity names (RFC 4616 2): none, the login itself, or one that the account lists.
/// With app-only tokens nothing but this stands between one person's password and everybody's mail.
fn asked_for(
    authzid: &[u8],
    login: &LoginName,
    account: &Account,
    own: &Mailbox,
) -> Result<Mailbox, RefusedLogin> {
    if authzid.is_empty() {
        return Ok(own.clone());
    }
    let asked = LoginName::parse(authzid).map_err(RefusedLogin::BadName)?;
    let names = |mailbox: &&Mailbox| mailbox.as_str().eq_ignore_ascii_case(asked.as_str());
    if asked == *login || names(&own) {
        return Ok(own.clone());
    }
    account
        .may_open
        .iter()
        .find(names)
        .cloned()
        .ok_or(RefusedLogin::MailboxNotAllowed)
}

/// A password as text: UTF-8 as it is, anything else as Latin-1, which Java's mail clients send (é as one byte, 0xE9).
fn typed(password: &[u8]) -> Secret<String> {
    // Room for all of it at once: a string that grows leaves copies behind.
    let mut text = String::with_capacity(password.len() * 2);
    match str::from_utf8(password) {
        Ok(utf8) => text.push_str(utf8),
        Err(_) => text.extend(password.iter().map(|byte| char::from(*byte))),
    }
    Secret::new(text)
}

impl Accounts {
    /// Checks one login. It takes as long for every refusal that is no limit.
    pub async fn check(&self, entrance: Entrance<'_>, credentials: &Credentials) -> Verdict<'_> {
        let (authzid, user, password) = match credentials {
            Credentials::Password {
                authzid,
                user,
                password,
            } => (authzid, user, password),
            Credentials::Network(device) => {
                let checked = self.check_device(entrance, device).await;
                return checked.map_or_else(Verdict::Refused, Verdict::Authorized);
            }
        };
        let password = typed(password.expose());
        let attempt = Attempt {
            entrance,
            authzid,
            user,
            account: LoginName::parse(user).ok().and_then(|login| self.find(&login)),
            symbols: Symbols::read(password.expose()),
            password: Arc::new(password),
        };
        self.admit_and_judge(&attempt)
            .await
            .unwrap_or_else(Verdict::Refused)
    }

    async fn admit_and_judge(&self, attempt: &Attempt<'_>) -> Result<Verdict<'_>, RefusedLogin> {
        let name = attempt.user.to_ascii_lowercase();
        let account = attempt.account.map(|account| account.name.to_string());
        let guess = Guess {
            source: attempt.entrance.peer.source(),
            name: &name,
            account: account.as_deref(),
            claimed: attempt.claimed().map(GeneratedHash::id),
        };
        let admission = self.shared.0.throttle.admit(guess).await;
        let admission = admission.ok_or(RefusedLogin::TooManyGuesses)?;
        if let Some(login) = attempt.for_judge() {
            let password = Arc::clone(&attempt.password);
            return Ok(Verdict::Ask(Candidate::new(
                login,
                password,
                admission,
                &self.shared,
            )));
        }
        let judged = self.judge(attempt, admission.queue()).await;
        match &judged {
            Ok(_) => admission.right(),
            Err(why) if why.is_limit() => admission.not_looked_at(),
            Err(_) => admission.wrong().await,
        }
        judged.map(Verdict::Authorized)
    }

    async fn judge(&self, attempt: &Attempt<'_>, queue: Queue) -> Result<Authorized, RefusedLogin> {
        let way = attempt.way();
        let proof = self
            .prove(attempt, way.is_ok(), queue)
            .await
            .map_err(|Busy| RefusedLogin::Busy)?;
        match (attempt.account, proof) {
            (Some(account), Some(proof)) => Ok(Authorized::new(
                Arc::clone(account),
                attempt.entrance.protocol,
                way?,
                proof.app_password(),
            )),
            _ => Err(attempt.wrong(way)),
        }
    }

    /// Whether the password is one of the account's. `allowed`: whether a right one would let the login in. Where it
    /// would not, the work is that of a wrong password, and what is remembered of right ones is of no use.
    async fn prove(&self, attempt: &Attempt<'_>, allowed: bool, queue: Queue) -> Result<Option<Proof>, Busy> {
        let generated = self.prove_generated(attempt);
        // Where no chosen password counts none is hashed: all refusals still take the same time, and a crowd that guesses
        // keeps no processor busy.
        if attempt.needs_generated() || self.costs.is_empty() || (allowed && generated.is_some()) {
            return Ok(generated);
        }
        Ok(self.prove_chosen(attempt, allowed, queue).await?.or(generated))
    }

    fn prove_generated(&self, attempt: &Attempt<'_>) -> Option<Proof> {
        let Inside {
            hashing, generated, ..
        } = &*self.shared.0;
        let blank = Symbols::blank();
        let symbols = attempt.symbols.as_ref().unwrap_or(&blank);
        let hash = attempt.claimed().unwrap_or(generated);
        hashing
            .is_generated(hash, symbols)
            .then(|| Proof::Generated(hash.id()))
    }

    async fn prove_chosen(
        &self,
        attempt: &Attempt<'_>,
        allowed: bool,
        queue: Queue,
    ) -> Result<Option<Proof>, Busy> {
        let Inside {
            hashing, verified, ..
        } = &*self.shared.0;
        let own = attempt.account.and_then(|account| account.chosen());
        let work = self.work(attempt.user);
        if own.is_none() && work == Work::Imported && self.shared.0.some_wait.load(Ordering::Relaxed) {
            let password = Arc::clone(&attempt.password);
            // One with a backslash would be tried in two spellings.
            let spellings = if password.expose().contains('\\') { 2 } else { 1 };
            let iterations = USUAL_ITERATIONS.saturating_mul(NonZeroU32::MIN.saturating_add(spellings - 1));
            hashing
                .derive(password, Box::new([0; 16]), iterations, queue)
                .await?;
            return Ok(None);
        }
        let stand_in = self.stand_in(work);
        let hash = own.unwrap_or(&stand_in);
        let name = attempt
            .account
            .map(|account| account.name.to_string())
            .unwrap_or_default();
        let digest = verified.digest(&name, hash, &attempt.password);
        if verified.contains(&digest) && allowed {
            return Ok(Some(Proof::Chosen));
        }
        let right = hashing.is_chosen(hash, &attempt.password, queue).await?;
        if right && allowed {
            verified.remember(digest);
        }
        Ok(right.then_some(Proof::Chosen))
    }

    /// The work for a name without a chosen password: that of one of the stored ones, always the same one for a name, so
    /// that where costs differ they do not tell which names exist.
    fn work(&self, user: &[u8]) -> Work {
        let names = &self.shared.0.names;
        let number = usize::try_from(names.hash_one(user.to_ascii_lowercase())).unwrap_or(usize::MAX);
        let at = number.checked_rem(self.costs.len());
        at.map_or(Work::Hash(Cost::default()), |at| self.costs[at])
    }

    /// What is hashed where there is no chosen password.
    fn stand_in(&self, work: Work) -> ChosenHash {
        let cost = match work {
            Work::Hash(cost) => cost,
            Work::Imported => Cost::default(),
        };
        self.shared.0.chosen.costing(cost)
    }
}
