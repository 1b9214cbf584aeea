//! What the AADSTS codes of Entra ID mean to somebody who runs a mail gateway: what happened, why, and the click or
//! command that mends it. Words in capitals (`ACCOUNT`, `CLIENT_ID`, `TENANT`) are filled in where the value is known.

use std::borrow::Cow;

use super::error::{Kind, TokenError};

/// A page of the app registration: which click leads there.
macro_rules! app_page {
    ($page:literal) => {
        concat!(
            "entra.microsoft.com > Entra ID > App registrations > All applications > your app (CLIENT_ID) > ",
            $page
        )
    };
}

/// A page of the enterprise application, the app's stand-in within one tenant.
macro_rules! enterprise_page {
    ($page:literal) => {
        concat!(
            "entra.microsoft.com > Entra ID > Enterprise apps > your app (CLIENT_ID) > ",
            $page
        )
    };
}

/// Where every attempt stands with its reason; those of an app that signs in as itself are in a tab of their own.
macro_rules! sign_in_logs {
    () => {
        "entra.microsoft.com > Entra ID > Monitoring & health > Sign-in logs"
    };
}

/// Where the organisation's policies stand.
macro_rules! policies {
    () => {
        "entra.microsoft.com > Entra ID > Conditional Access > Policies"
    };
}

/// For what nobody but us can mend.
macro_rules! report {
    () => {
        "report it where you got saslgate from, with this line of the log"
    };
}

/// The page on which an administrator allows an app for everybody, and which makes its enterprise application.
macro_rules! admin_consent {
    () => {
        "https://SIGN_IN_HOST/TENANT/adminconsent?client_id=CLIENT_ID"
    };
}

mod app;
mod person;
mod policy;
mod request;
mod secret;
mod service;
mod tenant;

pub(super) use person::CONSENT;
pub(super) use secret::Shape;

/// Who can do something about a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// The person whose account it is, by signing in (again).
    SignIn,
    /// Whoever owns the configuration, the app registration or the tenant.
    Configuration(Mended),
    /// Time.
    Transient,
    /// The people who wrote this program; until then signing in again may help a person's account.
    Bug,
}

impl Class {
    /// The same as a kind of error.
    pub const fn kind(self) -> Kind {
        match self {
            Self::SignIn => Kind::NeedsSignIn,
            Self::Configuration(_) | Self::Bug => Kind::Misconfigured,
            Self::Transient => Kind::Temporary { retry_after: None },
        }
    }
}

/// Where something is mended that is no person's sign-in: from when it works depends on that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mended {
    /// In the configuration, which is read again when somebody asks for it.
    Here,
    /// At Microsoft, or on the way there. A failure is believed for five minutes at most.
    There,
    /// In one of both.
    Either,
    /// Before a sign-in, which asks anew by itself.
    BySigningIn,
}

impl Mended {
    /// What has to be done afterwards, or how long it takes.
    const fn afterwards(self) -> &'static str {
        match self {
            Self::Here => "; then reload saslgate (`saslgate reload`)",
            Self::There => "; then wait: saslgate asks again within five minutes",
            Self::Either => {
                "; if you changed the configuration, reload saslgate (`saslgate reload`), else wait: it asks again within five minutes"
            }
            Self::BySigningIn => "",
        }
    }
}

/// One meaning, with all codes that have it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The numbers after `AADSTS`.
    pub codes: &'static [u64],
    /// Who can do something about it.
    pub class: Class,
    /// What happened.
    pub what: &'static str,
    /// What causes this.
    pub why: &'static str,
    /// What mends it; begins with what to do. [`Row::error`] adds what comes afterwards.
    pub fix: &'static str,
}

impl Row {
    /// What an operator is told of one of its codes.
    pub fn error(&self, code: u64) -> TokenError {
        let fix = match self.class {
            Class::Configuration(mended) => format!("{}{}", self.fix, mended.afterwards()).into(),
            Class::SignIn | Class::Transient | Class::Bug => Cow::from(self.fix),
        };
        TokenError {
            code: Some(name(code)),
            ..TokenError::new(self.class.kind(), self.what, self.why, fix)
        }
    }
}

/// A code as Microsoft writes it.
pub(super) fn name(code: u64) -> Box<str> {
    format!("AADSTS{code}").into()
}

/// Every row, by topic.
const TABLES: &[&[Row]] = &[
    app::ROWS,
    tenant::ROWS,
    request::ROWS,
    person::ROWS,
    policy::ROWS,
    service::ROWS,
];

/// Every row, sorted by topic: the app and its proof, the tenant, the request, the person, policies, the service.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

/// What is told in the place of a code's own row where more than the code is known: what was pasted for a client secret,
/// and that a person withdrew the consent.
pub fn closer_rows() -> impl Iterator<Item = Row> {
    Shape::ALL.into_iter().filter_map(Shape::row).chain([CONSENT])
}

/// The row of a number.
pub fn row(code: u64) -> Option<&'static Row> {
    rows().find(|row| row.codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        let mut seen = HashSet::new();
        for code in rows().flat_map(|row| row.codes) {
            assert!(seen.insert(code), "AADSTS{code} is there twice");
        }
        assert_eq!((rows().count(), seen.len()), (83, 164));
    }

    #[test]
    fn a_code_is_found_by_its_number() {
        assert_eq!(row(7_000_215).unwrap().class, Class::Configuration(Mended::Here));
        assert_eq!(row(90_033).unwrap().class, Class::Transient);
        assert_eq!(row(50_173).unwrap().class, Class::SignIn);
        assert!(row(1).is_none());
    }
}
