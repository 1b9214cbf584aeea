//! Whose token opens whose mailbox: sixty-four people log in at random, and nobody may ever be somebody else.

use std::collections::HashMap;
use std::sync::Arc;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::directory::{App, Tenant};
use saslgate::sim::entra::TokenFault;
use saslgate::sim::exchange::{ImapRefusal, Pop3Refusal, Refusals, SmtpRefusal};
use saslgate::sim::mailbox::Right;
use saslgate::sim::record::SessionRecord;
use saslgate::sim::{Settings, Sim};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::Addresses;
use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::mail_client::{MailClient, Reply, plain};
use crate::support::place::Place;

/// People, each with a tenant of his own.
const PEOPLE: usize = 64;

/// The last of them have a tenant in common, and their tokens from a command.
const BY_COMMAND: usize = 16;

const LOGINS: usize = 10_000;

/// Logins at a time.
const AT_ONCE: usize = 40;

/// After so many logins something is changed in the world.
const BETWEEN_CHANGES: usize = 50;

/// People whom Exchange may refuse now and then.
const UNLOVED: usize = 8;

const SCOPES: [&str; 3] = ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"];

/// Somebody with a mailbox.
#[derive(Clone)]
struct Person {
    account: Account,
    /// The client id of the person's own app; none if a command prints the person's tokens.
    client_id: Option<String>,
}

impl Person {
    fn new(number: usize, sim: &Sim) -> Self {
        let by_command = number >= PEOPLE - BY_COMMAND;
        let tenant = if by_command { PEOPLE } else { number };
        let (domain, guid) = (format!("tenant{tenant}.example"), guid(1, tenant));
        let address = format!("person{number}@{domain}");
        if sim.directory().tenant(&domain).is_none() {
            sim.directory().add_tenant(Tenant::new(guid.clone(), domain));
        }
        let mailbox = sim.directory().add_mailbox(&address);
        mailbox.deliver(format!("Subject: {address}\r\n\r\nMine.\r\n"));
        if by_command {
            return Self {
                account: Account::new(&address).app("command"),
                client_id: None,
            };
        }
        let client_id = guid_of_app(number);
        mailbox.grant(&client_id, Right::FullAccess);
        mailbox.grant(&client_id, Right::SendAs);
        sim.directory().add_app(
            App::new(&client_id, guid)
                .secret(format!("secret-of-app-{number}"))
                .roles(&["IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp"]),
        );
        Self {
            account: Account::new(&address).app(&format!("app{number}")),
            client_id: Some(client_id),
        }
    }

    fn address(&self) -> &str {
        &self.account.login
    }

    /// Whether an upstream session that named this person showed this person's token.
    fn owns(&self, session: &SessionRecord) -> bool {
        let token = session.token.as_ref().unwrap();
        match &self.client_id {
            Some(client_id) => token.client_id == *client_id && token.user.is_none(),
            None => token.user.as_deref() == Some(self.address()),
        }
    }
}

fn guid(kind: usize, number: usize) -> String {
    format!("{kind:08}-0000-4000-8000-{number:012}")
}

fn guid_of_app(number: usize) -> String {
    guid(2, number)
}

/// The world in which they live.
struct World {
    sim: Sim,
    gate: InProcess,
    config: Config,
    people: Vec<Person>,
    chance: Chance,
    accepted: usize,
    refused: HashMap<Refusal, usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let sim = Sim::start(Settings::default()).unwrap();
        sim.exchange().submissions_at_once.set(None);
        // Tokens live for seconds here; what is tested is whose they are.
        sim.exchange().sessions_end_with_token.set(false);
        let people: Vec<_> = (0..PEOPLE).map(|number| Person::new(number, &sim)).collect();
        let place = Place::new(&sim);
        let tokens = place.path("token-of-{mailbox}");
        let mut config = Config::new(&sim).app_by_command("command", &["/bin/cat", tokens.to_str().unwrap()]);
        for (number, person) in people.iter().enumerate() {
            if let Some(client_id) = &person.client_id {
                let (name, file) = (format!("app{number}"), format!("secret-{number}"));
                place.write(&file, &format!("secret-of-app-{number}"));
                config = config.app_only(&name, &guid(1, number), client_id, &file);
            }
            config = config.account(&person.account);
        }
        let world = Self {
            gate: InProcess::start(place, &config),
            sim,
            config,
            people,
            chance: Chance(seed),
            accepted: 0,
            refused: HashMap::new(),
        };
        world.print_tokens();
        world
    }

    /// New tokens for those who have them from a command.
    fn print_tokens(&self) {
        for person in self.people.iter().filter(|person| person.client_id.is_none()) {
            let claims = self
                .sim
                .entra()
                .user_claims(self.sim.directory(), person.address(), &SCOPES);
            let token = self.sim.entra().mint(&claims);
            let file = format!("token-of-{}", person.address());
            self.gate.place.write(&file, token.reveal());
        }
    }

    /// Something happens: tokens live shorter or longer, the token endpoint fails, Exchange refuses somebody, an
    /// administrator reloads.
    async fn change(&mut self) {
        match self.chance.below(8) {
            0..3 => {
                let lifetime = [4, 15, 60, 3_599][self.chance.below(4)];
                self.sim.entra().tokens.change(|shape| shape.lifetime = lifetime);
                self.print_tokens();
            }
            3 => self.sim.entra().fail_next(2, TokenFault::ServerError),
            4 => self.sim.entra().fail_next(1, TokenFault::TooManyRequests(None)),
            5 | 6 => self.refuse_or_forgive(),
            _ => {
                let config = self.config.clone();
                self.gate.reread(&config).await;
            }
        }
    }

    fn refuse_or_forgive(&mut self) {
        let person = &self.people[self.chance.below(UNLOVED) * PEOPLE / UNLOVED];
        let mailbox = self.sim.directory().mailbox(person.address()).unwrap();
        let refused = mailbox.refusals.get() == Refusals::default();
        mailbox.refusals.set(if refused {
            Refusals {
                imap: Some(ImapRefusal::Denied),
                pop3: Some(Pop3Refusal::Denied),
                smtp: Some(SmtpRefusal::Unsuccessful),
                sending: None,
            }
        } else {
            Refusals::default()
        });
    }

    /// So many random logins, interleaved, while the world changes under them.
    async fn logins(&mut self, count: usize) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut all = JoinSet::new();
        for number in 0..count {
            let place = Arc::clone(&places).acquire_owned().await;
            let person = self.people[self.chance.below(PEOPLE)].clone();
            let protocol = Protocol::ALL[self.chance.below(3)];
            let addresses = self.gate.addresses.clone();
            all.spawn(async move {
                let _place = place;
                log_in(number, protocol, &addresses, &person).await
            });
            if number % BETWEEN_CHANGES == 0 {
                self.change().await;
            }
        }
        for reply in all.join_all().await {
            match reply.refusal() {
                None => self.accepted += 1,
                Some(refusal) => *self.refused.entry(refusal).or_default() += 1,
            }
        }
    }
}

/// One login, and whether the mailbox that opens is the person's own.
async fn log_in(number: usize, protocol: Protocol, addresses: &Addresses, person: &Person) -> Reply {
    let mut client = MailClient::greeted(protocol, addresses.of(protocol)).await;
    let Account { login, password, .. } = &person.account;
    let reply = match protocol {
        Protocol::Imap | Protocol::Pop3 => client.log_in(login, password).await,
        Protocol::Smtp => {
            client.ask(&format!("EHLO {}", host_name(number, person))).await;
            client
                .ask(&format!("AUTH PLAIN {}", plain(login, password)))
                .await
        }
    };
    if !reply.is_yes() {
        assert!(reply.refusal().is_some(), "{protocol}: {reply:?}");
        return reply;
    }
    let ask = match protocol {
        Protocol::Imap => "b SELECT INBOX\r\na FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]",
        Protocol::Pop3 => "TOP 1 0",
        // What it says of itself goes upstream: it is found in the session's record.
        Protocol::Smtp => return reply,
    };
    client.say(ask).await;
    let mine = format!("Subject: {login}");
    while let line = client.line().await
        && line != mine
    {
        assert!(
            !line.starts_with("Subject: ") && !line.is_empty(),
            "{login} got {line:?}"
        );
    }
    reply
}

/// What a mail client says of itself.
fn host_name(number: usize, person: &Person) -> String {
    format!("login{number}.{}", person.address().replace('@', "."))
}

/// Numbers by chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// Every upstream session that named somebody and showed a token: how many, and those where the two don't belong together.
fn judge(sessions: &[SessionRecord], people: &[Person]) -> (usize, Vec<String>) {
    let by_address: HashMap<_, _> = people.iter().map(|person| (person.address(), person)).collect();
    let mut shown = 0;
    let mut wrong = Vec::new();
    for session in sessions.iter().filter(|session| session.token.is_some()) {
        shown += 1;
        let user = session.user.as_deref().unwrap_or_default();
        let fits = by_address.get(user).is_some_and(|person| {
            let hello = session
                .commands
                .iter()
                .find_map(|line| line.strip_prefix("EHLO "));
            // saslgate itself looks after accounts in trouble once a reload may have mended them.
            let is_own_look = |name: &str| name == "[127.0.0.1]";
            let named = hello.is_none_or(|name| is_own_look(name) || name.ends_with(&user.replace('@', ".")));
            person.owns(session) && named
        });
        if !fits {
            wrong.push(format!("{session:?}"));
        }
    }
    (shown, wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_gets_somebody_elses_token_or_mailbox() {
    // Another seed: SASLGATE_TEST_SEED=7 cargo test --test e2e isolation
    let seed = std::env::var("SASLGATE_TEST_SEED").map_or(1, |text| text.parse().unwrap());
    let mut world = World::new(seed);

    world.logins(LOGINS).await;

    let counts = format!("seed {seed}: {} accepted, {:?}", world.accepted, world.refused);
    let (shown, wrong) = judge(&world.sim.exchange().sessions(), &world.people);
    assert!(
        wrong.is_empty(),
        "{counts}: {} of {shown}: {}",
        wrong.len(),
        wrong[0]
    );
    assert!(shown >= world.accepted, "{counts}, {shown} tokens shown");
    assert!(world.accepted > LOGINS * 3 / 4, "{counts}: is anything tested?");
    assert!(
        world.refused.values().sum::<usize>() > LOGINS / 100,
        "{counts}: was anything refused?"
    );
    assert!(
        !world.refused.contains_key(&Refusal::AuthenticationFailed),
        "{counts}: every password was right"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_a_neighbour_opens_a_mailbox() {
    let world = World::new(1);
    let mut all = JoinSet::new();
    for (number, person) in world.people.iter().enumerate() {
        let mut account = person.account.clone();
        account
            .password
            .clone_from(&world.people[(number + 1) % PEOPLE].account.password);
        let person = Person {
            account,
            ..person.clone()
        };
        let addresses = world.gate.addresses.clone();
        all.spawn(async move { log_in(number, Protocol::ALL[number % 3], &addresses, &person).await });
    }

    let replies = all.join_all().await;

    assert_eq!(replies.len(), PEOPLE);
    for reply in replies {
        assert_eq!(reply.refusal(), Some(Refusal::AuthenticationFailed), "{reply:?}");
    }
    assert_eq!(world.sim.exchange().counts().accepted, 0, "nothing goes upstream");
    assert_eq!(world.sim.entra().connections(), 0);
}
