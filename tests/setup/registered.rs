//! The administrator's part, done in the simulated tenant exactly as the steps have it.

use std::net::TcpListener;

use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Person, Platform};
use saslgate::sim::mailbox::Right;
use saslgate::sim::{Demo, Settings, Sim};

use crate::mail;
use crate::run::{CLIENT_ID, SECRET};

/// Whose mailbox it is.
pub(crate) const MAILBOX: &str = "desk@contoso.com";

/// Their password at Microsoft.
pub(crate) const AT_MICROSOFT: &str = "Summer of 2026!";

/// A tenant with one mailbox, in which sending is off as it is everywhere.
pub(crate) fn tenant() -> Sim {
    let sim = Sim::start(Settings::default()).unwrap();
    let directory = sim.directory();
    directory.change_tenant(Demo::TENANT, |tenant| tenant.smtp_auth_disabled = true);
    directory.add_person(Person::new(MAILBOX).password(AT_MICROSOFT));
    directory.add_mailbox(MAILBOX).deliver(mail::MESSAGE);
    sim
}

/// What was read from the steps.
pub(crate) struct Steps<'a> {
    said: &'a str,
}

impl<'a> Steps<'a> {
    pub(crate) fn of(said: &'a str) -> Self {
        Self { said }
    }

    /// The lines to paste in the portal that look like permissions, in the order of the steps.
    fn permissions(&self) -> Vec<&str> {
        let portal = self.said.split("In the portal").nth(1).unwrap();
        let list = portal.split("Tick each:").nth(1).unwrap();
        let lines = list.lines().map(str::trim).skip_while(|line| line.is_empty());
        lines.take_while(|line| !line.is_empty()).collect()
    }

    fn has(&self, word: &str) -> bool {
        self.said.contains(word)
    }

    /// Does what they say. `certificate`: what is uploaded; `redirect_uri`: the one that is used, because tests run side by side.
    pub(crate) fn done_in(&self, sim: &Sim, certificate: Option<Vec<u8>>, redirect_uri: &str) {
        let directory = sim.directory();
        let mut app = App::new(CLIENT_ID, Demo::TENANT);
        app.known_to_exchange = self.has("New-ServicePrincipal");
        if self.has("New client secret") {
            app = app.secret(SECRET);
        }
        if let Some(certificate) = certificate.filter(|_| self.has("Upload certificate")) {
            app = app.certificate(certificate);
        }
        app.public_flows = self.has("Allow public client flows: Yes");
        if self.has("http://localhost:8425/\n") && self.has("> add exactly this") {
            let platform = if self.has("> Web\n") {
                Platform::Web
            } else {
                Platform::Native
            };
            app = app.redirect(platform, redirect_uri);
        }
        let permissions = self.permissions();
        assert!(self.has("Grant admin consent"));
        if self.has("Application permissions") {
            app = app.roles(&permissions);
        } else {
            app = app.delegated(&permissions);
            directory.change_tenant(Demo::TENANT, |tenant| tenant.user_consent_off = true);
            directory.consent(CLIENT_ID, Demo::TENANT, None, &permissions);
        }
        directory.add_app(app);
        self.in_exchange(sim);
    }

    fn in_exchange(&self, sim: &Sim) {
        let mailbox = sim.directory().mailbox(MAILBOX).unwrap();
        if self.has(&format!("Add-MailboxPermission -Identity '{MAILBOX}'")) {
            mailbox.grant(CLIENT_ID, Right::FullAccess);
        }
        if self.has(&format!(
            "Set-CASMailbox -Identity '{MAILBOX}' -SmtpClientAuthenticationDisabled $false"
        )) {
            mailbox
                .switches
                .change(|switches| switches.smtp_auth = Some(true));
        }
    }
}

/// A redirect URI has its port in it before anything listens there.
pub(crate) fn free_redirect_uri() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://localhost:{}/", listener.local_addr().unwrap().port())
}

/// The protocols of a configuration's account.
pub(crate) fn protocols(text: &str) -> Vec<Protocol> {
    let line = text.lines().find(|line| line.starts_with("protocols")).unwrap();
    let is_in = |protocol: &Protocol| line.contains(&format!("\"{protocol}\""));
    Protocol::ALL.into_iter().filter(is_in).collect()
}
