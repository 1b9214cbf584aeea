//! IMAP conversations.

mod authenticate;
mod login;
mod session;

use super::*;
use crate::downstream::conversation::{Conversation, opening};
use crate::wire::{Dialogue, MAX_COMMANDS, MAX_SASL_LINE, Step};

const GREETING: &str = "S: * OK [CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID IDLE SASL-IR AUTH=PLAIN AUTH=LOGIN LITERAL-] saslgate ready.";

fn imap(tls: TlsState) -> Conversation {
    Conversation::new(Protocol::Imap, tls)
}

/// A conversation behind its greeting.
fn greeted() -> Conversation {
    let mut talk = imap(TlsState::Off);
    talk.play(GREETING);
    talk
}
