//! Guide by step: what each walk has to have done, and why a cell is empty.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use saslgate::provider::Protocol;

/// What has to be done before whoever followed a guide may forget about it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Step {
    /// The app is in the directory as the guide has it, with what docs/entra-setup.md adds.
    Registered,
    /// `saslgate check` finds nothing in the file, and `saslgate run` serves.
    Serving,
    /// Another person's sign-in is refused, and nothing of it kept.
    WrongPerson,
    /// The mailbox's person has signed in.
    SignedIn,
    /// Name and password are typed, and mail is read.
    Imap,
    /// Name and password are typed, and mail is read.
    Pop3,
    /// Name and password are typed, and mail is sent.
    Smtp,
    /// `saslgate status` says that all is well.
    Status,
    /// All of it goes on after a restart, and nobody signs in again.
    Restarted,
}

impl Step {
    const ALL: [Self; 9] = [
        Self::Registered,
        Self::Serving,
        Self::WrongPerson,
        Self::SignedIn,
        Self::Imap,
        Self::Pop3,
        Self::Smtp,
        Self::Status,
        Self::Restarted,
    ];

    pub(crate) const fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Imap => Self::Imap,
            Protocol::Pop3 => Self::Pop3,
            Protocol::Smtp => Self::Smtp,
        }
    }
}

/// A guide: the name of its file, and the steps that it has no use for, each with the reason.
pub(crate) struct Guide {
    pub(crate) name: &'static str,
    empty: &'static [(Step, &'static str)],
}

const NOBODY_SIGNS_IN: &str = "the app opens the mailbox itself: nobody signs in";
const BY_PASSWORD: &str =
    "the product types the mailbox's own password at each login: nobody signs in beforehand";

pub(crate) const EMAIL_THIS_ISSUE: Guide = Guide {
    name: "email-this-issue",
    empty: &[(Step::Pop3, "the guide has no permission for POP3")],
};

pub(crate) const HIGHSTAGE: Guide = Guide {
    name: "highstage",
    empty: &[
        (Step::WrongPerson, NOBODY_SIGNS_IN),
        (Step::SignedIn, NOBODY_SIGNS_IN),
        (Step::Smtp, "the guide has no permission for sending"),
    ],
};

pub(crate) const OSTICKET: Guide = Guide {
    name: "osticket",
    empty: &[],
};

pub(crate) const EFECTE_ESM: Guide = Guide {
    name: "efecte-esm",
    empty: &[
        (Step::WrongPerson, BY_PASSWORD),
        (Step::SignedIn, BY_PASSWORD),
        (Step::Pop3, "the guide has no permission for POP3"),
    ],
};

pub(crate) const ORACLE_B2C_SERVICE: Guide = Guide {
    name: "oracle-b2c",
    empty: &[
        (Step::Imap, "the guide has POP3 alone"),
        (Step::Smtp, "the guide has POP3 alone"),
    ],
};

pub(crate) const GUIDES: [Guide; 5] = [
    EMAIL_THIS_ISSUE,
    HIGHSTAGE,
    OSTICKET,
    EFECTE_ESM,
    ORACLE_B2C_SERVICE,
];

impl Guide {
    fn reason(&self, step: Step) -> Option<&'static str> {
        let found = self.empty.iter().find(|(empty, _)| *empty == step);
        found.map(|(_, reason)| *reason)
    }

    /// The protocols that the guide is for.
    pub(crate) fn protocols(&self) -> Vec<Protocol> {
        let is_used = |protocol: &Protocol| self.reason(Step::of(*protocol)).is_none();
        Protocol::ALL.into_iter().filter(is_used).collect()
    }

    /// A walk has done each step that is not empty, and no other.
    pub(crate) fn assert_done(&self, done: &BTreeSet<Step>) {
        let expected: BTreeSet<_> = Step::ALL
            .into_iter()
            .filter(|step| self.reason(*step).is_none())
            .collect();
        assert_eq!(*done, expected, "{}", self.name);
    }
}

#[test]
fn every_cell_is_walked_or_has_its_reason() {
    let (mut walked, mut empty) = (0, 0);
    let columns: Vec<_> = Step::ALL.iter().map(|step| format!("{step:?}")).collect();
    eprintln!("{:<20} {}", "", columns.join(" "));
    for guide in &GUIDES {
        let mut row = format!("{:<20}", guide.name);
        for (step, column) in Step::ALL.into_iter().zip(&columns) {
            let cell = if guide.reason(step).is_some() {
                "-"
            } else {
                "walked"
            };
            let _ = write!(row, " {cell:<width$}", width = column.len());
            *(if cell == "-" { &mut empty } else { &mut walked }) += 1;
        }
        eprintln!("{}", row.trim_end());
    }
    for guide in &GUIDES {
        for (step, reason) in guide.empty {
            eprintln!("{}, {step:?}: {reason}", guide.name);
        }
    }
    assert_eq!((walked, empty), (36, 9), "of 45 cells");
}
