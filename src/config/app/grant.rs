//! How tokens are obtained, and which keys belong to that.

use super::super::keys;
use super::super::reader::Reader;
use super::super::table::{Table, nearest, one_of};
use super::super::tenant::Everybody;
use crate::oauth::UsualSignIn;

/// The grant, as a configuration says it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in super::super) enum Kind {
    /// A person signs in, usually in this way.
    SignIn(UsualSignIn),
    ClientCredentials,
    Password,
    Command,
}

const GRANTS: &[(&str, Kind)] = &[
    ("authorization_code", Kind::SignIn(UsualSignIn::Browser)),
    ("device_code", Kind::SignIn(UsualSignIn::Device)),
    ("refresh_token", Kind::SignIn(UsualSignIn::RefreshToken)),
    ("client_credentials", Kind::ClientCredentials),
    ("password", Kind::Password),
    ("command", Kind::Command),
];

const OF_COMMANDS: &[&str] = &["command", "command_timeout"];
const OF_MACHINES: &[&str] = &["managed_identity", "service_account_file"];
const OF_BROWSERS: &[&str] = &["redirect_uri", "domain_hint", "prompt"];

/// Keys of every app.
const OF_ALL: &[&str] = &["grant", "preset", "token_export"];

impl Kind {
    /// Where the grant is missing or misspelled, the one that was probably meant, so that the rest is looked at too. None where nobody
    /// can tell: what else looks wrong then may be right for what was meant.
    pub(super) fn read(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if table.key("grant").is_none() {
            let is_mistyped = table.is_mistyped("grant");
            let (probable, fix) = Self::probable(table);
            table.missing("grant", "it says how tokens are obtained", fix, reader);
            return (!is_mistyped).then_some(probable);
        }
        let text = table.text("grant", reader)?;
        let meant = nearest(&text.written, GRANTS.iter().map(|(word, _)| *word));
        let meant = GRANTS.iter().find(|(word, _)| Some(*word) == meant);
        let known = one_of("grant", text, GRANTS, reader);
        known.map(|at| at.value).or(meant.map(|(_, kind)| *kind))
    }

    /// What the other keys point to, and what to add.
    fn probable(table: &Table<'_>) -> (Self, &'static str) {
        let given = |keys: &[&str]| keys.iter().any(|key| table.key(key).is_some());
        if given(OF_COMMANDS) {
            (Self::Command, "add grant = \"command\"")
        } else if given(OF_BROWSERS) {
            (
                Self::SignIn(UsualSignIn::Browser),
                "add grant = \"authorization_code\"",
            )
        } else {
            (
                Self::ClientCredentials,
                "add grant = \"authorization_code\" if people sign in, or \"client_credentials\" if the app itself may open the mailboxes",
            )
        }
    }

    /// Which words for everybody its tenant may be.
    pub(super) const fn everybody(self) -> Everybody {
        match self {
            Self::SignIn(_) => Everybody::Anyone,
            Self::Password => Everybody::Organizations,
            Self::ClientCredentials | Self::Command => Everybody::Nobody,
        }
    }

    /// Notes the keys that do nothing with this grant.
    pub(super) fn note_unused(self, table: &Table<'_>, reader: &mut Reader<'_>) {
        let command = (OF_COMMANDS, "it belongs to grant = \"command\"");
        let machine = (OF_MACHINES, "it belongs to grant = \"client_credentials\"");
        let browser = (
            OF_BROWSERS,
            "it belongs to the grants with which people sign in, such as \"authorization_code\"",
        );
        let others: &[_] = match self {
            Self::Command => return note_beside_command(table, reader),
            Self::ClientCredentials => &[command, browser],
            Self::SignIn(_) => &[command, machine],
            Self::Password => &[command, machine, browser],
        };
        for (keys, why) in others {
            note(keys, why, table, reader);
        }
    }
}

fn note_beside_command(table: &Table<'_>, reader: &mut Reader<'_>) {
    let is_other = |key: &&&str| !OF_ALL.contains(*key) && !OF_COMMANDS.contains(*key);
    let others: Vec<_> = keys::APP.keys.iter().filter(is_other).copied().collect();
    let why = "with grant = \"command\" the command alone knows how to get a token";
    note(&others, why, table, reader);
}

/// Notes keys that do nothing.
pub(super) fn note(keys: &[&str], why: &str, table: &Table<'_>, reader: &mut Reader<'_>) {
    for key in keys {
        if let Some(span) = table.key(key) {
            reader.no_effect(&span, key, why);
        }
    }
}
