//! What was asked for, and how: scopes, resources, redirect URIs, the form of the request.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[50_001, 500_011],
        class: Class::Configuration(Mended::Either),
        what: "Entra ID does not know what the token is asked for",
        why: "the scope names a wrong resource or one of another cloud, or the tenant has no Exchange Online",
        fix: "remove the line `scope` of the app, so that the preset's is used; if there is none, check that the organisation has Exchange Online \
              (admin.microsoft.com > Billing > Your products)",
    },
    Row {
        codes: &[500_014],
        class: Class::Configuration(Mended::There),
        what: "Exchange Online is disabled in this tenant",
        why: "mostly a subscription that has lapsed",
        fix: "renew the subscription (admin.microsoft.com > Billing > Your products); if it is active, set \"Enabled for users to sign in?\" to Yes \
              (entra.microsoft.com > Entra ID > Enterprise apps > Office 365 Exchange Online > Properties)",
    },
    Row {
        codes: &[650_052, 650_054],
        class: Class::Configuration(Mended::There),
        what: "the app asks for a service that the organisation does not have",
        why: "no subscription contains it, it was switched off, or it was removed",
        fix: concat!(
            "look up which services the organisation has (admin.microsoft.com > Billing > Your products), and remove the permissions of those that it has \
             not (",
            app_page!("API permissions"),
            ")"
        ),
    },
    Row {
        codes: &[1_002_012],
        class: Class::Configuration(Mended::Here),
        what: "the scope lacks /.default",
        why: "an app that signs in as itself asks for one resource and all that it was granted there, never for single permissions",
        fix: "remove the line `scope` of the app, or set it to https://outlook.office365.com/.default",
    },
    Row {
        codes: &[70_011],
        class: Class::Configuration(Mended::Here),
        what: "the scope is not valid",
        why: "it is misspelled, lacks its address in front, or mixes /.default with single permissions",
        fix: "remove the line `scope` of the app, so that the preset's is used; if you need your own, name the /.default of one address or single \
              permissions of it, never both",
    },
    Row {
        codes: &[28_000, 28_002, 28_003, 700_022],
        class: Class::Configuration(Mended::Here),
        what: "the scope is empty, or asks for two resources at once",
        why: "a token is good for one resource: permissions of Outlook and of Microsoft Graph can't be in one request",
        fix: "remove the line `scope` of the app, or keep in it only what begins with https://outlook.office.com/",
    },
    Row {
        codes: &[50_011, 500_113, 900_971],
        class: Class::Configuration(Mended::BySigningIn),
        what: "the redirect URI is not registered for the app",
        why: "Entra ID sends the person back only to addresses that are registered, and compares them letter by letter",
        fix: concat!(
            "add the redirect URI that `saslgate sign-in ACCOUNT` prints, exactly, under \"Mobile and desktop applications\" (",
            app_page!("Authentication > Add a platform"),
            "); then run it again"
        ),
    },
    Row {
        codes: &[9_002_325, 9_002_326, 9_002_327],
        class: Class::Configuration(Mended::BySigningIn),
        what: "the redirect URI is registered as a single-page application",
        why: "tokens of that platform are for scripts in a browser and live a day; saslgate is a program on a machine",
        fix: concat!(
            "move the redirect URI from \"Single-page application\" to \"Mobile and desktop applications\" (",
            app_page!("Authentication"),
            "), then run `saslgate sign-in ACCOUNT`"
        ),
    },
    Row {
        codes: &[70_005, 700_054],
        class: Class::Configuration(Mended::BySigningIn),
        what: "the app may not ask for an ID token in this way",
        why: "the sign-in address that was opened asks for more than a code, and the app registration does not allow it",
        fix: concat!(
            "open the address that `saslgate sign-in ACCOUNT` prints, unchanged; for one of your own tick \"ID tokens\" (",
            app_page!("Authentication > Implicit grant and hybrid flows"),
            ")"
        ),
    },
    Row {
        codes: &[901_002],
        class: Class::Bug,
        what: "Entra ID finds a `resource` in a request of version 2.0",
        why: "only version 1.0 of the endpoint takes it",
        fix: concat!(
            "check that `token_url` ends in /oauth2/v2.0/token; if it does, ",
            report!()
        ),
    },
    Row {
        codes: &[900_561],
        class: Class::Bug,
        what: "the request reached Entra ID as a GET",
        why: "saslgate asks with POST; a proxy or gateway on the way has made something else of it",
        fix: concat!(
            "ask the network administrator to let SIGN_IN_HOST pass the proxy uninspected; if there is no proxy, ",
            report!()
        ),
    },
    Row {
        codes: &[9_002_313],
        class: Class::Bug,
        what: "Entra ID finds the request malformed",
        why: "mostly a refresh token or another value that was pasted with a piece missing",
        fix: concat!(
            "check that pasted values (client id, scope, a refresh token) are whole; run `saslgate sign-in ACCOUNT` where people sign in; if it stays, ",
            report!()
        ),
    },
    Row {
        codes: &[70_003, 90_014, 900_144, 9_000_411],
        class: Class::Bug,
        what: "Entra ID misses something in the request, or finds it twice",
        why: "a parameter is missing, empty, doubled or unknown",
        fix: concat!(
            "check that no value of the app in the configuration is empty; if none is, ",
            report!()
        ),
    },
    Row {
        codes: &[50_147, 501_481, 501_491],
        class: Class::Bug,
        what: "the code from the browser does not fit the request that it was asked with (PKCE)",
        why: "two sign-ins ran at once and their codes were exchanged, or saslgate has a defect",
        fix: concat!(
            "run one `saslgate sign-in ACCOUNT` at a time; if it happens again, ",
            report!()
        ),
    },
    Row {
        codes: &[700_005],
        class: Class::Bug,
        what: "the code from the browser was redeemed at another tenant than it came from",
        why: "`tenant` was changed while somebody was signing in",
        fix: concat!(
            "start over with `saslgate sign-in ACCOUNT`; if it happens again, ",
            report!()
        ),
    },
];
