//! The questions: when each is asked, how it reads, what is offered, and what is taken if nobody says anything.

use super::draft::{Draft, LATER, NO_SECRET};
use super::explanation;
use super::place::Place;
use super::product::Product;
use super::surroundings::Surroundings;
use super::way::{Proof, Way};
use crate::provider::Protocol;

/// One question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    Product,
    Shared,
    Way,
    SignsInAs,
    Tenant,
    Cloud,
    Protocols,
    ClientId,
    Mailboxes,
    Place,
    Host,
    Networks,
    Secret,
    SecretExpires,
    Directory,
}

/// What can be chosen: its name, and what it is.
pub(super) type Choice = (&'static str, &'static str);

/// What a mailbox can be: as an answers file calls it, its name, and what it means.
pub(super) const SHARED: [(&str, &str, &str); 2] = [
    (
        "own",
        "Somebody can sign in as it",
        "it is a user with a licence and a password",
    ),
    (
        "shared",
        "It is shared, or has no password",
        "the app itself opens it, or a person with Full Access signs in for it",
    ),
];

/// The networks that are not reached from the internet (RFC 1918).
const PRIVATE: &str = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16";

impl Question {
    /// In the order in which they are asked: later ones depend on earlier ones.
    pub(super) const ALL: [Self; 15] = [
        Self::Product,
        Self::Shared,
        Self::Way,
        Self::SignsInAs,
        Self::Tenant,
        Self::Cloud,
        Self::Protocols,
        Self::ClientId,
        Self::Mailboxes,
        Self::Place,
        Self::Host,
        Self::Networks,
        Self::Secret,
        Self::SecretExpires,
        Self::Directory,
    ];

    /// How an answers file calls it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Way => "way",
            Self::Shared => "mailboxes_are",
            Self::SignsInAs => "signs_in_as",
            Self::Tenant => "tenant",
            Self::Cloud => "cloud",
            Self::Protocols => "protocols",
            Self::ClientId => "client_id",
            Self::Mailboxes => "mailboxes",
            Self::Place => "connects_from",
            Self::Host => "server_name",
            Self::Networks => "networks",
            Self::Secret => "client_secret_from",
            Self::SecretExpires => "client_secret_expires",
            Self::Directory => "directory",
        }
    }

    /// The question itself.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Product => "What logs in?",
            Self::Way => "How may saslgate get its tokens?",
            Self::Shared => "Can somebody sign in as the mailbox, or is it shared?",
            Self::SignsInAs => "Who signs in for it?",
            Self::Tenant => "Which tenant?",
            Self::Cloud => "Which cloud is it in?",
            Self::Protocols => "Which protocols?",
            Self::ClientId => "Which app registration?",
            Self::Mailboxes => "Which mailboxes?",
            Self::Place => "Where does it connect from?",
            Self::Host => "By which name do they reach this machine?",
            Self::Networks => "From which addresses?",
            Self::Secret => "The client secret's Value?",
            Self::SecretExpires => "When does the client secret end?",
            Self::Directory => "Into which directory?",
        }
    }

    /// One line that explains it.
    pub(super) fn about(self, draft: &Draft) -> &'static str {
        match self {
            Self::Product => "It decides what is proposed below, and what has to be done where.",
            Self::Way if draft.is_shared == Some(true) => {
                "Those that open a shared mailbox; the first is what suits."
            }
            Self::Way => "Each works. The first is what suits.",
            Self::Shared => {
                "Entra ID lets nobody sign in as a shared mailbox (AADSTS50057). Where the app itself signs in, it does not matter."
            }
            Self::SignsInAs => {
                "The address of a person, who then has Full Access to it. nobody: the app itself opens it instead, with a client secret."
            }
            Self::Tenant => {
                "The Directory (tenant) ID of its Overview, a domain of it, a token endpoint, or another address that has the tenant in it."
            }
            Self::Cloud => "Both have the same sign-in, and other mail hosts.",
            Self::Protocols => {
                "imap or pop3 to read, smtp to send: each is a permission, so only what is used."
            }
            Self::ClientId => {
                "Its Application (client) ID, of the Overview, not the Object ID below it. later: nothing is registered yet."
            }
            Self::Mailboxes => "Their addresses, with commas between or a line each.",
            Self::Place => "It decides where saslgate listens, and whether TLS is needed.",
            Self::Host if draft.place == Some(Place::Internet) => {
                "The public name; it is typed into the product, and stands in the certificate."
            }
            Self::Host => {
                "A name or an address; it is typed into the mail client, and stands in the certificate."
            }
            Self::Networks if draft.place == Some(Place::Internet) => {
                "The addresses from which the product connects: its support knows them. later: nobody gets in until then."
            }
            Self::Networks => "Addresses or networks; nobody else may connect. The narrower, the better.",
            Self::Secret if draft.way.is_some_and(|way| !way.is_app_only()) => {
                "Certificates & secrets > Value, not the Secret ID. later: it is put into its file by hand; none: the app has no secret."
            }
            Self::Secret => {
                "Certificates & secrets > Value, not the Secret ID. later: it is put into its file by hand."
            }
            Self::SecretExpires => {
                "The column Expires, as 2027-11-01: saslgate warns 30 days before. later: nobody is warned."
            }
            Self::Directory => {
                "Configuration and secrets go there; a running saslgate has to be able to read it."
            }
        }
    }

    /// How it is answered at the keyboard, where that is not obvious. An answers file has no keyboard.
    pub(super) const fn by_keyboard(self) -> &'static str {
        match self {
            Self::Way => " ? explains all of them.",
            Self::ClientId => " ? shows what to register.",
            Self::Mailboxes => " An empty line ends it.",
            Self::Secret => " What is typed is not shown.",
            _ => "",
        }
    }

    /// What `?` says.
    pub(super) fn more(self, draft: &Draft) -> String {
        let is_shared = draft.is_shared == Some(true);
        let listed = match self {
            Self::Way => draft
                .ways()
                .into_iter()
                .map(|way| format!("{}: {}.", way.name(), way.about(is_shared)))
                .collect::<Vec<_>>()
                .join("\n"),
            Self::Place => Place::ALL
                .map(|place| format!("{}: {}.", place.name(), place.about()))
                .join("\n"),
            _ => String::new(),
        };
        let background = explanation::of(self);
        if listed.is_empty() {
            background.to_owned()
        } else {
            format!("{background}\n{listed}")
        }
    }

    /// What can be chosen; empty where something is written.
    pub(super) fn choices(self, draft: &Draft) -> Vec<Choice> {
        match self {
            Self::Product => Product::ALL
                .iter()
                .map(|product| (product.facts().name, product.facts().about))
                .collect(),
            Self::Way => draft
                .ways()
                .iter()
                .map(|way| (way.name(), way.about(draft.is_shared == Some(true))))
                .collect(),
            Self::Shared => SHARED.map(|(_, name, about)| (name, about)).to_vec(),
            Self::Cloud => draft.clouds.iter().map(|cloud| (cloud.name, "")).collect(),
            Self::Place => draft
                .places()
                .iter()
                .map(|place| (place.name(), place.about()))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it is asked at all, after what was said so far.
    pub(super) fn applies(self, draft: &Draft) -> bool {
        let networks = || draft.place.is_some_and(Place::has_networks);
        let secret = || draft.usual_proof() == Some(Proof::Secret);
        match self {
            Self::Way => draft.product.is_some(),
            Self::SignsInAs => draft.is_shared == Some(true) && draft.way.is_some_and(Way::has_sign_in),
            Self::Cloud => draft.clouds.len() > 1,
            Self::Host | Self::Networks => networks(),
            Self::Secret => secret(),
            Self::SecretExpires => secret() && matches!(draft.secret, Some(Some(_))),
            _ => true,
        }
    }

    /// Whether nobody may see what is typed.
    pub(super) const fn is_hidden(self) -> bool {
        matches!(self, Self::Secret)
    }

    /// What is taken if nothing is said; none where there is nothing to go by.
    pub(super) fn default(self, draft: &Draft, surroundings: &dyn Surroundings) -> Option<String> {
        let number = |at: usize| Some((at + 1).to_string());
        match self {
            Self::Product => {
                let said = draft.product.unwrap_or(Product::MailProgram);
                number(place_of(Some(said), &Product::ALL))
            }
            Self::Way => number(place_of(draft.way, &draft.ways())),
            Self::Shared => number(usize::from(draft.is_shared == Some(true))),
            Self::SignsInAs => draft.signs_in_as.clone(),
            Self::Cloud => number(0),
            Self::Tenant => draft.tenant.clone(),
            Self::Protocols => {
                let usual = draft.product.map(|product| product.facts().protocols.to_vec());
                draft.protocols.clone().or(usual).map(|list| named(&list))
            }
            Self::ClientId => {
                let said = draft.client_id.clone().flatten();
                Some(
                    said.or(draft.seen_client_id.clone())
                        .unwrap_or_else(|| LATER.to_owned()),
                )
            }
            Self::Mailboxes => draft.mailboxes.as_ref().map(|list| list.join(", ")),
            Self::Place => {
                let usual = if surroundings.in_container() {
                    Some(Place::Containers)
                } else {
                    draft.product.map(|product| product.facts().place)
                };
                number(place_of(draft.place.or(usual), &draft.places()))
            }
            Self::Host => {
                let said = draft.host.as_ref().map(ToString::to_string);
                said.or_else(|| {
                    surroundings.host_name().filter(|name| match draft.place {
                        Some(Place::Internet) => super::typed::public_host(name).is_ok(),
                        _ => super::typed::host(name).is_ok(),
                    })
                })
            }
            Self::Networks => Some(networks(draft)),
            Self::Secret | Self::SecretExpires => Some(self.said_or_later(draft)),
            Self::Directory => {
                let said = draft
                    .directory
                    .clone()
                    .unwrap_or_else(|| surroundings.directory());
                Some(said.display().to_string())
            }
        }
    }

    /// A secret that was typed before is kept and not shown.
    fn said_or_later(self, draft: &Draft) -> String {
        let said = match self {
            Self::SecretExpires => draft.expires.clone().flatten(),
            Self::Secret if draft.has_no_secret && draft.proof() == Some(Proof::None) => {
                Some(NO_SECRET.to_owned())
            }
            _ => None,
        };
        said.unwrap_or_else(|| LATER.to_owned())
    }
}

fn place_of<T: PartialEq>(said: Option<T>, choices: &[T]) -> usize {
    let at = said.and_then(|said| choices.iter().position(|choice| *choice == said));
    at.unwrap_or(0)
}

fn networks(draft: &Draft) -> String {
    let said = draft.networks.as_ref();
    let said = said.map(|list| {
        list.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    });
    let said = said.map(|list| if list.is_empty() { LATER.to_owned() } else { list });
    let usual = if draft.place == Some(Place::Internet) {
        LATER
    } else {
        PRIVATE
    };
    said.unwrap_or_else(|| usual.to_owned())
}

/// Protocols in a sentence.
pub(super) fn named(protocols: &[Protocol]) -> String {
    let names: Vec<_> = protocols.iter().map(|protocol| protocol.name()).collect();
    names.join(", ")
}
