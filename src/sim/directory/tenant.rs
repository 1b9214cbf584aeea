//! A tenant, and the national cloud that it lives in.

/// The tenant of all personal accounts (outlook.com, hotmail.com …), the same in the whole world.
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A national cloud. Apps, tenants and tokens of one are unknown in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// `login.microsoftonline.com`, GCC included.
    #[default]
    Global,
    /// `login.microsoftonline.us`: GCC High and `DoD`.
    UsGovernment,
    /// `login.partner.microsoftonline.cn`, run by 21Vianet.
    China,
}

impl Cloud {
    /// The host name by which error texts call it.
    pub(crate) fn host(self) -> &'static str {
        match self {
            Self::Global => "microsoftonline.com",
            Self::UsGovernment => "microsoftonline.us",
            Self::China => "partner.microsoftonline.cn",
        }
    }
}

/// One tenant of the simulated Entra ID.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The tenant's GUID.
    pub id: String,
    /// Its verified domains, the first being `….onmicrosoft.com`.
    pub domains: Vec<String>,
    /// The organisation's `SmtpClientAuthenticationDisabled`; a mailbox may say otherwise.
    pub smtp_auth_disabled: bool,
    /// Whether only administrators may consent to an app ("Do not allow user consent").
    pub user_consent_off: bool,
    /// Where it lives.
    pub cloud: Cloud,
}

impl Tenant {
    /// A tenant of the global cloud that allows SMTP AUTH and the consent of its users.
    pub fn new(id: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            domains: vec![domain.into()],
            smtp_auth_disabled: false,
            user_consent_off: false,
            cloud: Cloud::Global,
        }
    }

    /// The tenant of personal accounts. Their SMTP AUTH is off, as it was measured for all of them in September 2026.
    pub fn personal() -> Self {
        Self {
            domains: ["outlook.com", "hotmail.com", "live.com"]
                .map(str::to_owned)
                .to_vec(),
            smtp_auth_disabled: true,
            ..Self::new(PERSONAL_TENANT, "outlook.com")
        }
    }

    /// Whether its accounts are personal ones.
    pub(crate) fn is_personal(&self) -> bool {
        self.id == PERSONAL_TENANT
    }

    /// Whether `name`, as it stands in a token endpoint's path, means this tenant.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self
                .domains
                .iter()
                .any(|domain| domain.eq_ignore_ascii_case(name))
    }
}
