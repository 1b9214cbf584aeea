//! Mail about alerts, sent as a mail client of one of saslgate's own accounts would: by that account's upstream and token.

use std::time::{Duration, SystemTime};

use super::Mail;
use super::alert::Alert;
use super::courier::Undelivered;
use super::letter::Envelope;
use crate::account::Authorized;
use crate::account::state::State;
use crate::failure::{self, Diagnosis, Facts, Failure};
use crate::probe::Conversation;
use crate::provider::Protocol;
use crate::session::Context;
use crate::transport::{Patience, Tap};
use crate::upstream::handshake::{Kind, Rejection, classify};
use crate::upstream::{Cause, Stage, UpstreamError};

/// How long upstream may take in all, once it has let us in: Exchange looks into a message before it takes it.
const PATIENCE: Duration = Duration::from_secs(60);

impl From<Diagnosis> for Undelivered {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            what: diagnosis.what,
            why: diagnosis.why.into_owned(),
            fix: diagnosis.fix.into_owned(),
        }
    }
}

/// Sends one mail about these alerts.
pub(super) async fn send(
    mail: &Mail,
    alerts: &[Alert],
    host: &str,
    context: &Context,
) -> Result<(), Undelivered> {
    let login = sender(mail, context)?;
    let account = login.account().name.to_string();
    let (own, others): (Vec<Alert>, Vec<Alert>) = alerts
        .iter()
        .cloned()
        .partition(|alert| alert.is_trouble_of(&account));
    if let Some(alert) = own.first() {
        let refused = in_trouble(&account, alert.what());
        if others.is_empty() {
            return Err(refused);
        }
        tracing::warn!(
            what = refused.what,
            why = refused.why,
            fix = refused.fix,
            "an alert is not mailed"
        );
    }
    let envelope = Envelope {
        from: login.mailbox(),
        to: &mail.to,
        host,
        now: SystemTime::now(),
        id: id()?,
    };
    let message = envelope.write(&others);
    let opened = context
        .upstream
        .open(&login, &context.tokens, None, &Tap::new(None, ""))
        .await
        .map_err(|error| failure::explain(&Failure::Upstream(error), &Facts::of(&login)))?;
    let mut submission = Submission {
        conversation: Conversation::new(opened.link, &opened.unread, Patience::new(PATIENCE)),
        login: &login,
    };
    let sent = submission.run(&mail.to, &message).await;
    submission.conversation.leave("QUIT").await;
    sent.map_err(Undelivered::from)
}

/// The login that sends: never one that is itself in trouble, because then nobody would hear of that.
fn sender(mail: &Mail, context: &Context) -> Result<Authorized, Undelivered> {
    let rooms = context.rooms.load();
    let login = rooms
        .accounts
        .for_operator(&mail.from, Protocol::Smtp)
        .ok_or_else(|| Undelivered {
            what: format!("no alert is mailed: {} is no account that sends", mail.from),
            why: "`mail_from` of [alert] names an account that is gone, or that has no SMTP".into(),
            fix: "name one that is there".into(),
        })?;
    let account = login.account().name.to_string();
    let trouble = Protocol::ALL.into_iter().find_map(|protocol| {
        let trouble = context.states.of(&account, protocol).trouble?;
        // What may pass by itself is tried: nobody else may log in to an account that only mails alerts. What keeps one
        // protocol out may let another in; a sign-in that is missing does not.
        let is_in_the_way = match trouble.state {
            State::NeedsSignIn => true,
            State::NeedsAdmin => protocol == Protocol::Smtp,
            State::Waiting | State::Ready | State::Off => false,
        };
        is_in_the_way.then_some(trouble)
    });
    match trouble {
        None => Ok(login),
        Some(trouble) => Err(in_trouble(&account, trouble.what)),
    }
}

fn in_trouble(account: &str, why: impl Into<String>) -> Undelivered {
    Undelivered {
        what: format!("no alert is mailed: the account {account}, which would send it, is itself in trouble"),
        why: why.into(),
        fix: "mend that account, or name another as `mail_from`; with `command` or `webhook` in [alert] there is another way"
            .into(),
    }
}

/// What no other mail has.
fn id() -> Result<String, Undelivered> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Undelivered {
        what: "no alert is mailed".into(),
        why: "the operating system gave no random bytes".into(),
        fix: "look at the log of the operating system".into(),
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

struct Submission<'a> {
    conversation: Conversation,
    login: &'a Authorized,
}

impl Submission<'_> {
    async fn run(&mut self, to: &[crate::name::Mailbox], message: &str) -> Result<(), Diagnosis> {
        let from = self.login.mailbox().clone();
        self.say(&format!("MAIL FROM:<{from}>"), "2").await?;
        self.recipients(to).await?;
        self.say("DATA", "3").await?;
        // RFC 5321 4.5.2. What ends the message ends it as a command is ended.
        let dotted = message.replace("\r\n.", "\r\n..");
        let body = dotted.strip_suffix("\r\n").unwrap_or(&dotted);
        self.say_as("the end of the message", &format!("{body}\r\n."), "2")
            .await
    }

    /// One who is refused does not keep the others from hearing; that nobody is left does.
    async fn recipients(&mut self, to: &[crate::name::Mailbox]) -> Result<(), Diagnosis> {
        let mut refused = Vec::new();
        for recipient in to {
            if let Err(diagnosis) = self.say(&format!("RCPT TO:<{recipient}>"), "2").await {
                refused.push(diagnosis);
            }
        }
        if refused.len() == to.len()
            && let Some(diagnosis) = refused.pop()
        {
            return Err(diagnosis);
        }
        for diagnosis in refused {
            tracing::warn!(
                what = diagnosis.what,
                why = &*diagnosis.why,
                fix = &*diagnosis.fix,
                "an alert was not mailed to everybody"
            );
        }
        Ok(())
    }

    async fn say(&mut self, command: &str, yes: &str) -> Result<(), Diagnosis> {
        self.say_as(command, command, yes).await
    }

    async fn say_as(&mut self, name: &str, command: &str, yes: &str) -> Result<(), Diagnosis> {
        let answer = self.conversation.smtp(Some(command)).await;
        let reply = answer.map_err(|cause| self.broken(cause))?.verdict;
        if reply.starts_with(yes) {
            return Ok(());
        }
        let rejection = Rejection {
            kind: classify(Protocol::Smtp, &reply).unwrap_or(Kind::Temporary),
            reply,
            challenge: None,
        };
        let facts = Facts {
            sender: Some(self.login.mailbox().as_str().into()),
            ..Facts::of(self.login)
        };
        let host = &self.login.route().host;
        Err(failure::explain_command(name, host, &rejection, &facts))
    }

    fn broken(&self, cause: Cause) -> Diagnosis {
        let error = UpstreamError {
            host: self.login.route().host.clone(),
            stage: Stage::Login,
            cause,
        };
        failure::explain(&Failure::Upstream(error), &Facts::of(self.login))
    }
}
