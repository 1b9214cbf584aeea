//! Through every address of the page, right and wrong, and through every sign-in.

use std::time::Duration;

use saslgate::sim::entra::EntraError;

use super::world::{GUESS, World};
use crate::http::{Browser, say};
use crate::people::{SECRET, type_user_code};
use crate::rig::PASSWORD;
use crate::sign_in::looks_until;
use crate::support::config::Account;
use crate::support::until;

/// Codes and states of nobody, brought by strangers.
const EVIL: [&str; 2] = [
    "canary-code-of-a-stranger-0000001",
    "canary-state-of-a-stranger-000002",
];

const DEEDS: [&str; 6] = ["/reload", "/sign-in", "/sign-out", "/test", "/link", "/logout"];

impl World {
    pub(super) async fn walk(&mut self) {
        self.strangers().await;
        let mut operator = self.browser();
        self.logs_in_wrongly_and_then_well(&mut operator).await;
        self.by_browser(&mut operator).await;
        self.by_code(&mut operator).await;
        self.by_link(&mut operator).await;
        self.mail().await;
        self.what_operators_do(&mut operator).await;
        self.misplaced(&mut operator).await;
        self.outside().await;
        self.by_bootstrap_token(&mut operator).await;
        self.has_seen(&mut operator);
    }

    fn pages(&self) -> Vec<String> {
        let [code, state] = EVIL;
        let name = self.grace.login.replace('@', "%40");
        let guess = GUESS;
        vec![
            "/".to_owned(),
            "/?q=grace&page=7".to_owned(),
            format!("/?q={guess}"),
            "/login".to_owned(),
            format!("/login?password={guess}"),
            "/style.css".to_owned(),
            format!("/account?name={name}"),
            "/account?name=nobody".to_owned(),
            "/account".to_owned(),
            "/test".to_owned(),
            "/test?still=1".to_owned(),
            format!("/sign-out?name={name}&app=web"),
            "/sign-out".to_owned(),
            "/signing-in".to_owned(),
            "/signing-in?still=1".to_owned(),
            format!("/sign-in/{}", "A".repeat(43)),
            "/reload".to_owned(),
            "/sign-in".to_owned(),
            "/link".to_owned(),
            "/logout".to_owned(),
            "/nothing".to_owned(),
            format!("/{guess}"),
            "/oauth/callback".to_owned(),
            format!("/oauth/callback?code={code}&state={state}"),
            format!("/oauth/callback?error={code}&error_description={code}&state={state}"),
            format!("/oauth/callback?code={code}&code={code}&state={state}"),
            format!("/oauth/callback?admin_consent=True&tenant={code}&state={state}"),
        ]
    }

    /// Every address, by GET and HEAD, and every deed, wrongly.
    pub(super) async fn everywhere(&mut self, browser: &mut Browser) {
        let address = ([127, 0, 0, 1], self.port).into();
        for page in self.pages() {
            // What is searched for is what saslgate says, and a person may search for what they like.
            let shown = browser.get(&page).await;
            assert!(!page.contains("q=c") || shown.status == 303 || shown.body.contains(GUESS));
            if page.contains("q=c") {
                browser.seen.pop();
            }
            let head = format!("HEAD {page} HTTP/1.1\r\n{}\r\n", browser.usual_head());
            browser.seen.push(say(address, head.as_bytes()).await);
            let strange = format!("PUT {page} HTTP/1.1\r\n{}\r\n", browser.usual_head());
            browser.seen.push(say(address, strange.as_bytes()).await);
            let rebound = format!("GET {page} HTTP/1.1\r\nHost: evil.test\r\n\r\n");
            browser.seen.push(say(address, rebound.as_bytes()).await);
        }
        for deed in DEEDS {
            let fields = [
                ("account", self.grace.login.as_str()),
                ("password", GUESS),
                ("token", GUESS),
            ];
            assert_eq!(browser.post(deed, &fields).await.status, 403, "{deed}");
        }
        browser.post("/login", &[("password", GUESS)]).await;
        browser
            .post("/oauth/callback", &[("code", EVIL[0]), ("state", EVIL[1])])
            .await;
        self.has_seen(browser);
    }

    async fn strangers(&mut self) {
        for secret in EVIL {
            self.secrets.add("made-up code", secret);
        }
        let mut stranger = self.browser();
        self.everywhere(&mut stranger).await;
        let garbage =
            format!("GET /{GUESS} HTTP/1.1\r\nHost: x\r\nAuthorization: {GUESS}\r\n{GUESS}\r\n\r\n");
        stranger
            .seen
            .push(say(([127, 0, 0, 1], self.port).into(), garbage.as_bytes()).await);
        self.has_seen(&mut stranger);
    }

    async fn logs_in_wrongly_and_then_well(&mut self, operator: &mut Browser) {
        assert_eq!(operator.log_in(GUESS).await.status, 403);
        assert_eq!(operator.log_in(PASSWORD).await.status, 303);
        self.everywhere(operator).await;
    }

    pub(super) fn page_of(account: &Account) -> String {
        format!("/account?name={}", account.login.replace('@', "%40"))
    }

    async fn begins(&self, operator: &mut Browser, account: &Account, app: &str, way: &str) -> String {
        let fields = [("account", &*account.login), ("app", app), ("way", way)];
        let page = operator
            .submit(&Self::page_of(account), "/sign-in", &fields)
            .await;
        if way == "device" {
            return String::new();
        }
        page.between("http-equiv=\"refresh\" content=\"0;url=", "\">")
    }

    async fn comes_back(&self, address: &str) -> String {
        let back = self.signing.browser.sent_back(address).await;
        let origin = format!("http://localhost:{}", self.port);
        back.strip_prefix(&origin).unwrap().to_owned()
    }

    /// Wrong answers, one that the token endpoint refuses with the secret in its words, the right one, and that once more.
    async fn by_browser(&mut self, operator: &mut Browser) {
        let grace = self.grace.clone();
        let address = self.begins(operator, &grace, "web", "page").await;
        operator.get("/signing-in").await;
        operator.get("/signing-in?still=1").await;
        self.everywhere(operator).await;
        let back = self.comes_back(&address).await;
        let error = format!("The secret '{SECRET}' is no good: {back}");
        self.signing
            .sim
            .entra()
            .refuse_next(1, EntraError::new(7_000_215, "invalid_client", error));
        operator.get(&back).await;
        looks_until(operator, "/signing-in", "Not signed in").await;
        operator.get(&back).await;

        let address = self.begins(operator, &grace, "web", "page").await;
        let [code, _] = EVIL;
        let state = address.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let declined =
            format!("/oauth/callback?error=access_denied&error_description={code}%20{state}&state={state}");
        operator.get(&declined).await;
        let page = looks_until(operator, "/signing-in", "Not signed in").await;
        // What a provider says about its refusal is shown to operators, and was not ours to keep.
        if page.contains(code) {
            operator.seen.last_mut().unwrap().body = page.replace(code, "");
        }

        let address = self.begins(operator, &grace, "web", "page").await;
        let back = self.comes_back(&address).await;
        assert_eq!(operator.get(&back).await.status, 303);
        looks_until(operator, "/signing-in", "is signed in").await;
        assert_eq!(operator.get(&back).await.status, 400);
        self.has_seen(operator);
    }

    async fn by_code(&mut self, operator: &mut Browser) {
        let dora = self.dora.clone();
        self.begins(operator, &dora, "device", "device").await;
        until(Duration::from_secs(60), "a code", || {
            !self.signing.sim.entra().user_codes().is_empty()
        })
        .await;
        let code = self.signing.sim.entra().user_codes().pop().unwrap();
        looks_until(operator, "/signing-in", &code).await;
        self.secrets.add("user code", code);
        type_user_code(&self.signing.sim, Some(&dora.login)).await;
        looks_until(operator, "/signing-in", "is signed in").await;
        // However often that page was looked at, it is one that has the code.
        let mut shown = 0;
        operator.seen.retain(|page| {
            shown += usize::from(page.body.contains("Type this code"));
            !page.body.contains("Type this code") || shown == 1
        });
        self.has_seen(operator);
    }

    /// Made, opened, used by somebody else's browser, used, and used again.
    async fn by_link(&mut self, operator: &mut Browser) {
        let grace = self.grace.clone();
        let fields = [("account", &*grace.login), ("app", "web"), ("asked_by", "Ida")];
        let page = operator.submit(&Self::page_of(&grace), "/link", &fields).await;
        let url = page.between(&format!("http://localhost:{}/sign-in/", self.port), "<");
        let link = format!("/sign-in/{}", url.split_whitespace().next().unwrap());
        let mut owner = self.browser();
        owner.get(&link).await;
        owner.post(&link, &[("token", GUESS)]).await;
        let page = owner.submit(&link, &link, &[]).await;
        let address = page.between("http-equiv=\"refresh\" content=\"0;url=", "\">");
        let mut second = self.browser();
        second.submit(&link, &link, &[]).await;
        looks_until(&mut second, "/signing-in", "Not signed in").await;
        let back = self.comes_back(&address).await;
        second.get(&back).await;
        owner.get(&back).await;
        looks_until(&mut owner, "/signing-in", "is signed in").await;
        owner.get(&link).await;
        owner.get(&back).await;
        self.has_seen(&mut owner);
        self.has_seen(&mut second);
        self.has_seen(operator);
    }
}
