//! What the AADSTS codes of Entra ID mean to somebody who runs a mail gateway: those that an app meets that signs in as itself.

/// Who can do something about a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// Whoever owns the configuration, the app registration or the tenant.
    Configuration,
    /// Time.
    Transient,
    /// The people who wrote this program.
    Bug,
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
    /// What mends it.
    pub fix: &'static str,
}

/// The row of a number.
pub fn row(code: u64) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.codes.contains(&code))
}

const REPORT: &str = "report it with this line of the log";
const WAIT: &str = "nothing: it is asked again after a pause";

/// Every row, sorted by topic: the secret, the certificate, the app, the permission, the tenant, the request, the service.
pub const TABLE: &[Row] = &[
    Row {
        codes: &[7_000_215],
        class: Class::Configuration,
        what: "Entra ID does not accept the client secret",
        why: "mostly the Secret ID was copied instead of the Value, or the secret belongs to another app registration",
        fix: "create a new client secret under Certificates & secrets and copy its Value, which is shown only once",
    },
    Row {
        codes: &[7_000_222],
        class: Class::Configuration,
        what: "the client secret has expired",
        why: "client secrets live two years at most, and whoever made this one chose a shorter life or the time has come",
        fix: "create a new client secret under Certificates & secrets and put its Value in the place of the old one",
    },
    Row {
        codes: &[7_000_216, 7_000_218],
        class: Class::Configuration,
        what: "Entra ID asks for a client secret or a certificate",
        why: "this kind of sign-in needs a proof of the app's identity, and none arrived",
        fix: "give the app a client secret",
    },
    Row {
        codes: &[50_012, 700_021, 700_023, 700_024, 700_027, 700_030],
        class: Class::Configuration,
        what: "Entra ID does not accept the app's assertion",
        why: "the certificate is not registered for this app, the assertion names another app or audience, or a clock is wrong",
        fix: "upload the certificate that is in use to the app registration, and check the clock of this machine",
    },
    Row {
        codes: &[700_211, 700_212, 700_213, 7_002_131, 700_229],
        class: Class::Configuration,
        what: "no federated credential of the app matches the token that was presented",
        why: "issuer, subject and audience have to be equal to the letter, case included",
        fix: "compare the federated credential of the app registration with the token's issuer, subject and audience",
    },
    Row {
        codes: &[50_013, 500_133],
        class: Class::Transient,
        what: "the assertion is malformed or not valid at this time",
        why: "mostly a clock that is wrong, here or where the assertion comes from",
        fix: "check the clock of this machine; it is asked again after a pause",
    },
    Row {
        codes: &[70_001, 700_011, 700_016],
        class: Class::Configuration,
        what: "the app is not known in this tenant",
        why: "the client id or the tenant is wrong, or an app of another tenant was never consented to in this one",
        fix: "compare client_id with the Application (client) ID and tenant with the Directory (tenant) ID of the app's overview",
    },
    Row {
        codes: &[7_000_112],
        class: Class::Configuration,
        what: "the app is disabled",
        why: "an administrator, or Microsoft, has switched off sign-in for it",
        fix: "an administrator enables it under Enterprise applications > Properties",
    },
    Row {
        codes: &[7_000_229],
        class: Class::Configuration,
        what: "the app has no service principal in this tenant",
        why: "the app registration exists, but no administrator of this tenant has consented to it yet",
        fix: "an administrator grants consent for the app, which makes its enterprise application",
    },
    Row {
        codes: &[50_057],
        class: Class::Configuration,
        what: "the account is disabled",
        why: "an administrator has blocked its sign-in",
        fix: "an administrator enables the account",
    },
    Row {
        codes: &[50_105],
        class: Class::Configuration,
        what: "the app is not assigned to what it asks for",
        why: "the enterprise application requires an assignment and there is none",
        fix: "an administrator assigns it, or sets \"Assignment required\" to No under Enterprise applications > Properties",
    },
    Row {
        codes: &[53_003],
        class: Class::Configuration,
        what: "Conditional Access blocks the app",
        why: "a policy for workload identities covers it, mostly by the address that it comes from",
        fix: "an administrator adds this machine's address to the policy, or leaves the app out of it",
    },
    Row {
        codes: &[65_001],
        class: Class::Configuration,
        what: "nobody has consented to what the app asks for",
        why: "application permissions need an administrator's consent, and it is missing or was withdrawn",
        fix: "an administrator grants consent under API permissions",
    },
    Row {
        codes: &[65_005, 650_052, 650_054, 650_056, 650_057],
        class: Class::Configuration,
        what: "the app asks for something that is not among its permissions",
        why: "the permission was not added to the app registration, or the tenant has no licence for that service",
        fix: "add the permissions of Office 365 Exchange Online to the app registration, and grant consent",
    },
    Row {
        codes: &[50_001, 500_011],
        class: Class::Configuration,
        what: "Entra ID does not know what the token is asked for",
        why: "the scope names a wrong resource or one of another cloud, or the tenant has no Exchange Online",
        fix: "check the scope and the preset; check that the tenant has Exchange Online",
    },
    Row {
        codes: &[500_014],
        class: Class::Configuration,
        what: "Exchange Online is disabled in this tenant",
        why: "mostly a subscription that has lapsed",
        fix: "an administrator renews the subscription, or enables Office 365 Exchange Online under Enterprise applications",
    },
    Row {
        codes: &[70_011, 1_002_012],
        class: Class::Configuration,
        what: "the scope is not valid",
        why: "an app that signs in as itself asks for one resource, with /.default at its end",
        fix: "use the scope https://outlook.office365.com/.default, or leave it out",
    },
    Row {
        codes: &[90_002, 900_023],
        class: Class::Configuration,
        what: "the tenant does not exist",
        why: "the tenant is misspelled, belongs to another national cloud, or has no subscription any more",
        fix: "set tenant to the Directory (tenant) ID of the app's overview",
    },
    Row {
        codes: &[50_059, 50_128, 90_019],
        class: Class::Configuration,
        what: "Entra ID can't tell which tenant is meant",
        why: "an app that signs in as itself has to name its tenant; common and organizations name none",
        fix: "set tenant to the Directory (tenant) ID of the app's overview",
    },
    Row {
        codes: &[90_038, 90_051, 900_382, 900_432],
        class: Class::Configuration,
        what: "the tenant is in another national cloud",
        why: "each cloud has its own sign-in host, and tokens of one are worth nothing in another",
        fix: "choose the preset of the tenant's cloud",
    },
    Row {
        codes: &[50_049],
        class: Class::Configuration,
        what: "the sign-in host is not one of Entra ID's",
        why: "token_url names a host that this cloud does not know",
        fix: "choose a preset, or correct token_url",
    },
    Row {
        codes: &[70_003, 90_014, 900_144, 9_002_313],
        class: Class::Bug,
        what: "Entra ID finds the token request malformed",
        why: "a parameter is missing, empty or unknown",
        fix: REPORT,
    },
    Row {
        codes: &[1_002_016],
        class: Class::Bug,
        what: "Entra ID saw TLS older than 1.2",
        why: "saslgate speaks 1.2 and 1.3 only, so something on the way speaks in its place",
        fix: "let this host pass the inspecting proxy, or update the proxy",
    },
    Row {
        codes: &[50_033, 90_006, 90_012, 90_024, 90_033, 90_090],
        class: Class::Transient,
        what: "Entra ID has a fault that passes",
        why: "the service itself",
        fix: WAIT,
    },
    Row {
        codes: &[90_055],
        class: Class::Transient,
        what: "Entra ID is throttling the tenant",
        why: "too many requests from the tenant in a short time",
        fix: WAIT,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_one_meaning_that_says_what_why_and_what_to_do() {
        let mut seen = HashSet::new();
        for row in TABLE {
            for code in row.codes {
                assert!(seen.insert(code), "AADSTS{code} is there twice");
            }
            for text in [row.what, row.why, row.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
        }
        assert_eq!(seen.len(), 58);
    }

    #[test]
    fn a_code_is_found_by_its_number() {
        assert_eq!(row(7_000_215).unwrap().class, Class::Configuration);
        assert_eq!(row(90_033).unwrap().class, Class::Transient);
        assert!(row(1).is_none());
    }
}
