//! What mail clients, operators and commands do beside the sign-ins, and a configuration with secrets in the wrong places.

use std::fs;

use saslgate::provider::Protocol;

use super::world::{GUESS, World, admin};
use crate::http::{Browser, say};
use crate::rig::PASSWORD;
use crate::sign_in::looks_until;
use crate::support::Gate as _;
use crate::support::mail_client::MailClient;

impl World {
    pub(super) async fn mail(&mut self) {
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

    pub(super) async fn what_operators_do(&mut self, operator: &mut Browser) {
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
    pub(super) async fn misplaced(&mut self, operator: &mut Browser) {
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

    pub(super) async fn outside(&mut self) {
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
    pub(super) async fn by_bootstrap_token(&mut self, operator: &mut Browser) {
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
