//! The person: password, second factor, and sign-ins that have come to their end.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[50_034],
        class: Class::SignIn,
        what: "Entra ID does not know this user in this tenant",
        why: "the address is misspelled, is an alias that nobody can sign in with, or belongs to another organisation",
        fix: "compare `signs_in_as` of the account (or `login`, if it has none) with the user's Username (admin.microsoft.com > Users > Active users), and \
              `tenant` with the organisation; then reload saslgate (`saslgate reload`)",
    },
    Row {
        codes: &[50_064, 50_126],
        class: Class::SignIn,
        what: "Entra ID says that the user name or the password is wrong",
        why: "a typing error, or a password that was changed at Microsoft and not in the mail client",
        fix: "enter the person's current Microsoft password in the mail client; try it at https://outlook.office.com first, because \
              wrong guesses lock the account",
    },
    Row {
        codes: &[50_053],
        class: Class::SignIn,
        what: "Entra ID has locked the account for a while, or distrusts the address that the request came from",
        why: "too many wrong passwords, often from one forgotten mail client, or traffic that looks like an attack",
        fix: concat!(
            "wait some minutes without trying; if it comes back, find the mail client that still has an old password; the entry says which of the two \
             reasons it is (",
            sign_in_logs!(),
            ")"
        ),
    },
    Row {
        codes: &[50_055, 50_125, 50_135],
        class: Class::SignIn,
        what: "the password of the person has expired or has to be changed",
        why: "a rule of the organisation, or the password was found in a leak",
        fix: "have the person change the password at https://myaccount.microsoft.com, then enter the new one in the mail client",
    },
    Row {
        codes: &[50_144],
        class: Class::SignIn,
        what: "the password of the person has expired in the local Active Directory",
        why: "the organisation keeps its passwords in its own directory, and that one's rule applies",
        fix: "change the password in the organisation's own directory (Ctrl+Alt+Del on a PC of the domain, or by its administrator), then enter the new \
              one in the mail client",
    },
    Row {
        codes: &[50_056],
        class: Class::SignIn,
        what: "there is no password for this user in Entra ID",
        why: "the person signs in without a password, or at the organisation's own sign-in page",
        fix: "use an app with grant = \"authorization_code\" for this account, reload saslgate (`saslgate reload`), and run `saslgate sign-in \
              ACCOUNT`",
    },
    Row {
        codes: &[50_057],
        class: Class::Configuration(Mended::There),
        what: "the user account is disabled",
        why: "an administrator has blocked its sign-in",
        fix: "unblock the user who signs in (admin.microsoft.com > Users > Active users > the user > Unblock sign-in); a shared mailbox may stay blocked \
              if an app, or another person by `signs_in_as`, opens it",
    },
    Row {
        codes: &[50_058, 700_020],
        class: Class::SignIn,
        what: "Entra ID wants to see the person, and nobody is signed in in that browser",
        why: "the sign-in was tried without showing a page",
        fix: "run `saslgate sign-in ACCOUNT` and follow the page that opens",
    },
    Row {
        codes: &[50_072, 50_079],
        class: Class::SignIn,
        what: "the person has to set up a second factor first",
        why: "an administrator demands multifactor authentication (per user, by security defaults or by Conditional Access), and this \
              person has none yet",
        fix: "set up the second factor at https://aka.ms/mfasetup as that person, then run `saslgate sign-in ACCOUNT`",
    },
    Row {
        codes: &[50_074, 50_076],
        class: Class::SignIn,
        what: "Entra ID wants a second factor",
        why: "per-user multifactor authentication, security defaults or Conditional Access demand one; a password alone never gets past it",
        fix: "run `saslgate sign-in ACCOUNT` and confirm the second factor; where the app has grant = \"password\", first set it to \"authorization_code\" and \
              reload saslgate (`saslgate reload`)",
    },
    Row {
        codes: &[50_078],
        class: Class::SignIn,
        what: "the second factor was given too long ago",
        why: "a policy of the organisation wants it again after some time",
        fix: "run `saslgate sign-in ACCOUNT` and confirm the second factor again; if it happens often, ask whoever administers Entra ID to exclude the \
              app (CLIENT_ID) from the policy that asks for it",
    },
    Row {
        codes: &[50_158],
        class: Class::SignIn,
        what: "the second factor of another company's service is demanded, and was not given",
        why: "the organisation uses such a service for multifactor authentication, and it only works in a browser",
        fix: "run `saslgate sign-in ACCOUNT`, and sign in with a browser on a machine where that service works",
    },
    Row {
        codes: &[50_132, 50_133, 50_173],
        class: Class::SignIn,
        what: "the sign-in was revoked",
        why: "the password was changed or reset, or an administrator ended all sessions of the person",
        fix: "let the person sign in once more: run `saslgate sign-in ACCOUNT`",
    },
    Row {
        codes: &[70_008, 700_082],
        class: Class::SignIn,
        what: "the sign-in has expired",
        why: "it was not used for 90 days; or the page in the browser was left open longer than ten minutes",
        fix: "sign in again: run `saslgate sign-in ACCOUNT`; as long as saslgate runs, it renews the sign-in by itself",
    },
    Row {
        codes: &[70_043],
        class: Class::SignIn,
        what: "the organisation wants people to sign in more often",
        why: "Conditional Access has a sign-in frequency that covers this app",
        fix: concat!(
            "run `saslgate sign-in ACCOUNT` now; to be spared next time, ask whoever administers Entra ID to exclude the app (CLIENT_ID) from \
             the policy with \"Sign-in frequency\" (",
            policies!(),
            ")"
        ),
    },
    Row {
        codes: &[700_084],
        class: Class::SignIn,
        what: "the sign-in has expired after 24 hours, as those of single-page applications do",
        why: "the redirect URI is registered under \"Single-page application\"",
        fix: concat!(
            "register the redirect URI under \"Mobile and desktop applications\" instead (",
            app_page!("Authentication"),
            "), and run `saslgate sign-in ACCOUNT`"
        ),
    },
    Row {
        codes: &[70_000],
        class: Class::SignIn,
        what: "Entra ID does not accept the stored sign-in",
        why: "it belongs to another app, was damaged, or does not cover what is asked for",
        fix: "replace the stored sign-in: run `saslgate sign-in ACCOUNT`; a refresh token that was imported must come from the same client id",
    },
    Row {
        codes: &[50_089],
        class: Class::SignIn,
        what: "the page in the browser was open for too long",
        why: "a sign-in has to be finished within some minutes",
        fix: "start again with `saslgate sign-in ACCOUNT`, and finish on the page that opens",
    },
    Row {
        codes: &[54_005],
        class: Class::SignIn,
        what: "the code from the browser was used already",
        why: "a code works once; the page was reloaded, or its address was pasted twice",
        fix: "begin a new sign-in with `saslgate sign-in ACCOUNT`: the old page is of no use any more",
    },
    Row {
        codes: &[70_016],
        class: Class::Transient,
        what: "nobody has entered the code on Microsoft's page yet",
        why: "the person has to open the page that was shown, and enter the code there",
        fix: "open the page that was shown, enter the code, and sign in; saslgate goes on asking until the code expires",
    },
    Row {
        codes: &[70_018, 70_019, 70_020],
        class: Class::SignIn,
        what: "the code for Microsoft's page has expired or is wrong",
        why: "it lives a quarter of an hour, and only in the sign-in that showed it",
        fix: "get a new code: run `saslgate sign-in ACCOUNT --device`",
    },
    Row {
        codes: &[50_134],
        class: Class::SignIn,
        what: "the code was entered in another part of the world than it was asked for in",
        why: "both have to reach the same Microsoft region; a VPN moves one of them",
        fix: "enter the code from a browser in the same country as this machine, or run `saslgate sign-in ACCOUNT` without `--device`",
    },
];

/// Only people are asked for their consent, so this is a person's sign-in, whichever code stands beside it.
pub(in crate::oauth) const CONSENT: Row = Row {
    codes: &[65_001],
    class: Class::SignIn,
    what: "the person's consent to the app is missing",
    why: "it was withdrawn at https://myapps.microsoft.com, or the app asks for more than it did",
    fix: "run `saslgate sign-in ACCOUNT` and press Accept; other accounts of the app are not concerned",
};
