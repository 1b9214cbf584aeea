//! AUTH (RFC 4954), open to tokens only.

use std::sync::Arc;

use super::super::admission::Verdict;
use super::super::connection::{Ended, Flow, Line};
use super::super::login as sasl;
use super::super::xoauth2::Mechanism;
use super::{Session, SmtpRefusal};
use crate::sim::faults::Moment;
use crate::sim::mailbox::Mailbox;
use crate::sim::record::{Cause, Outcome};

/// Longest AUTH line with its CRLF: the initial response has to fit (RFC 4954, 4).
const LONGEST_AUTH: usize = 512;

/// Longest base64 line (RFC 4954, 4).
const LONGEST_RESPONSE: usize = 12_288;

/// Logins refused before the connection is closed.
pub(super) const PATIENCE: u32 = 3;

/// Who sends.
pub(super) struct Submitter {
    pub(super) mailbox: Arc<Mailbox>,
    /// Sign-in name of the user, or client id of the app.
    pub(super) holder: String,
    /// An app that may log in but not open the mailbox is told so after its first message.
    pub(super) opens: bool,
}

impl Session<'_> {
    pub(super) async fn authenticate(&mut self, argument: &str) -> Flow<Option<Submitter>> {
        if !self.extended {
            self.wrong("503 5.5.2 Send hello first");
            return Ok(None);
        }
        if "AUTH \r\n".len() + argument.len() > LONGEST_AUTH {
            self.fail(Cause::Malformed, "500 5.5.2 Line too long");
            return Ok(None);
        }
        let (name, response) = argument.split_once(' ').unwrap_or((argument, ""));
        let mechanism = sasl::mechanism(self.connection, name).filter(|_| self.connection.in_tls());
        let Some(mechanism) = mechanism else {
            return self.other_mechanism(name, response).await;
        };
        self.connection.at(Moment::AuthSent).await?;
        let line = if response.is_empty() {
            self.ask("334 ").await?
        } else {
            Line::Text(response.as_bytes().to_vec())
        };
        let Line::Text(response) = line else {
            self.fail(
                Cause::Malformed,
                "500 5.5.6 Authentication exchange line is too long",
            );
            return Ok(None);
        };
        if response == b"*" {
            // RFC 4954 wants 501; Exchange says this.
            self.fail(Cause::Malformed, SmtpRefusal::Unsuccessful.text());
            return Ok(None);
        }
        self.decide(mechanism, &response).await
    }

    async fn ask(&mut self, prompt: &str) -> Flow<Line> {
        self.connection.say(prompt);
        let line = self.connection.line(LONGEST_RESPONSE + 2).await?;
        sasl::heard(self.connection, "***".to_owned());
        Ok(line)
    }

    /// LOGIN is announced and never succeeds; nothing else is known.
    async fn other_mechanism(&mut self, name: &str, response: &str) -> Flow<Option<Submitter>> {
        if !name.eq_ignore_ascii_case("LOGIN") || !self.connection.in_tls() {
            self.fail(Cause::Malformed, SmtpRefusal::Unrecognized.text());
            return Ok(None);
        }
        if response.is_empty() {
            self.ask("334 VXNlcm5hbWU6").await?;
        }
        self.ask("334 UGFzc3dvcmQ6").await?;
        self.fail(Cause::Password, SmtpRefusal::BasicDisabled.text());
        Ok(None)
    }

    fn fail(&mut self, cause: Cause, reply: &str) {
        self.connection.record.outcome(Outcome::Refused(cause));
        self.refuse(reply);
        self.refused_logins += 1;
    }

    async fn decide(&mut self, mechanism: Mechanism, response: &[u8]) -> Flow<Option<Submitter>> {
        let judged = sasl::judge(self.connection, mechanism, response);
        let (cause, refusal) = match judged.verdict {
            Verdict::Refused(cause) => (cause, self.refusal_for(cause, &judged.user)),
            Verdict::NoMailbox(mailbox, Cause::NoFullAccess) => {
                // An app without the mailbox's permission is let in, and refused after its message.
                return self.let_in(mailbox, &judged.user, false).await;
            }
            Verdict::NoMailbox(_, cause) => (cause, SmtpRefusal::Unsuccessful),
            Verdict::Open(mailbox) => {
                match sasl::planned(self.connection, &mailbox, |refusals| refusals.smtp) {
                    Some(refusal) => (Cause::Planned, refusal),
                    None => return self.let_in(mailbox, &judged.user, true).await,
                }
            }
        };
        let answered = sasl::challenge(self.connection, mechanism, "334 ").await?;
        self.connection.at(Moment::Verdict).await?;
        self.tarpit().await;
        if !answered {
            self.fail(Cause::Malformed, "501 5.5.2 Invalid answer to the challenge");
            return Ok(None);
        }
        let ends = refusal.text().starts_with("421");
        self.fail(cause, refusal.text());
        if ends { Err(Ended::Closed) } else { Ok(None) }
    }

    fn refusal_for(&self, cause: Cause, user: &str) -> SmtpRefusal {
        let mailbox = self.connection.world.directory.mailbox(user);
        let own_switch = mailbox.and_then(|mailbox| mailbox.switches.get().smtp_auth);
        match (cause, own_switch) {
            (Cause::ProtocolOff, Some(_)) => SmtpRefusal::MailboxDisabled,
            (Cause::ProtocolOff, None) => SmtpRefusal::TenantDisabled,
            _ => SmtpRefusal::Unsuccessful,
        }
    }

    /// Exchange lets a refused peer wait; off unless the knob is turned.
    async fn tarpit(&self) {
        let time = self.connection.world.exchange.tarpit.get();
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
    }

    async fn let_in(&mut self, mailbox: Arc<Mailbox>, user: &str, opens: bool) -> Flow<Option<Submitter>> {
        self.connection.at(Moment::Verdict).await?;
        self.connection.say("235 2.7.0 Authentication successful");
        let holder = self.connection.record.holder().unwrap_or_else(|| user.to_owned());
        sasl::logged_in(self.connection, &mailbox).await?;
        Ok(Some(Submitter {
            mailbox,
            holder,
            opens,
        }))
    }
}
