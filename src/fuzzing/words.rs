//! What every dialogue reads first: lines, literals, SASL messages.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

use crate::sasl::exchange::{Exchange, Progress, Shown};
use crate::sasl::{base64, plain};
use crate::wire::{Framer, LineError, MAX_SASL_LINE};

/// Lines and literals come out of `data`. Its first two bytes pick the limit and the size of the pieces.
///
/// # Panics
/// If a line is over its limit or has in it what it must not have, bytes are lost, or the pieces make a difference: findings.
pub fn framer(data: &[u8]) {
    let [limit, size, said @ ..] = data else {
        return;
    };
    let limit = usize::from(*limit);
    let whole = frames(limit, said.chunks(said.len().max(1)));
    assert!(whole == frames(limit, said.chunks(usize::from(*size) + 1)));
    for frame in whole.into_iter().flatten() {
        assert!(frame.len() <= limit.max(8));
    }
}

/// Lines, and behind each line that ends in a digit so many bytes.
fn frames<'a>(limit: usize, arriving: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Vec<u8>, LineError>> {
    let mut framer = Framer::default();
    let mut frames = Vec::new();
    let mut count = None;
    for bytes in arriving {
        framer.push(bytes);
        loop {
            let frame = match count {
                Some(count) => Ok(framer.take(count)),
                None => framer.line(limit),
            };
            match frame {
                Ok(None) => break,
                Err(LineError::TooLong) => return [frames, vec![Err(LineError::TooLong)]].concat(),
                Err(error) => frames.push(Err(error)),
                Ok(Some(bytes)) => {
                    assert!(count.is_some() || !bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
                    let digit = bytes.last().filter(|byte| (b'1'..b'9').contains(byte));
                    count = digit
                        .filter(|_| count.is_none())
                        .map(|digit| usize::from(digit - b'0'));
                    frames.push(Ok(bytes.to_vec()));
                }
            }
        }
    }
    frames
}

/// A mail client answers challenges with the lines of `data`. Its first byte picks the mechanism.
///
/// # Panics
/// If a message has two readings, or what was shown is not what was said: findings.
pub fn sasl(data: &[u8]) {
    let Some((&choice, said)) = data.split_first() else {
        return;
    };
    if let Some(bytes) = base64::decode(said) {
        assert!(
            STANDARD.encode(&*bytes).as_bytes() == said,
            "one encoding for one message"
        );
    }
    if let Some(read) = plain::Message::parse(said) {
        let again = [&read.authzid[..], &read.authcid, read.password.expose()].join(&0);
        assert!(again == said && !read.authcid.is_empty() && !read.password.expose().is_empty());
    }
    let mechanism: &[u8] = if choice & 1 == 0 { b"PLAIN" } else { b"LOGIN" };
    let mut lines = said
        .split(|&byte| byte == b'\n')
        .filter(|line| line.len() <= MAX_SASL_LINE);
    let mut exchange = Exchange::start(mechanism);
    while let Some((waiting, line)) = exchange.take().zip(lines.next()) {
        let progress = if choice & 2 == 0 {
            waiting.respond(line)
        } else {
            waiting.begin(line)
        };
        exchange = match progress {
            Progress::Continue(next) => Some(next),
            Progress::Malformed => None,
            Progress::Complete(Shown::Plain(read)) => {
                assert!(mechanism == b"PLAIN" && !read.authcid.contains(&0));
                None
            }
            Progress::Complete(Shown::Login { user, password }) => {
                assert!(mechanism == b"LOGIN" && !user.is_empty() && !password.expose().contains(&0));
                None
            }
        };
    }
}
