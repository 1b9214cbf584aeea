//! EHLO and HELO: a valid name in, the list of extensions out.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::connection::Flow;
use super::super::offer::{self, Phase};
use super::{HOST, Session};
use crate::sim::faults::Moment;

impl Session<'_> {
    pub(super) async fn ehlo(&mut self, name: &str) -> Flow {
        if !is_name(name) {
            self.wrong("501 5.5.4 Invalid domain name");
            return Ok(());
        }
        self.connection.at(Moment::Capability).await?;
        (self.hello, self.extended) = (true, true);
        let words = offer::words(self.connection, Phase::of_stranger(self.connection));
        self.connection.say(format!("250-{HOST} Hello [127.0.0.1]"));
        for (place, word) in words.iter().enumerate() {
            let separator = if place + 1 == words.len() { ' ' } else { '-' };
            self.connection.say(format!("250{separator}{word}"));
        }
        Ok(())
    }

    pub(super) fn helo(&mut self, name: &str) {
        if !is_name(name) {
            return self.wrong("501 5.5.4 Invalid domain name");
        }
        (self.hello, self.extended) = (true, false);
        self.connection.say(format!("250 {HOST} Hello [127.0.0.1]"));
    }
}

/// A domain or an address literal (RFC 5321, 4.1.2 and 4.1.3).
fn is_name(name: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match literal.split_once(':') {
            Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
            _ => literal.parse::<Ipv4Addr>().is_ok(),
        };
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 255 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_said() {
        let right = [
            "localhost",
            "client.example",
            "[127.0.0.1]",
            "[IPv6:::1]",
            "a-b.c",
            "x",
        ];
        let wrong = [
            "",
            " ",
            "a b",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "a.",
            "[]",
            "[::1]",
            "[IPv6:1]",
            "[1.2.3]",
            "127.0.0.1]",
            "ä.de",
        ];
        assert_eq!(right.iter().filter(|name| is_name(name)).count(), right.len());
        assert_eq!(wrong.iter().filter(|name| !is_name(name)).count(), wrong.len());
    }
}
