//! Who gets in, and what a browser is told about every page.

use std::time::Instant;

use crate::http::{Answer, Browser};
use crate::rig::{PASSWORD, Rig};

fn has_all_headers(page: &Answer, path: &str) {
    // To itself alone a page with a form says where it is: its form has to have an origin.
    let referrer = if page.body.contains("<form") {
        "same-origin"
    } else {
        "no-referrer"
    };
    let expected = [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", referrer),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in expected {
        assert_eq!(page.header(name), Some(value), "{path}: {}", page.head);
    }
    let policy = page.header("content-security-policy").unwrap();
    for directive in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action '",
    ] {
        assert!(policy.contains(directive), "{path}: {policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script"),
        "{path}: {policy}"
    );
}

/// B4, O6: no page is framed, runs a script, is kept, or tells another site where somebody came from.
#[tokio::test]
async fn every_page_has_the_headers_that_a_browser_obeys_and_no_script() {
    let rig = Rig::new().await;
    let mut browser = rig.operator().await;
    let paths = [
        "/",
        "/login",
        "/style.css",
        "/account",
        "/account?name=nobody",
        "/test",
        "/sign-out?name=x",
        "/signing-in",
        "/sign-in/none",
        "/oauth/callback",
        "/oauth/callback?code=a&state=b",
        "/nothing",
        "/reload",
        "/sign-in",
        "/?q=%3Cb%3E",
    ];
    for path in paths {
        let page = browser.get(path).await;
        has_all_headers(&page, path);
        assert!(
            !page.body.contains("<script") && !page.body.contains("javascript:"),
            "{path}"
        );
    }
    assert_eq!(paths.len(), 15);
    let page = browser.get(&rig.grace_page()).await;
    has_all_headers(&page, "an account");
    for part in [
        "<html lang=\"en\">",
        "<main ",
        "<nav ",
        "<h1>",
        "scope=\"col\"",
        "scope=\"row\"",
        "<label for=",
    ] {
        assert!(page.body.contains(part), "no {part}: {}", page.body);
    }
    let other = browser.post("/reload", &[]).await;
    has_all_headers(&other, "a refusal");
}

/// B5, RFC 6265bis: what keeps a session from scripts, from other sites, and from whoever planted a cookie before.
#[tokio::test]
async fn a_session_is_new_at_each_login_and_its_cookie_stays_here() {
    let rig = Rig::new().await;
    let mut browser = rig.browser();
    browser
        .cookies
        .insert("saslgate-session".into(), "planted".into());
    assert_eq!(browser.get("/").await.header("location"), Some("/login"));
    let answer = browser.log_in(PASSWORD).await;
    let lines = answer.headers("set-cookie");
    let session = lines
        .iter()
        .find(|line| line.starts_with("saslgate-session="))
        .unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(
        !session.contains("planted") && !session.contains("Domain"),
        "{session}"
    );
    let first = browser.cookies["saslgate-session"].clone();
    assert_eq!(first.len(), 43, "256 bits");
    let page = browser.get("/").await;
    assert!(
        page.status == 200 && page.body.contains(&rig.grace_page()),
        "{page:?}"
    );
    let out = browser.submit("/", "/logout", &[]).await;
    assert_eq!(out.header("location"), Some("/login"));
    // Who kept the cookie has nothing.
    browser.cookies.insert("saslgate-session".into(), first.clone());
    assert_eq!(browser.get("/").await.status, 303);
    browser.log_in(PASSWORD).await;
    assert_ne!(browser.cookies["saslgate-session"], first);
}

/// B3: guesses cost time, and the log says from where they came.
#[tokio::test]
async fn whoever_guesses_waits_and_is_refused_alike() {
    let rig = Rig::new().await;
    let mut guesses = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for number in 0..20 {
        let mut browser = rig.browser();
        guesses.spawn(async move { browser.log_in(&format!("guess {number}")).await.status });
    }
    let statuses = guesses.join_all().await;
    assert!(
        statuses.iter().all(|status| matches!(status, 403 | 429)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&403) && statuses.contains(&429), "{statuses:?}");
    assert!(begun.elapsed().as_secs() >= 2, "{:?}", begun.elapsed());
    let line = rig
        .gate
        .log
        .wait(0, "a refusal", |line| line["event"] == "admin_login_refused")
        .await;
    assert_eq!(line["source"], "127.0.0.1");
}

/// B3: without a password, whoever can read the file gets in; the log names the file alone.
#[tokio::test]
async fn the_token_of_a_page_without_a_password_is_in_a_file_for_its_owner_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let rig = Rig::with("", |config, _| config).await;
    let path = rig.gate.place.path("admin-token");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let token = std::fs::read_to_string(&path).unwrap();
    let mut browser = rig.browser();
    assert_eq!(browser.log_in(token.trim()).await.status, 303);
    let lines = rig.gate.log.lines().join("\n");
    assert!(lines.contains("admin-token"), "{lines}");
    assert!(!lines.contains(token.trim()), "the log has the token");
    assert_eq!(rig.browser().log_in("").await.status, 403);
}

/// B4: a name that was written to be markup stays a name.
#[tokio::test]
async fn names_are_text_wherever_they_are_shown() {
    const NAME: &str = "<img/src=x/onerror=alert(1)>\\\"'&@contoso.com";
    let rig = Rig::with(
        &format!("password = \"{}\"\n", crate::rig::stored(PASSWORD)),
        |config, _| {
            config.account(
                &crate::support::config::Account::new(NAME)
                    .app("page")
                    .line("mailbox = \"x@contoso.com\""),
            )
        },
    )
    .await;
    let mut browser = rig.operator().await;
    let overview = browser.get("/").await;
    assert!(
        overview.body.contains("&lt;img/src=x/onerror=alert(1)&gt;"),
        "{}",
        overview.body
    );
    let link = overview.between("<a href=\"/account?name=%3Cimg", "\"");
    let account = browser.get(&format!("/account?name=%3Cimg{link}")).await;
    assert_eq!(account.status, 200, "{account:?}");
    let raw = ["<img", "onerror=alert(1)>"];
    let pages = [
        overview,
        account,
        browser
            .get("/sign-out?name=%3Cimg/src=x/onerror=alert(1)%3E")
            .await,
        browser.get("/?q=%22%3E%3Cimg/src=x/onerror=alert(1)%3E").await,
        browser
            .get("/account?name=%3Cimg/src=x/onerror=alert(1)%3E")
            .await,
        browser
            .get("/oauth/callback?error=%3Cimg/src=x/onerror=alert(1)%3E&state=1")
            .await,
        browser.get("/sign-in/%3Cimg/src=x/onerror=alert(1)%3E").await,
    ];
    for page in &pages {
        for raw in raw {
            assert!(!page.body.contains(raw), "{}", page.body);
        }
    }
    assert_eq!(pages.len(), 7);
}

#[tokio::test]
async fn pages_of_operators_are_for_operators() {
    let rig = Rig::new().await;
    let mut stranger: Browser = rig.browser();
    for path in ["/", "/account?name=x", "/test", "/sign-out?name=x"] {
        let page = stranger.get(path).await;
        assert_eq!(
            (page.status, page.header("location")),
            (303, Some("/login")),
            "{path}"
        );
        assert!(page.body.is_empty());
    }
    for path in ["/sign-in", "/sign-out", "/link", "/test", "/reload", "/logout"] {
        let page = stranger.post(path, &[("account", &rig.grace.login)]).await;
        assert_eq!(page.status, 403, "{path}: {page:?}");
    }
}

/// B5: with TLS a browser takes the cookies from this very host alone, and never sends them in clear.
#[tokio::test]
async fn with_tls_the_cookies_are_of_this_host_and_secure() {
    let port = crate::people::free_port();
    let rig = Rig::with("", |config, _| config.table("admin", &crate::rig::with_tls(port))).await;
    let http = crate::rig::https(&rig.gate.place.trusting());
    let login = format!("https://localhost:{port}/login");
    let page = http.get(&login).send().await.unwrap();
    let visit = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        visit.starts_with("__Host-saslgate-visit=") && visit.contains("; Secure"),
        "{visit}"
    );
    let body = page.text().await.unwrap();
    let (_, token) = body.split_once("name=\"token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token), ("password", PASSWORD)])
        .finish();
    let answer = http
        .post(&login)
        .header("cookie", visit.split(';').next().unwrap())
        .header("origin", format!("https://localhost:{port}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let cookies: Vec<_> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    let session = cookies
        .iter()
        .find(|line| line.starts_with("__Host-saslgate-session="))
        .unwrap();
    assert!(
        session.contains("; Secure") && session.contains("; Path=/;") && !session.contains("Domain"),
        "{session}"
    );
    // In clear nobody is answered at that port.
    let clear = crate::http::say(([127, 0, 0, 1], port).into(), b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(!clear.head.contains("HTTP"), "{clear:?}");
}

/// Behind a proxy the log and the limits know who comes; a proxy appends, so that only its last word counts.
#[tokio::test]
async fn a_proxy_says_where_somebody_comes_from() {
    for (behind, source) in [(true, "198.51.100.7"), (false, "127.0.0.1")] {
        let lines = format!(
            "password = \"{}\"\nbehind_proxy = {behind}\n",
            crate::rig::stored(PASSWORD)
        );
        let rig = Rig::with(&lines, |config, _| config).await;
        let mut browser = rig.browser();
        browser.more_head = "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n".to_owned();
        assert_eq!(browser.log_in(PASSWORD).await.status, 303);
        let line = rig
            .gate
            .log
            .wait(0, "a login", |line| line["event"] == "admin_logged_in")
            .await;
        assert_eq!(line["source"], source);
    }
}
