//! Links as an operator, an owner and a stranger meet them, without a provider: nobody's sign-in ends here.

mod gate;

use std::time::SystemTime;

use crate::control::{LinkHappening, News, Order, SignInOrder, SignInWay, Told, Word, seconds};
use crate::secret::Secret;

use gate::{
    BOB, CONFIG, Gate, PAGE, SCANNER, SUPPORT, address, at_the_terminal, folder, look, make, sign_in, token,
};

#[tokio::test]
async fn a_link_says_to_whoever_opens_it_what_it_is_for() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let made = gate.told(make(Some(SUPPORT))).await;
    let [
        News::Link {
            account,
            mailbox,
            owner,
            url,
            expires,
            ..
        },
    ] = &made[..]
    else {
        panic!("{made:?}")
    };
    assert_eq!(
        (account.as_str(), mailbox.as_str(), owner.as_str()),
        (SUPPORT, SUPPORT, "alice@contoso.com")
    );
    let left = expires - seconds(SystemTime::now());
    assert!((86_000..=86_400).contains(&left), "{left}");
    // A mail scanner opens it, and the owner twice: it stays good.
    for _ in 0..3 {
        let told = gate.told(look(url.0.expose())).await;
        let [
            News::LinkIs {
                account,
                owner,
                asked_by,
                sign_in_page,
                ..
            },
        ] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!(
            (account.as_str(), owner.as_str(), sign_in_page.as_str()),
            (SUPPORT, "alice@contoso.com", "login.example")
        );
        assert!(
            asked_by.contains("Jane") && !asked_by.contains(['\r', '\n']),
            "{asked_by:?}"
        );
    }
    gate.stop().await;
}

/// An operator sends it in the evening, saslgate is replaced at night, and the owner opens it in the morning.
#[tokio::test]
async fn a_link_survives_a_restart() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let link = gate.link(SUPPORT).await;
    gate.stop().await;
    let file = std::fs::read_to_string(folder.path().join("state/tokens")).unwrap();
    let end = token(&link);
    assert!(!file.contains(end.0.expose()), "{file}");
    let gate = Gate::start(folder.path());
    assert_eq!(gate.account_of(&link).await.as_deref(), Some(SUPPORT));
    gate.stop().await;
}

#[tokio::test]
async fn what_is_no_link_any_more_is_told_as_what_never_was_one() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let never = format!("{PAGE}sign-in/{}", "A".repeat(43));
    let replaced = gate.link(SUPPORT).await;
    let newer = gate.link(SUPPORT).await;
    let signed_out = gate.link(BOB).await;
    let order = Order::SignOut {
        account: BOB.into(),
        app: None,
    };
    let told = gate.told(order).await;
    assert!(
        matches!(&told[..], [News::SignedOut { apps, .. }] if apps.is_empty()),
        "{told:?}"
    );
    let table = [
        never.clone(),
        replaced,
        signed_out,
        newer.replace("sign-in/", "sign-in/A"),
    ];
    let expected = gate.refused(look(&never)).await;
    for link in &table {
        assert_eq!(gate.refused(look(link)).await, expected);
        assert_eq!(gate.refused(sign_in(link)).await, expected);
    }
    assert_eq!(table.len(), 4);
    assert_eq!(gate.account_of(&newer).await.as_deref(), Some(SUPPORT));
    let order = Order::SignOut {
        account: BOB.into(),
        app: None,
    };
    assert!(gate.refused(order).await.what.contains("nobody is signed in"));
    gate.stop().await;
}

/// A link for an account that was taken out of the configuration leads nowhere.
#[tokio::test]
async fn a_link_ends_with_its_account() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let link = gate.link(BOB).await;
    gate.stop().await;
    let text = CONFIG.replace(BOB, "robert@contoso.com");
    std::fs::write(folder.path().join("saslgate.toml"), text).unwrap();
    let gate = Gate::start(folder.path());
    assert_eq!(gate.account_of(&link).await, None);
    gate.stop().await;
}

#[tokio::test]
async fn two_browsers_do_not_sign_in_by_one_link_at_once() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let link = gate.link(SUPPORT).await;
    let mut first = gate.give(sign_in(&link));
    let url = address(&mut first).await;
    assert!(url.query().unwrap().contains("login_hint=alice"), "{url}");
    let second = gate.refused(sign_in(&link)).await;
    assert!(second.what.contains("going on"), "{second:?}");
    // The page lets go of the first when its browser begins anew.
    drop(first);
    let mut again = gate.give(sign_in(&link));
    loop {
        match again.hear().await {
            Some(News::OpenBrowser { .. }) => break,
            Some(News::Refused(trouble)) if trouble.what.contains("going on") => {
                again = gate.give(sign_in(&link));
            }
            other => panic!("{other:?}"),
        }
    }
    drop(again);
    gate.stop().await;
}

/// O1: whatever another page has a browser send here, only the answer to this sign-in is taken.
#[tokio::test]
async fn what_lands_at_the_page_is_judged_by_its_state() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let link = gate.link(SUPPORT).await;
    let mut operator = gate.give(sign_in(&link));
    let url = address(&mut operator).await;
    let state = url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let strange = [
        Word::Landed(Told(Secret::new("/oauth/callback".into()))),
        Word::Landed(Told(Secret::new("/oauth/callback?code=evil".into()))),
        Word::Landed(Told(Secret::new("/oauth/callback?code=evil&state=".into()))),
        Word::Landed(Told(Secret::new(format!(
            "/oauth/callback?code=evil&state={}",
            &state[1..]
        )))),
        Word::Landed(Told(Secret::new("/oauth/callback?error=access_denied".into()))),
        // Nobody pastes at the page: a code without its state would be taken then.
        Word::Paste(Told(Secret::new("evil".into()))),
    ];
    let count = strange.len();
    for word in strange {
        operator.tell(word).await;
        let told = operator.hear().await;
        assert!(matches!(told, Some(News::NotThat(_))), "{told:?}");
    }
    assert_eq!(count, 6);
    let declined = format!("/oauth/callback?error=access_denied&state={state}");
    operator.tell(Word::Landed(Told(Secret::new(declined)))).await;
    let told = operator.hear().await;
    assert!(matches!(told, Some(News::Refused(_))), "{told:?}");
    // It was not used: the person may change their mind.
    assert_eq!(gate.account_of(&link).await.as_deref(), Some(SUPPORT));
    gate.stop().await;
}

/// The other way round: what a terminal waits for is not brought by the page.
#[tokio::test]
async fn nothing_lands_at_a_sign_in_of_a_terminal() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let mut operator = gate.give(Order::SignIn(SignInOrder {
        account: SUPPORT.into(),
        app: None,
        way: SignInWay::Paste,
        accept_owner: false,
    }));
    let Some(News::OpenBrowser { url, .. }) = operator.hear().await else {
        panic!("no address")
    };
    let (_, state) = url.0.expose().split_once("state=").unwrap();
    let state = state.split('&').next().unwrap();
    let landed = format!("/oauth/callback?code=c0de&state={state}");
    operator.tell(Word::Landed(Told(Secret::new(landed)))).await;
    let told = operator.hear().await;
    assert!(matches!(told, Some(News::NotThat(_))), "{told:?}");
    drop(operator);
    gate.stop().await;
}

/// `redirect_uri` of the app is the page's: nothing comes back to the terminal but by the link.
#[tokio::test]
async fn a_terminal_hears_what_becomes_of_its_link() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let mut terminal = gate.give(at_the_terminal(BOB));
    let Some(News::Link { url, .. }) = terminal.hear().await else {
        panic!("no link")
    };
    let link = url.0.expose().clone();
    assert_eq!(gate.account_of(&link).await.as_deref(), Some(BOB));
    let told = terminal.hear().await;
    assert!(
        matches!(told, Some(News::LinkHappens(LinkHappening::Opened))),
        "{told:?}"
    );
    let mut browser = gate.give(sign_in(&link));
    address(&mut browser).await;
    let told = terminal.hear().await;
    assert!(
        matches!(told, Some(News::LinkHappens(LinkHappening::Begun))),
        "{told:?}"
    );
    drop(browser);
    let told = terminal.hear().await;
    assert!(
        matches!(told, Some(News::LinkHappens(LinkHappening::Failed(_)))),
        "{told:?}"
    );
    let newer = gate.link(BOB).await;
    let told = terminal.hear().await;
    assert!(matches!(told, Some(News::Refused(_))), "{told:?}");
    assert_eq!(gate.account_of(&newer).await.as_deref(), Some(BOB));
    // Where the redirect URI is this machine's, a browser is waited for as ever.
    gate.stop().await;
}

#[tokio::test]
async fn a_terminal_that_goes_away_leaves_its_link() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let mut terminal = gate.give(at_the_terminal(BOB));
    let Some(News::Link { url, .. }) = terminal.hear().await else {
        panic!("no link")
    };
    drop(terminal);
    assert_eq!(gate.account_of(url.0.expose()).await.as_deref(), Some(BOB));
    gate.stop().await;
}

#[tokio::test]
async fn links_are_made_for_all_who_need_a_sign_in() {
    let folder = folder();
    let gate = Gate::start(folder.path());
    let told = gate.told(make(None)).await;
    let mut accounts: Vec<_> = told
        .iter()
        .map(|news| match news {
            News::Link { account, app, .. } => (account.as_str(), app.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    accounts.sort_unstable();
    assert_eq!(accounts, [(BOB, "page"), (SUPPORT, "people")]);
    let told = gate.told(Order::Status).await;
    let [News::Status(status)] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(status.orphans.is_empty(), "{:?}", status.orphans);
    let fix = &status.accounts[0].protocols[0].trouble.as_ref().unwrap().fix;
    assert!(fix.contains("--link"), "{fix}");
    gate.stop().await;
}

#[tokio::test]
async fn whoever_gets_no_link_is_told_the_next_step() {
    let folder = folder();
    let table = [
        (
            Some(PAGE),
            true,
            SCANNER,
            "nobody has to sign in",
            "saslgate test",
        ),
        (
            Some(PAGE),
            true,
            "suport@contoso.com",
            "no account answers to",
            "did you mean support@contoso.com?",
        ),
        (None, true, SUPPORT, "no admin page", "add [admin] with `url`"),
        (
            Some(PAGE),
            false,
            SUPPORT,
            "no saslgate is running",
            "saslgate run",
        ),
    ];
    for (page, running, account, what, fix) in table {
        let gate = Gate::furnished(folder.path(), page, running);
        let told = gate.refused(make(Some(account))).await;
        assert!(told.what.contains(what), "{told:?}");
        assert!(told.fix.contains(fix), "{told:?}");
        gate.stop().await;
    }
    assert_eq!(table.len(), 4);
}
