//! What can go wrong in a SASL exchange.

use super::*;

pub(super) fn plain_shapes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (message, authzid) in [("\0u\0p", ""), ("u\0u\0p", "u"), ("other\0u\0p", "other")] {
        let told = format!("Plain \"u\" as \"{authzid}\" with \"p\"");
        let rest = format!("PLAIN {}", STANDARD.encode(message));
        cases.extend(auth_cases("P9", &rest, |_| vec![], || Ends::Login(told.clone())));
    }
    for message in ["\0\0p", "\0u\0", "u\0p", "\0u\0p\0x", "\0\0\0", "u"] {
        let rest = format!("PLAIN {}", STANDARD.encode(message));
        cases.extend(auth_cases(
            "P9",
            &rest,
            |protocol| vec![malformed(protocol)],
            || Ends::Listening,
        ));
    }
    cases.extend(auth_cases(
        "P9",
        "PLAIN =",
        |protocol| vec![malformed(protocol)],
        || Ends::Listening,
    ));
    cases
}

pub(super) fn cancelling() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in Protocol::ALL {
        let cancelled = match protocol {
            Imap => "a BAD Login cancelled.",
            Pop3 => "-ERR Login cancelled.",
            Smtp => "501 5.7.0 Login cancelled.",
        };
        let prompt = |text| challenge(protocol, text);
        let again = auth(protocol, "PLAIN AGJvYgBwdw==");
        let again = again.strip_prefix("HELO x\r\n").unwrap_or(&again);
        for (rest, before, prompts) in [
            ("PLAIN", "", vec![prompt("")]),
            ("LOGIN", "", vec![prompt("VXNlcm5hbWU6")]),
            (
                "LOGIN",
                "Ym9i\r\n",
                vec![prompt("VXNlcm5hbWU6"), prompt("UGFzc3dvcmQ6")],
            ),
            ("LOGIN Ym9i", "", vec![prompt("UGFzc3dvcmQ6")]),
        ] {
            let said: Vec<&str> = prompts.iter().map(String::as_str).chain([cancelled]).collect();
            cases.push(Case {
                kind: "P10",
                protocol,
                input: format!("{}{before}*\r\n{again}", auth(protocol, rest)).into_bytes(),
                said: replies(protocol, &said),
                end: login("Plain", "bob", "pw"),
            });
        }
    }
    cases
}

pub(super) fn base64_forms() -> Vec<Case> {
    let forms = [
        "AGJvYgBwdw",
        "AGJvYgBwdw=",
        "AGJv=YgBwdw==",
        "====",
        "AGJv YgBwdw==",
        "AGJv\tYgBwdw==",
        "_-8=",
        "AGJvYgBwdx==",
        "AGJvYgBwdw===",
    ];
    let mut cases = Vec::new();
    for form in forms {
        for protocol in Protocol::ALL {
            let challenge = challenge(protocol, "");
            cases.push(Case {
                kind: "P11",
                protocol,
                input: format!("{}{form}\r\n", auth(protocol, "PLAIN")).into_bytes(),
                said: replies(protocol, &[&challenge, malformed(protocol)]),
                end: Ends::Listening,
            });
        }
    }
    cases
}

pub(super) fn mechanisms() -> Vec<Case> {
    let unsupported = |protocol| match protocol {
        Imap => vec!["a NO Only PLAIN and LOGIN are offered here."],
        Pop3 => vec!["-ERR Only PLAIN and LOGIN are offered here."],
        Smtp => vec!["504 5.5.4 Only PLAIN and LOGIN are offered here."],
    };
    let mut cases = Vec::new();
    for rest in [
        "XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgeAEB",
        "CRAM-MD5",
        "cram-md5",
        "NTLM",
        &"X".repeat(65),
        "PLAINX",
    ] {
        cases.extend(auth_cases("P12", rest, unsupported, || Ends::Listening));
    }
    cases.extend(auth_cases(
        "P12",
        "plain AGJvYgBwdw==",
        |_| vec![],
        || login("Plain", "bob", "pw"),
    ));
    cases.extend([
        case(
            "P12",
            Smtp,
            "AUTH PLAIN AGJvYgBwdw==\r\n",
            &["503 5.5.1 Send EHLO first."],
            Ends::Listening,
        ),
        case(
            "P12",
            Smtp,
            "HELO x\r\nAUTH\r\n",
            &["250 ", malformed(Smtp)],
            Ends::Listening,
        ),
        case(
            "P12",
            Pop3,
            "AUTH\r\n",
            &["+OK ", "PLAIN", "LOGIN", "."],
            Ends::Listening,
        ),
        case(
            "P12",
            Imap,
            "a AUTHENTICATE\r\n",
            &[malformed(Imap)],
            Ends::Listening,
        ),
        case(
            "P12",
            Pop3,
            "APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n",
            &["-ERR Only PLAIN and LOGIN are offered here."],
            Ends::Listening,
        ),
        case(
            "P12",
            Smtp,
            "HELO x\r\nMAIL FROM:<a@x>\r\nAUTH PLAIN AGJvYgBwdw==\r\n",
            &["250 ", "530 5.7.0 "],
            login("Plain", "bob", "pw"),
        ),
    ]);
    cases
}
