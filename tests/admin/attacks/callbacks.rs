//! O1: what strangers have a browser bring to the callback while somebody signs in. O6: where the page never leads.

use super::{Attack, FORM, get, post, state_of};
use crate::http::Browser;
use crate::rig::Rig;

/// `own` is the browser that signs in, `state` its state, `older` that of its sign-in before.
pub(super) fn callbacks(rig: &Rig, own: &Browser, state: &str, older: &str) -> Vec<Attack> {
    let mut attacks = in_other_browsers(rig, own, state);
    attacks.extend(in_the_same_browser(own, state, older));
    attacks
}

/// Without the cookie of the sign-in the state is worth nothing.
fn in_other_browsers(rig: &Rig, own: &Browser, state: &str) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let right = format!("/oauth/callback?code=evil&state={state}");
    let with = |cookie: &str| format!("{host}Cookie: {cookie}\r\n");
    let (session, signing_in) = (&own.cookies["saslgate-session"], &own.cookies["saslgate-sign-in"]);
    let brings = |what: &str, head: &str| get("O1", what, &right, head, &[400]);
    vec![
        get(
            "O1",
            "no cookie, no state",
            "/oauth/callback?code=evil",
            &host,
            &[400],
        ),
        brings("no cookie, the right state", &host),
        brings(
            "a made-up cookie, the right state",
            &with(&format!("saslgate-sign-in={}", "A".repeat(43))),
        ),
        brings(
            "the operator's session alone",
            &with(&format!("saslgate-session={session}")),
        ),
        brings(
            "the session as the sign-in",
            &with(&format!("saslgate-sign-in={session}")),
        ),
        brings(
            "two cookies of sign-ins",
            &with(&format!("saslgate-sign-in={signing_in}; saslgate-sign-in=x")),
        ),
    ]
}

fn in_the_same_browser(own: &Browser, state: &str, older: &str) -> Vec<Attack> {
    let head = own.usual_head();
    let brings = |what: &str, query: &str| get("O1", what, &format!("/oauth/callback{query}"), &head, &[400]);
    vec![
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
        brings("more than the state", &format!("?code=evil&state={state}A")),
        brings(
            "the state of the sign-in before",
            &format!("?code=evil&state={older}"),
        ),
        brings("two states", &format!("?code=evil&state={state}&state={older}")),
        brings("two codes", &format!("?code=evil&code=evil2&state={state}")),
        brings("an empty code", &format!("?code=&state={state}")),
        brings("a code of two lines", &format!("?code=evil%0d%0aX&state={state}")),
        brings("a state without anything", &format!("?state={state}")),
        brings(
            "a token instead of a code",
            &format!("?access_token=evil&state={state}"),
        ),
        brings("a refusal without a state", "?error=access_denied"),
        brings("a consent without a state", "?admin_consent=True&tenant=evil"),
        brings("a state behind the #", &format!("?code=evil#state={state}")),
        get(
            "O1",
            "another path",
            &format!("/oauth/callback/?code=evil&state={state}"),
            &head,
            &[404],
        ),
        post(
            "O1",
            "an answer as a form",
            "/oauth/callback",
            &format!("{head}{FORM}"),
            &format!("code=evil&state={state}"),
        ),
    ]
}

/// After the answer `back` was taken.
pub(super) fn replays(own: &Browser, back: &str) -> Vec<Attack> {
    let head = own.usual_head();
    let state = state_of(back);
    let leads = |what: &str, target: &str, refused| get("O6", what, target, &head, refused);
    vec![
        get("O1", "the same answer once more", back, &head, &[400]),
        get(
            "O1",
            "another code with the same state",
            &format!("/oauth/callback?code=evil&state={state}"),
            &head,
            &[400],
        ),
        leads("somewhere else to go to", "//evil.test/", &[404]),
        leads("somewhere else, as browsers read it", "/\\evil.test/", &[404]),
        leads("somewhere else, encoded", "/%2f%2fevil.test/", &[404]),
        leads(
            "somewhere else in the address",
            "/login?next=https://evil.test",
            &[303],
        ),
        leads(
            "a redirect URI in the callback",
            "/oauth/callback?redirect_uri=https://evil.test",
            &[400],
        ),
        leads(
            "a new line in the address",
            "/login?%0d%0aLocation:%20https://evil.test",
            &[303],
        ),
    ]
}
