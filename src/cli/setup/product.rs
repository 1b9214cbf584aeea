//! What the mail is for: the product decides what suits, and where it stands in its own guide.

use super::way::Way;
use crate::provider::Protocol;

use super::place::Place;

/// What logs in to saslgate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Product {
    EmailThisIssue,
    Highstage,
    OsTicket,
    EfecteEsm,
    OracleB2c,
    MailProgram,
    Device,
    Mta,
    Script,
    Many,
}

/// What is known of a product.
pub(super) struct Facts {
    /// How an answers file calls it.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    /// Beside the name in the list.
    pub(super) about: &'static str,
    /// Whether its maker's guide has had an app registered already.
    pub(super) has_guide: bool,
    /// Whether that guide ends with a client secret.
    guide_has_secret: bool,
    /// What it speaks, if nothing else is said.
    pub(super) protocols: &'static [Protocol],
    /// What suits it.
    pub(super) way: Way,
    pub(super) place: Place,
    /// What to choose in it, where that is the same wherever saslgate runs.
    pub(super) hint: &'static str,
}

const TABLE: [Facts; 10] = [
    Facts {
        key: "email-this-issue",
        name: "Email This Issue",
        about: "Jira's mail; its guide has you register an app",
        has_guide: true,
        guide_has_secret: true,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::Browser,
        place: Place::ThisMachine,
        hint: "Incoming mail: IMAP with basic authentication; outgoing mail: SMTP, the same user name and password. Remove its OAuth profile.",
    },
    Facts {
        key: "highstage",
        name: "Highstage",
        about: "document management; its guide has you register an app",
        has_guide: true,
        guide_has_secret: true,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::AppSecret,
        place: Place::ThisMachine,
        hint: "The mailbox's address and this password instead of the app's ids.",
    },
    Facts {
        key: "osticket",
        name: "osTicket",
        about: "helpdesk; the guide of its OAuth2 plugin has you register an app",
        has_guide: true,
        guide_has_secret: true,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::Browser,
        place: Place::ThisMachine,
        hint: "Basic Authentication (Legacy) instead of the OAuth2 plugin.",
    },
    Facts {
        key: "efecte-esm",
        name: "Efecte ESM",
        about: "service management; its guide has you register an app without a secret",
        has_guide: true,
        guide_has_secret: false,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::Password,
        place: Place::ThisMachine,
        hint: "mail.store.oauth.enabled=false and mail.transport.oauth.enabled=false, IMAP and SMTP without OAuth.",
    },
    Facts {
        key: "oracle-b2c",
        name: "Oracle B2C Service",
        about: "fetches by POP3 from Oracle's cloud; its guide has you register an app",
        has_guide: true,
        guide_has_secret: true,
        protocols: &[Protocol::Pop3],
        way: Way::Browser,
        place: Place::Internet,
        hint: "POP3 with SSL, the public name and port of saslgate.",
    },
    Facts {
        key: "mail-program",
        name: "A mail program",
        about: "Thunderbird, mutt, fetchmail, an old Outlook: somebody's own mailbox",
        has_guide: false,
        guide_has_secret: false,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::Browser,
        place: Place::ThisMachine,
        hint: "Authentication is \"normal password\" or PLAIN, not OAuth2. msmtp wants `auth plain`, mpop `auth user`.",
    },
    Facts {
        key: "device",
        name: "A scanner or printer",
        about: "or another device that sends mail",
        has_guide: false,
        guide_has_secret: false,
        protocols: &[Protocol::Smtp],
        way: Way::AppSecret,
        place: Place::NetworkTls,
        hint: "The sender's address is the mailbox's own; Exchange refuses others.",
    },
    Facts {
        key: "postfix",
        name: "Postfix or another MTA",
        about: "hands its outgoing mail to saslgate as its smarthost",
        has_guide: false,
        guide_has_secret: false,
        protocols: &[Protocol::Smtp],
        way: Way::AppSecret,
        place: Place::ThisMachine,
        hint: "Postfix: relayhost, smtp_sasl_auth_enable = yes, smtp_sasl_password_maps, smtp_sasl_security_options = noanonymous.",
    },
    Facts {
        key: "script",
        name: "A script or a program of yours",
        about: "imaplib, PHP, Java: whatever knows a user name and a password",
        has_guide: false,
        guide_has_secret: false,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::AppSecret,
        place: Place::ThisMachine,
        hint: "LOGIN, AUTH PLAIN or USER and PASS, as ever. Read the password from a file of its own.",
    },
    Facts {
        key: "many",
        name: "Many mailboxes",
        about: "200 people or devices: accounts in a file of their own, cards in a CSV",
        has_guide: false,
        guide_has_secret: false,
        protocols: &[Protocol::Imap, Protocol::Smtp],
        way: Way::AppSecret,
        place: Place::NetworkTls,
        hint: "One line of the CSV belongs to one mailbox: hand each to its owner alone, then delete the file.",
    },
];

impl Facts {
    /// What it is called where its settings are typed: most who set up a product never heard that it is a mail client.
    pub(super) fn name_at_work(&self) -> &'static str {
        if self.has_guide {
            self.name
        } else {
            "The mail client"
        }
    }
}

impl Product {
    /// In the order of the list.
    pub(super) const ALL: [Self; 10] = [
        Self::EmailThisIssue,
        Self::Highstage,
        Self::OsTicket,
        Self::EfecteEsm,
        Self::OracleB2c,
        Self::MailProgram,
        Self::Device,
        Self::Mta,
        Self::Script,
        Self::Many,
    ];

    /// What is known of it.
    pub(super) const fn facts(self) -> &'static Facts {
        &TABLE[self as usize]
    }

    /// The ways to its tokens, the one that suits first.
    pub(super) fn ways(self) -> Vec<Way> {
        let suits = self.facts().way;
        let others = Way::ALL
            .into_iter()
            .filter(|way| *way != suits && *way != Way::Password);
        std::iter::once(suits).chain(others).collect()
    }

    /// The ways to the tokens of a shared mailbox, the one that suits first. Nobody can sign in as it; what runs unattended is
    /// best off without a person, whose password or second factor stops it some day.
    pub(super) fn ways_to_shared(self) -> Vec<Way> {
        let mut ways = self.ways();
        ways.retain(|way| *way != Way::Password);
        if self.facts().has_guide {
            ways.sort_by_key(|way| !way.is_app_only());
        }
        ways
    }

    /// Whether it trusts what the store of its own Java does, and not the machine's.
    pub(super) const fn is_java(self) -> bool {
        matches!(self, Self::EmailThisIssue | Self::EfecteEsm)
    }

    /// Whether the registration that its guide makes has a client secret, which a sign-in then has to show too.
    pub(super) const fn has_registered_secret(self) -> bool {
        self.facts().guide_has_secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_list() {
        let keys = Product::ALL.map(|product| product.facts().key);
        assert_eq!(
            keys,
            [
                "email-this-issue",
                "highstage",
                "osticket",
                "efecte-esm",
                "oracle-b2c",
                "mail-program",
                "device",
                "postfix",
                "script",
                "many"
            ]
        );
    }

    #[test]
    fn each_product_has_four_ways_and_one_of_them_a_fifth() {
        let choices: usize = Product::ALL.iter().map(|product| product.ways().len()).sum();
        assert_eq!(choices, 41);
        for product in Product::ALL {
            let ways = product.ways();
            assert_eq!(ways[0], product.facts().way);
            assert_eq!(
                ways.contains(&Way::Password),
                product == Product::EfecteEsm,
                "whoever has no guide that says so is not shown a grant that ends soon"
            );
        }
    }
}
