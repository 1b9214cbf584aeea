//! Accounts are tested, step by step; nothing is sent, and nothing of other accounts is touched.

use std::time::Duration;

use url::Url;

use super::{Desk, Refused, refused};
use crate::account::{Account, Authorized, Pattern};
use crate::control::{News, StepOutcome, StepTold, Talk, TestStep, TroubleTold};
use crate::name::LoginName;
use crate::probe::{self, Door, Outcome, Step, Witness};
use crate::provider::Protocol;
use crate::server::watch;
use crate::token::Since;

impl Desk {
    /// Tests one account, or all; by one protocol, or all that it has. Ends early when nobody listens any more.
    pub(super) async fn test(
        &self,
        account: Option<&str>,
        protocol: Option<Protocol>,
        talk: &Talk,
    ) -> Result<(), Refused> {
        let logins = match account {
            Some(name) => self.logins_of(name, protocol)?,
            None => self.logins_of_all(protocol, talk).await,
        };
        let testing = async {
            self.remark_refused_file(talk).await;
            self.test_doors(&logins, talk).await;
            let mut asked = Vec::new();
            // A token at hand would hide for an hour that the client secret was replaced by a wrong one.
            let since = self.context.tokens.from_now_on();
            for login in &logins {
                self.test_login(login, since, &mut asked, talk).await;
            }
            talk.tell(News::Tested).await;
        };
        tokio::select! {
            () = testing => {}
            () = talk.gone() => {}
        }
        Ok(())
    }

    fn logins_of(&self, name: &str, protocol: Option<Protocol>) -> Result<Vec<Authorized>, Refused> {
        let (login, account) = self.account(name)?;
        let logins = self.by_protocol(&login, protocol);
        if !logins.is_empty() {
            return Ok(logins);
        }
        let by = protocol.map_or("any protocol".to_owned(), |protocol| protocol.to_string());
        Err(refused(
            format!("{} is not allowed to use {by}", account.name),
            "`protocols` of the account leaves it out, or its name stands for many mailboxes",
            "choose another with --protocol, or name one mailbox",
        ))
    }

    /// Those that a name of one mailbox leads to; of the others it is told that they were left out.
    async fn logins_of_all(&self, protocol: Option<Protocol>, talk: &Talk) -> Vec<Authorized> {
        let rooms = self.context.rooms.load_full();
        let mut logins = Vec::new();
        for account in rooms.accounts.all() {
            match &account.name {
                Pattern::Login(name) => logins.extend(self.by_protocol(name, protocol)),
                Pattern::Domain(domain) => {
                    let why = format!(
                        "the name stands for many mailboxes: test one, as in `saslgate test NAME@{domain}`"
                    );
                    let of = told(Some(account), None, "account");
                    tell(talk, of, Duration::ZERO, StepOutcome::Skipped(why)).await;
                }
            }
        }
        logins
    }

    fn by_protocol(&self, name: &LoginName, protocol: Option<Protocol>) -> Vec<Authorized> {
        let rooms = self.context.rooms.load();
        let wanted = Protocol::ALL
            .into_iter()
            .filter(|one| protocol.is_none_or(|wanted| wanted == *one));
        wanted
            .filter_map(|protocol| rooms.accounts.for_operator(name, protocol))
            .collect()
    }

    /// Whoever has just changed the file tests what it says, not what was in it before.
    async fn remark_refused_file(&self, talk: &Talk) {
        let standing = self.running.as_ref().map(|(.., standing)| standing.now());
        let Some(problems) = standing.and_then(|standing| standing.refused) else {
            return;
        };
        let first = problems.lines().next().unwrap_or_default();
        let why = match problems.lines().count() {
            0 | 1 => first.to_owned(),
            count => format!("{first} (and {} more)", count - 1),
        };
        let remarked = StepOutcome::Remarked(TroubleTold {
            code: None,
            what: "what is in the configuration file now is NOT in use: what is tested is the configuration before it".into(),
            why,
            fix: "mend the file (`saslgate check` shows all that is wrong in it); saslgate takes it as soon as it is right".into(),
        });
        tell(talk, told(None, None, "config"), Duration::ZERO, remarked).await;
    }

    /// The listeners that mail clients of these logins would meet, where a server runs.
    async fn test_doors(&self, logins: &[Authorized], talk: &Talk) {
        for protocol in Protocol::ALL {
            if !logins.iter().any(|login| login.protocol() == protocol) {
                continue;
            }
            let known = self.doors.load();
            let of_protocol = known.iter().filter(|door| door.protocol == protocol);
            let doors: Vec<Door> = of_protocol.cloned().collect();
            if !doors.is_empty() {
                let telling = Telling {
                    account: None,
                    protocol: Some(protocol),
                    talk,
                };
                probe::doors(&doors, &telling).await;
            }
        }
    }

    /// `asked` are the token endpoints whose clock was compared.
    async fn test_login(&self, login: &Authorized, since: Since, asked: &mut Vec<Url>, talk: &Talk) {
        let telling = Telling {
            account: Some(login.account()),
            protocol: Some(login.protocol()),
            talk,
        };
        let endpoint = login.route().app.grant.token_url();
        if let Some(url) = endpoint.filter(|url| !asked.contains(url)) {
            asked.push(url.clone());
            probe::clock(url, &self.endpoint, &telling).await;
        }
        let context = &self.context;
        let pending = context.tokens.since(login, since);
        let ended = probe::mailbox(login, pending, &context.tokens, &context.upstream, &telling).await;
        watch::heard(&context.states, login, &ended);
    }
}

/// Tells the operator of each step of one login.
struct Telling<'a> {
    account: Option<&'a Account>,
    protocol: Option<Protocol>,
    talk: &'a Talk,
}

impl Witness for Telling<'_> {
    async fn begins(&self, step: Step) {
        let of = told(self.account, self.protocol, step.name());
        self.talk.tell(News::StepBegun(of)).await;
    }

    async fn ends(&self, step: Step, took: Duration, outcome: Outcome) {
        let of = told(self.account, self.protocol, step.name());
        tell(self.talk, of, took, outcome.into()).await;
    }
}

fn told(account: Option<&Account>, protocol: Option<Protocol>, step: &str) -> StepTold {
    StepTold {
        account: account.map(|account| account.name.to_string()),
        protocol,
        step: step.to_owned(),
    }
}

async fn tell(talk: &Talk, of: StepTold, took: Duration, outcome: StepOutcome) {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    talk.tell(News::Step(Box::new(TestStep { of, millis, outcome })))
        .await;
}
