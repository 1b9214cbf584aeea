//! Attacks on the page, on links and on the callback, each a row: what is sent, and the refusal. None of them reaches a provider, and
//! none changes anything.
//!
//! B1 DNS rebinding, B2 forged requests, B3 no login, B5 cookies, B7 the parser, O1 a planted answer, O6 open redirects, O7 codes.

use std::time::Duration;

use crate::http::{Browser, say};
use crate::people::type_user_code;
use crate::rig::Rig;

/// One attack.
struct Attack {
    threat: &'static str,
    what: &'static str,
    request: String,
    refused: &'static [u16],
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn get(
    threat: &'static str,
    what: &'static str,
    target: &str,
    head: &str,
    refused: &'static [u16],
) -> Attack {
    Attack {
        threat,
        what,
        request: format!("GET {target} HTTP/1.1\r\n{head}\r\n"),
        refused,
    }
}

fn post(threat: &'static str, what: &'static str, path: &str, head: &str, body: &str) -> Attack {
    Attack {
        threat,
        what,
        request: format!(
            "POST {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        refused: &[403],
    }
}

/// B1: the browser calls the page by a name that is not its own.
fn rebinding(rig: &Rig, operator: &Browser) -> Vec<Attack> {
    let port = rig.port;
    let cookies = format!(
        "Cookie: saslgate-session={}\r\n",
        operator.cookies["saslgate-session"]
    );
    let host = |host: &str| format!("Host: {host}\r\n{cookies}");
    let ours = host(&format!("localhost:{port}"));
    let no = &[421];
    vec![
        get("B1", "another name", "/", &host("evil.test"), no),
        get(
            "B1",
            "another name with our port",
            "/",
            &host(&format!("evil.test:{port}")),
            no,
        ),
        get("B1", "0.0.0.0", "/", &host(&format!("0.0.0.0:{port}")), no),
        get(
            "B1",
            "the address instead of the name",
            "/",
            &host(&format!("127.0.0.1:{port}")),
            no,
        ),
        get("B1", "another port", "/", &host("localhost:80"), no),
        get("B1", "no port", "/", &host("localhost"), no),
        get(
            "B1",
            "a longer name",
            "/",
            &host(&format!("localhost:{port}.evil.test")),
            no,
        ),
        get("B1", "no name", "/", &cookies, no),
        get("B1", "two names", "/", &format!("{ours}Host: evil.test\r\n"), no),
        get("B1", "a target for proxies", "http://evil.test/", &ours, no),
        get(
            "B1",
            "the callback",
            "/oauth/callback?code=a&state=b",
            &host("evil.test"),
            no,
        ),
        get("B1", "a link", "/sign-in/abc", &host("evil.test"), no),
    ]
}

/// B2: a page elsewhere makes the operator's browser ask, with its cookie.
fn forging(operator: &Browser, token: &str, other: &str) -> Vec<Attack> {
    let (usual, ours) = (operator.usual_head(), operator.origin());
    let body = format!("token={token}");
    let head = |more: &str| format!("{usual}{FORM}{more}");
    let from_here = "Sec-Fetch-Site: same-origin\r\n";
    let origin = |origin: &str| head(&format!("Origin: {origin}\r\n"));
    let act = |what, head: &str, body: &str| post("B2", what, "/reload", head, body);
    let wrong_way = |what, target: &str| get("B2", what, target, &usual, &[405]);
    vec![
        act("nothing says where it comes from", &head(""), &body),
        act("a foreign origin", &origin("https://evil.test"), &body),
        act("an origin that hides", &origin("null"), &body),
        act("our name on another port", &origin("http://localhost:1"), &body),
        act(
            "our name with TLS",
            &origin(&ours.replace("http:", "https:")),
            &body,
        ),
        act("another site", &head("Sec-Fetch-Site: cross-site\r\n"), &body),
        act(
            "another host of the site",
            &head("Sec-Fetch-Site: same-site\r\n"),
            &body,
        ),
        act(
            "our origin, from another site",
            &head(&format!("Origin: {ours}\r\nSec-Fetch-Site: cross-site\r\n")),
            &body,
        ),
        act("no token", &head(from_here), "x=1"),
        act("an empty token", &head(from_here), "token="),
        act(
            "another session's token",
            &head(from_here),
            &format!("token={other}"),
        ),
        act(
            "a token twice",
            &head(from_here),
            &format!("token={token}&token={token}"),
        ),
        act(
            "a form sent as text",
            &format!("{usual}Content-Type: text/plain\r\n{from_here}"),
            &body,
        ),
        act(
            "a form sent as JSON",
            &format!("{usual}Content-Type: application/json\r\n{from_here}"),
            &body,
        ),
        post(
            "B2",
            "a login without its page",
            "/login",
            &head("Origin: https://evil.test\r\n"),
            "password=x",
        ),
        wrong_way("a reload by GET", "/reload"),
        wrong_way("a sign-in by GET", "/sign-in?account=grace&way=page"),
        wrong_way("a logout by GET", "/logout"),
        wrong_way("a link by GET", "/link?account=grace"),
    ]
}

/// B3, B5: whoever has no session, or one that is none.
fn strangers(rig: &Rig, operator: &Browser, token: &str) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let session = &operator.cookies["saslgate-session"];
    let with = |cookies: &str| format!("{host}Cookie: {cookies}\r\n");
    let first_page = |threat, what, head: &str| get(threat, what, "/", head, &[303]);
    let from_here = format!("{host}{FORM}Sec-Fetch-Site: same-origin\r\n");
    vec![
        first_page("B3", "no session", &host),
        first_page(
            "B3",
            "a session that somebody made up",
            &with(&format!("saslgate-session={}", "A".repeat(43))),
        ),
        first_page("B3", "an empty session", &with("saslgate-session=")),
        first_page(
            "B5",
            "a second session beside the right one",
            &with(&format!("saslgate-session={session}; saslgate-session=x")),
        ),
        first_page(
            "B5",
            "the session under another name",
            &with(&format!("saslgate-visit={session}")),
        ),
        first_page(
            "B5",
            "the session in the address",
            &format!("{host}X-Session: {session}\r\n"),
        ),
        post(
            "B3",
            "a token without its session",
            "/reload",
            &from_here,
            &format!("token={token}"),
        ),
        post(
            "B3",
            "a sign-out without a session",
            "/sign-out",
            &from_here,
            &format!("token={token}&account=grace"),
        ),
    ]
}

/// B7: what is no HTTP, or too much of it.
fn parsing(rig: &Rig) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let raw = |what, request: String, refused| Attack {
        threat: "B7",
        what,
        request,
        refused,
    };
    // A reset may overtake the answer.
    vec![
        raw(
            "a long header",
            format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "y".repeat(20_000)),
            &[0, 431],
        ),
        raw(
            "a body without end",
            format!(
                "POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{}",
                format!("1000\r\n{}\r\n", "x".repeat(4096)).repeat(20)
            ),
            &[0, 413],
        ),
        raw(
            "two lengths",
            format!("POST /login HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
            &[0, 400],
        ),
        raw(
            "TLS",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".repeat(200),
            &[0, 400],
        ),
        raw("IMAP", "a1 LOGIN alice password\r\n\r\n".to_owned(), &[0, 400]),
        raw(
            "a method that nobody has",
            format!("TRACE / HTTP/1.1\r\n{host}\r\n"),
            &[405],
        ),
    ]
}

/// Links: what is guessed, and what another site has a browser do.
fn links(rig: &Rig) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let guess = format!("/sign-in/{}", "A".repeat(43));
    let look = |what, path: &str| get("B3", what, path, &host, &[404]);
    let from = |more: &str| format!("{host}{FORM}{more}");
    vec![
        look("a guessed link", &guess),
        look("an empty link", "/sign-in/"),
        look("a path in a link", "/sign-in/../account?name=grace"),
        look("a long link", &format!("/sign-in/{}", "A".repeat(8_000))),
        post(
            "B2",
            "a link used from another site",
            &guess,
            &from("Origin: https://evil.test\r\n"),
            "token=x",
        ),
        post(
            "B2",
            "a link used without its page",
            &guess,
            &from("Sec-Fetch-Site: same-origin\r\n"),
            "token=x",
        ),
    ]
}

/// O1: what strangers have a browser bring, while the operator signs in. `own` is the browser that does, `state` its state.
fn callbacks(rig: &Rig, own: &Browser, state: &str, older: &str) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let at = |query: &str| format!("/oauth/callback{query}");
    let bad = &[400];
    let brings = |what, query: &str| get("O1", what, &at(query), &own.usual_head(), bad);
    let another = format!("{host}Cookie: saslgate-sign-in={}\r\n", "A".repeat(43));
    vec![
        get("O1", "no cookie, no state", &at("?code=evil"), &host, bad),
        get(
            "O1",
            "no cookie, the right state",
            &at(&format!("?code=evil&state={state}")),
            &host,
            bad,
        ),
        get(
            "O1",
            "a made-up cookie, the right state",
            &at(&format!("?code=evil&state={state}")),
            &another,
            bad,
        ),
        brings("nothing at all", ""),
        brings("no state", "?code=evil"),
        brings("an empty state", "?code=evil&state="),
        brings(
            "another state",
            &format!("?code=evil&state={}", "A".repeat(state.len())),
        ),
        brings(
            "most of the state",
            &format!("?code=evil&state={}", &state[..state.len() - 1]),
        ),
        brings(
            "the state of the sign-in before",
            &format!("?code=evil&state={older}"),
        ),
        brings("two states", &format!("?code=evil&state={state}&state={older}")),
        brings("a refusal without a state", "?error=access_denied"),
        brings("a consent without a state", "?admin_consent=True&tenant=evil"),
        post(
            "O1",
            "an answer as a form",
            "/oauth/callback",
            &format!("{}{FORM}", own.usual_head()),
            &format!("code=evil&state={state}"),
        ),
    ]
}

async fn all_refused(rig: &Rig, attacks: Vec<Attack>) -> usize {
    let count = attacks.len();
    for attack in attacks {
        let Attack {
            threat,
            what,
            request,
            refused,
        } = attack;
        let answer = say(rig.address(), request.as_bytes()).await;
        assert!(refused.contains(&answer.status), "{threat}, {what}: {answer:?}");
        assert!(!answer.body.contains("evil"), "{threat}, {what}: {}", answer.body);
        let sets_session = answer
            .headers("set-cookie")
            .iter()
            .any(|line| line.contains("saslgate-session="));
        assert!(!sets_session, "{threat}, {what}: {answer:?}");
    }
    count
}

fn state_of(address: &str) -> String {
    let (_, rest) = address.split_once("state=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused_costs_no_request_and_changes_nothing() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let other = rig.operator().await.get("/").await.token();
    let token = operator.get("/").await.token();
    let older = state_of(&rig.begin_sign_in(&mut operator).await);
    let address = rig.begin_sign_in(&mut operator).await;
    let state = state_of(&address);
    let mut refused = 0;
    for attacks in [
        rebinding(&rig, &operator),
        forging(&operator, &token, &other),
        strangers(&rig, &operator, &token),
        parsing(&rig),
        links(&rig),
        callbacks(&rig, &operator, &state, &older),
    ] {
        refused += all_refused(&rig, attacks).await;
    }
    assert_eq!(refused, 64);
    assert_eq!(rig.signing.sim.entra().request_count(), 0, "a provider was asked");
    assert!(!rig.gate.log.lines().join("\n").contains("configuration reloaded"));

    // The sign-in that all of that was aimed at goes on, and takes its own answer once.
    let back = rig.comes_back(&address).await;
    assert_eq!(operator.get(&back).await.header("location"), Some("/signing-in"));
    assert_eq!(rig.signing.sim.entra().request_count(), 1);
    rig.gate.log.message(0, "signed in").await;
    let replays = [
        get(
            "O1",
            "the same answer once more",
            &back,
            &operator.usual_head(),
            &[400],
        ),
        get(
            "O6",
            "somewhere else to go to",
            "//evil.test/",
            &operator.usual_head(),
            &[404],
        ),
        get(
            "O6",
            "somewhere else in the address",
            "/login?next=https://evil.test",
            &operator.usual_head(),
            &[303],
        ),
    ];
    refused += all_refused(&rig, replays.into()).await;
    assert_eq!(refused, 67);
    assert_eq!(rig.signing.sim.entra().request_count(), 1);
}

/// O7: a code is shown to the operator who asked for it, in that browser; a page elsewhere can't have one made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_an_operator_has_a_code_made() {
    let rig = Rig::new().await;
    let mut stranger = rig.browser();
    let fields = [
        ("account", rig.grace.login.as_str()),
        ("app", "page"),
        ("way", "device"),
    ];
    assert_eq!(stranger.post("/sign-in", &fields).await.status, 403);
    assert!(rig.signing.sim.entra().user_codes().is_empty());
    let mut operator = rig.operator().await;
    operator.submit(&rig.grace_page(), "/sign-in", &fields).await;
    crate::support::until(Duration::from_secs(60), "a code", || {
        !rig.signing.sim.entra().user_codes().is_empty()
    })
    .await;
    // Whoever else types it is not kept.
    let mallory = crate::people::person(&rig.signing.sim, "mallory");
    type_user_code(&rig.signing.sim, Some(&mallory)).await;
    crate::support::within(Duration::from_secs(60), "a refusal", async {
        while !operator.get("/signing-in").await.body.contains("Not signed in") {}
    })
    .await;
}
