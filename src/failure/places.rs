//! Logins that found all places of their mailbox taken.

use super::Diagnosis;
use crate::pace::{Missed, NoPlace};
use crate::provider::Protocol;

/// Explains it: which mailbox, how many places, who has them and for how long.
pub(super) fn explain(missed: &NoPlace) -> Diagnosis {
    let NoPlace {
        protocol,
        mailbox,
        limit,
        holders,
        ..
    } = missed;
    let came = match missed.missed {
        Missed::Patience(time) => format!("none came free within {} s", time.as_secs()),
        Missed::HungUp => "the mail client hung up while it waited for one".to_owned(),
        Missed::Crowd => "no more logins may wait for one".to_owned(),
    };
    let holders: Vec<String> = holders.iter().map(ToString::to_string).collect();
    let fix = match missed.missed {
        Missed::HungUp => IMPATIENT,
        Missed::Patience(_) | Missed::Crowd => fix(*protocol),
    };
    Diagnosis {
        code: None,
        what: format!(
            "all {limit} {protocol} sessions that {mailbox} may have at a time are taken, and {came}; they are held by {}",
            holders.join(", ")
        ),
        why: why(*protocol).into(),
        fix: fix.into(),
    }
}

const IMPATIENT: &str = "set the mail client to wait longer for a reply (its timeout), or `place_seconds` in [limits] to less than it waits, so that it hears why; \
                         or send from several mailboxes";

fn why(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Smtp => {
            "Exchange takes mail of one mailbox over three connections at a time and refuses it on a fourth (432 4.3.2); so a login \
             waits until one of them ends, and one that does nothing is ended"
        }
        Protocol::Imap | Protocol::Pop3 => {
            "Exchange lets one mailbox have some 15 to 20 IMAP connections at a time, and turns away what comes then; so a login waits \
             until one of them ends, and one that does nothing is ended"
        }
    }
}

fn fix(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Smtp => {
            "set the sending programs to send several messages over one connection and close it then, or to fewer connections at a \
             time; or send from several mailboxes; or have logins wait longer with `place_seconds` in [limits]"
        }
        Protocol::Imap | Protocol::Pop3 => {
            "close mail programs that nobody uses, or set them to keep fewer connections (Thunderbird: maximum number of server \
             connections to cache); or raise `imap_per_mailbox` in [limits] if Exchange lets this mailbox have more"
        }
    }
}
