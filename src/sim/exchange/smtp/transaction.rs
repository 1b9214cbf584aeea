//! After the login: MAIL, RCPT, DATA and BDAT.

use hyper::body::Bytes;

use super::super::connection::{Ended, Flow};
use super::envelope::{self, Path};
use super::login::Submitter;
use super::{Command, HOST, LARGEST_MESSAGE, SendingPosition, SendingRefusal, SentMessage, Session, data};
use crate::sim::faults::Moment;
use crate::sim::mailbox::{Place, Right};
use crate::sim::message::Message;

/// Recipients of one message, Exchange Online's default.
const MOST_RECIPIENTS: usize = 500;

/// Largest first reservation for a message whose size was announced.
const LARGEST_RESERVATION: usize = 64 << 20;

/// A message on its way in.
struct Transaction {
    sender: Path,
    recipients: Vec<Path>,
    chunks: Vec<u8>,
    chunking: bool,
}

struct Submission<'s, 'c> {
    session: Session<'c>,
    submitter: &'s Submitter,
    place: Place,
    current: Option<Transaction>,
}

/// Serves a session until it ends.
pub(super) async fn converse(session: Session<'_>, submitter: Submitter) -> Flow {
    let place = submitter.mailbox.take_place();
    let mut submission = Submission {
        session,
        submitter: &submitter,
        place,
        current: None,
    };
    loop {
        submission.session.connection.at(Moment::Relay).await?;
        let Some(command) = submission.session.command().await? else {
            continue;
        };
        submission.session.connection.record.count_command();
        submission.obey(&command).await?;
    }
}

impl Submission<'_, '_> {
    async fn obey(&mut self, command: &Command) -> Flow {
        match (command.verb.as_str(), command.argument.as_str()) {
            ("MAIL", argument) => self.mail(argument),
            ("RCPT", argument) => self.recipient(argument),
            ("DATA", "") => self.data().await,
            ("BDAT", argument) => self.chunk(argument).await,
            ("AUTH", _) => {
                self.session.wrong("503 5.5.1 Bad sequence of commands");
                Ok(())
            }
            (verb, _) => {
                if matches!(verb, "EHLO" | "HELO" | "RSET") {
                    self.current = None;
                }
                self.session.obey(command).await
            }
        }
    }

    /// The refusal that a test planned, if it belongs to this position.
    fn planned(&self, position: SendingPosition) -> Option<SendingRefusal> {
        let mailbox = &self.submitter.mailbox;
        super::sasl::planned(self.session.connection, mailbox, |refusals| refusals.sending)
            .filter(|refusal| refusal.position() == position)
    }

    fn refuse(&mut self, refusal: SendingRefusal) -> Flow {
        self.session.refuse(refusal.text());
        if refusal.text().starts_with("421") {
            Err(Ended::Closed)
        } else {
            Ok(())
        }
    }

    fn mail(&mut self, argument: &str) -> Flow {
        const KNOWN: [&str; 6] = ["SIZE", "BODY", "AUTH", "RET", "ENVID", "SMTPUTF8"];
        if !self.session.hello || self.current.is_some() {
            self.session.wrong("503 5.5.1 Bad sequence of commands");
            return Ok(());
        }
        let Some(sender) = envelope::parse(argument, "FROM", &KNOWN) else {
            self.session.wrong("501 5.5.4 Invalid arguments");
            return Ok(());
        };
        let limit = self.session.connection.world.exchange.submissions_at_once.get();
        if limit.is_some_and(|limit| self.submitter.mailbox.place_number(self.place) >= limit) {
            return self.refuse(SendingRefusal::TooManyConnections);
        }
        if let Some(refusal) = self.planned(SendingPosition::Mail) {
            return self.refuse(refusal);
        }
        if sender
            .parameter("SIZE")
            .is_some_and(|size| size.parse().map_or(true, |size: u64| size > LARGEST_MESSAGE))
        {
            return self.refuse(SendingRefusal::TooLarge);
        }
        self.current = Some(Transaction {
            sender,
            recipients: Vec::new(),
            chunks: Vec::new(),
            chunking: false,
        });
        self.session.connection.say("250 2.1.0 Sender OK");
        Ok(())
    }

    fn recipient(&mut self, argument: &str) -> Flow {
        let planned = self.planned(SendingPosition::Recipient);
        let Some(current) = self.current.as_mut().filter(|current| !current.chunking) else {
            self.session.wrong("503 5.5.1 Bad sequence of commands");
            return Ok(());
        };
        let path =
            envelope::parse(argument, "TO", &["NOTIFY", "ORCPT"]).filter(|path| !path.address.is_empty());
        let Some(path) = path else {
            self.session.wrong("501 5.5.4 Invalid arguments");
            return Ok(());
        };
        if current.recipients.len() >= MOST_RECIPIENTS {
            return self.refuse(SendingRefusal::TooManyRecipients);
        }
        if let Some(refusal) = planned {
            return self.refuse(refusal);
        }
        current.recipients.push(path);
        self.session.connection.say("250 2.1.5 Recipient OK");
        Ok(())
    }

    async fn data(&mut self) -> Flow {
        let ready = self
            .current
            .as_ref()
            .filter(|current| !current.recipients.is_empty() && !current.chunking);
        // RFC 3030, 3: a binary message can only be sent in chunks.
        let ready = ready.filter(|current| current.sender.parameter("BODY") != Some("BINARYMIME"));
        let Some(current) = ready else {
            self.session.wrong("503 5.5.1 Bad sequence of commands");
            return Ok(());
        };
        let expected = current
            .sender
            .parameter("SIZE")
            .and_then(|size| size.parse().ok())
            .unwrap_or(0);
        self.session
            .connection
            .say("354 Start mail input; end with <CRLF>.<CRLF>");
        let message = data::read(self.session.connection, expected.min(LARGEST_RESERVATION)).await?;
        self.finish(message).await
    }

    /// RFC 3030, 2: the bytes follow the command at once, whether or not it is right.
    async fn chunk(&mut self, argument: &str) -> Flow {
        let (size, last) = match argument.split_once(' ') {
            Some((size, last)) => (size, last.eq_ignore_ascii_case("LAST").then_some(true)),
            None => (argument, Some(false)),
        };
        let (Ok(size), Some(last)) = (size.parse::<usize>(), last) else {
            self.session.wrong("501 5.5.4 Invalid arguments");
            return Err(Ended::Closed);
        };
        if size > 0 {
            self.session.connection.fill().await?;
            self.session.connection.at(Moment::MidData).await?;
        }
        let chunk = self.session.connection.exactly(size).await?;
        let Some(current) = self
            .current
            .as_mut()
            .filter(|current| !current.recipients.is_empty())
        else {
            self.session.wrong("503 5.5.1 Bad sequence of commands");
            return Ok(());
        };
        current.chunking = true;
        if current.chunks.is_empty() {
            current.chunks = chunk;
        } else {
            current.chunks.extend_from_slice(&chunk);
        }
        if last {
            let message = std::mem::take(&mut current.chunks);
            return self.finish(message).await;
        }
        self.session
            .connection
            .say(format!("250 2.6.0 CHUNK received OK, {size} octets"));
        Ok(())
    }

    async fn finish(&mut self, message: Vec<u8>) -> Flow {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        self.session.connection.at(Moment::AfterFinalDot).await?;
        if let Some(refusal) = self.planned(SendingPosition::Message) {
            return self.refuse(refusal);
        }
        if !self.submitter.opens {
            return self.refuse(SendingRefusal::LogonFailure);
        }
        if !self.may_send_as(&current.sender.address) {
            return self.refuse(SendingRefusal::SendAsDenied);
        }
        self.deliver(current, Bytes::from(message));
        let id = self.session.connection.world.random.guid();
        self.session.connection.say(format!(
            "250 2.0.0 OK <{id}@{HOST}> [Hostname={}]",
            super::super::HOST
        ));
        Ok(())
    }

    fn may_send_as(&self, address: &str) -> bool {
        let own = &self.submitter.mailbox;
        self.session
            .connection
            .world
            .directory
            .mailbox(address)
            .is_some_and(|sender| {
                sender.address() == own.address() || sender.allows(&self.submitter.holder, Right::SendAs)
            })
    }

    /// Into INBOX of those who have a mailbox here, and a copy for the sender.
    fn deliver(&self, transaction: Transaction, raw: Bytes) {
        let world = &self.session.connection.world;
        let recipients: Vec<String> = transaction
            .recipients
            .into_iter()
            .map(|path| path.address)
            .collect();
        if world.exchange.keeps_messages.get() {
            let message = Message::new(raw.clone());
            for mailbox in recipients
                .iter()
                .filter_map(|address| world.directory.mailbox(address))
            {
                mailbox.store("INBOX", message.clone());
            }
            self.submitter.mailbox.store("Sent Items", message);
        }
        let length = raw.len();
        world.exchange.note_sent(SentMessage {
            session: self.session.connection.record.id(),
            mailbox: self.submitter.mailbox.address().to_owned(),
            sender: transaction.sender.address,
            recipients,
            message: if world.exchange.keeps_messages.get() {
                raw
            } else {
                Bytes::new()
            },
            length,
        });
    }
}

impl Drop for Submission<'_, '_> {
    fn drop(&mut self) {
        self.submitter.mailbox.leave_place(self.place);
    }
}
