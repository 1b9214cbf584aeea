//! B3: whoever has not logged in.

use super::{Attack, DEEDS, FORM, get, post};
use crate::rig::Rig;

pub(super) fn strangers(rig: &Rig, token: &str) -> Vec<Attack> {
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let with = |cookie: &str| format!("{host}Cookie: {cookie}\r\n");
    let from_here = format!("{host}{FORM}Sec-Fetch-Site: same-origin\r\n");
    let to_login: &[u16] = &[303];
    let mut attacks = vec![
        get("B3", "no session", "/", &host, to_login),
        get(
            "B3",
            "a session that somebody made up",
            "/",
            &with(&format!("saslgate-session={}", "A".repeat(43))),
            to_login,
        ),
        get(
            "B3",
            "an empty session",
            "/",
            &with("saslgate-session="),
            to_login,
        ),
        get(
            "B3",
            "a password in the head",
            "/",
            &format!("{host}Authorization: Basic YWRtaW46YWRtaW4=\r\n"),
            to_login,
        ),
        get("B3", "a sign-in of nobody", "/signing-in", &host, &[404]),
        get("B3", "a page that is not there", "/admin", &host, &[404]),
        get(
            "B3",
            "a path that climbs",
            "/style.css/../account?name=grace",
            &host,
            &[404],
        ),
        get("B3", "a path in disguise", "/%61ccount?name=grace", &host, &[404]),
        get("B3", "two slashes", "//account?name=grace", &host, &[404]),
    ];
    for page in [
        "/account?name=grace%40contoso.com",
        "/test",
        "/sign-out?name=grace%40contoso.com",
    ] {
        attacks.push(get(
            "B3",
            format!("{page} without a session"),
            page,
            &host,
            to_login,
        ));
    }
    for deed in DEEDS {
        let body = format!("token={token}&account=grace%40contoso.com&app=page&way=device");
        attacks.push(post(
            "B3",
            format!("{deed} with a token and no session"),
            deed,
            &from_here,
            &body,
        ));
    }
    attacks
}
