//! A link that an operator makes on the page: the owner of the mailbox uses it in another browser, and nobody else can.

use saslgate::provider::Protocol;

use crate::http::{Browser, say};
use crate::rig::Rig;
use crate::sign_in::looks_until;
use crate::support::mail_client::MailClient;

/// Has a link made: its path.
async fn made(rig: &Rig, operator: &mut Browser) -> String {
    let fields = [
        ("account", rig.grace.login.as_str()),
        ("app", "page"),
        ("asked_by", "Ida <IT>"),
    ];
    let page = operator.submit(&rig.grace_page(), "/link", &fields).await;
    assert_eq!(page.status, 200, "{page:?}");
    let start = format!("http://localhost:{}/sign-in/", rig.port);
    let secret: String = page
        .between(&start, "<")
        .chars()
        .take_while(|c| !c.is_whitespace())
        .collect();
    assert_eq!(secret.len(), 43, "256 bits: {secret}");
    format!("/sign-in/{secret}")
}

/// Presses the button of a link's page: where the browser is sent.
async fn begun(owner: &mut Browser, link: &str) -> String {
    let page = owner.submit(link, link, &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    page.between("http-equiv=\"refresh\" content=\"0;url=", "\">")
}

async fn ends_with(browser: &mut Browser, text: &str) -> String {
    looks_until(browser, "/signing-in", text).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_signs_in_by_a_link_that_is_good_once() {
    let rig = Rig::new().await;
    let mut operator = rig.operator().await;
    let withdrawn = made(&rig, &mut operator).await;
    let link = made(&rig, &mut operator).await;
    let mut owner = rig.browser();
    assert_eq!(
        owner.get(&withdrawn).await.status,
        404,
        "another link withdraws it"
    );
    // A mail scanner opens it before the owner does, and looks at nothing else.
    for _ in 0..3 {
        let page = rig.browser().get(&link).await;
        assert_eq!(page.status, 200, "{page:?}");
    }
    let page = owner.get(&link).await;
    for told in [rig.grace.login.as_str(), "Ida &lt;IT&gt;", "Sign in"] {
        assert!(page.body.contains(told), "no {told}: {}", page.body);
    }
    assert!(
        !page.body.contains("<nav") && !page.body.contains("/account"),
        "{}",
        page.body
    );
    let address = begun(&mut owner, &link).await;
    let back = rig.comes_back(&address).await;
    // Another browser that has the state and the link, and not the cookie.
    assert_eq!(rig.browser().get(&back).await.status, 400);
    assert_eq!(rig.signing.sim.entra().request_count(), 0);
    assert_eq!(owner.get(&back).await.header("location"), Some("/signing-in"));
    let result = ends_with(&mut owner, "is signed in").await;
    assert!(
        result.contains("Thank you") && !result.contains("/account"),
        "{result}"
    );
    MailClient::logged_in(Protocol::Imap, rig.gate.addresses.of(Protocol::Imap), &rig.grace).await;
    assert_eq!(owner.get(&link).await.status, 404, "used");
    for path in ["/", "/test"] {
        assert_eq!(owner.get(path).await.status, 303, "a link is no login: {path}");
    }
    let secret = link.rsplit('/').next().unwrap();
    assert!(
        !rig.gate.log.lines().join("\n").contains(secret),
        "the log has the link"
    );
    let shown = operator
        .seen
        .iter()
        .filter(|page| page.body.contains(secret))
        .count();
    assert_eq!(shown, 1, "it is shown once");
}

/// What another site, or whoever has seen half of it, makes of a link that is good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_good_is_good_for_its_owner_alone() {
    let rig = Rig::new().await;
    let link = made(&rig, &mut rig.operator().await).await;
    let host = format!("Host: localhost:{}\r\n", rig.port);
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n";
    let post = |head: &str| format!("POST {link} HTTP/1.1\r\n{head}{form}\r\ntoken=x");
    let here = "Sec-Fetch-Site: same-origin\r\n";
    let table = [
        (post(&host), 403),
        (post(&format!("{host}Origin: https://evil.test\r\n")), 403),
        (post(&format!("{host}{here}")), 403),
        (
            post(&format!(
                "{host}{here}Cookie: saslgate-visit={}\r\n",
                "A".repeat(43)
            )),
            403,
        ),
        (post(&format!("Host: evil.test\r\n{here}")), 421),
        (
            format!("GET {} HTTP/1.1\r\n{host}\r\n", &link[..link.len() - 1]),
            404,
        ),
        (format!("GET {link}A HTTP/1.1\r\n{host}\r\n"), 404),
        (format!("PUT {link} HTTP/1.1\r\n{host}\r\n"), 405),
    ];
    for (request, status) in &table {
        let answer = say(rig.address(), request.as_bytes()).await;
        assert_eq!(answer.status, *status, "{request}: {answer:?}");
        assert!(!answer.body.contains("grace@"), "{answer:?}");
    }
    assert_eq!(table.len(), 8);
    assert_eq!(rig.signing.sim.entra().request_count(), 0);
    let (mut one, mut other) = (rig.browser(), rig.browser());
    begun(&mut one, &link).await;
    let second = other.submit(&link, &link, &[]).await;
    assert_eq!(second.header("location"), Some("/signing-in"), "{second:?}");
    ends_with(&mut other, "Not signed in").await;
    // The one who began may begin anew in the same browser.
    let address = begun(&mut one, &link).await;
    let back = rig.comes_back(&address).await;
    assert_eq!(one.get(&back).await.status, 303);
    ends_with(&mut one, "is signed in").await;
}
