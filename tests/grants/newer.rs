//! Another process has renewed a sign-in while this one asked with the token before.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use saslgate::account::Authorized;
use saslgate::oauth::{App, Delegated, Dialect, Endpoint, Grant, Proof, Registration, Scopes, UsualSignIn};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::secret::Secret;
use saslgate::sim::Demo;
use saslgate::sim::entra::EntraError;
use saslgate::token::store::{Content, MemoryStore, Record, SignIn, Swap, TokenStore as _};
use saslgate::token::{Kind, StoreSlot, Tokens};

use crate::people::{Signing, client_id, person};
use crate::sim_support::logins::authorized;
use crate::sim_support::trusting;
use crate::support::until;

pub(crate) fn app(signing: &Signing) -> Arc<App> {
    let registration = Registration {
        token_url: signing.sim.addresses().token_url(Demo::TENANT).parse().unwrap(),
        client_id: client_id(1).into(),
        proof: Proof::None,
        dialect: Dialect::Scope,
    };
    Arc::new(App {
        name: "people".into(),
        grant: Grant::SignIn(Delegated {
            registration,
            scopes: Scopes::parse(Demo::DELEGATED_SCOPE).unwrap(),
            browser: None,
            device_url: None,
            admin_consent_url: None,
            usual: UsualSignIn::RefreshToken,
        }),
        token_export: false,
        secret_expires: None,
    })
}

pub(crate) fn record(login: &Authorized, token: &str) -> Record {
    let wanted = login.token_wanted();
    Record {
        account: wanted.account,
        app: "people".into(),
        content: Content::SignIn(SignIn {
            owner: None,
            expected: Some(wanted.owner.as_str().into()),
            scopes: Demo::DELEGATED_SCOPE.into(),
            client_id: client_id(1).into(),
            authority: "https://localhost/".into(),
            signed_in: SystemTime::now(),
            refreshed: SystemTime::now(),
        }),
        secret: Secret::new(token.to_owned()),
    }
}

/// `invalid_grant` for a token that has a successor in the store says nothing about the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_refresh_token_in_the_store_is_taken_before_anything_is_declared_dead() {
    for renewed_meanwhile in [true, false] {
        let signing = Signing::new();
        let grace = person(&signing.sim, "grace");
        let tokens_of_grace = [
            signing.refresh_token(&grace).await,
            signing.refresh_token(&grace).await,
        ];
        let (app, store) = (app(&signing), Arc::new(MemoryStore::new()));
        let login = authorized(&app, &grace).await;
        let key = login.token_wanted().key.grant;
        let Swap::Saved(first) = store
            .swap(key, None, record(&login, &tokens_of_grace[0]))
            .await
            .unwrap()
        else {
            panic!("a conflict")
        };
        let endpoint =
            Endpoint::new(Outgoing::new(&Arc::new(trusting(&signing.sim)), &Proxy::Direct).unwrap());
        let tokens = Tokens::new(endpoint, StoreSlot::open(Arc::clone(&store) as _));
        signing.sim.entra().latency.set(Duration::from_millis(500));
        signing
            .sim
            .entra()
            .refuse_next(1, EntraError::new(70_008, "invalid_grant", "It has expired."));
        let before = signing.sim.entra().connections();
        let pending = tokens.pending(&login);
        let asked = || signing.sim.entra().connections() > before;
        until(Duration::from_secs(60), "the first request", asked).await;
        if renewed_meanwhile {
            let swapped = store
                .swap(key, Some(first), record(&login, &tokens_of_grace[1]))
                .await;
            assert!(matches!(swapped, Ok(Swap::Saved(_))), "{swapped:?}");
        }
        let outcome = pending.token().await;
        if renewed_meanwhile {
            assert!(outcome.is_ok(), "{outcome:?}");
        } else {
            assert_eq!(outcome.unwrap_err().kind, Kind::NeedsSignIn);
        }
        assert_eq!(
            signing.sim.entra().requests_of("refresh_token"),
            if renewed_meanwhile { 2 } else { 1 }
        );
        assert!(
            store.load(key).await.unwrap().is_some(),
            "nothing takes a sign-in away"
        );
    }
}
