//! The authorize endpoint: who sits at the browser, what they do, and what it is sent back with.

use saslgate::sim::directory::{Person, Platform, Tenant};
use saslgate::sim::entra::{Browser, Does, EntraError, SignInFault, VisitOutcome, Who};
use saslgate::sim::{Demo, Settings, Sim};

use crate::https::{
    IMAP_SCOPE, Pairs, asking, asking_without_secret, authorize, claims, redeeming, sign_in, text, token,
};

fn sim() -> Sim {
    Sim::start(Settings::default()).unwrap()
}

#[tokio::test]
async fn a_code_comes_back_and_becomes_tokens() {
    let sim = sim();
    let back = authorize(&sim, Demo::TENANT, &asking().with("nonce", "n-1")).await;
    assert_eq!(back.status, 302, "{back:?}");
    let to = back.location().unwrap();
    assert!(to.as_str().starts_with("http://localhost:8425/?code="), "{to}");
    assert_eq!(back.back("state").as_deref(), Some("st at/e"));
    let code = back.back("code").unwrap();
    let answer = token(&sim, Demo::TENANT, &redeeming(&code)).await;
    let json = answer.json();
    assert_eq!(
        (&json["token_type"], &json["expires_in"]),
        (&"Bearer".into(), &3599.into())
    );
    let scope = text(&json, "scope");
    assert!(
        scope.starts_with(IMAP_SCOPE) && scope.ends_with("SMTP.Send"),
        "{scope}"
    );
    assert!(text(&json, "refresh_token").starts_with("0.AX"));
    let access = claims(&text(&json, "access_token"));
    assert_eq!(access["aud"], "https://outlook.office.com");
    assert_eq!(
        access["scp"],
        "IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send"
    );
    assert_eq!(
        (&access["upn"], &access["appidacr"]),
        (&Demo::ALICE.into(), &"1".into())
    );
    assert_eq!(
        (&access["roles"], &access["tid"]),
        (&serde_json::Value::Null, &Demo::TENANT.into())
    );
    let id = claims(&text(&json, "id_token"));
    assert_eq!(
        (&id["aud"], &id["nonce"]),
        (&Demo::CLIENT_ID.into(), &"n-1".into())
    );
    assert_eq!(
        (&id["preferred_username"], &id["oid"]),
        (&Demo::ALICE.into(), &access["oid"])
    );
    let visits = sim.entra().visits();
    let [seen] = visits.as_slice() else {
        panic!("{visits:?}");
    };
    assert_eq!(
        (seen.outcome, seen.person.as_deref()),
        (VisitOutcome::Code, Some(Demo::ALICE))
    );
    assert_eq!(seen.challenge_method.as_deref(), Some("S256"));
    assert!(seen.with_state && !seen.admin_consent);
}

/// What a person does, and how it ends: 302 or a page, and the number.
struct Scene {
    what: &'static str,
    who: Who,
    does: Does,
    query: Pairs,
    outcome: VisitOutcome,
}

fn scene(what: &'static str, who: &str, does: Does, query: Pairs, outcome: VisitOutcome) -> Scene {
    let who = match who {
        "" => Who::Hinted,
        "nobody" => Who::Nobody,
        name => Who::Person(name.to_owned()),
    };
    Scene {
        what,
        who,
        does,
        query,
        outcome,
    }
}

fn scenes() -> Vec<Scene> {
    use Does::{Agrees, AgreesForEverybody, Declines, Leaves};
    use VisitOutcome::{Code, Page, Returned, Waits};
    let silent = || asking().with("prompt", "none");
    let unhinted = || asking().without("login_hint");
    vec![
        scene("no hint, no session", "", Agrees, unhinted(), Waits),
        scene("no session", "nobody", Agrees, asking(), Waits),
        scene("leaves the page", "", Leaves, asking(), Waits),
        scene("cancels", "", Declines, asking(), Returned(65_004)),
        scene(
            "silent without a session",
            "nobody",
            Agrees,
            silent(),
            Returned(50_058),
        ),
        scene("silent without consent", "", Agrees, silent(), Returned(65_001)),
        scene(
            "silent and blocked",
            "blocked@contoso.com",
            Agrees,
            silent(),
            Returned(53_003),
        ),
        scene("agrees", "", Agrees, asking(), Code),
        scene("silent with consent", "", Leaves, silent(), Code),
        scene("another person", Demo::BOB, Agrees, asking(), Code),
        scene(
            "their second name",
            "alice.alias@contoso.com",
            Agrees,
            unhinted(),
            Code,
        ),
        scene("unknown", "nobody@contoso.com", Agrees, asking(), Page(50_034)),
        scene(
            "of another tenant",
            "eve@fabrikam.com",
            Agrees,
            asking(),
            Page(50_020),
        ),
        scene("blocked sign-in", Demo::SUPPORT, Agrees, asking(), Page(50_057)),
        scene(
            "Conditional Access",
            "blocked@contoso.com",
            Agrees,
            asking(),
            Page(53_003),
        ),
        scene(
            "for everybody, by a user",
            "carol@contoso.com",
            AgreesForEverybody,
            asking(),
            Page(90_094),
        ),
        scene(
            "for everybody, by an admin",
            Demo::ADMIN,
            AgreesForEverybody,
            asking(),
            Code,
        ),
        scene("silent after that", "carol@contoso.com", Leaves, silent(), Code),
    ]
}

#[tokio::test]
async fn the_person_decides() {
    let sim = sim();
    let directory = sim.directory();
    directory.add_tenant(Tenant::new(
        "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0002",
        "fabrikam.com",
    ));
    directory.add_person(Person::new("eve@fabrikam.com"));
    directory.add_person(Person::new("carol@contoso.com"));
    let mut blocked = Person::new("blocked@contoso.com");
    blocked.blocked_by_policy = true;
    directory.add_person(blocked);
    directory.change_person(Demo::ALICE, |alice| {
        alice.sign_in_aliases.push("alice.alias@contoso.com".to_owned());
    });
    let scenes = scenes();
    for scene in &scenes {
        sim.entra().browser.set(Browser {
            who: scene.who.clone(),
            does: scene.does,
        });
        let reply = authorize(&sim, Demo::TENANT, &scene.query).await;
        let seen = sim.entra().visits().pop().unwrap();
        assert_eq!(seen.outcome, scene.outcome, "{}: {reply:?}", scene.what);
        let sent_back = matches!(scene.outcome, VisitOutcome::Code | VisitOutcome::Returned(_));
        assert_eq!(reply.status, if sent_back { 302 } else { 200 }, "{}", scene.what);
        assert_eq!(
            reply.back("code").is_some(),
            scene.outcome == VisitOutcome::Code,
            "{}",
            scene.what
        );
        match scene.outcome {
            VisitOutcome::Returned(number) | VisitOutcome::Page(number) => {
                assert_eq!(reply.code(), u64::from(number), "{}", scene.what);
            }
            _ => {}
        }
    }
    assert_eq!(scenes.len(), 18);
}

#[tokio::test]
async fn says_why_there_is_no_code() {
    let sim = sim();
    let does = |does| sim.entra().browser.change(|browser| browser.does = does);
    does(Does::Declines);
    let back = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!(back.back("error").as_deref(), Some("access_denied"));
    assert_eq!(back.back("error_subcode").as_deref(), Some("cancel"));
    // Where users may not agree, the page says so and stays; its link back tells the app.
    sim.directory()
        .change_tenant(Demo::TENANT, |tenant| tenant.user_consent_off = true);
    does(Does::Agrees);
    let page = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!((page.status, page.code()), (200, 90_094));
    does(Does::Declines);
    let back = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!(
        (back.back("error").as_deref(), back.code()),
        (Some("access_denied"), 90_094)
    );
    does(Does::Agrees);
    let silent = authorize(&sim, Demo::TENANT, &asking().with("prompt", "none")).await;
    assert_eq!(
        (silent.back("error").as_deref(), silent.code()),
        (Some("interaction_required"), 65_001)
    );
    // What an administrator agreed to beforehand is not asked about.
    let page = authorize(&sim, Demo::TENANT, &asking_without_secret()).await;
    assert!(page.back("code").is_some(), "{page:?}");
}

#[tokio::test]
async fn plays_whatever_the_browser_may_show() {
    let sim = sim();
    let blocked = EntraError::new(530_032, "access_denied", "Blocked by security policy.");
    sim.entra()
        .sign_in_fault
        .set(Some(SignInFault::Page(blocked.clone())));
    let page = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!((page.status, page.code()), (200, 530_032));
    sim.entra().sign_in_fault.set(Some(SignInFault::Return(blocked)));
    let back = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!((back.status, back.code()), (302, 530_032));
    sim.entra()
        .sign_in_fault
        .set(Some(SignInFault::Bare("server_error")));
    let back = authorize(&sim, Demo::TENANT, &asking()).await;
    assert_eq!(back.back("error").as_deref(), Some("server_error"));
    assert_eq!(back.back("error_description"), None);
    assert_eq!(back.back("state").as_deref(), Some("st at/e"));
    sim.entra().recover();
    sign_in(&sim).await;
}

#[tokio::test]
async fn sends_back_in_the_mode_that_was_asked_for() {
    let sim = sim();
    let fragment = authorize(&sim, Demo::TENANT, &asking().with("response_mode", "fragment")).await;
    let to = fragment.location().unwrap();
    assert!(
        to.query().is_none() && to.fragment().unwrap().starts_with("code="),
        "{to}"
    );
    let form = authorize(&sim, Demo::TENANT, &asking().with("response_mode", "form_post")).await;
    assert!(
        form.status == 200 && form.body.contains("action=\"http://localhost:8425/\""),
        "{form:?}"
    );
    assert!(form.body.contains("name=\"code\"") && form.body.contains("name=\"state\" value=\"st at/e\""));
    // A redirect URI without a path comes back with one.
    let bare = authorize(&sim, Demo::TENANT, &asking_without_secret()).await;
    assert!(
        bare.head.contains("location: http://localhost:50123/?code="),
        "{bare:?}"
    );
    // Other platforms, other rules about the port.
    sim.entra().web_ignores_port.set(true);
    let other_port = asking().with("redirect_uri", "http://localhost:9999/");
    assert!(
        authorize(&sim, Demo::TENANT, &other_port)
            .await
            .back("code")
            .is_some()
    );
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        *app = app
            .clone()
            .redirect(Platform::Web, "https://mail.example/callback");
    });
    let elsewhere = asking().with("redirect_uri", "https://mail.example/callback");
    let back = authorize(&sim, Demo::TENANT, &elsewhere).await;
    assert!(
        back.head
            .contains("location: https://mail.example/callback?code="),
        "{back:?}"
    );
}
