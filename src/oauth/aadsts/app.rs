//! The app: its secret, its certificate, its state, and what it was allowed.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[70_002, 7_000_215],
        class: Class::Configuration(Mended::Here),
        what: "Entra ID does not accept the client secret",
        why: "mostly the Secret ID was copied instead of the Value, or the secret belongs to another app registration",
        fix: concat!(
            "create a new client secret (",
            app_page!("Certificates & secrets > New client secret"),
            "), and copy its Value, which is shown only once, into the file that `client_secret_file` names (or into the variable of \
             `client_secret_env`, which needs a restart of saslgate)"
        ),
    },
    Row {
        codes: &[7_000_222],
        class: Class::Configuration(Mended::Here),
        what: "the client secret has expired",
        why: "client secrets live two years at most, or less if whoever made this one chose so",
        fix: concat!(
            "make a new client secret (",
            app_page!("Certificates & secrets > New client secret"),
            "), put its Value in the place of the old one (a variable needs a restart of saslgate), and set \
             `client_secret_expires` to its last day, as in 2028-11-20, so that you are warned in time"
        ),
    },
    Row {
        codes: &[7_000_216, 7_000_218],
        class: Class::Configuration(Mended::Either),
        what: "Entra ID asks for a client secret or a certificate, and none arrived",
        why: "the app registration counts as one that can keep a secret: its redirect URI is of the platform Web, or \"Allow public \
              client flows\" is off",
        fix: concat!(
            "make a client secret (page \"Certificates & secrets\" of the app registration) and name a file with its Value as `client_secret_file` of \
             the app in the configuration; or, for an app without a secret, set \"Allow public client flows\" to Yes (",
            app_page!("Authentication"),
            ")"
        ),
    },
    Row {
        codes: &[700_025],
        class: Class::Configuration(Mended::Either),
        what: "Entra ID wants no client secret from this app, and one was sent",
        why: "the app registration is a public one: its redirect URI is of the platform \"Mobile and desktop applications\"",
        fix: concat!(
            "remove `client_secret_file` or `client_secret_env` from the app in the configuration; or, if it is meant to have a \
             secret, register the redirect URI under the platform Web (",
            app_page!("Authentication"),
            ")"
        ),
    },
    Row {
        codes: &[50_012, 700_027, 700_030],
        class: Class::Configuration(Mended::Either),
        what: "Entra ID does not accept the app's certificate",
        why: "the certificate that signs is not the one that was uploaded to this app registration, has expired, or its subject is not allowed",
        fix: concat!(
            "upload the certificate that is in use (the file without the private key: ",
            app_page!("Certificates & secrets > Certificates"),
            "); make a new one if it has expired"
        ),
    },
    Row {
        codes: &[50_048, 700_021],
        class: Class::Configuration(Mended::Either),
        what: "what should prove the app (a signed assertion) names another app",
        why: "the issuer and the subject in it have to be the client id that asks",
        fix: concat!(
            "compare `client_id` with the Application (client) ID of the app that the certificate was uploaded to (",
            app_page!("Overview"),
            ")"
        ),
    },
    Row {
        codes: &[700_024],
        class: Class::Configuration(Mended::There),
        what: "what should prove the app (a signed assertion) is not valid at this time",
        why: "this machine's clock is wrong, or a federated token file is no longer renewed by whoever writes it",
        fix: "set the clock of this machine (`sudo timedatectl set-ntp true`; `timedatectl` shows whether it is synchronised); with a federated token file, look at its time (`ls -l`); if that is old, ask whoever set it up why it is not renewed",
    },
    Row {
        codes: &[700_023],
        class: Class::Configuration(Mended::Either),
        what: "the scope names no resource, or the app's assertion is meant for another place",
        why: "Entra ID uses this code for both: a scope of which it can't tell what it belongs to, and a wrong audience",
        fix: "remove the line `scope` of the app, so that the preset's is used; with a federated token, ask whoever set it up for one with the \
              audience api://AzureADTokenExchange",
    },
    Row {
        codes: &[700_211, 700_212, 700_213, 7_002_131],
        class: Class::Configuration(Mended::There),
        what: "the app registration does not know the federated token that was presented",
        why: "no federated credential of it fits: the issuer (700211), the audience (700212) or the subject (700213, 7002131) differs; case counts",
        fix: concat!(
            "ask whoever set up the federated credential to compare its Issuer, Audience and Subject identifier, letter by letter, with iss, aud and sub \
             in the token (",
            app_page!("Certificates & secrets > Federated credentials"),
            ")"
        ),
    },
    Row {
        codes: &[700_229],
        class: Class::Configuration(Mended::Here),
        what: "the token that was presented as a federated credential belongs to a person",
        why: "only a token that a program got for itself can stand for an app",
        fix: "point the federated token file of the app at the token of a program (a workload identity), not at one that somebody signed in for; whoever set it \
              up knows where that is",
    },
    Row {
        codes: &[50_013, 500_133],
        class: Class::Transient,
        what: "what should prove the app (an assertion) is malformed or not valid at this time",
        why: "mostly a clock that is wrong, here or where the assertion comes from",
        fix: "check the clock of this machine (`timedatectl`), and of the one that the assertion comes from if that is another; saslgate asks again by \
              itself",
    },
    Row {
        codes: &[7_000_112, 1_000_031],
        class: Class::Configuration(Mended::There),
        what: "the app is disabled",
        why: "an administrator, or Microsoft, has switched off sign-in for it",
        fix: concat!(
            "set \"Enabled for users to sign in?\" to Yes (",
            enterprise_page!("Properties"),
            "); if it stands at Yes, usually Microsoft itself has disabled the app: open a support request (admin.microsoft.com > Help & support)"
        ),
    },
    Row {
        codes: &[50_105, 501_051],
        class: Class::Configuration(Mended::There),
        what: "the app demands an assignment, and whoever asks has none",
        why: "it is set to \"Assignment required?\", and the person or app that wants the token is not assigned",
        fix: concat!(
            "assign the person (",
            enterprise_page!("Users and groups > Add user/group"),
            "); for an app that signs in as itself, set \"Assignment required?\" to No (the page Properties beside it)"
        ),
    },
    Row {
        codes: &[65_002],
        class: Class::Configuration(Mended::Here),
        what: "the client id belongs to an app of Microsoft's own",
        why: "somebody took the client id of a Microsoft program; Entra ID gives it tokens for nothing else",
        fix: "register an app of your own (entra.microsoft.com > Entra ID > App registrations > New registration) and use its Application \
              (client) ID as `client_id`",
    },
    Row {
        codes: &[65_001],
        class: Class::Configuration(Mended::There),
        what: "nobody has consented to what the app asks for",
        why: "an administrator's consent is missing, was withdrawn, or was given before a permission was added",
        fix: concat!(
            "have an administrator press \"Grant admin consent\" (",
            app_page!("API permissions"),
            "); where a person signs in and may consent, `saslgate sign-in ACCOUNT` does as well"
        ),
    },
    Row {
        codes: &[65_005, 650_056, 650_057],
        class: Class::Configuration(Mended::There),
        what: "the app asks for something that is not among its permissions",
        why: "the permission was never added to the app registration, or it was added and not consented to",
        fix: concat!(
            "add the mail permissions (",
            app_page!("API permissions > Add a permission"),
            "): for an app that signs in as itself APIs my organization uses > Office 365 Exchange Online > Application permissions > IMAP.AccessAsApp, \
             POP.AccessAsApp and SMTP.SendAsApp; for people Microsoft Graph > Delegated permissions > IMAP.AccessAsUser.All, \
             POP.AccessAsUser.All and SMTP.Send; then press \"Grant admin consent\", which only an administrator can"
        ),
    },
    Row {
        codes: &[90_094, 90_095],
        class: Class::Configuration(Mended::BySigningIn),
        what: "an administrator has to allow the app before anybody can sign in with it",
        why: "this tenant does not let people consent to apps by themselves",
        fix: concat!(
            "have an administrator open ",
            admin_consent!(),
            " and accept; then run `saslgate sign-in ACCOUNT`"
        ),
    },
    Row {
        codes: &[65_004],
        class: Class::SignIn,
        what: "the person who signed in did not accept what the app asks for",
        why: "the page with the app's permissions was answered with Cancel",
        fix: "run `saslgate sign-in ACCOUNT` and press Accept on the page that lists the permissions",
    },
];
