//! What is announced before a login: upstream's list where a relay can keep it, and ours.

use crate::downstream::{Opening, TlsState};
use crate::wire::Offer;

/// The list for a CAPABILITY response or code (RFC 3501 7.2.1).
pub(super) fn list(opening: &Opening) -> String {
    let mut words: Vec<&str> = Vec::new();
    let upstream = || opening.offer.iter();
    for word in upstream().filter(|word| is_revision(word)) {
        add(&mut words, word);
    }
    add(&mut words, "IMAP4rev1");
    // RFC 7888 5: never both; before a login no literal beyond 4,096 bytes is welcome without asking.
    for word in upstream().filter(|word| !is_revision(word) && !word.eq_ignore_ascii_case("LITERAL+")) {
        add(&mut words, word);
    }
    for word in own(opening.tls) {
        add(&mut words, word);
    }
    words.join(" ")
}

/// The list that the tagged OK of a login carries: half of all mail clients never ask again. Empty if upstream showed none.
pub(super) fn code_after_login(offer: &Offer) -> String {
    if offer.is_empty() {
        return String::new();
    }
    format!("[CAPABILITY {}] ", offer.iter().collect::<Vec<_>>().join(" "))
}

fn add<'a>(words: &mut Vec<&'a str>, word: &'a str) {
    if !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        words.push(word);
    }
}

/// RFC 3501 7.2.1 wants `IMAP4rev1` in the list; some mail clients look for it at its start only.
fn is_revision(word: &str) -> bool {
    word.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("IMAP4"))
}

/// RFC 3501 6.2.3 and 7.2.1 for LOGINDISABLED; RFC 2595 3.1 wants STARTTLS gone once TLS is up.
const fn own(tls: TlsState) -> &'static [&'static str] {
    match tls {
        TlsState::Off | TlsState::Established => &["SASL-IR", "AUTH=PLAIN", "AUTH=LOGIN", "ID", "LITERAL-"],
        TlsState::Offered => &[
            "STARTTLS",
            "SASL-IR",
            "AUTH=PLAIN",
            "AUTH=LOGIN",
            "ID",
            "LITERAL-",
        ],
        TlsState::Required => &["STARTTLS", "LOGINDISABLED", "ID", "LITERAL-"],
        TlsState::Unavailable => &["LOGINDISABLED", "ID", "LITERAL-"],
    }
}
