//! Apps that people sign in to, the people, and their sign-ins.

use saslgate::sim::directory::{App, Person, Platform};
use saslgate::sim::entra::DeviceSettings;
use saslgate::sim::{Demo, Sim};

use crate::browser::Browser;
use crate::support::command::{Running, Said};
use crate::support::config::{Account, Config, SIMULATOR};
pub(crate) use crate::support::free_port;
use crate::support::place::Place;
use crate::support::until;

pub(crate) const DELEGATED: [&str; 3] = ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"];
pub(crate) const ROLES: [&str; 3] = ["IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp"];

/// A secret of apps that have one.
pub(crate) const SECRET: &str = "sim8Q~another-throw-away_secret~of/the+tests=1";

/// A client id that no other app has.
pub(crate) fn client_id(number: u16) -> String {
    format!("5a51aa7e-4444-4222-8333-44445555{number:04}")
}

/// A mailbox of the demo's tenant whose person has a password.
pub(crate) fn person(sim: &Sim, name: &str) -> String {
    let address = format!("{name}@{}", Demo::DOMAIN);
    sim.directory()
        .add_person(Person::new(&address).password(Demo::PASSWORD));
    sim.directory().add_mailbox(&address);
    address
}

/// A registration that asks people, for that redirect URI; its public kind may do without a browser too.
pub(crate) fn registration(number: u16, platform: Platform, port: u16) -> App {
    let app = App::new(client_id(number), Demo::TENANT)
        .redirect(platform, redirect_uri(port))
        .delegated(&DELEGATED);
    match platform {
        Platform::Native => app.public_flows(),
        _ => app,
    }
}

pub(crate) fn redirect_uri(port: u16) -> String {
    format!("http://localhost:{port}/")
}

/// The text of an app with a grant of people, without its proof.
pub(crate) fn text(number: u16, grant: &str, port: u16) -> String {
    format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\nscope = \"{}\"\ngrant = \"{grant}\"\nredirect_uri = \"{}\"\n",
        Demo::TENANT,
        client_id(number),
        Demo::DELEGATED_SCOPE,
        redirect_uri(port)
    )
}

/// The text of an app whose people's passwords are asked about.
pub(crate) fn text_of_passwords(number: u16) -> String {
    format!(
        "tenant = \"{}\"\nclient_id = \"{}\"\nscope = \"{}\"\ngrant = \"password\"\n",
        Demo::TENANT,
        client_id(number),
        Demo::DELEGATED_SCOPE
    )
}

/// A simulated tenant with one public app that people sign in to, at which everybody has agreed to everything.
pub(crate) struct Signing {
    pub(crate) sim: Sim,
    pub(crate) browser: Browser,
    pub(crate) port: u16,
}

/// The app of [`Signing`].
pub(crate) const PEOPLE: &str = "people";

impl Signing {
    pub(crate) fn new() -> Self {
        let sim = Sim::start(saslgate::sim::Settings::default()).unwrap();
        let port = free_port();
        sim.directory().add_app(registration(1, Platform::Native, port));
        sim.directory()
            .consent(&client_id(1), Demo::TENANT, None, &DELEGATED);
        sim.entra().device.set(DeviceSettings {
            interval: 1,
            ..DeviceSettings::default()
        });
        sim.exchange().submissions_at_once.set(None);
        Self {
            browser: Browser::new(&sim),
            sim,
            port,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let text = text(1, "authorization_code", self.port);
        Config::new(&self.sim).app(PEOPLE, SIMULATOR, &text)
    }

    /// An account of a person of that name.
    pub(crate) fn account(&self, name: &str) -> Account {
        Account::new(&person(&self.sim, name)).app(PEOPLE)
    }

    /// Signs in with a browser on this machine.
    pub(crate) async fn sign_in(&self, place: &Place, login: &str) -> Said {
        self.sign_in_with(place, login, &[]).await
    }

    pub(crate) async fn sign_in_with(&self, place: &Place, login: &str, more: &[&str]) -> Said {
        let command = Running::start(place, &[&["sign-in", login, "--no-browser"], more].concat());
        let address = command.address().await;
        self.browser.signs_in(&address).await;
        command.end().await
    }

    /// Signs in with a refresh token from elsewhere: the quickest way, for tests of what comes after.
    pub(crate) async fn import(&self, place: &Place, login: &str) -> Said {
        let token = self.refresh_token(login).await;
        let mut command = Running::start(place, &["sign-in", login, "--refresh-token"]);
        command.types(&token).await;
        command.end().await
    }

    /// A refresh token of a person, of a sign-in of its own.
    pub(crate) async fn refresh_token(&self, login: &str) -> String {
        let url = self.sim.addresses().token_url(Demo::TENANT);
        let form = [
            ("grant_type", "password"),
            ("client_id", &*client_id(1)),
            ("scope", Demo::DELEGATED_SCOPE),
            ("username", login),
            ("password", Demo::PASSWORD),
        ];
        self.browser.refresh_token(&url, &form).await
    }
}

/// Types the next user code that waits, in some browser.
pub(crate) async fn type_user_code(sim: &Sim, person: Option<&str>) {
    until(std::time::Duration::from_secs(60), "a user code", || {
        !sim.entra().user_codes().is_empty()
    })
    .await;
    let code = sim.entra().user_codes().pop().unwrap();
    assert!(sim.entra().enter_user_code(&code, person));
}
