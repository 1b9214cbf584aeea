//! B2: a page elsewhere makes the operator's browser ask, with its cookie.

use super::{Attack, DEEDS, FORM, get, post};
use crate::http::Browser;

const FROM_HERE: &str = "Sec-Fetch-Site: same-origin\r\n";

pub(super) fn forging(operator: &Browser, token: &str, other: &str) -> Vec<Attack> {
    let mut attacks = from_elsewhere(operator, token);
    attacks.extend(without_its_token(operator, token, other));
    attacks.extend(sent_otherwise(operator, token));
    let usual = operator.usual_head();
    for deed in DEEDS {
        let foreign = format!("{usual}{FORM}Origin: https://evil.test\r\n");
        attacks.push(post(
            "B2",
            format!("{deed} from elsewhere"),
            deed,
            &foreign,
            &format!("token={token}"),
        ));
        let own = format!("{usual}{FORM}{FROM_HERE}");
        attacks.push(post(
            "B2",
            format!("{deed} without a token"),
            deed,
            &own,
            "account=grace",
        ));
    }
    let by_get = |what, target: &str, refused| get("B2", what, target, &usual, refused);
    attacks.extend([
        by_get("a reload by GET", "/reload", &[405]),
        by_get(
            "a sign-in by GET",
            "/sign-in?account=grace%40contoso.com&way=device",
            &[405],
        ),
        by_get("a logout by GET", "/logout", &[405]),
        by_get("a link by GET", "/link?account=grace%40contoso.com", &[405]),
        // The address of the result, and none is there.
        by_get("a test by GET", "/test?account=grace%40contoso.com", &[303]),
    ]);
    attacks
}

/// Fetch, "append a request Origin header"; Fetch Metadata.
fn from_elsewhere(operator: &Browser, token: &str) -> Vec<Attack> {
    let (usual, ours) = (operator.usual_head(), operator.origin());
    let body = format!("token={token}");
    let act = |what: &str, more: &str| post("B2", what, "/reload", &format!("{usual}{FORM}{more}"), &body);
    let origin = |what: &str, origin: &str| act(what, &format!("Origin: {origin}\r\n"));
    let site = |what: &str, site: &str| act(what, &format!("Sec-Fetch-Site: {site}\r\n"));
    vec![
        act("nothing says where it comes from", ""),
        origin("a foreign origin", "https://evil.test"),
        origin("an origin that hides", "null"),
        origin("our name on another port", "http://localhost:1"),
        origin("our name with TLS", &ours.replace("http:", "https:")),
        origin("a name that begins as ours", &format!("{ours}.evil.test")),
        origin(
            "a user before our name",
            &ours.replace("http://", "http://evil.test@"),
        ),
        origin("two origins", &format!("{ours} https://evil.test")),
        origin("a path behind ours", &format!("{ours}/")),
        origin("no origin", ""),
        site("another site", "cross-site"),
        site("another host of the site", "same-site"),
        site("a person who typed it", "none"),
        site("two sites", "same-origin, cross-site"),
        act(
            "our origin, from another site",
            &format!("Origin: {ours}\r\nSec-Fetch-Site: cross-site\r\n"),
        ),
        act(
            "a foreign origin that claims to be here",
            "Origin: https://evil.test\r\nSec-Fetch-Site: same-origin\r\n",
        ),
        post(
            "B2",
            "a login without its page",
            "/login",
            &format!("{usual}{FORM}Origin: https://evil.test\r\n"),
            "password=x",
        ),
    ]
}

fn without_its_token(operator: &Browser, token: &str, other: &str) -> Vec<Attack> {
    let head = format!("{}{FORM}{FROM_HERE}", operator.usual_head());
    let act = |what: &str, body: &str| post("B2", what, "/reload", &head, body);
    let session = &operator.cookies["saslgate-session"];
    vec![
        act("no token", "x=1"),
        act("an empty token", "token="),
        act("another session's token", &format!("token={other}")),
        act("most of the token", &format!("token={}", &token[1..])),
        act("the session as the token", &format!("token={session}")),
        act("a token twice", &format!("token={token}&token={token}")),
        act("a token of another case", &format!("Token={token}")),
        post(
            "B2",
            "the token in the address",
            &format!("/reload?token={token}"),
            &head,
            "x=1",
        ),
    ]
}

/// What another page may send without asking anybody (Fetch, "CORS-safelisted request-header").
fn sent_otherwise(operator: &Browser, token: &str) -> Vec<Attack> {
    let usual = operator.usual_head();
    let body = format!("token={token}");
    let parts = format!("--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n--b--\r\n");
    [
        ("text/plain", &body),
        ("application/json", &body),
        ("multipart/form-data; boundary=b", &parts),
        ("text/plain, application/x-www-form-urlencoded", &body),
        ("", &body),
    ]
    .map(|(kind, body)| {
        let head = format!("{usual}Content-Type: {kind}\r\n{FROM_HERE}");
        post("B2", format!("a form sent as {kind:?}"), "/reload", &head, body)
    })
    .into()
}
