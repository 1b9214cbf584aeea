//! The PowerShell file can't be run here, so it is taken apart: strings, brackets, cmdlets, ids, and that nothing which was typed
//! gets out of its quotes.

use std::collections::BTreeSet;
use std::fs;

use crate::run::{SECRET, answer, mode, password, setup};

/// Every cmdlet that the file may call: those of PowerShell itself, of Microsoft.Graph, and of `ExchangeOnlineManagement`.
const CMDLETS: [&str; 33] = [
    "ForEach-Object",
    "Get-Command",
    "Import-Module",
    "Select-Object",
    "Set-StrictMode",
    "Where-Object",
    "Write-Warning",
    "Connect-MgGraph",
    "Get-MgContext",
    "Get-MgApplication",
    "New-MgApplication",
    "Update-MgApplication",
    "Get-MgServicePrincipal",
    "New-MgServicePrincipal",
    "Get-MgServicePrincipalAppRoleAssignment",
    "New-MgServicePrincipalAppRoleAssignment",
    "Get-MgOauth2PermissionGrant",
    "New-MgOauth2PermissionGrant",
    "Update-MgOauth2PermissionGrant",
    "Connect-ExchangeOnline",
    "Get-ServicePrincipal",
    "New-ServicePrincipal",
    "Add-MailboxPermission",
    "Add-RecipientPermission",
    "Get-CASMailbox",
    "Set-CASMailbox",
    // Its own.
    "Select-One",
    "Connect-Entra",
    "Connect-Exchange",
    "Find-Registration",
    "Find-Permission",
    "Register-App",
    "Set-Redirect",
];

/// The rest of its own functions.
const OWN: [&str; 8] = [
    "Set-PublicFlow",
    "Set-Certificate",
    "Set-Permission",
    "Set-Principal",
    "Set-AppConsent",
    "Set-DelegatedConsent",
    "Set-ExchangePrincipal",
    "Set-Mailbox365",
];

/// A file, taken apart as PowerShell does it.
#[derive(Debug, Default)]
struct Script {
    code: String,
    comments: Vec<String>,
    /// What stands in single quotes, unquoted.
    literals: Vec<String>,
    /// What stands in double quotes, in which variables are replaced.
    expanded: Vec<String>,
}

impl Script {
    fn read(text: &str) -> Self {
        let mut script = Self::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = match c {
                '#' => {
                    let end = rest.find('\n').unwrap_or(rest.len());
                    script.comments.push(rest[..end].to_owned());
                    &rest[end..]
                }
                '\'' => {
                    let (literal, after) = single_quoted(&rest[1..]);
                    script.literals.push(literal);
                    script.code.push_str("''");
                    after
                }
                '"' => {
                    let end = rest[1..].find('"').expect("a string without its end") + 1;
                    script.expanded.push(rest[1..end].to_owned());
                    script.code.push_str("\"\"");
                    &rest[end + 1..]
                }
                '`' => panic!("a back quote at {rest:.40}"),
                c => {
                    script.code.push(c);
                    &rest[c.len_utf8()..]
                }
            };
        }
        script
    }

    /// Words of the form Verb-Noun.
    fn commands(&self) -> BTreeSet<&str> {
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '$' || c == '.' || c == '_';
        let words = self.code.split(|c| !is_of_word(c));
        words
            .filter(|word| {
                let mut parts = word.split('-');
                let is_name = |part: Option<&str>| {
                    part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_uppercase()))
                };
                is_name(parts.next()) && is_name(parts.next()) && parts.next().is_none()
            })
            .collect()
    }
}

/// Up to a quote that is not doubled; PowerShell takes typographic ones for the same.
fn single_quoted(text: &str) -> (String, &str) {
    let is_quote = |c: char| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
    let mut literal = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if is_quote(c) {
            match chars.peek() {
                Some((_, next)) if is_quote(*next) => drop(chars.next()),
                _ => return (literal, &text[at + c.len_utf8()..]),
            }
        }
        literal.push(c);
    }
    panic!("a string without its end: {text:.40}")
}

fn assert_balanced(code: &str) {
    let mut open = Vec::new();
    for c in code.chars() {
        match c {
            '(' | '{' | '[' => open.push(c),
            ')' => assert_eq!(open.pop(), Some('('), "{code}"),
            '}' => assert_eq!(open.pop(), Some('{'), "{code}"),
            ']' => assert_eq!(open.pop(), Some('['), "{code}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// A file for a way, with a mailbox that wants to be more than a name.
fn written(way: &str, product: &str) -> (String, String) {
    let place = tempfile::tempdir().unwrap();
    let has_secret = way == "app-secret" || product == "osticket";
    let text = format!(
        "product = \"{product}\"\nway = \"{way}\"\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
         mailboxes = [\"o'brien@contoso.com\", \"a$(calc)@contoso.com\"]\nprotocols = \"all\"\n{}",
        if has_secret {
            "client_secret_from = \"secret.txt\"\n"
        } else {
            ""
        }
    );
    let refused = answer(place.path(), &text);
    let script = place.path().join("saslgate.ps1");
    let arguments = |file: &str| {
        let strings = [
            "--answers",
            file,
            "--directory",
            place.path().to_str().unwrap(),
            "--powershell",
            script.to_str().unwrap(),
        ];
        strings.map(str::to_owned)
    };
    // Parentheses stand in no address of Exchange's.
    let no = setup(&arguments(&refused).each_ref().map(String::as_str), "");
    assert_eq!(no.code, Some(2), "{no:?}");
    let file = answer(place.path(), &text.replace("a$(calc)@", "a$env{x}@"));
    let ran = setup(&arguments(&file).each_ref().map(String::as_str), "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(mode(&script), 0o600);
    assert!(
        ran.said.contains("saslgate.ps1 does the two sections above"),
        "{}",
        ran.said
    );
    (fs::read_to_string(&script).unwrap(), ran.said)
}

const CASES: [(&str, &str); 6] = [
    ("app-secret", "script"),
    ("app-certificate", "script"),
    ("browser", "osticket"),
    ("browser", "mail-program"),
    ("device-code", "mail-program"),
    ("password", "efecte-esm"),
];

#[test]
fn it_is_whole_and_calls_only_what_there_is() {
    let mut called = BTreeSet::new();
    for (way, product) in CASES {
        let (text, said) = written(way, product);
        // Whoever lets the file do it all has no secret in the end.
        let has_secret = way == "app-secret" || product == "osticket";
        assert_eq!(
            said.contains("but for the client secret: it makes none"),
            has_secret,
            "{said}"
        );
        assert_eq!(
            text.contains("with its redirect URI and"),
            way == "browser",
            "{way}"
        );
        let script = Script::read(&text);
        assert_balanced(&script.code);
        for expanded in &script.expanded {
            assert_balanced(expanded);
        }
        for command in script.commands() {
            assert!(
                CMDLETS.contains(&command) || OWN.contains(&command),
                "{way}: {command} is none that is known"
            );
            called.insert(command.to_owned());
        }
        assert!(text.starts_with("# READ BEFORE RUN"), "{text:.80}");
        assert!(text.contains("[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]"));
    }
    assert_eq!(CASES.len(), 6);
    assert_eq!(
        called.len(),
        CMDLETS.len() + OWN.len(),
        "one of the list is called nowhere: {called:?}"
    );
}

/// Whatever changes something is asked for first: `-WhatIf` is only as good as the change that forgets it.
#[test]
fn nothing_is_changed_unasked() {
    let (text, _) = written("app-secret", "script");
    let changes = [
        "New-Mg",
        "Update-Mg",
        "New-ServicePrincipal -",
        "Add-MailboxPermission -",
        "Add-RecipientPermission -",
        "Set-CASMailbox -",
    ];
    let mut seen = 0;
    let lines: Vec<_> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('#') || !changes.iter().any(|change| line.contains(change)) {
            continue;
        }
        let start = lines[..at]
            .iter()
            .rposition(|line| line.starts_with("function"))
            .unwrap();
        assert!(
            lines[start..at].iter().any(|line| line.contains("(Approve ")),
            "{line}"
        );
        seen += 1;
    }
    assert_eq!(seen, 17);
}

/// What was typed stands in single quotes, to the letter, and nowhere else; there is no secret in it.
#[test]
fn what_was_typed_stays_a_value() {
    for (way, product) in CASES {
        let (text, said) = written(way, product);
        let script = Script::read(&text);
        for mailbox in ["o'brien@contoso.com", "a$env{x}@contoso.com"] {
            assert_eq!(
                script
                    .literals
                    .iter()
                    .filter(|literal| *literal == mailbox)
                    .count(),
                1,
                "{way}"
            );
            let local = mailbox.split('@').next().unwrap();
            let elsewhere = script
                .expanded
                .iter()
                .chain(&script.comments)
                .chain([&script.code]);
            assert!(
                elsewhere.into_iter().all(|text| !text.contains(local)),
                "{way}: {mailbox}"
            );
        }
        assert!(!text.contains(SECRET) && !text.contains("sg1:"), "{way}");
        assert!(!text.contains("PRIVATE KEY"), "{way}");
        let passwords = said.lines().filter(|line| line.contains("shown this once"));
        for line in passwords {
            let password = password(line).unwrap();
            assert!(!text.contains(password), "{way}");
        }
        let is_certificate = way == "app-certificate";
        assert_eq!(text.contains("$Certificate = ''"), !is_certificate, "{way}");
        let resource = if way.starts_with("app-") {
            "00000002-0000-0ff1-ce00-000000000000"
        } else {
            "00000003-0000-0000-c000-000000000000"
        };
        assert!(text.contains(&format!("$ResourceAppId = '{resource}'")), "{way}");
    }
}
