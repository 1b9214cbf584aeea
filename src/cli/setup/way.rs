//! How saslgate gets its tokens: what each way is, and what it needs from whom.

use super::product::Product;

/// A grant, with what proves the app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    AppSecret,
    AppCertificate,
    Browser,
    DeviceCode,
    Password,
}

/// What proves the app registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    None,
    Secret,
    Certificate,
}

impl Way {
    /// In the order of the list.
    pub(super) const ALL: [Self; 5] = [
        Self::AppSecret,
        Self::AppCertificate,
        Self::Browser,
        Self::DeviceCode,
        Self::Password,
    ];

    /// How an answers file calls it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::AppSecret => "app-secret",
            Self::AppCertificate => "app-certificate",
            Self::Browser => "browser",
            Self::DeviceCode => "device-code",
            Self::Password => "password",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AppSecret => "The app itself, with a client secret",
            Self::AppCertificate => "The app itself, with a certificate",
            Self::Browser => "A person signs in by browser, once for each mailbox",
            Self::DeviceCode => "A person signs in with a code, on any device, once for each mailbox",
            Self::Password => "The product types the mailbox's own Microsoft password",
        }
    }

    /// What it is like, and what it needs from whom.
    pub(super) const fn about(self, is_shared: bool) -> &'static str {
        match self {
            Self::Browser if is_shared => {
                "needs a person with Full Access to the mailbox, who is asked for next; once more if that person's password is reset or sessions are revoked"
            }
            Self::AppSecret => {
                "nobody signs in, ever; needs an administrator's consent, an Exchange administrator for two commands, and a new secret every two years at the latest"
            }
            Self::AppCertificate => {
                "the same without a secret that somebody copies; setup makes the certificate, an administrator uploads it, good for two years"
            }
            Self::Browser => {
                "needs somebody who can sign in as the mailbox, and no right in Exchange; once more if its password is reset by an administrator or its sessions are revoked"
            }
            Self::DeviceCode => {
                "the same where there is no browser: a short code is typed elsewhere; some tenants forbid it"
            }
            Self::Password => {
                "as its guide has it; needs nobody, and fails where the mailbox's user has a second factor; Microsoft is about to end it"
            }
        }
    }

    /// `grant` in the configuration.
    pub(super) const fn grant(self) -> &'static str {
        match self {
            Self::AppSecret | Self::AppCertificate => "client_credentials",
            Self::Browser => "authorization_code",
            Self::DeviceCode => "device_code",
            Self::Password => "password",
        }
    }

    /// Whether the app acts for itself, so that permissions are application permissions and Exchange has to know it.
    pub(super) const fn is_app_only(self) -> bool {
        matches!(self, Self::AppSecret | Self::AppCertificate)
    }

    /// Whether somebody has to run `saslgate sign-in`.
    pub(super) const fn has_sign_in(self) -> bool {
        matches!(self, Self::Browser | Self::DeviceCode)
    }

    /// Whether mail clients have a local password, or else the one at Microsoft.
    pub(super) const fn has_local_password(self) -> bool {
        !matches!(self, Self::Password)
    }

    /// What proves the app. A person's sign-in needs no proof, unless the registration is there already and has a secret: Entra
    /// ID then refuses a sign-in without it (AADSTS7000218).
    pub(super) const fn proof(self, product: Product) -> Proof {
        match self {
            Self::AppSecret => Proof::Secret,
            Self::AppCertificate => Proof::Certificate,
            Self::Browser if product.has_registered_secret() => Proof::Secret,
            Self::Browser | Self::DeviceCode | Self::Password => Proof::None,
        }
    }
}
