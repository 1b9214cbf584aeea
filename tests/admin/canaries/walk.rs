//! Through every address of the page, right and wrong.

use std::fs;
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::entra::EntraError;

use super::world::{GUESS, World, admin};
use crate::http::{Browser, say};
use crate::people::{SECRET, type_user_code};
use crate::rig::PASSWORD;
use crate::sign_in::looks_until;
use crate::support::config::Account;
use crate::support::mail_client::MailClient;
use crate::support::{Gate as _, until};

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
    async fn everywhere(&mut self, browser: &mut Browser) {
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

    fn page_of(account: &Account) -> String {
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

    async fn mail(&mut self) {
        for account in [&self.grace, &self.dora, &self.alice].map(Clone::clone) {
            for (protocol, password) in [
                (Protocol::Imap, account.password.as_str()),
                (Protocol::Pop3, &account.password),
                (Protocol::Smtp, GUESS),
            ] {
                let mut client = MailClient::greeted(protocol, self.gate.addresses.of(protocol)).await;
                let reply = client.log_in(&account.login, password).await;
                assert_eq!(reply.is_yes(), password != GUESS, "{}: {reply:?}", account.login);
                self.places.text("a mail client", &reply.line);
            }
        }
    }

    async fn what_operators_do(&mut self, operator: &mut Browser) {
        let grace = self.grace.clone();
        let fields = [("account", &*grace.login), ("app", "web")];
        operator.submit(&Self::page_of(&grace), "/test", &fields).await;
        looks_until(operator, "/test", "Done").await;
        self.everywhere(operator).await;
        operator.submit("/", "/reload", &[]).await;
        let asks = format!("/sign-out?name={}&app=web", grace.login.replace('@', "%40"));
        let out = operator.submit(&asks, "/sign-out", &fields).await;
        assert!(out.body.contains("is forgotten"), "{}", out.body);
        operator.submit("/", "/sign-out", &fields).await;
        self.has_seen(operator);
    }

    /// Secrets where they do not belong, in a configuration that is not taken.
    async fn misplaced(&mut self, operator: &mut Browser) {
        let good = self.config.text();
        let (grace, secret) = (
            self.grace.password.clone(),
            "canary~Of.the-config_secret~8Q1a2b3c4d5e",
        );
        self.secrets.add("misplaced secret", secret);
        let hash = good
            .split("password = [\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let page = good
            .split("password = \"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let file = "client_secret_file = \"secret\"";
        let broken = [
            good.replace(page, PASSWORD),
            good.replace(hash, &grace),
            good.replace(file, &format!("client_secret = \"{secret}\"")),
            good.replace(file, &format!("client_secret_file = \"{secret}\"")),
            good.replace(file, &format!("client_secret_env = \"{secret}\"")),
            good.replace(file, &format!("client_secret_flie = \"{secret}\"")),
            good.replace(file, &format!("client_secret_file = \"{secret}")),
            good.replace(file, &format!("client_secret_file = {secret}")),
            good.replace("[server]\n", &format!("[server]\npassword = \"{secret}\"\n")),
        ];
        for text in &broken {
            assert_ne!(*text, good);
            self.gate.place.write("saslgate.toml", text);
            let page = operator.submit("/", "/reload", &[]).await;
            assert!(page.body.contains("stays in use"), "{text}: {}", page.body);
            operator.get("/").await;
            self.command(&["check"]).await;
            self.command(&["status", "--json"]).await;
        }
        assert_eq!(broken.len(), 9);
        self.gate.place.write("saslgate.toml", &good);
        operator.submit("/", "/reload", &[]).await;
        self.has_seen(operator);
    }

    async fn outside(&mut self) {
        for path in ["/metrics", "/healthz", "/readyz", "/"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            let answer = say(self.health, request.as_bytes()).await;
            assert!(path == "/" || answer.status == 200, "{path}: {answer:?}");
            self.places.text(path, &(answer.head + &answer.body));
        }
        for arguments in [&["status"][..], &["status", "--json"], &["check"]] {
            self.command(arguments).await;
        }
    }

    /// Without a password, a token in a file opens the page.
    async fn by_bootstrap_token(&mut self, operator: &mut Browser) {
        let without = self.config.clone().table("admin", &admin(self.port, ""));
        self.gate.reload(&without).await;
        let token = fs::read_to_string(self.gate.place.path("admin-token")).unwrap();
        self.secrets.add("bootstrap token", token.trim());
        self.secrets.add("bootstrap token", token.trim().replace('-', ""));
        operator.log_in(GUESS).await;
        assert_eq!(operator.log_in(token.trim()).await.status, 303);
        self.everywhere(operator).await;
        let out = operator.submit("/", "/logout", &[]).await;
        assert_eq!(out.header("location"), Some("/login"));
    }
}
