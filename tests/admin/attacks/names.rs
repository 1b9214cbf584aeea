//! B1: the browser calls the page by a name that is not its own, because a page elsewhere had the name point here.

use super::{Attack, DEEDS, FORM, PAGES, get, post};
use crate::http::Browser;
use crate::rig::Rig;

pub(super) fn rebinding(rig: &Rig, operator: &Browser) -> Vec<Attack> {
    let port = rig.port;
    let cookies = format!(
        "Cookie: saslgate-session={}\r\n",
        operator.cookies["saslgate-session"]
    );
    let host = |host: &str| format!("Host: {host}\r\n{cookies}");
    let (ours, evil) = (host(&format!("localhost:{port}")), host("evil.test"));
    let no = &[421];
    let mut attacks = vec![
        get("B1", "no name", "/", &cookies, no),
        get("B1", "two names", "/", &format!("{ours}Host: evil.test\r\n"), no),
        get(
            "B1",
            "ours as the second",
            "/",
            &format!("Host: evil.test\r\n{ours}"),
            no,
        ),
        get("B1", "a target for proxies", "http://evil.test/", &ours, no),
        get(
            "B1",
            "a target for proxies that has a name before ours",
            &format!("http://evil.test@localhost:{port}/"),
            &ours,
            no,
        ),
        get(
            "B1",
            "ours in a target for proxies alone",
            &format!("http://localhost:{port}/"),
            &evil,
            no,
        ),
    ];
    attacks.extend(others(port).map(|(what, name)| get("B1", what, "/", &host(&name), no)));
    attacks.extend(PAGES.map(|page| get("B1", format!("another name at {page}"), page, &evil, no)));
    attacks.extend(DEEDS.map(|deed| Attack {
        refused: no,
        ..post(
            "B1",
            format!("another name at {deed}"),
            deed,
            &format!("{evil}{FORM}Sec-Fetch-Site: same-origin\r\n"),
            "token=x",
        )
    }));
    attacks
}

/// Names that are nearly ours, or that lead here all the same.
fn others(port: u16) -> [(&'static str, String); 16] {
    [
        ("another name", "evil.test".to_owned()),
        ("another name with our port", format!("evil.test:{port}")),
        ("0.0.0.0", format!("0.0.0.0:{port}")),
        ("the address instead of the name", format!("127.0.0.1:{port}")),
        ("the address of IPv6", format!("[::1]:{port}")),
        ("IPv4 in IPv6", format!("[::ffff:127.0.0.1]:{port}")),
        ("another port", "localhost:80".to_owned()),
        ("no port", "localhost".to_owned()),
        ("a zero before the port", format!("localhost:0{port}")),
        ("a dot behind the name", format!("localhost.:{port}")),
        ("a longer name", format!("localhost:{port}.evil.test")),
        ("a name below ours", format!("evil.localhost:{port}")),
        ("a user before ours", format!("evil.test@localhost:{port}")),
        ("ours as a user", format!("localhost:{port}@evil.test")),
        ("two names in one line", format!("localhost:{port}, evil.test")),
        ("nothing", String::new()),
    ]
}
