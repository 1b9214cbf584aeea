//! The service itself, and what stands between it and us.

use super::{Class, Mended, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        codes: &[50_033, 90_006, 90_012, 90_024, 90_033, 90_090],
        class: Class::Transient,
        what: "Entra ID has a fault that passes",
        why: "the service itself",
        fix: "wait: saslgate asks again by itself after a pause; if it lasts, look at https://status.cloud.microsoft",
    },
    Row {
        codes: &[90_055],
        class: Class::Transient,
        what: "Entra ID is throttling the tenant",
        why: "too many requests from the tenant in a short time, from whichever program",
        fix: concat!(
            "wait: saslgate asks again after the pause that Entra ID names; if it lasts, find the program that asks so much (",
            sign_in_logs!(),
            ")"
        ),
    },
    Row {
        codes: &[50_196],
        class: Class::Transient,
        what: "Entra ID has seen the same request too often and refuses it for some minutes",
        why: "something asks for tokens in a loop: another program with the same client id, or several saslgates for one account",
        fix: "stop the other program that uses the client id CLIENT_ID; then wait some minutes: saslgate itself pauses and asks again",
    },
    Row {
        codes: &[
            80_001, 80_002, 80_003, 80_004, 80_005, 80_006, 80_007, 80_008, 80_009, 80_010, 80_011, 80_014,
        ],
        class: Class::Transient,
        what: "the organisation's own directory did not check the password",
        why: "passwords are checked by an agent in the organisation's network (pass-through authentication), and it failed or was too slow",
        fix: "ask the administrator of the local Active Directory to look at the authentication agents (entra.microsoft.com > Entra ID > \
              Entra Connect > Connect Sync > Pass-through authentication); saslgate asks again by itself",
    },
    Row {
        codes: &[80_012],
        class: Class::Configuration(Mended::There),
        what: "the person may not log on at this hour",
        why: "the local Active Directory has logon hours for this user",
        fix: "ask the administrator of the local Active Directory to extend the user's hours (Active Directory Users and Computers > the \
              user > Account > Logon Hours)",
    },
    Row {
        codes: &[80_013],
        class: Class::Configuration(Mended::There),
        what: "clocks in the organisation's own network differ too much to check a password",
        why: "the machine of the authentication agent and the domain controller disagree about the time",
        fix: "ask the administrator of the local Active Directory to synchronise the clocks of the authentication agent's machine and of the domain controllers \
              (`w32tm /resync` on each)",
    },
    Row {
        codes: &[1_002_016],
        class: Class::Configuration(Mended::There),
        what: "Entra ID saw TLS older than 1.2",
        why: "saslgate speaks 1.2 and 1.3 only, so something on the way speaks in its place",
        fix: "ask the network administrator to let SIGN_IN_HOST pass the proxy or firewall that inspects TLS, or to update that one",
    },
];
