//! What ends by itself: client secrets, certificates of apps and of listeners, sign-ins that nothing renews. The log says so
//! 30, 7 and 1 days before (what lives for less than 90 days, not before its last third), and once it has happened; a new secret can need another person, who may be on holiday.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::renewing::Renewing;
use super::weekly;
use crate::account::Accounts;
use crate::certificates::{AHEAD, Ours, mended_by, validity_of};
use crate::config::ConfiguredApp;
use crate::control::{Expiry, seconds};
use crate::hook::{Alert, Alerts};
use crate::listener::identity::Files;
use crate::oauth::Proof;
use crate::token::store::{Content, Listed};

/// How often it is looked. Days are counted, so an hour is soon enough.
const LOOK: Duration = Duration::from_secs(60 * 60);

const DAY: u64 = 24 * 60 * 60;

/// So many days before the end, and at the end, somebody is told.
const TOLD_AT: [u64; 4] = [30, 7, 1, 0];

/// How long a refresh token that nobody uses lives at Microsoft.
const UNUSED: Duration = Duration::from_secs(90 * DAY);

/// From so long before its end a mail client is told, if its account wants that.
const NOTICED: Duration = Duration::from_secs(7 * DAY);

/// Everything that ends, soonest first.
pub(super) async fn of(
    apps: &[ConfiguredApp],
    certificates: Vec<Files>,
    accounts: &Accounts,
    listed: &[Listed],
) -> Vec<Expiry> {
    let mut expiries = of_apps(apps).await;
    let of_listeners = spawn_blocking(move || certificates.iter().flat_map(of_listener).collect::<Vec<_>>());
    for expiry in of_listeners.await.unwrap_or_default() {
        // Two certificates may have one authority.
        if !expiries.iter().any(|known| known.what == expiry.what) {
            expiries.push(expiry);
        }
    }
    let of_account = |listed: &&Listed| weekly::login(accounts, listed).is_some();
    let now = SystemTime::now();
    expiries.extend(
        listed
            .iter()
            .filter(of_account)
            .filter_map(|listed| of_sign_in(listed, now)),
    );
    expiries.sort_by_key(|expiry| expiry.at);
    expiries
}

/// A listener's certificate and, where `saslgate certs` made it, its authority. The file counts, because it may have been renewed
/// since it was read; one that can't be read is as it was.
fn of_listener(files: &Files) -> Vec<Expiry> {
    let validity = validity_of(&files.certificate).unwrap_or(files.validity);
    let certificate = Expiry {
        what: format!("the listeners' certificate {}", files.certificate.display()),
        at: seconds(validity.not_after),
        told_from: seconds(validity.told_from()),
        fix: mended_by(&files.certificate),
    };
    let authority = Ours::of(&files.certificate).map(|ours| Expiry {
        what: format!("the certificate authority {}", ours.places().ca.display()),
        at: seconds(ours.authority.not_after),
        told_from: seconds(ours.authority.told_from()),
        fix: ours.anew(),
    });
    [Some(certificate), authority].into_iter().flatten().collect()
}

/// Whether it is a sign-in that nothing has renewed, and that ends within a week or has ended.
pub(super) fn is_ending(listed: &Listed, now: SystemTime) -> bool {
    end_of_sign_in(listed).is_some_and(|end| end <= now + NOTICED)
}

fn end_of_sign_in(listed: &Listed) -> Option<SystemTime> {
    match &listed.content {
        Some(Content::SignIn(sign_in)) => Some(sign_in.refreshed + UNUSED),
        _ => None,
    }
}

/// A sign-in that the weekly renewal has not renewed for two months. The end of any other is not to be seen.
fn of_sign_in(listed: &Listed, now: SystemTime) -> Option<Expiry> {
    let end = end_of_sign_in(listed)?;
    (end <= now + AHEAD).then(|| Expiry {
        what: format!(
            "the sign-in of {} (app \"{}\"), which could not be renewed for weeks,",
            listed.account, listed.app
        ),
        at: seconds(end),
        told_from: seconds(end - AHEAD),
        fix: format!("saslgate sign-in {}", listed.account),
    })
}

/// Everything of these apps that ends.
async fn of_apps(apps: &[ConfiguredApp]) -> Vec<Expiry> {
    let mut expiries: Vec<Expiry> = Vec::new();
    for configured in apps {
        let found = [of_secret(configured), of_certificate(configured).await];
        for expiry in found.into_iter().flatten() {
            // An app for several tenants has one secret.
            if !expiries.iter().any(|known| known.what == expiry.what) {
                expiries.push(expiry);
            }
        }
    }
    expiries
}

pub(super) fn of_secret(configured: &ConfiguredApp) -> Option<Expiry> {
    let at: SystemTime = configured.app.secret_expires?;
    Some(Expiry {
        what: format!("the client secret of the app \"{}\"", configured.app.name),
        at: seconds(at),
        told_from: seconds(at).saturating_sub(AHEAD.as_secs()),
        fix: "make a new one in the portal, put its Value in place, and change `client_secret_expires`"
            .into(),
    })
}

pub(super) async fn of_certificate(configured: &ConfiguredApp) -> Option<Expiry> {
    let Proof::Certificate(files) = &configured.app.grant.registration()?.proof else {
        return None;
    };
    // One that can't be read is told by the logins that need it.
    let signer = files.signer().await.ok()?;
    Some(Expiry {
        what: format!("the certificate of the app \"{}\"", configured.app.name),
        at: seconds(signer.validity().not_after),
        told_from: seconds(signer.validity().told_from()),
        fix: "make a new one with `saslgate certs app`, upload its .cer to the app registration, then put it in place".into(),
    })
}

/// Renews what can be renewed and warns of the rest, until told to stop.
pub(super) async fn warn(desk: Arc<Desk>, alerts: Alerts, stop: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut renewing) = (Told::default(), Renewing::default());
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return,
        }
        renewing.look(desk.certificates()).await;
        desk.sweep_links().await;
        for (expiry, days) in told.news(desk.expiries().await, seconds(SystemTime::now())) {
            alerts.tell(Alert::expiry(&expiry.what, expiry.at, days, &expiry.fix));
            match days {
                0 => tracing::error!(what = expiry.what, fix = expiry.fix, "it has ended"),
                days => tracing::warn!(what = expiry.what, days, fix = expiry.fix, "it ends soon"),
            }
        }
    }
}

/// What was said already: of what, ending when, and how many days before.
#[derive(Default)]
struct Told(HashMap<String, (u64, u64)>);

impl Told {
    /// What has to be said now, each with the days that are left, rounded up.
    fn news(&mut self, expiries: Vec<Expiry>, now: u64) -> Vec<(Expiry, u64)> {
        let mut news = Vec::new();
        for expiry in expiries {
            let days = expiry.at.saturating_sub(now).div_ceil(DAY);
            let steps = TOLD_AT.into_iter().filter(|at| days <= *at);
            let Some(step) = steps.min().filter(|_| expiry.told_from.min(expiry.at) <= now) else {
                continue;
            };
            let before = self.0.get(&expiry.what).copied();
            if before.is_none_or(|(at, told)| at != expiry.at || step < told) {
                self.0.insert(expiry.what.clone(), (expiry.at, step));
                news.push((expiry, days));
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::GrantKey;
    use crate::token::store::{Condition, Generation, SignIn};

    fn secret(at: u64) -> Vec<Expiry> {
        vec![Expiry {
            what: "the client secret".into(),
            at,
            told_from: at.saturating_sub(AHEAD.as_secs()),
            fix: "make a new one".into(),
        }]
    }

    #[test]
    fn an_end_is_told_four_times() {
        let (mut told, end) = (Told::default(), 100 * DAY);
        let mut said = Vec::new();
        for hour in 0..101 * 24 {
            let news = told.news(secret(end), hour * 3600);
            said.extend(news.into_iter().map(|(_, days)| days));
        }
        assert_eq!(said, [30, 7, 1, 0]);
        // A new secret begins anew; one that was put in place two days before its end is told at once.
        assert_eq!(told.news(secret(103 * DAY), 101 * DAY)[0].1, 2);
    }

    fn sign_in(refreshed: SystemTime) -> Listed {
        let content = SignIn {
            owner: None,
            expected: None,
            scopes: "scope".into(),
            client_id: "id".into(),
            authority: "https://login.example/token".into(),
            signed_in: SystemTime::UNIX_EPOCH,
            refreshed,
        };
        Listed {
            key: GrantKey::from_hex(&"07".repeat(32)).unwrap(),
            generation: Generation::default(),
            account: "alice@contoso.com".into(),
            app: "app".into(),
            content: Some(Content::SignIn(content)),
            condition: Condition::Whole,
        }
    }

    /// The weekly renewal keeps sign-ins far from their end; one that comes near it is told like a certificate.
    #[test]
    fn a_sign_in_that_nothing_renews_ends_after_ninety_days() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 * DAY);
        let cases = [
            (7, None),
            (59, None),
            (61, Some(29)),
            (82, Some(8)),
            (83, Some(7)),
            (89, Some(1)),
            (95, Some(0)),
        ];
        for (days, left) in cases {
            let listed = sign_in(now - Duration::from_secs(days * DAY));
            let expiry = of_sign_in(&listed, now);
            let fix = expiry.as_ref().map(|expiry| expiry.fix.as_str());
            assert_eq!(
                fix,
                left.map(|_: u64| "saslgate sign-in alice@contoso.com"),
                "{days} days"
            );
            let told = Told::default().news(expiry.into_iter().collect(), seconds(now));
            assert_eq!(told.first().map(|(_, days)| *days), left);
            assert_eq!(
                is_ending(&listed, now),
                left.is_some_and(|left| left <= 7),
                "{days} days"
            );
        }
        assert_eq!(cases.len(), 7);
    }

    /// A week is the whole life of some certificates: "ends in 7 days" on the day of their making would be said each time.
    #[test]
    fn a_certificate_for_a_week_is_told_in_its_last_third() {
        let (mut told, mut said) = (Told::default(), Vec::new());
        for hour in 0..8 * 24 {
            let week = vec![Expiry {
                told_from: 7 * DAY - 7 * DAY / 3,
                ..secret(7 * DAY).remove(0)
            }];
            said.extend(told.news(week, hour * 3600).into_iter().map(|(_, days)| days));
        }
        assert_eq!(said, [3, 1, 0]);
    }

    #[test]
    fn what_ends_later_is_not_told() {
        let mut told = Told::default();
        assert!(told.news(secret(31 * DAY), 0).is_empty());
        assert_eq!(told.news(secret(30 * DAY), 0).len(), 1);
    }
}
