//! What each mail host announces once a login is done, so that the next mail client can be promised it before its own.

use std::collections::HashMap;

use arc_swap::ArcSwap;

use crate::provider::{MailHost, PRESETS, Protocol};
use crate::wire::Offer;

/// How many logins in a row must find more before more is promised. A provider's servers change one by one, and a
/// promise that every other server breaks costs every other mail client a refusal.
const CONFIRMATIONS: u32 = 16;

/// What the mail hosts keep, as far as that is known.
pub(super) struct Offers {
    known: ArcSwap<HashMap<Key, Known>>,
}

type Key = (MailHost, Protocol);

/// What is known of one mail host.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Known {
    /// What every login of late has found.
    kept: Offer,
    /// What the last logins have found beyond, and how many they were.
    more: Option<(Offer, u32)>,
}

impl Offers {
    /// What the presets know.
    pub(super) fn new() -> Self {
        let hosts = PRESETS.iter().flat_map(|preset| {
            Protocol::ALL.map(|protocol| preset.host(protocol).map(|host| (host, protocol)))
        });
        // Of some hosts a preset knows the address only: they are strangers until the first login.
        let hosts = hosts.flatten().filter(|(host, _)| !host.offer.is_empty());
        let known = hosts.map(|(host, protocol)| {
            let offer = Offer::new(protocol, host.offer.iter().copied());
            ((host.host(), protocol), Known::new(offer))
        });
        Self {
            known: ArcSwap::from_pointee(known.collect()),
        }
    }

    /// Learns from a login: less than was known counts at once, more once it has proved true.
    pub(super) fn seen(&self, protocol: Protocol, host: &MailHost, offer: &Offer) {
        let key = (host.clone(), protocol);
        let learned = |known: &HashMap<Key, Known>| match known.get(&key) {
            None => Some(Known::new(offer.clone())),
            Some(before) => Some(before.after(offer)).filter(|after| after != before),
        };
        if learned(&self.known.load()).is_none() {
            return;
        }
        self.known.rcu(|known| {
            let mut next = HashMap::clone(known);
            if let Some(after) = learned(known) {
                next.insert(key.clone(), after);
            }
            next
        });
    }

    /// What all of the hosts keep.
    pub(super) fn promise(&self, protocol: Protocol, hosts: &[MailHost]) -> Offer {
        let known = self.known.load();
        let of = |host: &MailHost| match known.get(&(host.clone(), protocol)) {
            Some(known) => known.kept.clone(),
            None => least(protocol),
        };
        hosts
            .iter()
            .map(of)
            .reduce(|all, one| all.intersect(&one))
            .unwrap_or_else(|| least(protocol))
    }
}

impl Known {
    fn new(kept: Offer) -> Self {
        Self { kept, more: None }
    }

    fn after(&self, offer: &Offer) -> Self {
        let kept = self.kept.intersect(offer);
        if kept != self.kept || *offer == self.kept {
            return Self::new(kept);
        }
        let (more, logins) = match &self.more {
            Some((more, logins)) => (more.intersect(offer), logins + 1),
            None => (offer.clone(), 1),
        };
        if logins >= CONFIRMATIONS {
            return Self::new(more);
        }
        Self {
            kept,
            more: Some((more, logins)),
        }
    }
}

/// What may be promised of a host that nobody has logged in to yet. IMAP mail clients can do nothing without
/// `IMAP4rev1`; in POP3 and SMTP everything beyond the base protocol is a promise that could be broken.
fn least(protocol: Protocol) -> Offer {
    match protocol {
        Protocol::Imap => Offer::new(protocol, ["IMAP4rev1"]),
        Protocol::Pop3 | Protocol::Smtp => Offer::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{UpstreamTls, preset};

    fn host(name: &str) -> MailHost {
        MailHost {
            name: name.into(),
            port: 587,
            tls: UpstreamTls::StartTls,
        }
    }

    fn smtp(lines: &[&str]) -> Offer {
        Offer::new(Protocol::Smtp, lines.iter().copied())
    }

    fn shown(offer: &Offer) -> String {
        offer.iter().collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_preset_is_known_before_the_first_login() {
        let offers = Offers::new();
        let exchange = preset("microsoft365").unwrap().smtp.host();
        let promise = offers.promise(Protocol::Smtp, std::slice::from_ref(&exchange));
        assert_eq!(promise.iter().next(), Some("SIZE 157286400"));
        assert_eq!(promise.iter().count(), 8);
    }

    #[test]
    fn a_stranger_promises_next_to_nothing_until_the_first_login() {
        let (offers, mine) = (Offers::new(), [host("mail.example")]);
        assert_eq!(shown(&offers.promise(Protocol::Imap, &mine)), "IMAP4rev1");
        assert_eq!(shown(&offers.promise(Protocol::Pop3, &mine)), "");
        assert_eq!(shown(&offers.promise(Protocol::Smtp, &mine)), "");
        assert_eq!(shown(&offers.promise(Protocol::Imap, &[])), "IMAP4rev1");
        let gmail = preset("google").unwrap().imap.host();
        assert_eq!(shown(&offers.promise(Protocol::Imap, &[gmail])), "IMAP4rev1");
        offers.seen(Protocol::Smtp, &mine[0], &smtp(&["DSN", "8BITMIME"]));
        assert_eq!(shown(&offers.promise(Protocol::Smtp, &mine)), "DSN, 8BITMIME");
        assert_eq!(
            shown(&offers.promise(Protocol::Pop3, &mine)),
            "",
            "another protocol of the same host"
        );
    }

    #[test]
    fn several_hosts_promise_what_all_of_them_keep() {
        let (offers, hosts) = (Offers::new(), [host("one.example"), host("two.example")]);
        offers.seen(Protocol::Smtp, &hosts[0], &smtp(&["SIZE 100", "DSN"]));
        assert_eq!(
            shown(&offers.promise(Protocol::Smtp, &hosts)),
            "",
            "the other is a stranger"
        );
        offers.seen(Protocol::Smtp, &hosts[1], &smtp(&["SIZE 50", "8BITMIME"]));
        assert_eq!(shown(&offers.promise(Protocol::Smtp, &hosts)), "SIZE 50");
    }

    #[test]
    fn less_counts_at_once_and_more_when_it_lasts() {
        let (offers, mine) = (Offers::new(), [host("mail.example")]);
        let promise = || shown(&offers.promise(Protocol::Smtp, &mine));
        let see = |lines: &[&str]| offers.seen(Protocol::Smtp, &mine[0], &smtp(lines));
        see(&["DSN", "CHUNKING"]);
        see(&["DSN"]);
        assert_eq!(promise(), "DSN");
        for _ in 1..CONFIRMATIONS {
            see(&["DSN", "CHUNKING"]);
            assert_eq!(promise(), "DSN");
        }
        see(&["DSN"]);
        for _ in 1..CONFIRMATIONS {
            see(&["DSN", "CHUNKING"]);
            assert_eq!(promise(), "DSN", "one server without it starts the count again");
        }
        see(&["DSN", "CHUNKING"]);
        assert_eq!(promise(), "DSN, CHUNKING");
    }
}
