//! Rules of the organisation: Conditional Access, devices, security defaults.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[50_131, 53_003],
        class: Class::Configuration(Mended::There),
        what: "Conditional Access blocks this",
        why: "a policy covers the app or the person: by the address that it comes from, by the way of signing in (a code, a password), \
              or because it takes all apps",
        fix: concat!(
            "ask whoever administers Entra ID to look the attempt up (",
            sign_in_logs!(),
            ", tab \"Service principal sign-ins\" for an app that signs in as itself > the entry > Conditional Access), which names the \
             policy, and to exclude the app (CLIENT_ID) from it, or to add this machine's public address to its trusted locations"
        ),
    },
    Row {
        codes: &[50_005, 53_000, 53_001],
        class: Class::Configuration(Mended::There),
        what: "Conditional Access wants a device that the organisation manages",
        why: "the browser ran on a machine that is not compliant, not joined, or of a kind that is not allowed",
        fix: concat!(
            "sign in from a browser on a PC that the organisation manages; if that is no way, ask whoever administers Entra ID to exclude the app \
             (CLIENT_ID) from the policy that asks for a compliant device (",
            policies!(),
            ")"
        ),
    },
    Row {
        codes: &[50_097, 50_129],
        class: Class::Configuration(Mended::There),
        what: "Entra ID wants the device to prove itself",
        why: "a policy demands a registered device, and saslgate is none",
        fix: concat!(
            "ask whoever administers Entra ID to exclude the app (CLIENT_ID) from the policy that asks for a registered device (",
            policies!(),
            ")"
        ),
    },
    Row {
        codes: &[53_002],
        class: Class::Configuration(Mended::There),
        what: "Conditional Access allows approved apps only",
        why: "the policy \"Require approved client app\" knows Outlook and other apps of Microsoft's, and no other",
        fix: concat!(
            "ask whoever administers Entra ID to exclude the app (CLIENT_ID), or the mailbox's account, from \"Require approved client app\" (",
            policies!(),
            ")"
        ),
    },
    Row {
        codes: &[53_004, 53_010, 53_011],
        class: Class::Configuration(Mended::There),
        what: "the account is under suspicion, or may not set up its second factor from here",
        why: "the organisation allows that only from certain places or devices, or has found a risk",
        fix: "set up the second factor from the organisation's own network; if it is there already, ask whoever administers Entra ID to look at the user \
              (entra.microsoft.com > ID Protection > Risky users) and to dismiss the risk",
    },
    Row {
        codes: &[530_032, 530_034, 530_035],
        class: Class::Configuration(Mended::Either),
        what: "a security rule of the whole tenant blocks this",
        why: "security defaults refuse passwords without a second factor; other rules of the tenant refuse certain apps or partners",
        fix: "set grant = \"authorization_code\" instead of \"password\" in the app, and run `saslgate sign-in ACCOUNT` after the reload; if it has another \
              grant, ask whoever administers Entra ID which rule of the tenant refuses it (entra.microsoft.com > Entra ID > Overview > Properties > \
              Manage security defaults)",
    },
];
