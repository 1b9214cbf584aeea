//! One walk along a guide: what is there, what was done so far.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rustix::process::Signal;
use saslgate::account::password::{GeneratedPassword, PasswordHash};
use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Person};
use saslgate::sim::entra::{Browser, Does, Who};
use saslgate::sim::{Demo, Settings, Sim};

use crate::browser;
use crate::commands::{Ended, Terminal};
use crate::example::{self, LISTENERS};
use crate::mail;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::table::{Guide, Step};

/// The Value of the client secret, with what such values really have in them.
pub(crate) const SECRET: &str = "gU8Q~a.Value_as-the-portal~shows/it+once=";

/// The product's own redirect URI, which stays where it is.
pub(crate) const CALLBACK: &str = "https://product.example/oauth/callback";

/// Somebody in the same tenant who has nothing to do with the mailbox.
pub(crate) const STRANGER: &str = "mallory@contoso.com";

/// Password of the mailbox's person at Microsoft.
pub(crate) const AT_MICROSOFT: &str = "Summer of 2026!";

/// A tenant as it is today, a guide's mailbox in it, and how far the administrator has come.
pub(crate) struct Walk {
    guide: Guide,
    pub(crate) sim: Sim,
    pub(crate) mailbox: &'static str,
    /// What the product has as the mailbox's password.
    pub(crate) password: String,
    pub(crate) hash: String,
    port: u16,
    place: Option<Place>,
    config: PathBuf,
    program: Option<Program>,
    done: BTreeSet<Step>,
}

impl Walk {
    pub(crate) fn begin(guide: Guide, mailbox: &'static str) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        // SMTP AUTH is off in every tenant since 2020, and docs/entra-setup.md has it switched on for the mailbox.
        let directory = sim.directory();
        directory.change_tenant(Demo::TENANT, |tenant| tenant.smtp_auth_disabled = true);
        directory.add_person(Person::new(mailbox).password(AT_MICROSOFT));
        directory.add_person(Person::new(STRANGER));
        let opened = directory.add_mailbox(mailbox);
        opened.deliver(mail::MESSAGE);
        if guide.protocols().contains(&Protocol::Smtp) {
            opened.switches.change(|switches| switches.smtp_auth = Some(true));
        }
        let (password, hash) = GeneratedPassword::make().unwrap();
        let place = Place::new(&sim);
        Self {
            guide,
            sim,
            mailbox,
            password: password.text().to_owned(),
            hash: PasswordHash::Generated(hash).stored(),
            port: free_port(),
            config: place.path("saslgate.toml"),
            place: Some(place),
            program: None,
            done: BTreeSet::new(),
        }
    }

    /// The redirect URI that docs/entra-setup.md adds; its port is another one only because tests run side by side.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    /// An app of the tenant, before the guide says anything of it.
    pub(crate) fn app() -> App {
        App::new(example::CLIENT_ID, Demo::TENANT)
    }

    pub(crate) fn register(&mut self, app: App) {
        self.sim.directory().add_app(app);
        self.done.insert(Step::Registered);
    }

    /// The shipped file, for this simulator.
    pub(crate) fn text(&self) -> String {
        let text = example::shipped(self.guide.name);
        let text = example::moved(&text, &self.hash);
        example::for_simulator(&text, &self.sim, &self.guide.protocols(), &self.redirect_uri())
    }

    /// Checks the shipped file and runs it.
    pub(crate) async fn serve(&mut self) {
        self.serve_with(&self.text()).await;
    }

    /// Checks a file and runs it.
    pub(crate) async fn serve_with(&mut self, text: &str) {
        let place = self.place.take().unwrap();
        for file in example::secret_files(&example::shipped(self.guide.name)) {
            place.write(file, SECRET);
        }
        place.write("saslgate.toml", text);
        let checked = self.terminal().run(&["check"]).await;
        assert_eq!(checked.code, Some(0), "{checked:?}");
        self.program = Some(Program::run(place, &self.config, &LISTENERS).await);
        self.done.insert(Step::Serving);
    }

    /// Puts another file in the place of the one that is served.
    pub(crate) async fn exchange_file(&self, text: &str) {
        self.program().place.write("saslgate.toml", text);
        self.reload().await;
    }

    /// Has the program read its files again.
    pub(crate) async fn reload(&self) {
        let program = self.program();
        let mark = program.log.mark();
        program.signal(Signal::HUP);
        program.log.message(mark, "configuration reloaded").await;
    }

    pub(crate) fn terminal(&self) -> Terminal {
        Terminal::new(&self.config)
    }

    /// Who sits at the browser. They agree to what they are asked.
    pub(crate) fn sits(&self, who: &str, does: Does) {
        let who = Who::Person(who.to_owned());
        self.sim.entra().browser.set(Browser { who, does });
    }

    /// The wrong person signs in, and then the right one, at a browser of this machine.
    pub(crate) async fn sign_in_by_browser(&mut self) {
        self.sits(STRANGER, Does::Agrees);
        let refused = self.by_browser().await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        self.refused(&refused);
        self.sits(self.mailbox, Does::Agrees);
        let ended = self.by_browser().await;
        self.signed_in(&ended);
    }

    async fn by_browser(&self) -> Ended {
        let talking = self.terminal().begin(&["sign-in", self.mailbox]);
        let page = browser::open(&self.sim, &talking.address().await).await;
        let ended = talking.end().await;
        let title = if ended.code == Some(0) { "Signed in" } else { "" };
        assert!(page.text.contains(title), "{}", page.text);
        ended
    }

    /// The same where the browser is on another machine.
    pub(crate) async fn sign_in_by_paste(&mut self) {
        self.sits(STRANGER, Does::Agrees);
        let refused = self.by_paste().await;
        self.refused(&refused);
        self.sits(self.mailbox, Does::Agrees);
        let ended = self.by_paste().await;
        self.signed_in(&ended);
    }

    async fn by_paste(&self) -> Ended {
        let mut talking = self.terminal().begin(&["sign-in", self.mailbox, "--paste"]);
        let page = browser::open(&self.sim, &talking.address().await).await;
        assert_eq!(page.text, "", "somebody listens where the browser was sent");
        talking.paste(page.address.as_str()).await;
        talking.end().await
    }

    fn refused(&mut self, ended: &Ended) {
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let says = format!("sign in as {}", self.mailbox);
        assert!(ended.complained.contains(&says), "{ended:?}");
        self.done.insert(Step::WrongPerson);
    }

    pub(crate) fn signed_in(&mut self, ended: &Ended) {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let says = format!("{} is signed in", self.mailbox);
        assert!(ended.said.contains(&says), "{ended:?}");
        self.done.insert(Step::SignedIn);
    }

    pub(crate) fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    /// Each protocol of the guide, by a plain login.
    pub(crate) async fn use_mail(&mut self) {
        for protocol in self.guide.protocols() {
            let at = self.program().addresses.of(protocol);
            mail::is_used(&self.sim, protocol, at, self.mailbox, &self.password).await;
            self.done.insert(Step::of(protocol));
        }
    }

    pub(crate) async fn status_is_well(&mut self) {
        let status = self.terminal().run(&["status"]).await;
        assert_eq!(status.code, Some(0), "{status:?}");
        let says = format!("{}  ready", self.mailbox);
        assert!(status.said.contains(&says), "{status:?}");
        self.done.insert(Step::Status);
    }

    /// Ends the program, starts it again, and uses mail without another sign-in.
    pub(crate) async fn restart(&mut self) {
        let visits = self.sim.entra().visits().len();
        let program = self.program.as_mut().unwrap();
        program.signal(Signal::TERM);
        assert!(program.exit().await.success());
        program.run_again(&self.config, &LISTENERS).await;
        self.use_mail().await;
        assert_eq!(
            self.sim.entra().visits().len(),
            visits,
            "somebody had to sign in again"
        );
        self.done.insert(Step::Restarted);
    }

    /// From the first login to the restart, as soon as whoever has to has signed in.
    pub(crate) async fn finish(mut self) {
        self.use_mail().await;
        self.status_is_well().await;
        self.restart().await;
        self.guide.assert_done(&self.done);
    }
}

/// A redirect URI has its port in it before anything listens there.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
