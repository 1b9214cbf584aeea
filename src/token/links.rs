//! Links by which the owners of mailboxes sign in: each for one account and app, for one sign-in, for a day.
//!
//! They are kept in the token store, because an operator sends them in the evening and the owner opens them in the morning,
//! after an upgrade perhaps. What is kept is a digest: whoever reads the store can open no link.

use std::time::{Duration, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::store::{Content, Listed, Record, StoreError, Swap, TokenStore, Trouble};
use crate::oauth::GrantKey;
use crate::secret::Secret;

/// How long a link is good: until the next morning, not until it is found in a mailbox years later.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A sign-in that was begun in time may last so long beyond the end of its link.
const UNDER_WAY: Duration = Duration::from_secs(15 * 60);

/// How long what a link ends with is: 256 bits in base64url.
const LENGTH: usize = 43;

/// What a link is for.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where the store keeps it.
    pub key: GrantKey,
    /// The account, as the store's records name it.
    pub account: Box<str>,
    /// The app as the configuration names it.
    pub app: Box<str>,
    /// Who asks for the sign-in.
    pub asked_by: Box<str>,
    /// Until when it is good.
    pub expires: SystemTime,
}

impl Link {
    fn of(key: GrantKey, account: &str, app: &str, content: &Content) -> Option<Self> {
        let Content::SignInLink { asked_by, expires } = content else {
            return None;
        };
        Some(Self {
            key,
            account: account.into(),
            app: app.into(),
            asked_by: asked_by.clone(),
            expires: *expires,
        })
    }

    /// The link that a record of the store's list is, if it is one.
    pub fn listed(listed: &Listed) -> Option<Self> {
        Self::of(listed.key, &listed.account, &listed.app, listed.content.as_ref()?)
    }

    fn is_for(&self, account: &str, app: &str) -> bool {
        self.account.eq_ignore_ascii_case(account) && *self.app == *app
    }
}

/// Makes a link for an account's app, and withdraws those that there were. What it ends with is told this once; the links
/// that are gone come back with it.
pub async fn make(
    store: &dyn TokenStore,
    account: &str,
    app: &str,
    asked_by: &str,
    now: SystemTime,
) -> Result<(Secret<String>, Link, Vec<Link>), StoreError> {
    // Two that are made at once would else both stay.
    let _lease = store.lease(GrantKey::of_sign_in_links(account, app)).await?;
    let gone = withdraw(store, account, app).await?;
    let token = random()?;
    let link = Link {
        key: GrantKey::of_sign_in_link(token.expose()),
        account: account.into(),
        app: app.into(),
        asked_by: asked_by.into(),
        expires: now + LIFETIME,
    };
    let record = Record {
        account: link.account.clone(),
        app: link.app.clone(),
        content: Content::SignInLink {
            asked_by: link.asked_by.clone(),
            expires: link.expires,
        },
        secret: digest_of(&token),
    };
    match store.swap(link.key, None, record).await? {
        // One that is not on the disk yet is good as long as saslgate runs, and the store tells whoever has to know.
        Swap::Saved(_) | Swap::Unsaved(..) => Ok((token, link, gone)),
        Swap::Conflict(_) => Err(StoreError::defect("a new link is an old one")),
    }
}

/// What a link is for; none if there is no such link, or no more.
pub async fn find(
    store: &dyn TokenStore,
    token: &Secret<String>,
    now: SystemTime,
) -> Result<Option<Link>, StoreError> {
    if token.expose().len() != LENGTH {
        return Ok(None);
    }
    let key = GrantKey::of_sign_in_link(token.expose());
    let stored = match store.load(key).await {
        Ok(stored) => stored,
        // One that can't be opened is good for nothing, and whoever brings it is told no more than that.
        Err(error) if matches!(error.trouble, Trouble::RecordDamaged | Trouble::RecordNewer) => None,
        Err(error) => return Err(error),
    };
    let Some(stored) = stored else {
        return Ok(None);
    };
    let record = &stored.record;
    let (kept, given) = (&record.secret, digest_of(token));
    // In constant time, although only who has the link comes as far as this.
    let is_it = verify_slices_are_equal(kept.expose().as_bytes(), given.expose().as_bytes()).is_ok();
    let link = Link::of(key, &record.account, &record.app, &record.content);
    Ok(link.filter(|link| is_it && now < link.expires))
}

/// Whether a link that was good has not been withdrawn since, nor used.
pub async fn stands(store: &dyn TokenStore, link: &Link) -> Result<bool, StoreError> {
    Ok(store.load(link.key).await?.is_some())
}

/// Takes the links of an account's app out of the store: they were used, or others take their place.
pub async fn withdraw(store: &dyn TokenStore, account: &str, app: &str) -> Result<Vec<Link>, StoreError> {
    let mut links = all(store).await?;
    links.retain(|link| link.is_for(account, app));
    remove(store, links).await
}

/// Takes the links out of the store that have ended.
pub async fn sweep(store: &dyn TokenStore, now: SystemTime) -> Result<Vec<Link>, StoreError> {
    let mut links = all(store).await?;
    links.retain(|link| link.expires + UNDER_WAY <= now);
    remove(store, links).await
}

async fn all(store: &dyn TokenStore) -> Result<Vec<Link>, StoreError> {
    Ok(store.list().await?.iter().filter_map(Link::listed).collect())
}

async fn remove(store: &dyn TokenStore, links: Vec<Link>) -> Result<Vec<Link>, StoreError> {
    for link in &links {
        store.remove(link.key).await?;
    }
    Ok(links)
}

fn random() -> Result<Secret<String>, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let filled = aws_lc_rs::rand::fill(&mut *bytes);
    filled.map_err(|_| StoreError::defect("a link can't be made"))?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

/// Another one than the key, which everybody may see who may read the store's file.
fn digest_of(token: &Secret<String>) -> Secret<String> {
    let text = Zeroizing::new(format!("sign-in link {}", token.expose()));
    Secret::new(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::store::MemoryStore;

    const ALICE: &str = "alice@contoso.com";

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400)
    }

    async fn made(store: &MemoryStore, account: &str, app: &str) -> Secret<String> {
        make(store, account, app, "Jane (IT)", noon()).await.unwrap().0
    }

    async fn is_good(store: &MemoryStore, token: &Secret<String>, now: SystemTime) -> bool {
        find(store, token, now).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_link_is_found_for_a_day_by_what_it_ends_with() {
        let store = MemoryStore::new();
        let token = made(&store, ALICE, "people").await;
        assert!(token.expose().len() == LENGTH && !token.expose().contains(['/', '+', '=']));
        let link = find(&store, &token, noon()).await.unwrap().unwrap();
        assert_eq!(
            (&*link.account, &*link.app, &*link.asked_by),
            (ALICE, "people", "Jane (IT)")
        );
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(link.expires, noon() + day);
        let second = Duration::from_secs(1);
        assert!(is_good(&store, &token, noon() + day - second).await);
        assert!(!is_good(&store, &token, noon() + day).await);
    }

    #[tokio::test]
    async fn nothing_else_is_a_link() {
        let store = MemoryStore::new();
        let token = made(&store, ALICE, "people").await;
        let listed = store.list().await.unwrap().remove(0);
        let stored = store.load(listed.key).await.unwrap().unwrap();
        let text = token.expose();
        let others = [
            String::new(),
            text[1..].to_owned(),
            format!("{text}A"),
            format!("{text}="),
            text.to_ascii_uppercase(),
            listed.key.to_hex(),
            // What a thief finds who can open the store.
            stored.record.secret.expose().clone(),
            random().unwrap().expose().clone(),
        ];
        for other in others.clone() {
            assert!(
                !is_good(&store, &Secret::new(other.clone()), noon()).await,
                "{other}"
            );
        }
        assert_eq!(others.len(), 8);
        assert!(is_good(&store, &token, noon()).await);
    }

    #[tokio::test]
    async fn a_link_is_kept_as_digests() {
        let store = MemoryStore::new();
        let token = made(&store, ALICE, "people").await;
        let listed = store.list().await.unwrap().remove(0);
        let stored = store.load(listed.key).await.unwrap().unwrap();
        let kept = format!("{listed:?} {:?} {}", stored.record, stored.record.secret.expose());
        assert!(!kept.contains(token.expose()), "{kept}");
        assert!(kept.contains("Jane (IT)"), "{kept}");
    }

    #[tokio::test]
    async fn another_link_takes_the_place_of_those_for_the_same_account_and_app() {
        let store = MemoryStore::new();
        let first = made(&store, ALICE, "people").await;
        let sending = made(&store, ALICE, "sending").await;
        let bob = made(&store, "bob@contoso.com", "people").await;
        let (second, _, gone) = make(&store, "Alice@contoso.com", "people", "Joe", noon())
            .await
            .unwrap();
        assert_eq!(gone.len(), 1);
        assert!(!is_good(&store, &first, noon()).await);
        for token in [&second, &sending, &bob] {
            assert!(is_good(&store, token, noon()).await);
        }
    }

    #[tokio::test]
    async fn two_that_are_made_at_once_leave_one() {
        let store = MemoryStore::new();
        let make = || make(&store, ALICE, "people", "Joe", noon());
        let (one, other) = tokio::join!(make(), make());
        let (one, other) = (one.unwrap().0, other.unwrap().0);
        let good = [
            is_good(&store, &one, noon()).await,
            is_good(&store, &other, noon()).await,
        ];
        assert_eq!(good.iter().filter(|good| **good).count(), 1);
    }

    #[tokio::test]
    async fn a_used_or_withdrawn_link_does_not_stand() {
        let store = MemoryStore::new();
        let token = made(&store, ALICE, "people").await;
        let link = find(&store, &token, noon()).await.unwrap().unwrap();
        assert!(stands(&store, &link).await.unwrap());
        assert_eq!(withdraw(&store, ALICE, "people").await.unwrap().len(), 1);
        assert!(!stands(&store, &link).await.unwrap());
        assert!(!is_good(&store, &token, noon()).await);
    }

    #[tokio::test]
    async fn ended_links_are_swept_once_no_sign_in_by_them_can_go_on() {
        let store = MemoryStore::new();
        made(&store, ALICE, "people").await;
        let end = noon() + LIFETIME;
        assert!(sweep(&store, end).await.unwrap().is_empty());
        assert_eq!(sweep(&store, end + UNDER_WAY).await.unwrap().len(), 1);
        assert!(store.list().await.unwrap().is_empty());
    }
}
