//! Long proofs about refresh tokens; `tests/heavy` has the scripts that run them.
#![allow(clippy::print_stderr)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use saslgate::downstream::Refusal;
use saslgate::oauth::Endpoint;
use saslgate::outgoing::{Outgoing, Proxy};
use saslgate::provider::Protocol;
use saslgate::sim::entra::Rotation;
use saslgate::token::store::{FileStore, KeySource, Settings, Swap, TokenStore as _};
use saslgate::token::{StoreSlot, Tokens};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::newer;
use crate::people::{Signing, person};
use crate::sim_support::logins::authorized;
use crate::sim_support::trusting;
use crate::support::command;
use crate::support::config::{Account, Config};
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;

const REFRESHES: usize = 10_000;
const PEOPLE: usize = 8;
const LOGINS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: tests/heavy/strict_rotation"]
async fn no_refresh_token_is_used_twice_in_ten_thousand_refreshes() {
    let signing = Signing::new();
    signing.sim.entra().rotation.set(Rotation::Strict);
    let place = Place::new(&signing.sim);
    let settings = Arc::new(Settings {
        path: place.path("tokens"),
        key: KeySource::Found { credentials: None },
        command: "run",
    });
    let (store, _) = FileStore::open(&settings).await.unwrap();
    let (app, mut logins) = (newer::app(&signing), Vec::new());
    for number in 0..PEOPLE {
        let name = person(&signing.sim, &format!("person-{number}"));
        let login = authorized(&app, &name).await;
        let record = newer::record(&login, &signing.refresh_token(&name).await);
        let kept = store.swap(login.token_wanted().key.grant, None, record).await;
        assert!(matches!(kept, Ok(Swap::Saved(_))));
        logins.push(Arc::new(login));
    }
    let endpoint = Endpoint::new(Outgoing::new(&Arc::new(trusting(&signing.sim)), &Proxy::Direct).unwrap());
    let tokens = Tokens::new(endpoint, StoreSlot::open(Arc::new(store)));
    let (begun, sim) = (Instant::now(), Arc::new(signing.sim));
    let mut all = JoinSet::new();
    for login in logins.iter().cycle().take(PEOPLE * LOGINS) {
        let (login, tokens, sim) = (Arc::clone(login), tokens.clone(), Arc::clone(&sim));
        all.spawn(async move {
            let mut got = 0;
            while sim.entra().requests_of("refresh_token") < REFRESHES {
                // As if the token at hand had just ended: the next login needs another.
                tokens.forget(login.token_wanted().key.grant);
                tokens.pending(&login).token().await.unwrap();
                got += 1;
            }
            got
        });
    }
    let got: usize = all.join_all().await.into_iter().sum();
    tokens.shutdown().await;
    let (refreshes, reuses) = (
        sim.entra().requests_of("refresh_token"),
        sim.entra().refresh_reuses(),
    );
    eprintln!(
        "ok   strict rotation: {refreshes} refreshes of {PEOPLE} people for {got} logins, {LOGINS} at a time each, in {} s; \
         refresh tokens that came twice: {reuses}",
        begun.elapsed().as_secs()
    );
    assert!(refreshes >= REFRESHES && got >= refreshes, "{refreshes} {got}");
    assert_eq!(reuses, 0);
}

const CROWD: usize = 12;

/// About as long as it takes until all have logged in after a start.
const LIFE: Duration = Duration::from_millis(160);

/// A sequence of numbers by a seed (Knuth's linear congruential generator).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// What was seen over all lives.
#[derive(Debug, Default)]
struct Seen {
    kills: u64,
    yes: usize,
    unanswered: usize,
    /// Refreshes that the provider had done for logins that never had their answer.
    in_the_air: usize,
    lost: usize,
}

struct Lives {
    signing: Signing,
    config: Config,
    accounts: Vec<Account>,
    place: Arc<Place>,
    seen: Seen,
    /// Who had no answer in the last life, and how many requests there had been before it.
    unanswered: Vec<(String, usize)>,
    /// Whose refresh was done and perhaps not kept.
    suspects: BTreeSet<String>,
}

/// How a login went; none if the program was killed before it had an answer.
type Answer = Option<Result<(), Refusal>>;

impl Lives {
    async fn new(rotation: Rotation) -> Self {
        let signing = Signing::new();
        signing.sim.entra().rotation.set(rotation);
        let accounts: Vec<_> = (0..CROWD)
            .map(|number| signing.account(&format!("person-{number}")))
            .collect();
        let config = accounts.iter().fold(signing.config(), Config::account);
        let mut lives = Self {
            place: Arc::new(Place::new(&signing.sim)),
            signing,
            config,
            suspects: accounts.iter().map(|account| account.login.clone()).collect(),
            accounts,
            seen: Seen::default(),
            unanswered: Vec::new(),
        };
        lives.sign_in_anew().await;
        // A refresh is under way for longer than a save takes.
        lives.signing.sim.entra().latency.set(Duration::from_millis(40));
        lives
    }

    async fn start(&self) -> Program {
        let program = Program::start(Arc::clone(&self.place), &self.config).await;
        program.log.message(0, "token store opened").await;
        for line in program.log.lines() {
            assert!(!line.contains("can't be opened"), "{line}");
            // Where the key lies and who may read the folder is told at every start.
            let is_usual = line.contains("the key of the token store") || line.contains("other users");
            assert!(is_usual || !line.contains("token store: "), "{line}");
        }
        program
    }

    /// Those who were lost sign in again.
    async fn sign_in_anew(&mut self) {
        let mut program = self.start().await;
        for login in std::mem::take(&mut self.suspects) {
            let said = self.signing.import(&program.place, &login).await;
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        program.signal(Signal::TERM);
        program.exit().await;
    }

    /// Everybody logs in at once; at that moment, if one is given, the program is killed.
    async fn live(&mut self, kill: Option<Duration>) -> Vec<Answer> {
        let mut program = self.start().await;
        self.settle();
        let before = self.signing.sim.entra().requests().len();
        let imap = program.addresses.of(Protocol::Imap);
        let mut all = JoinSet::new();
        for (number, account) in self.accounts.iter().cloned().enumerate() {
            all.spawn(async move { (number, log_in(imap, &account).await) });
        }
        if let Some(kill) = kill {
            sleep_until(tokio::time::Instant::now() + kill).await;
            program.signal(Signal::KILL);
            self.seen.kills += 1;
        }
        let mut answers = all.join_all().await;
        answers.sort_by_key(|(number, _)| *number);
        if kill.is_none() {
            program.signal(Signal::TERM);
        }
        program.exit().await;
        self.note(&answers, before);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn note(&mut self, answers: &[(usize, Answer)], before: usize) {
        for (number, answer) in answers {
            let login = &self.accounts[*number].login;
            match answer {
                Some(Ok(())) => {
                    self.seen.yes += 1;
                    self.suspects.remove(login);
                }
                Some(Err(refusal)) => assert_eq!(*refusal, Refusal::ContactAdmin, "{login}"),
                None => {
                    self.seen.unanswered += 1;
                    self.unanswered.push((login.clone(), before));
                }
            }
        }
    }

    /// Finds out whose refresh was done without an answer to the login. At the next start, because the provider may have
    /// been at work still when the program was killed.
    fn settle(&mut self) {
        let requests = self.signing.sim.entra().requests();
        for (login, before) in std::mem::take(&mut self.unanswered) {
            let mut since = requests[before..].iter();
            if since.any(|request| request.person.as_ref() == Some(&login)) {
                self.seen.in_the_air += 1;
                self.suspects.insert(login);
            }
        }
    }

    /// Looks who is lost: nobody but those whose refresh was in the air, and each is told. They sign in anew.
    async fn look(&mut self) {
        let mut program = self.start().await;
        self.settle();
        let suspects = self.suspects.clone();
        let imap = program.addresses.of(Protocol::Imap);
        let mut lost = BTreeSet::new();
        for account in &self.accounts {
            match log_in(imap, account).await {
                Some(Ok(())) => {}
                Some(Err(Refusal::ContactAdmin)) => drop(lost.insert(account.login.clone())),
                other => panic!("{}: {other:?}", account.login),
            }
        }
        assert!(
            lost.is_subset(&suspects),
            "lost without a refresh in the air: {lost:?}, of {suspects:?}"
        );
        let told = command::run(&program.place, &["status"]).await.output;
        for account in &self.accounts {
            let state = if lost.contains(&account.login) {
                "needs sign-in"
            } else {
                "ready"
            };
            assert!(
                told.contains(&format!("{}  {state}", account.login)),
                "{state}: {told}"
            );
        }
        program.signal(Signal::TERM);
        program.exit().await;
        self.seen.lost += lost.len();
        self.suspects = lost;
        if !self.suspects.is_empty() {
            self.sign_in_anew().await;
        }
    }

    async fn run(mut self, name: &str) -> Seen {
        let (kills, seed) = (
            number("SASLGATE_TEST_KILLS", 200),
            number("SASLGATE_TEST_SEED", 1),
        );
        let mut chance = Chance(seed);
        let most = u64::try_from(LIFE.as_millis()).unwrap();
        for _ in 0..kills {
            let kill = Duration::from_millis(chance.next(most));
            let answers = self.live(Some(kill)).await;
            let is_refused = answers.iter().any(|answer| matches!(answer, Some(Err(_))));
            if is_refused || !self.unanswered.is_empty() {
                self.look().await;
            }
        }
        let answers = self.live(None).await;
        assert!(
            answers.iter().all(|answer| *answer == Some(Ok(()))),
            "{answers:?}"
        );
        eprintln!("ok   {name}: {:?}; unreadable stores: 0; seed {seed}", self.seen);
        self.seen
    }
}

/// One login, whose answer may never come.
async fn log_in(address: std::net::SocketAddr, account: &Account) -> Answer {
    let mut client = MailClient::try_connect(Protocol::Imap, address).await?;
    if client.line().await.is_empty() {
        return None;
    }
    let reply = client.log_in(&account.login, &account.password).await;
    if reply.line.is_empty() {
        return None;
    }
    Some(if reply.is_yes() {
        Ok(())
    } else {
        Err(reply.refusal().unwrap())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: tests/heavy/kill_under_refresh"]
async fn kills_cost_nobody_a_sign_in_where_old_tokens_stay_good() {
    let seen = Lives::new(Rotation::KeepsOld)
        .await
        .run("old tokens stay good")
        .await;
    assert_eq!(seen.lost, 0);
    assert!(
        seen.in_the_air > 0,
        "no kill met a refresh: the machine is too quick for `LIFE`"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: tests/heavy/kill_under_refresh"]
async fn kills_cost_no_more_than_what_was_in_the_air_where_tokens_are_good_once() {
    let seen = Lives::new(Rotation::Strict).await.run("strict rotation").await;
    assert!(seen.lost <= seen.in_the_air, "{seen:?}");
    assert!(
        seen.in_the_air > 0,
        "no kill met a refresh: the machine is too quick for `LIFE`"
    );
}
