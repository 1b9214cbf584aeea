//! B5: cookies that somebody else planted, and those that are used for what they are not.

use super::{Attack, FORM, Refused, all_refused, get, post};
use crate::http::Browser;
use crate::rig::{PASSWORD, Rig, stored};

fn first_page(what: &str, rig: &Rig, head: &str) -> Attack {
    get(
        "B5",
        what,
        "/",
        &format!("Host: localhost:{}\r\n{head}\r\n", rig.port),
        &[303],
    )
}

pub(super) fn cookies(rig: &Rig, operator: &Browser) -> Vec<Attack> {
    let session = &operator.cookies["saslgate-session"];
    let signing_in = &operator.cookies["saslgate-sign-in"];
    [
        (
            "a second session beside the right one",
            format!("Cookie: saslgate-session={session}; saslgate-session=x"),
        ),
        (
            "a second session in a line of its own",
            format!("Cookie: saslgate-session=x\r\nCookie: saslgate-session={session}"),
        ),
        (
            "the same session twice",
            format!("Cookie: saslgate-session={session}; saslgate-session={session}"),
        ),
        (
            "the session under another name",
            format!("Cookie: saslgate-visit={session}"),
        ),
        (
            "the session under the name that it has with TLS",
            format!("Cookie: __Host-saslgate-session={session}"),
        ),
        (
            "the session in capitals",
            format!("Cookie: SASLGATE-SESSION={session}"),
        ),
        (
            "the session in quotes",
            format!("Cookie: saslgate-session=\"{session}\""),
        ),
        (
            "a sign-in as the session",
            format!("Cookie: saslgate-session={signing_in}"),
        ),
        ("the session in another header", format!("X-Session: {session}")),
        (
            "most of the session",
            format!("Cookie: saslgate-session={}", &session[1..]),
        ),
    ]
    .map(|(what, head)| first_page(what, rig, &head))
    .into()
}

/// RFC 6265bis 4.1.3.2: with TLS nobody but this very host can have set the cookie, and what a neighbour or a page in clear sets has
/// another name, which is not looked at.
#[tokio::test]
async fn with_tls_a_cookie_that_a_neighbour_could_have_set_is_not_looked_at() {
    let port = crate::people::free_port();
    let lines = format!(
        "bind = \"127.0.0.1:{port}\"\nurl = \"https://localhost:{port}\"\nbehind_proxy = true\npassword = \"{}\"\n",
        stored(PASSWORD)
    );
    let mut rig = Rig::with("", |config, _| config.table("admin", &lines)).await;
    rig.port = port;
    let operator = rig.operator().await;
    let session = &operator.cookies["__Host-saslgate-session"];
    let planted = "A".repeat(43);
    let attacks = [
        (
            "the session without its prefix",
            format!("Cookie: saslgate-session={session}"),
        ),
        (
            "a prefix of the wrong case",
            format!("Cookie: __host-saslgate-session={session}"),
        ),
        (
            "another prefix",
            format!("Cookie: __Secure-saslgate-session={session}"),
        ),
        (
            "a planted one before the right one",
            format!("Cookie: __Host-saslgate-session={planted}; __Host-saslgate-session={session}"),
        ),
        (
            "a planted one behind the right one",
            format!("Cookie: __Host-saslgate-session={session}; __Host-saslgate-session={planted}"),
        ),
    ]
    .map(|(what, head)| first_page(what, &rig, &head));
    let mut refused = Refused::new();
    all_refused(&rig, attacks.into(), &mut refused).await;
    // Whoever plants the cookie of a form knows its token, and still has to send the form from here.
    let mut victim = rig.browser();
    victim
        .cookies
        .insert("__Host-saslgate-visit".into(), planted.clone());
    let token = victim.get("/login").await.token();
    let elsewhere = format!(
        "{}{FORM}Origin: https://localhost:1\r\nSec-Fetch-Site: same-site\r\n",
        victim.usual_head()
    );
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token.as_str()), ("password", PASSWORD)])
        .finish();
    let planted_form = post("B5", "a planted form", "/login", &elsewhere, &fields);
    all_refused(&rig, vec![planted_form], &mut refused).await;
    assert_eq!(refused, Refused::from([("B5", 6)]));
    // And one without the prefix beside it does no harm.
    let mut tossed = operator.clone();
    tossed.cookies.insert("saslgate-session".into(), planted);
    assert_eq!(tossed.get("/").await.status, 200);
}
