//! What became of a message that was accepted.

use hyper::body::Bytes;

/// A message that was sent.
#[derive(Clone)]
pub struct SentMessage {
    /// The id in the [`SessionRecord`](crate::sim::record::SessionRecord) of the session that sent it.
    pub session: u64,
    /// Address of the mailbox that was logged in.
    pub mailbox: String,
    /// The address in MAIL FROM.
    pub sender: String,
    /// The addresses in RCPT TO, in order.
    pub recipients: Vec<String>,
    /// The message without the doubled dots; empty when messages are not kept.
    pub message: Bytes,
    /// Its length in bytes.
    pub length: usize,
}

impl std::fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SentMessage({} to {:?}, {} bytes)",
            self.sender, self.recipients, self.length
        )
    }
}
