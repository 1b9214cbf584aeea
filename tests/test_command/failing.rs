//! Every step fails once, and says what, why, what to do, and how long that takes.

use std::net::TcpListener;

use saslgate::sim::certificates::CertificateChoice;
use saslgate::sim::exchange::{Announced, ImapRefusal, Pop3Refusal, Refusals, SendingRefusal};
use saslgate::sim::faults::{Action, Fault, Moment, Protocol as Spoken};
use saslgate::sim::tls::TlsSettings;
use saslgate::sim::{Demo, Sim};

use super::{nothing_was_sent, start, test};
use crate::support::config::{Account, Config, DEMO_APP, DEMO_SECRET, SIMULATOR};

/// One way to fail.
struct Case {
    name: &'static str,
    protocol: &'static str,
    prepare: fn(&Sim, Config) -> Config,
    /// The step that fails, and its code.
    step: &'static str,
    code: Option<&'static str>,
    /// What its fix says.
    fix: &'static [&'static str],
}

fn mailbox(sim: &Sim) -> std::sync::Arc<saslgate::sim::mailbox::Mailbox> {
    sim.directory().mailbox(Demo::SUPPORT).unwrap()
}

fn app(text: &str) -> String {
    format!(
        "client_id = \"{}\"\ngrant = \"client_credentials\"\n{text}",
        Demo::CLIENT_ID
    )
}

/// A port on loopback on which nobody listens: it was given out and given back.
fn closed_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn with_imap_at(sim: &Sim, config: Config, at: &str) -> Config {
    let token_url = format!("{}/{{tenant}}/oauth2/v2.0/token", sim.addresses().authority());
    let text = app(&format!(
        "tenant = \"{}\"\nclient_secret_file = \"{DEMO_SECRET}\"\nscope = \"{}\"",
        Demo::TENANT,
        Demo::SCOPE
    ));
    config
        .provider(
            "elsewhere",
            &format!("token_url = \"{token_url}\"\nimap = \"{at}\"\ntls.imap = \"implicit\""),
        )
        .app(DEMO_APP, "elsewhere", &text)
}

fn refusing(sim: &Sim, refusals: Refusals) {
    mailbox(sim).refusals.set(refusals);
}

const CASES: &[Case] = &[
    Case {
        name: "the provider is not there",
        protocol: "imap",
        prepare: |sim, config| {
            let to = sim.addresses();
            let provider = format!(
                "token_url = \"https://localhost:{}/token\"\nimap = \"localhost:{}\"\ntls.imap = \"implicit\"",
                closed_port(),
                to.imap.port()
            );
            let text = app(&format!(
                "client_secret_file = \"{DEMO_SECRET}\"\nscope = \"{}\"",
                Demo::SCOPE
            ));
            config.provider("gone", &provider).app(DEMO_APP, "gone", &text)
        },
        step: "token",
        code: None,
        fix: &["TCP"],
    },
    Case {
        name: "the tenant is wrong",
        protocol: "imap",
        prepare: |_, config| {
            let unknown = "00000000-1111-2222-3333-444444444444";
            config.app_only(DEMO_APP, unknown, Demo::CLIENT_ID, DEMO_SECRET)
        },
        step: "token",
        code: Some("AADSTS90002"),
        fix: &["tenant"],
    },
    Case {
        name: "the client secret is wrong",
        protocol: "imap",
        prepare: |sim, config| {
            let other = || {
                saslgate::sim::directory::App::new("", "")
                    .secret("another~secret")
                    .secrets
            };
            sim.directory()
                .change_app(Demo::CLIENT_ID, |app| app.secrets = other());
            config
        },
        step: "token",
        code: Some("AADSTS7000215"),
        fix: &["Value"],
    },
    Case {
        name: "the mail host has no address",
        protocol: "imap",
        prepare: |sim, config| with_imap_at(sim, config, "no-such-host.invalid:993"),
        step: "dns",
        code: None,
        fix: &["no-such-host.invalid"],
    },
    Case {
        name: "the port is closed",
        protocol: "imap",
        prepare: |sim, config| with_imap_at(sim, config, &format!("localhost:{}", closed_port())),
        step: "tcp",
        code: None,
        fix: &["localhost"],
    },
    Case {
        name: "something inspects TLS",
        protocol: "imap",
        prepare: |sim, config| {
            let unknown = TlsSettings {
                certificate: CertificateChoice::UnknownRoot,
                ..TlsSettings::default()
            };
            sim.exchange().set_tls(unknown).unwrap();
            config
        },
        step: "tls",
        code: None,
        fix: &["ca_file"],
    },
    Case {
        name: "STARTTLS meets a certificate of somebody else",
        protocol: "smtp",
        prepare: |sim, config| {
            let other = TlsSettings {
                certificate: CertificateChoice::WrongHost,
                ..TlsSettings::default()
            };
            sim.exchange().set_tls(other).unwrap();
            config
        },
        step: "tls",
        code: None,
        fix: &["localhost"],
    },
    Case {
        name: "the host hangs up instead of an offer",
        protocol: "imap",
        prepare: |sim, config| {
            let fault = Fault::new(Moment::Capability, Action::Finish).on(Spoken::Imap);
            sim.exchange().faults.plan(fault);
            config
        },
        step: "offer",
        code: None,
        fix: &["localhost"],
    },
    Case {
        name: "XOAUTH2 is not offered",
        protocol: "imap",
        prepare: |sim, config| {
            let without = ["IMAP4rev1", "AUTH=PLAIN"].map(ToOwned::to_owned).to_vec();
            sim.exchange().announced(Spoken::Imap).set(Announced {
                in_tls: Some(without),
                ..Announced::default()
            });
            config
        },
        step: "offer",
        code: None,
        fix: &["check that localhost and its port"],
    },
    Case {
        name: "the token is for Graph",
        protocol: "imap",
        prepare: |_, config| {
            let text = app(&format!(
                "tenant = \"{}\"\nclient_secret_file = \"{DEMO_SECRET}\"\nscope = \"https://graph.microsoft.com/.default\"",
                Demo::TENANT
            ));
            config.app(DEMO_APP, SIMULATOR, &text)
        },
        step: "login",
        code: Some("WrongResource"),
        fix: &["https://outlook.office.com/"],
    },
    Case {
        name: "the permission for this protocol is missing",
        protocol: "imap",
        prepare: |sim, config| {
            let apps = sim.directory();
            apps.change_app(Demo::CLIENT_ID, |app| app.roles = vec!["POP.AccessAsApp".into()]);
            config
        },
        step: "login",
        code: Some("MissingPermission"),
        fix: &["IMAP.AccessAsApp", "Office 365 Exchange Online"],
    },
    Case {
        name: "no permission at all",
        protocol: "pop3",
        prepare: |sim, config| {
            sim.directory()
                .change_app(Demo::CLIENT_ID, |app| app.roles.clear());
            config
        },
        step: "login",
        code: Some("MissingPermission"),
        fix: &["POP.AccessAsApp"],
    },
    Case {
        name: "IMAP is switched off",
        protocol: "imap",
        prepare: |sim, config| {
            refusing(
                sim,
                Refusals {
                    imap: Some(ImapRefusal::Reply(
                        "NO AUTHENTICATE failed. [Error=\"AuthResultFromPopImapEnd=8\"]".into(),
                    )),
                    ..Refusals::default()
                },
            );
            config
        },
        step: "login",
        code: Some("NoADRecipient"),
        fix: &["Set-CASMailbox -Identity support@contoso.onmicrosoft.com -ImapEnabled $true"],
    },
    Case {
        name: "Exchange does not know the app",
        protocol: "imap",
        prepare: |sim, config| {
            let apps = sim.directory();
            apps.change_app(Demo::CLIENT_ID, |app| app.known_to_exchange = false);
            config
        },
        step: "login",
        code: Some("AuthenticateFailed"),
        // Its object id as the token has it, which is not that of the registration.
        fix: &[
            "New-ServicePrincipal -AppId 5a51aa7e-1111-4222-8333-444455556666 -ObjectId 0b1ec77e-1111-4222-8333-444455556666",
            "Add-MailboxPermission -Identity support@contoso.onmicrosoft.com",
        ],
    },
    Case {
        name: "there is no such mailbox",
        protocol: "pop3",
        prepare: |sim, config| {
            let none = Account::new("nobody@contoso.onmicrosoft.com");
            let _ = sim;
            config
                .without(Demo::SUPPORT)
                .account(&none.line("logins = [\"support\"]"))
        },
        step: "login",
        code: Some("AuthenticateFailed"),
        fix: &["Add-MailboxPermission -Identity nobody@contoso.onmicrosoft.com"],
    },
    Case {
        name: "the app has no right to the mailbox",
        protocol: "imap",
        prepare: |sim, config| {
            mailbox(sim).revoke(Demo::CLIENT_ID);
            config
        },
        step: "login",
        code: Some("NotConnected"),
        fix: &[
            "Add-MailboxPermission -Identity support@contoso.onmicrosoft.com",
            "-ImapEnabled $true",
        ],
    },
    Case {
        name: "POP3 takes the login and opens no mailbox",
        protocol: "pop3",
        prepare: |sim, config| {
            refusing(
                sim,
                Refusals {
                    pop3: Some(Pop3Refusal::NotConnected),
                    ..Refusals::default()
                },
            );
            config
        },
        step: "mailbox",
        code: Some("NotConnected"),
        fix: &["licence", "-PopEnabled $true"],
    },
    Case {
        name: "the mailbox has no licence",
        protocol: "imap",
        prepare: |sim, config| {
            mailbox(sim).switches.change(|switches| switches.licensed = false);
            config
        },
        step: "login",
        code: Some("NotConnected"),
        fix: &["licence", "-ImapEnabled $true"],
    },
    Case {
        name: "SMTP AUTH is off for the organisation",
        protocol: "smtp",
        prepare: |sim, config| {
            sim.directory()
                .change_tenant(Demo::TENANT, |tenant| tenant.smtp_auth_disabled = true);
            config
        },
        step: "login",
        code: Some("5.7.139"),
        fix: &[
            "Set-CASMailbox -Identity support@contoso.onmicrosoft.com -SmtpClientAuthenticationDisabled $false",
        ],
    },
    Case {
        name: "the app may not send as the mailbox",
        protocol: "smtp",
        prepare: |sim, config| {
            refusing(
                sim,
                Refusals {
                    sending: Some(SendingRefusal::NotPermitted),
                    ..Refusals::default()
                },
            );
            config
        },
        step: "mailbox",
        code: Some("SendAsDenied"),
        fix: &[
            "Add-RecipientPermission -Identity support@contoso.onmicrosoft.com -Trustee (Get-ServicePrincipal -Identity 5a51aa7e",
        ],
    },
    Case {
        name: "the recipient is refused",
        protocol: "smtp",
        prepare: |sim, config| {
            refusing(
                sim,
                Refusals {
                    sending: Some(SendingRefusal::TooManyRecipients),
                    ..Refusals::default()
                },
            );
            config
        },
        step: "mailbox",
        code: Some("4.5.3"),
        fix: &["Set-Mailbox"],
    },
];

async fn fails(case: &Case) {
    let (sim, place, config) = start();
    let config = (case.prepare)(&sim, config.account(&Account::new(Demo::SUPPORT)));
    place.configure(&config);
    let account = if case.name.contains("no such mailbox") {
        "support"
    } else {
        Demo::SUPPORT
    };
    let told = test(&place, &[account, "--protocol", case.protocol, "--json"]).await;

    let (name, failed) = (case.name, told.failed());
    assert_eq!(told.code, Some(2), "{name}: {}", told.err);
    assert_eq!(failed["step"], case.step, "{name}: {failed}");
    assert_eq!(failed["failed"]["code"].as_str(), case.code, "{name}: {failed}");
    for field in ["what", "why", "fix", "takes"] {
        assert!(
            failed["failed"][field]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}: {failed}"
        );
    }
    let fix = failed["failed"]["fix"].as_str().unwrap();
    for words in case.fix {
        assert!(fix.contains(words), "{name}: {words} is not in {fix}");
        // A command stands by itself as well, with nothing left to fill in.
        let is_command = ["New-", "Add-", "Set-"]
            .iter()
            .any(|verb| words.starts_with(verb));
        let commands = failed["failed"]["commands"].as_array().map_or(&[][..], |all| all);
        let pasted = commands.iter().filter_map(|command| command.as_str());
        let mut same = pasted.filter(|command| command.starts_with(words));
        assert_eq!(same.next().is_some(), is_command, "{name}: {failed}");
    }
    // The failing step is the last of the login: nothing is tried behind it. Then it is told that no server runs.
    let steps = told.steps();
    let last: Vec<_> = steps.iter().rev().take(2).map(|step| &step["step"]).collect();
    assert_eq!(last, ["listener", case.step], "{name}");
    if case.step != "mailbox" {
        let reached = |step: &str| told.steps().iter().any(|told| told["step"] == step);
        assert!(!reached("mailbox"), "{name}");
    }
    let touched = if account == "support" {
        "nobody@contoso.onmicrosoft.com"
    } else {
        Demo::SUPPORT
    };
    nothing_was_sent(&sim, touched).await;
}

#[tokio::test]
async fn every_step_fails_once_and_says_what_to_do() {
    let mut steps = std::collections::BTreeSet::new();
    for case in CASES {
        fails(case).await;
        steps.insert(case.step);
    }
    assert_eq!(CASES.len(), 21);
    assert_eq!(
        steps.into_iter().collect::<Vec<_>>(),
        ["dns", "login", "mailbox", "offer", "tcp", "tls", "token"]
    );
}
