//! The message itself: DATA with its dots, BDAT with its counts.

use std::io::BufRead;

use super::super::connection::{Connection, Flow};
use crate::sim::faults::Moment;

/// Reads up to the lone dot and takes the doubled dots away (RFC 5321, 4.5.2). Nothing else is changed.
///
/// Only CRLF ends a line here: a dot behind a bare LF is part of the message, however others see it.
pub(super) async fn read(connection: &mut Connection, expected: usize) -> Flow<Vec<u8>> {
    let mut message: Vec<u8> = Vec::with_capacity(expected);
    let mut line_start = 0;
    connection.fill().await?;
    connection.at(Moment::MidData).await?;
    loop {
        let received = connection.fill().await?;
        let mut rest = received;
        while !rest.is_empty() {
            // Reading from memory does not fail.
            let _ = rest.read_until(b'\n', &mut message);
            if !message.ends_with(b"\r\n") {
                continue;
            }
            match message.get(line_start..) {
                Some(b".\r\n") => {
                    message.truncate(line_start);
                    let taken = received.len() - rest.len();
                    connection.take(taken);
                    return Ok(message);
                }
                Some([b'.', ..]) => {
                    message.remove(line_start);
                }
                _ => {}
            }
            line_start = message.len();
        }
        let taken = received.len();
        connection.take(taken);
    }
}
