//! Which tenant, which cloud, which kind of account.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[70_001, 700_011, 700_016],
        class: Class::Configuration(Mended::Either),
        what: "the app is not known in this tenant",
        why: "the client id or the tenant is wrong, or the app lives in another tenant and was never allowed in this one",
        fix: concat!(
            "compare `client_id` with the Application (client) ID and `tenant` with the Directory (tenant) ID (",
            app_page!("Overview"),
            "); for an app of another organisation have an administrator open ",
            admin_consent!(),
            " and accept"
        ),
    },
    Row {
        codes: &[7_000_229],
        class: Class::Configuration(Mended::There),
        what: "the app is registered, but not present in this tenant (it has no service principal)",
        why: "its enterprise application, which stands for it in the tenant, was deleted or never made",
        fix: concat!(
            "have an administrator open ",
            admin_consent!(),
            " and accept: that makes the enterprise application"
        ),
    },
    Row {
        codes: &[90_002, 900_023],
        class: Class::Configuration(Mended::Here),
        what: "the tenant does not exist",
        why: "it is misspelled, belongs to another national cloud (US government, China), or its subscription has ended",
        fix: concat!(
            "set `tenant` to the Directory (tenant) ID (",
            app_page!("Overview"),
            ")"
        ),
    },
    Row {
        codes: &[50_059, 50_128, 90_019],
        class: Class::Configuration(Mended::Here),
        what: "Entra ID can't tell which tenant is meant",
        why: "an app that signs in as itself has to name its tenant; common and organizations name none",
        fix: concat!(
            "write the Directory (tenant) ID into `tenant` (",
            app_page!("Overview"),
            "); common and organizations are not enough"
        ),
    },
    Row {
        codes: &[50_194],
        class: Class::Configuration(Mended::Either),
        what: "the app is for its own tenant only, and was asked for through /common or /organizations",
        why: "it was registered for \"Accounts in this organizational directory only\"",
        fix: concat!(
            "set `tenant` to the Directory (tenant) ID instead of common or organizations; or, to serve several organisations, let \
             \"Supported account types\" be any organizational directory (",
            app_page!("Authentication"),
            ")"
        ),
    },
    Row {
        codes: &[9_001_023],
        class: Class::Configuration(Mended::Here),
        what: "this way of getting tokens does not work through /common or /consumers",
        why: "passwords, and apps that sign in as themselves, need a named organisation",
        fix: "set `tenant` to the Directory (tenant) ID or a domain of the organisation",
    },
    Row {
        codes: &[90_124, 90_130, 9_002_332],
        class: Class::Configuration(Mended::Either),
        what: "the app is for work accounts only, and was asked for through /common or /consumers",
        why: "these addresses also serve personal Microsoft accounts, which the app's registration leaves out",
        fix: concat!(
            "set `tenant` to the Directory (tenant) ID, or to organizations; to let personal accounts in, change \"Supported account \
             types\" (",
            app_page!("Authentication"),
            ")"
        ),
    },
    Row {
        codes: &[9_002_331, 9_002_346],
        class: Class::Configuration(Mended::Either),
        what: "the app is for personal Microsoft accounts only, and was asked for through an organisation's address",
        why: "it was registered for \"Personal Microsoft accounts only\"",
        fix: concat!(
            "change \"Supported account types\" so that it includes your organisation (",
            app_page!("Authentication"),
            "); for a mailbox at outlook.com set `tenant` to consumers"
        ),
    },
    Row {
        codes: &[500_200, 500_208],
        class: Class::SignIn,
        what: "a personal Microsoft account was used where the organisation's account is needed",
        why: "the browser was signed in with a personal account, or the address exists as both kinds",
        fix: "run `saslgate sign-in ACCOUNT`, open its address in a private browser window, and choose \"Work or school account\"",
    },
    Row {
        codes: &[16_000, 50_014, 50_020, 51_004],
        class: Class::SignIn,
        what: "the person who signed in has no account in this tenant",
        why: "the browser was signed in with another account, or the mailbox's owner is a guest whose home is elsewhere",
        fix: "run `saslgate sign-in ACCOUNT`, open its address in a private browser window, and sign in with the mailbox's own account; for a person of \
              another organisation set `tenant` of the account to that one's first, and reload saslgate",
    },
    Row {
        codes: &[90_072],
        class: Class::SignIn,
        what: "the account that signed in is not one of this tenant, so it can't give the second factor that is wanted",
        why: "it is a guest of another organisation, or its link to the local Active Directory is broken",
        fix: "run `saslgate sign-in ACCOUNT` and sign in with an account of this organisation; if it is one, ask whoever administers Active Directory whether \
              the ImmutableID of the user is the same there and in Entra ID",
    },
    Row {
        codes: &[90_038, 90_051, 900_382, 900_432],
        class: Class::Configuration(Mended::Here),
        what: "the tenant is in another national cloud (US government, China)",
        why: "each cloud has its own sign-in host, and tokens of one are worth nothing in another",
        fix: "choose the `preset` of the tenant's cloud (microsoft365-gcc-high, microsoft365-dod or microsoft365-china), or name its sign-in and mail hosts in a [provider.NAME]",
    },
    Row {
        codes: &[50_049],
        class: Class::Configuration(Mended::Here),
        what: "the sign-in host is not one of Entra ID's",
        why: "`token_url` names SIGN_IN_HOST, which this cloud does not know",
        fix: "remove the [provider.NAME] and set `preset` to the one for the tenant's cloud (microsoft365 is the usual one), or correct `token_url` in it",
    },
    Row {
        codes: &[90_099],
        class: Class::Configuration(Mended::There),
        what: "a partner's administrator acts for a customer whose tenant has not allowed the app",
        why: "delegated administration needs the app to be known in the customer's tenant first",
        fix: concat!(
            "ask an administrator of the customer's tenant to open ",
            admin_consent!(),
            " and accept"
        ),
    },
    Row {
        codes: &[50_002, 500_021, 500_022],
        class: Class::Configuration(Mended::There),
        what: "the network lets nobody sign in to this tenant",
        why: "a proxy on the way permits certain organisations only (tenant restrictions), and this one is not on its list",
        fix: "ask the network administrator to add TENANT to the proxy's list of permitted tenants (the header \
              Restrict-Access-To-Tenants)",
    },
];
