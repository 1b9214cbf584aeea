//! A command that proves that the mailbox opens, and changes nothing in it.

use super::conversation::{Answer, Conversation};
use crate::account::Authorized;
use crate::provider::Protocol;
use crate::transport::Patience;
use crate::upstream::handshake::{Kind, Rejection, classify};
use crate::upstream::{Cause, Opened, PATIENCE};

/// Why the mailbox is not found open.
pub(super) enum Unproven {
    /// Upstream said no to a command.
    Refused { command: String, rejection: Rejection },
    /// The connection broke, or what came back is no answer.
    Broken(Cause),
}

impl From<Cause> for Unproven {
    fn from(cause: Cause) -> Self {
        Self::Broken(cause)
    }
}

/// Says it, tells what was found, and takes its leave.
pub(super) async fn prove(login: &Authorized, opened: Opened) -> Result<String, Unproven> {
    let mut conversation = Conversation::new(opened.link, &opened.unread, Patience::new(PATIENCE));
    let proven = match login.protocol() {
        Protocol::Imap => imap(&mut conversation).await,
        Protocol::Pop3 => pop3(&mut conversation).await,
        Protocol::Smtp => smtp(&mut conversation, login.mailbox().as_str()).await,
    };
    conversation
        .leave(match login.protocol() {
            Protocol::Imap => "P2 LOGOUT",
            Protocol::Pop3 | Protocol::Smtp => "QUIT",
        })
        .await;
    proven
}

/// EXAMINE (RFC 3501 6.3.2) opens it read-only: with SELECT the next mail client would miss what is recent.
async fn imap(conversation: &mut Conversation) -> Result<String, Unproven> {
    let answer = conversation.imap("P1", "EXAMINE INBOX").await?;
    accepted(Protocol::Imap, "EXAMINE INBOX", &answer, "OK")?;
    let count = answer.before.iter().find_map(|line| {
        let count = line.strip_prefix("* ")?.strip_suffix(" EXISTS")?;
        count.parse::<u64>().ok()
    });
    Ok(match count {
        Some(count) => format!("INBOX opens, messages: {count}"),
        None => "INBOX opens".into(),
    })
}

async fn pop3(conversation: &mut Conversation) -> Result<String, Unproven> {
    let answer = conversation.pop3("STAT").await?;
    accepted(Protocol::Pop3, "STAT", &answer, "+OK")?;
    let count = answer.verdict.split(' ').nth(1).unwrap_or("?");
    Ok(format!("the mailbox opens, messages: {count}"))
}

/// Up to the point before which nothing is sent: sender and recipient are the mailbox itself, and RSET forgets them.
async fn smtp(conversation: &mut Conversation, mailbox: &str) -> Result<String, Unproven> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\');
    if !mailbox.bytes().all(is_plain) {
        return Ok(
            "the login is taken; the address can't be said without SMTPUTF8, so no sender was tried".into(),
        );
    }
    for command in [format!("MAIL FROM:<{mailbox}>"), format!("RCPT TO:<{mailbox}>")] {
        let answer = conversation.smtp(Some(&command)).await?;
        accepted(Protocol::Smtp, &command, &answer, "2")?;
    }
    conversation.smtp(Some("RSET")).await?;
    Ok(format!(
        "{mailbox} is taken as sender and as recipient; nothing was sent (Exchange checks Send As only when a message is)"
    ))
}

fn accepted(protocol: Protocol, command: &str, answer: &Answer, yes: &str) -> Result<(), Unproven> {
    let reply = &answer.verdict;
    if reply.starts_with(yes) {
        return Ok(());
    }
    let kind = match (protocol, classify(protocol, reply)) {
        // The command is right and the login was taken: what does not fit is that there is no mailbox behind it.
        (Protocol::Imap | Protocol::Pop3, None | Some(Kind::Protocol)) => Kind::NotConnected,
        (_, kind) => kind.unwrap_or(Kind::Temporary),
    };
    let rejection = Rejection {
        reply: reply.clone(),
        kind,
        challenge: None,
    };
    Err(Unproven::Refused {
        command: command.to_owned(),
        rejection,
    })
}
