//! Attacks on the page, on links and on the callback, each a row: what is sent, and the refusal. None of them reaches a provider, and
//! none changes anything.
//!
//! B1 DNS rebinding, B2 forged requests, B3 no login, B4 markup, B5 cookies, B7 the parser, O1 a planted answer, O2 a stolen code, O3 an
//! answer of another provider, O6 open redirects, O7 codes. Elsewhere: B6 secrets that are shown in `canaries`, B7 floods in
//! `floods`, B8 exposure where `[admin]` is read, O4 another person in `sign_in` and `links`, O5 the landing of a command beside it,
//! O10 token endpoints that lead elsewhere in `token_endpoint`.

mod answers;
mod callbacks;
mod codes;
mod cookies;
mod forms;
mod links;
mod markup;
mod names;
mod parsing;
mod strangers;

use std::collections::BTreeMap;

use saslgate::sim::entra::Entra;

use crate::http::say;
use crate::rig::Rig;

/// One attack.
struct Attack {
    threat: &'static str,
    what: String,
    request: String,
    refused: &'static [u16],
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// What is there to be asked for, with what it would need.
const PAGES: [&str; 9] = [
    "/",
    "/login",
    "/style.css",
    "/account?name=grace%40contoso.com",
    "/test",
    "/sign-out?name=grace%40contoso.com&app=page",
    "/signing-in",
    "/sign-in/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "/oauth/callback?code=evil&state=evil",
];

/// What an operator can do.
const DEEDS: [&str; 6] = ["/reload", "/sign-in", "/sign-out", "/test", "/link", "/logout"];

fn get(
    threat: &'static str,
    what: impl Into<String>,
    target: &str,
    head: &str,
    refused: &'static [u16],
) -> Attack {
    Attack {
        threat,
        what: what.into(),
        request: format!("GET {target} HTTP/1.1\r\n{head}\r\n"),
        refused,
    }
}

fn post(threat: &'static str, what: impl Into<String>, path: &str, head: &str, body: &str) -> Attack {
    Attack {
        threat,
        what: what.into(),
        request: format!(
            "POST {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        refused: &[403],
    }
}

/// How many attacks of each threat were refused.
type Refused = BTreeMap<&'static str, usize>;

async fn all_refused(rig: &Rig, attacks: Vec<Attack>, count: &mut Refused) {
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
        // Whatever is hidden in a body or behind a request is not answered.
        assert!(!answer.body.contains("HTTP/1."), "{threat}, {what}: {answer:?}");
        assert!(
            answer
                .header("location")
                .is_none_or(|to| to == "/login" || to == "/"),
            "{threat}, {what}: {answer:?}"
        );
        let sets_session = answer
            .headers("set-cookie")
            .iter()
            .any(|line| line.contains("saslgate-session="));
        assert!(!sets_session, "{threat}, {what}: {answer:?}");
        *count.entry(threat).or_default() += 1;
    }
}

fn state_of(address: &str) -> String {
    let (_, rest) = address.split_once("state=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

/// What operators have done and what came of it, as the log has it.
fn deeds(rig: &Rig) -> Vec<String> {
    let lines = rig.gate.log.since(0).into_iter();
    let events = lines.filter_map(|line| line["event"].as_str().map(ToOwned::to_owned));
    events
        .filter(|event| {
            matches!(
                &**event,
                "admin_order" | "link_made" | "link_used" | "signed_in" | "signed_out"
            )
        })
        .collect()
}

fn no_code_was_made(entra: &Entra) {
    assert!(entra.user_codes().is_empty(), "a device code was made");
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
    let done = deeds(&rig);
    assert_eq!(done, ["admin_order"; 2]);
    let mut refused = Refused::new();
    for attacks in [
        names::rebinding(&rig, &operator),
        forms::forging(&operator, &token, &other),
        strangers::strangers(&rig, &token),
        cookies::cookies(&rig, &operator),
        parsing::parsing(&rig),
        links::guessed(&rig),
        callbacks::callbacks(&rig, &operator, &state, &older),
    ] {
        all_refused(&rig, attacks, &mut refused).await;
    }
    let entra = rig.signing.sim.entra();
    assert_eq!(entra.request_count(), 0, "a provider was asked");
    no_code_was_made(entra);
    assert_eq!(deeds(&rig), done, "an operator's deed was done");
    assert!(!rig.gate.log.lines().join("\n").contains("configuration reloaded"));

    // The sign-in that all of that was aimed at goes on, and takes its own answer once.
    let back = rig.comes_back(&address).await;
    assert_eq!(operator.get(&back).await.header("location"), Some("/signing-in"));
    assert_eq!(entra.request_count(), 1);
    rig.gate.log.message(0, "signed in").await;
    all_refused(&rig, callbacks::replays(&operator, &back), &mut refused).await;
    assert_eq!(entra.request_count(), 1);
    let expected = [
        ("B1", 37),
        ("B2", 49),
        ("B3", 24),
        ("B5", 10),
        ("B7", 46),
        ("O1", 26),
        ("O6", 6),
    ];
    assert_eq!(refused, Refused::from(expected));
}
