//! What metrics are told apart by: every value of a label is known when saslgate starts, so that a series is there from
//! the first scrape on and none can be made by whoever connects.

use crate::provider::Protocol;

/// One label: its key, and the words that it may say.
pub(super) trait Label: Copy + Send + Sync + 'static {
    /// The key; empty where nothing is told apart.
    const KEY: &'static str;
    /// Every value.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;

    /// Its place in [`Self::ALL`].
    fn index(self) -> usize;
}

/// Nothing is told apart.
impl Label for () {
    const KEY: &'static str = "";
    const ALL: &'static [Self] = &[()];

    fn word(self) -> &'static str {
        ""
    }

    fn index(self) -> usize {
        0
    }
}

impl Label for Protocol {
    const KEY: &'static str = "protocol";
    const ALL: &'static [Self] = &Protocol::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn index(self) -> usize {
        self as usize
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident, $key:literal { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// The word for it in a label.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }
        }

        impl Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.word()
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

labels! {
    /// What a mail client that wanted to log in was told.
    Login, "outcome" {
        /// Yes.
        Accepted = "accepted",
        /// It cancelled the exchange itself.
        Aborted = "aborted",
        /// saslgate refuses the name, the password, the mailbox or the source.
        AuthenticationFailed = "authentication_failed",
        /// Somebody has to repair something.
        ContactAdmin = "contact_admin",
        /// Too many connections or logins for now.
        LimitReached = "limit_reached",
        /// Not a well-formed request.
        Malformed = "malformed",
        /// A mechanism that is not offered.
        MechanismUnsupported = "mechanism_unsupported",
        /// The provider says that the password has expired.
        PasswordExpired = "password_expired",
        /// saslgate stops.
        ShuttingDown = "shutting_down",
        /// No password is read before TLS.
        TlsRequired = "tls_required",
        /// Upstream or the identity provider is in trouble.
        Unavailable = "unavailable",
    }

    /// A part of a login.
    Stage, "stage" {
        /// The local password was checked.
        Password = "password",
        /// A token was waited for.
        Token = "token",
        /// Upstream was reached: name, TCP and, where it comes first, TLS.
        Dial = "dial",
        /// Upstream was talked to.
        Handshake = "handshake",
    }

    /// Which way bytes went.
    Direction, "direction" {
        /// From mail clients.
        ToUpstream = "to_upstream",
        /// From upstream.
        ToMailClient = "to_mail_client",
    }

    /// Why a session ended.
    End, "cause" {
        /// The mail client closed after its login.
        MailClientClosed = "mail_client_closed",
        /// The mail client broke off after its login.
        MailClientBroke = "mail_client_broke",
        /// Upstream closed.
        UpstreamClosed = "upstream_closed",
        /// Upstream broke off.
        UpstreamBroke = "upstream_broke",
        /// Nothing moved for too long.
        Idle = "idle",
        /// saslgate ended it: it stops, or the account is gone.
        EndedBySaslgate = "ended_by_saslgate",
        /// Nobody had logged in, and the talk was over.
        NoLogin = "no_login",
        /// Nobody had logged in for too long.
        TooSlow = "too_slow",
        /// The connection broke before a login.
        BrokeBeforeLogin = "broke_before_login",
        /// TLS toward the mail client failed.
        TlsFailed = "tls_failed",
        /// There was no room for it.
        Full = "full",
        /// saslgate stopped before a login.
        Stopping = "stopping",
    }

    /// What kind of no upstream said to a login.
    Rejection, "kind" {
        /// The token, or this token with this mailbox.
        TokenRefused = "token_refused",
        /// The mailbox did not open.
        NotConnected = "not_connected",
        /// A setting at the provider.
        Denied = "denied",
        /// Too many connections or messages for now.
        Limit = "limit",
        /// Trouble at the provider.
        Temporary = "temporary",
        /// It did not understand us, or we not it.
        Protocol = "protocol",
    }

    /// What became of an alert.
    Alert, "outcome" {
        /// Somebody took it.
        Sent = "sent",
        /// Nobody did, after every try.
        Failed = "failed",
    }

    /// What is wrong and survived: mail goes on as far as it can, and a restart would not help.
    Degraded, "reason" {
        /// Accounts are not ready.
        Accounts = "accounts",
        /// The token store can't be read or saved.
        Store = "store",
        /// The configuration in the file is not the one in use, because the file has a problem.
        Reload = "reload",
        /// A client secret has ended.
        Secret = "secret",
        /// A certificate has ended.
        Certificate = "certificate",
        /// Nearly all files that the process may open are open.
        OpenFiles = "open_files",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<L: Label>() -> usize {
        for (at, label) in L::ALL.iter().enumerate() {
            assert_eq!(label.index(), at);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(label.word().bytes().all(plain), "{}", label.word());
        }
        let mut words: Vec<_> = L::ALL.iter().map(|label| label.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), L::ALL.len());
        words.len()
    }

    #[test]
    fn every_value_has_its_own_word_and_place() {
        let values = [
            check::<()>(),
            check::<Protocol>(),
            check::<Login>(),
            check::<Stage>(),
            check::<Direction>(),
            check::<End>(),
            check::<Rejection>(),
            check::<Alert>(),
            check::<Degraded>(),
        ];
        assert_eq!(values, [1, 3, 11, 4, 2, 12, 6, 2, 6]);
    }
}
