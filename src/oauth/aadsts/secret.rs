//! What was pasted in the place of a client secret. Entra ID only says that it is wrong; its shape often tells why.

use super::{Class, Mended, Row};

/// The client secret is wrong: an old code and the one of today.
const WRONG: &[u64] = &[70_002, 7_000_215];

/// The shortest Value that begins as those of today do: three characters, a digit, `Q~`, and then 31 or more.
const VALUE: usize = 37;

/// What a client secret looks like. Nothing of it is ever shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::oauth) enum Shape {
    /// Like the Secret ID that stands in the column beside the Value.
    SecretId,
    /// In quotes, which belong to whatever it was copied from.
    Quoted,
    /// Like the beginning of a Value.
    Cut,
    /// Nothing strikes.
    Unremarkable,
}

impl Shape {
    pub(super) const ALL: [Self; 4] = [Self::SecretId, Self::Quoted, Self::Cut, Self::Unremarkable];

    pub(in crate::oauth) fn of(secret: &str) -> Self {
        let quotes = |quote: char| secret.len() > 1 && secret.starts_with(quote) && secret.ends_with(quote);
        if is_guid(secret) {
            Self::SecretId
        } else if quotes('"') || quotes('\'') {
            Self::Quoted
        } else if secret.as_bytes().get(4..6) == Some(b"Q~") && secret.len() < VALUE {
            Self::Cut
        } else {
            Self::Unremarkable
        }
    }

    /// What is told of it in the place of the codes' own row, if it strikes.
    pub(in crate::oauth) fn row(self) -> Option<Row> {
        match self {
            Self::SecretId => Some(SECRET_ID),
            Self::Quoted => Some(QUOTED),
            Self::Cut => Some(CUT),
            Self::Unremarkable => None,
        }
    }
}

const SECRET_ID: Row = Row {
    codes: WRONG,
    class: Class::Configuration(Mended::Here),
    what: "a Secret ID was given instead of the client secret",
    why: "the portal shows both side by side: the Secret ID looks like 1a2b3c4d-…, the Value is the secret",
    fix: concat!(
        "copy the column Value instead of Secret ID (",
        app_page!("Certificates & secrets"),
        "); it is shown only once, so create a new client secret if it is lost"
    ),
};

const QUOTED: Row = Row {
    codes: WRONG,
    class: Class::Configuration(Mended::Here),
    what: "the client secret is in quotes, and they were sent with it",
    why: "the file or variable has to hold the Value alone",
    fix: "remove the quotes around the client secret, where `client_secret_file` or `client_secret_env` points (a variable needs a \
          restart of saslgate)",
};

const CUT: Row = Row {
    codes: WRONG,
    class: Class::Configuration(Mended::Here),
    what: "the client secret is only a part of its Value",
    why: "the end got lost when it was copied: a Value usually has 40 characters",
    fix: concat!(
        "copy the whole of the column Value (",
        app_page!("Certificates & secrets"),
        "); if it is not shown any more, create a new client secret and copy that one's"
    ),
};

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_secret_tells_what_was_pasted() {
        let cases = [
            ("1a2b3c4d-0000-4000-8000-0123456789ab", Shape::SecretId),
            ("1A2B3C4D-0000-4000-8000-0123456789AB", Shape::SecretId),
            ("1a2b3c4d-0000-4000-8000-0123456789ag", Shape::Unremarkable),
            ("\"abc8Q~0123456789012345678901234567890123\"", Shape::Quoted),
            ("'x'", Shape::Quoted),
            ("'", Shape::Unremarkable),
            ("abc8Q~0123456789", Shape::Cut),
            ("abc8Q~0123456789012345678901234567890123", Shape::Unremarkable),
            ("abc8Q~0123456789012345678901234567890", Shape::Unremarkable),
            ("of another provider", Shape::Unremarkable),
            ("", Shape::Unremarkable),
        ];
        for (secret, shape) in cases {
            assert_eq!(Shape::of(secret), shape, "{secret}");
        }
        assert_eq!(cases.len(), 11);
    }
}
