//! Grant by protocol: each way to get a token ends in a plain login over IMAP, POP3 and SMTP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use saslgate::oauth::{
    Algorithm, CertificateFiles, ClientCredentials, Dialect, Endpoint, FederatedToken, Proof, Registration,
};
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::provider::Protocol;
use saslgate::secret::Secret;
use saslgate::sim::directory::{App, Audience, Person, Platform, Tenant};
use saslgate::sim::entra::{DeviceSettings, ForeignIssuer, ManagedIdentity, Proof as Shown};
use saslgate::sim::mailbox::Right;
use saslgate::sim::{Demo, Settings, Sim};

use crate::browser::Browser;
use crate::people::{
    DELEGATED, ROLES, SECRET, client_id, free_port, person, registration, text, text_of_passwords,
    type_user_code,
};
use crate::sim_support::trusting;
use crate::support::command::Running;
use crate::support::config::{Account, Config, SIMULATOR};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;

const AUDIENCE: &str = "api://AzureADTokenExchange";
const SUBJECT: &str = "system:serviceaccount:mail:saslgate";
const OTHER_TENANT: &str = "0fab71ca-0c0a-4b1e-8c0d-5a51aa7e0002";
const OTHER_DOMAIN: &str = "fabrikam.onmicrosoft.com";

/// How a person signs in, if one has to.
#[derive(Clone, Copy, Debug)]
enum SignIn {
    None,
    Browser,
    Paste,
    Device,
    RefreshToken,
}

/// One way to get a token.
struct Row {
    name: &'static str,
    account: Account,
    sign_ins: Vec<(SignIn, &'static str)>,
    /// What the provider has to have seen.
    grant: &'static str,
    proof: Shown,
    client_id: String,
}

/// A tenant, a configuration for it that grows, and the rows.
struct World {
    sim: Sim,
    place: Place,
    port: u16,
    config: Config,
    rows: Vec<Row>,
    cluster: ForeignIssuer,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A key and its certificate in one file; the certificate, DER.
pub(crate) fn certificate(place: &Place, name: &str) -> Vec<u8> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    place.write(name, &(certificate.pem() + &key.serialize_pem()));
    certificate.der().to_vec()
}

impl World {
    fn new() -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.entra().device.set(DeviceSettings {
            interval: 1,
            ..DeviceSettings::default()
        });
        let place = Place::new(&sim);
        place.write("secret", SECRET);
        Self {
            config: Config::new(&sim),
            port: free_port(),
            rows: Vec::new(),
            cluster: ForeignIssuer::new("https://cluster.example/").unwrap(),
            sim,
            place,
        }
    }

    /// The number of the next row, from which its names are made.
    fn number(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap() + 1
    }

    fn app(&mut self, text: &str) -> String {
        let name = format!("app-{}", self.number());
        self.config = self.config.clone().app(&name, SIMULATOR, text);
        name
    }

    fn row(&mut self, name: &'static str, account: Account, how: (SignIn, &'static str, Shown)) {
        let (sign_in, grant, proof) = how;
        let client_id = client_id(self.number());
        self.config = self.config.clone().account(&account);
        self.rows.push(Row {
            name,
            account,
            sign_ins: vec![(sign_in, "")],
            grant,
            proof,
            client_id,
        });
    }

    /// An app that people sign in to, with a proof of its own.
    fn of_people(&mut self, name: &'static str, how: (SignIn, &str, &'static str), proof: (&str, Shown)) {
        let ((sign_in, grant, seen), (proof_text, shown)) = (how, proof);
        let number = self.number();
        let platform = match shown {
            Shown::None => Platform::Native,
            _ => Platform::Web,
        };
        let mut app = registration(number, platform, self.port);
        match shown {
            Shown::Certificate => app = app.certificate(certificate(&self.place, "people.pem")),
            Shown::None => {}
            _ => app = app.secret(SECRET),
        }
        self.sim.directory().add_app(app);
        if !matches!(sign_in, SignIn::Browser) {
            // Without a browser there is no page to agree on.
            let id = client_id(number);
            self.sim.directory().consent(&id, Demo::TENANT, None, &DELEGATED);
        }
        let app = self.app(&(text(number, grant, self.port) + proof_text));
        let account = Account::new(&person(&self.sim, &format!("person-{number}"))).app(&app);
        self.row(name, account, (sign_in, seen, shown));
    }

    /// An app that asks for itself.
    fn of_app(&mut self, name: &'static str, app: App, proof: (&str, Shown)) {
        let number = self.number();
        let app = App {
            client_id: client_id(number),
            object_id: format!("0b1ec7{number:02}-4444-4222-8333-444455556666"),
            ..app
        };
        self.sim.directory().add_app(app.roles(&ROLES));
        let (proof_text, shown) = proof;
        let text = format!(
            "tenant = \"{}\"\nclient_id = \"{}\"\nscope = \"{}\"\ngrant = \"client_credentials\"\n{proof_text}",
            Demo::TENANT,
            client_id(number),
            Demo::SCOPE
        );
        let app = self.app(&text);
        let account = self.opened_by(&client_id(number), &app);
        self.row(name, account, (SignIn::None, "client_credentials", shown));
    }

    /// An account whose mailbox an app may open.
    fn opened_by(&self, client_id: &str, app: &str) -> Account {
        let address = format!("mailbox-{}@{}", self.number(), Demo::DOMAIN);
        let mailbox = self.sim.directory().add_mailbox(&address);
        mailbox.grant(client_id, Right::FullAccess);
        mailbox.grant(client_id, Right::SendAs);
        Account::new(&address).app(app)
    }

    fn add_apps_of_people(&mut self) {
        const CODE: &str = "authorization_code";
        let secret = "client_secret_file = \"secret\"\n";
        let certificate = "certificate = \"people.pem\"\n";
        let browser = (SignIn::Browser, CODE, CODE);
        self.of_people("code, public", browser, ("", Shown::None));
        self.of_people("code, secret", browser, (secret, Shown::Secret));
        self.of_people("code, certificate", browser, (certificate, Shown::Certificate));
        self.of_people("pasted", (SignIn::Paste, CODE, CODE), ("", Shown::None));
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        self.of_people(
            "device code",
            (SignIn::Device, "device_code", device),
            ("", Shown::None),
        );
        let refresh = "refresh_token";
        let how = (SignIn::RefreshToken, refresh, refresh);
        self.of_people("refresh token by stdin", how, ("", Shown::None));
    }

    fn add_apps(&mut self) {
        let bare = || App::new("", Demo::TENANT);
        let secret = ("client_secret_file = \"secret\"\n", Shown::Secret);
        self.of_app("app's secret", bare().secret(SECRET), secret);
        for (name, algorithm) in [("PS256", "PS256"), ("RS256", "RS256")] {
            let file = format!("{name}.pem");
            let text = format!("certificate = \"{file}\"\ncertificate_algorithm = \"{algorithm}\"\n");
            let app = bare().certificate(certificate(&self.place, &file));
            let what = if name == "PS256" {
                "app's certificate, PS256"
            } else {
                "app's certificate, RS256"
            };
            self.of_app(what, app, (&text, Shown::Certificate));
        }
        let token = self.cluster.token(SUBJECT, AUDIENCE, now() + 3_000).unwrap();
        self.place.write("federated", &token);
        let mut app = bare();
        app.federated = vec![self.cluster.credential(SUBJECT, AUDIENCE).unwrap()];
        let federated = ("federated_token_file = \"federated\"\n", Shown::Federated);
        self.of_app("federated file", app, federated);
    }

    fn add_managed_identity(&mut self) {
        let app = self.app(&format!(
            "grant = \"client_credentials\"\nmanaged_identity = true\nscope = \"{}\"",
            Demo::SCOPE
        ));
        let account = self.opened_by(Demo::MANAGED_IDENTITY, &app);
        self.row("managed identity", account, (SignIn::None, "", Shown::None));
    }

    fn add_passwords(&mut self) {
        for by_operator in [false, true] {
            let number = self.number();
            self.sim
                .directory()
                .add_app(registration(number, Platform::Native, self.port));
            let id = client_id(number);
            self.sim.directory().consent(&id, Demo::TENANT, None, &DELEGATED);
            let app = self.app(&text_of_passwords(number));
            let login = person(&self.sim, &format!("person-{number}"));
            self.place.write("upstream-password", Demo::PASSWORD);
            let (name, account) = if by_operator {
                let account = Account::new(&login).line("upstream_password_file = \"upstream-password\"");
                ("the operator's password", account)
            } else {
                (
                    "the mail client's password",
                    Account::of_person(&login, Demo::PASSWORD),
                )
            };
            self.row(name, account.app(&app), (SignIn::None, "password", Shown::None));
        }
    }

    fn add_command(&mut self) {
        let login = person(&self.sim, "command");
        let claims = self
            .sim
            .entra()
            .user_claims(self.sim.directory(), &login, &DELEGATED);
        let token = self.sim.entra().mint(&claims).reveal().to_owned();
        self.place.write("token", &token);
        let name = format!("app-{}", self.number());
        let file = self.place.path("token").to_string_lossy().into_owned();
        self.config = self.config.clone().app_by_command(&name, &["/bin/cat", &file]);
        let account = Account::new(&login).app(&name);
        self.row("command", account, (SignIn::None, "", Shown::None));
    }

    /// One app for two tenants: the account says which.
    fn add_tenants(&mut self) {
        let number = self.number();
        self.sim
            .directory()
            .add_tenant(Tenant::new(OTHER_TENANT, OTHER_DOMAIN));
        let app = registration(number, Platform::Native, self.port).audience(Audience::Organizations);
        self.sim.directory().add_app(app);
        let app = self.app(&text(number, "authorization_code", self.port));
        let login = format!("guest@{OTHER_DOMAIN}");
        self.sim
            .directory()
            .add_person(Person::new(&login).password(Demo::PASSWORD));
        self.sim.directory().add_mailbox(&login);
        let line = format!("tenant = \"{OTHER_DOMAIN}\"");
        let account = Account::new(&login).app(&app).line(&line);
        let how = (SignIn::Browser, "authorization_code", Shown::None);
        self.row("an account's own tenant", account, how);
    }

    /// One app to read and one to send: two sign-ins, two consents.
    fn add_two_apps(&mut self) {
        let number = self.number();
        let mut apps = Vec::new();
        for (at, permissions) in [(number, &DELEGATED[..2]), (number + 100, &DELEGATED[2..])] {
            let app = App::new(client_id(at), Demo::TENANT)
                .redirect(Platform::Native, format!("http://localhost:{}/", self.port))
                .delegated(permissions);
            self.sim.directory().add_app(app);
            let scopes: Vec<_> = permissions
                .iter()
                .map(|permission| format!("https://outlook.office.com/{permission}"))
                .collect();
            let scope = format!("{} offline_access openid profile", scopes.join(" "));
            let name = if at == number { "read" } else { "send" };
            let text = text(at, "authorization_code", self.port).replace(Demo::DELEGATED_SCOPE, &scope);
            self.config = self.config.clone().app(name, SIMULATOR, &text);
            apps.push(name);
        }
        let login = person(&self.sim, "two-apps");
        let account = Account::new(&login).app("read").line("smtp.app = \"send\"");
        let how = (SignIn::Browser, "authorization_code", Shown::None);
        self.row("one app reads, one sends", account, how);
        let row = self.rows.last_mut().unwrap();
        row.sign_ins = apps.into_iter().map(|app| (SignIn::Browser, app)).collect();
    }
}

async fn sign_in(sim: &Sim, program: &Program, row: &Row, way: SignIn, app: &str) {
    let browser = Browser::new(sim);
    let login = &*row.account.login;
    let begin = |way: &[&str]| {
        let app: &[&str] = if app.is_empty() { &[] } else { &["--app", app] };
        Running::start(&program.place, &[&["sign-in", login], way, app].concat())
    };
    let command = match way {
        SignIn::None => return,
        SignIn::Browser => {
            let command = begin(&["--no-browser"]);
            let page = browser.signs_in(&command.address().await).await;
            assert_eq!(page.status, 200, "{}: {}", row.name, page.text);
            command
        }
        SignIn::Paste => {
            let mut command = begin(&["--paste"]);
            let back = browser.sent_back(&command.address().await).await;
            command.types(&back).await;
            command
        }
        SignIn::Device => {
            let command = begin(&[]);
            type_user_code(sim, Some(login)).await;
            command
        }
        SignIn::RefreshToken => {
            let form = [
                ("grant_type", "password"),
                ("client_id", &*row.client_id),
                ("scope", Demo::DELEGATED_SCOPE),
                ("username", login),
                ("password", Demo::PASSWORD),
            ];
            let url = sim.addresses().token_url(Demo::TENANT);
            let token = browser.refresh_token(&url, &form).await;
            let mut command = begin(&["--refresh-token"]);
            command.types(&token).await;
            command
        }
    };
    let said = command.end().await;
    assert_eq!(said.code, Some(0), "{}: {said:?}", row.name);
    assert!(
        said.output.contains(&format!("{login} is signed in as {login}")),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_grant_ends_in_a_plain_login_over_each_protocol() {
    let mut world = World::new();
    world.add_apps_of_people();
    world.add_apps();
    world.add_managed_identity();
    world.add_passwords();
    world.add_command();
    world.add_tenants();
    world.add_two_apps();
    let World {
        sim,
        place,
        config,
        rows,
        ..
    } = world;
    let environment = [
        (
            "IDENTITY_ENDPOINT",
            format!("http://{}/msi/token", sim.addresses().machine),
        ),
        ("IDENTITY_HEADER", ManagedIdentity::IDENTITY_HEADER.to_owned()),
    ];
    let program = Program::start_with(place, &config, &environment).await;
    let mut cells = 0;
    for row in &rows {
        for (way, app) in &row.sign_ins {
            sign_in(&sim, &program, row, *way, app).await;
        }
        for protocol in Protocol::ALL {
            let address = program.addresses.of(protocol);
            let mut client = MailClient::greeted(protocol, address).await;
            let reply = client.log_in(&row.account.login, &row.account.password).await;
            assert!(reply.is_yes(), "{} over {protocol}: {reply:?}", row.name);
            assert!(client.is_relayed().await, "{} over {protocol}", row.name);
            cells += 1;
        }
        let seen = sim.entra().requests();
        let is_it = |request: &&saslgate::sim::entra::TokenRequest| {
            request.client_id == row.client_id && request.grant == row.grant && request.proof == row.proof
        };
        assert!(
            row.grant.is_empty() || seen.iter().any(|request| is_it(&request)),
            "{}",
            row.name
        );
    }
    assert_eq!((rows.len(), cells), (16, 48));
    assert!(!sim.machine().requests().is_empty());
}

/// What an app proves itself with is read at each exchange, so that whoever renews it need not restart anything.
#[tokio::test]
async fn proofs_that_are_replaced_while_saslgate_runs_are_used_at_the_next_exchange() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let endpoint =
        Endpoint::new(Outgoing::new(&std::sync::Arc::new(trusting(&sim)), &Proxy::Direct).unwrap());
    let asking = |proof| ClientCredentials {
        registration: Registration {
            token_url: sim.addresses().token_url(Demo::TENANT).parse().unwrap(),
            client_id: Demo::CLIENT_ID.into(),
            proof,
            dialect: Dialect::Scope,
        },
        scope: Demo::SCOPE.into(),
    };
    let mut exchanges = 0;
    for algorithm in [Algorithm::Ps256, Algorithm::Rs256] {
        let path = place.path("app.pem");
        let mut grant = None;
        for _ in 0..2 {
            let der = certificate(&place, "app.pem");
            sim.directory()
                .change_app(Demo::CLIENT_ID, |app| app.certificates = vec![der.clone()]);
            let grant = grant.get_or_insert_with(|| {
                asking(Proof::Certificate(CertificateFiles::new(
                    path.clone(),
                    path.clone(),
                    algorithm,
                )))
            });
            endpoint.client_credentials(grant).await.unwrap();
            exchanges += 1;
        }
    }
    let cluster = ForeignIssuer::new("https://cluster.example/").unwrap();
    sim.directory().change_app(Demo::CLIENT_ID, |app| {
        app.federated = vec![cluster.credential(SUBJECT, AUDIENCE).unwrap()];
    });
    let grant = asking(Proof::Federated(FederatedToken::new(place.path("federated"))));
    // The first is too old by now, as a file that nobody renews would be.
    for (left, works) in [(-1, false), (3_000, true)] {
        let expires = now().checked_add_signed(left).unwrap();
        place.write("federated", &cluster.token(SUBJECT, AUDIENCE, expires).unwrap());
        assert_eq!(endpoint.client_credentials(&grant).await.is_ok(), works);
        exchanges += 1;
    }
    assert_eq!((exchanges, sim.entra().request_count()), (6, 6));
}

/// The endpoints without `v2.0` write numbers as text, and are asked for a resource: the cloud in China.
#[tokio::test]
async fn the_older_endpoints_give_the_same_tokens_in_their_own_words() {
    let sim = Sim::start(Settings::default()).unwrap();
    let endpoint =
        Endpoint::new(Outgoing::new(&std::sync::Arc::new(trusting(&sim)), &Proxy::Direct).unwrap());
    let url = Dialect::Resource.address(&sim.addresses().token_url(Demo::TENANT));
    let grant = ClientCredentials {
        registration: Registration {
            token_url: url.parse().unwrap(),
            client_id: Demo::CLIENT_ID.into(),
            proof: Proof::Secret(Secret::new(Demo::CLIENT_SECRET.into())),
            dialect: Dialect::Resource,
        },
        scope: Demo::SCOPE.into(),
    };
    let issued = endpoint.client_credentials(&grant).await.unwrap();
    let life = issued.lifetime;
    assert!(
        life <= Duration::from_secs(3_599) && life > Duration::from_secs(3_500),
        "{life:?}"
    );
    let [request] = &sim.entra().requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.scope, "https://outlook.office365.com");
    assert_eq!(request.version, saslgate::sim::entra::Version::V1);
}
