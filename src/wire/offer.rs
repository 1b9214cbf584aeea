//! What an upstream announces, cut down to what a mail client may be promised before it logs in.

use crate::provider::Protocol;

/// SMTP keywords that mean the same through a byte relay. STARTTLS and AUTH are ours; an unknown keyword is no promise of ours.
const SMTP_ALLOWED: &[&str] = &[
    "SIZE",
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    "PIPELINING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "SMTPUTF8",
    "LIMITS",
];

/// POP3 capabilities that depend on upstream. A promised PIPELINING makes mail clients send five RETRs at once;
/// UTF8 and LANG (RFC 6856) change the login itself and are never promised.
const POP3_ALLOWED: &[&str] = &["TOP", "UIDL", "PIPELINING", "EXPIRE", "LOGIN-DELAY"];

/// IMAP capabilities that concern a login that already happened, or that would undo it.
const IMAP_DROPPED: &[&str] = &[
    "LOGINDISABLED",
    "STARTTLS",
    "SASL-IR",
    "LOGIN-REFERRALS",
    "UNAUTHENTICATE",
];

/// An ordered set of capabilities (IMAP), CAPA lines (POP3) or EHLO lines (SMTP), spelled as upstream spelled them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offer(Vec<Box<str>>);

impl Offer {
    /// Keeps from upstream's lines what may be passed on for that protocol.
    pub fn new<'a>(protocol: Protocol, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut kept: Vec<Box<str>> = Vec::new();
        for line in lines {
            if allowed(protocol, line)
                && !kept
                    .iter()
                    .any(|known| keyword(known).eq_ignore_ascii_case(keyword(line)))
            {
                kept.push(line.into());
            }
        }
        Self(kept)
    }

    /// The entries in upstream's order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether nothing is offered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What both offer. Parameters that differ are settled to the smaller promise.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self(
            self.iter()
                .filter_map(|line| Some(weaker(line, other.find(keyword(line))?)))
                .collect(),
        )
    }

    /// The first entry that is promised here and not kept by `other`.
    pub fn broken_by(&self, other: &Self) -> Option<&str> {
        self.iter().find(|line| match other.find(keyword(line)) {
            None => true,
            Some(kept) => *weaker(line, kept) != **line,
        })
    }

    fn find(&self, word: &str) -> Option<&str> {
        self.iter().find(|line| keyword(line).eq_ignore_ascii_case(word))
    }
}

fn keyword(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn allowed(protocol: Protocol, line: &str) -> bool {
    if !is_passable(protocol, line) {
        return false;
    }
    let word = keyword(line).to_ascii_uppercase();
    match protocol {
        Protocol::Imap => !word.starts_with("AUTH=") && !IMAP_DROPPED.contains(&word.as_str()),
        Protocol::Pop3 => POP3_ALLOWED.contains(&word.as_str()),
        Protocol::Smtp => SMTP_ALLOWED.contains(&word.as_str()),
    }
}

/// Whether an upstream's line can stand in a reply of ours without ending it, its line or its response code.
fn is_passable(protocol: Protocol, line: &str) -> bool {
    !line.is_empty()
        && line.bytes().all(|byte| match protocol {
            // RFC 3501 9: a capability is an atom, and the list may stand between brackets.
            Protocol::Imap => byte.is_ascii_graphic() && byte != b']',
            Protocol::Pop3 | Protocol::Smtp => byte.is_ascii_graphic() || byte == b' ',
        })
}

/// The smaller of two promises under one keyword: the lower SIZE (RFC 1870; 0 means no limit), else the bare keyword
/// when the parameters differ.
fn weaker(mine: &str, theirs: &str) -> Box<str> {
    if mine.eq_ignore_ascii_case(theirs) {
        return mine.into();
    }
    let word = keyword(mine);
    let size = |line: &str| {
        line.split(' ')
            .nth(1)
            .and_then(|number| number.parse::<u64>().ok())
            .filter(|&n| n > 0)
    };
    if !word.eq_ignore_ascii_case("SIZE") {
        return word.into();
    }
    match (size(mine), size(theirs)) {
        (Some(mine), Some(theirs)) => format!("SIZE {}", mine.min(theirs)).into(),
        (Some(one), None) | (None, Some(one)) => format!("SIZE {one}").into(),
        (None, None) => "SIZE".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(protocol: Protocol, lines: &[&str]) -> Offer {
        Offer::new(protocol, lines.iter().copied())
    }

    #[test]
    fn exchange_of_2026_is_cut_to_what_a_relay_can_keep() {
        let imap = "IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
        let kept: Vec<_> = offer(Protocol::Imap, &imap.split(' ').collect::<Vec<_>>())
            .iter()
            .map(String::from)
            .collect();
        assert_eq!(
            kept.join(" "),
            "IMAP4 IMAP4rev1 UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
        );

        let smtp = offer(
            Protocol::Smtp,
            &[
                "SIZE 157286400",
                "PIPELINING",
                "STARTTLS",
                "AUTH LOGIN XOAUTH2",
                "X-ODD",
                "DSN",
            ],
        );
        assert_eq!(
            smtp.iter().collect::<Vec<_>>(),
            ["SIZE 157286400", "PIPELINING", "DSN"]
        );

        let pop3 = offer(
            Protocol::Pop3,
            &[
                "TOP",
                "UIDL",
                "SASL PLAIN XOAUTH2",
                "USER",
                "UTF8",
                "LANG",
                "STLS",
            ],
        );
        assert_eq!(pop3.iter().collect::<Vec<_>>(), ["TOP", "UIDL"]);
    }

    #[test]
    fn a_line_that_could_end_our_reply_is_not_passed_on() {
        let imap = offer(
            Protocol::Imap,
            &["IDLE", "", "X]", "X Y", "X\r\n* BYE", "MÖVE", "MOVE"],
        );
        assert_eq!(imap.iter().collect::<Vec<_>>(), ["IDLE", "MOVE"]);
        let smtp = offer(Protocol::Smtp, &["SIZE 1\r\n250 AUTH XOAUTH2", "DSN\0", "SIZE 2"]);
        assert_eq!(smtp.iter().collect::<Vec<_>>(), ["SIZE 2"]);
    }

    #[test]
    fn two_upstreams_promise_what_both_keep() {
        let one = offer(Protocol::Smtp, &["SIZE 157286400", "PIPELINING", "DSN"]);
        let other = offer(Protocol::Smtp, &["pipelining", "SIZE 35000000", "8BITMIME"]);
        let both = one.intersect(&other);
        assert_eq!(both.iter().collect::<Vec<_>>(), ["SIZE 35000000", "PIPELINING"]);
        assert_eq!(one.broken_by(&other), Some("SIZE 157286400"));
        assert_eq!(both.broken_by(&one), None);
        assert_eq!(both.broken_by(&other), None);
    }
}
