//! Every product, every way, every place: the configuration is read as it would be on the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::answers::Answers;
use super::super::card;
use super::super::draft::Draft;
use super::super::kept::Kept;
use super::super::layout::{self, Kind, Layout};
use super::super::made;
use super::super::next::{self, Known};
use super::super::place::Place;
use super::super::portal::{self, Registration};
use super::super::powershell;
use super::super::product::Product;
use super::super::question::Question;
use super::super::way::{Proof, Way};
use super::talk::Given;
use crate::config::{self, Given as Machine};
use crate::provider::Protocol;

/// 2026-11-21, as the machine of the configuration's tests has it.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_219_200)
}

pub(super) fn answered(product: Product, way: Way, place: Place) -> Answers {
    let given = Given::default();
    let mut draft = Draft::default();
    for question in Question::ALL {
        if !question.applies(&draft) {
            continue;
        }
        let typed = match question {
            Question::Product => product.facts().key.to_owned(),
            Question::Way => way.key().to_owned(),
            Question::Place => place.key().to_owned(),
            Question::Tenant => "contoso.onmicrosoft.com".to_owned(),
            Question::ClientId => "11111111-2222-3333-4444-555555555555".to_owned(),
            Question::Mailboxes => "o'brien@contoso.com, second@contoso.com".to_owned(),
            Question::Secret => "gU8Q~a.Value_as-the-portal~shows/it+once=".to_owned(),
            Question::Host => "mail.contoso.com".to_owned(),
            Question::SecretExpires => "2027-11-01".to_owned(),
            other => other.default(&draft, &given).unwrap(),
        };
        draft.put(question, &typed, &given).unwrap();
    }
    draft.answers().unwrap()
}

/// Keys and certificates that are the same for all: making them takes longer than everything else.
struct Keys(BTreeMap<&'static str, Vec<u8>>);

impl Keys {
    fn make() -> Self {
        let answers = answered(Product::Device, Way::AppCertificate, Place::NetworkTls);
        let layout = layout::of(&answers, None, &Given::default());
        let work = made::work(&answers, layout, &Kept::default(), now()).unwrap();
        let names = [
            "contoso-app/app.pem",
            "contoso-app/app.key",
            layout::SERVER,
            layout::SERVER_KEY,
        ];
        let found = names.map(|name| {
            let path = answers.directory.join(name);
            let file = work.files.iter().find(|(file, _)| file.path == path).unwrap();
            (name, file.1.to_vec())
        });
        Self(found.into())
    }
}

/// What `check` would find.
fn problems(answers: &Answers, keys: &Keys) -> Vec<String> {
    let directory = &answers.directory;
    let there = Given {
        there: keys.0.keys().map(|name| directory.join(name)).collect(),
        ..Given::default()
    };
    let layout: Layout = layout::of(answers, None, &there);
    assert!(
        layout.files.iter().all(|file| file.kind != Kind::ServerKey),
        "keys are kept"
    );
    let work = made::work(answers, layout, &Kept::default(), now()).unwrap();
    let mut machine = Machine::default().variable("HOME", "/home/ann");
    if answers.place == Place::Containers {
        machine = machine.variable("SASLGATE_CONTAINER", "1");
    }
    for (file, content) in &work.files {
        machine.files.insert(file.path.clone(), (content.to_vec(), 0o640));
    }
    for (name, content) in &keys.0 {
        machine
            .files
            .insert(directory.join(name), (content.clone(), 0o600));
    }
    let path = directory.join(layout::CONFIG);
    match config::load(&path, &machine) {
        Ok(config) => {
            assert_eq!(config.accounts.len(), answers.mailboxes.len());
            config
                .warnings
                .list
                .iter()
                .map(|problem| problem.what.clone())
                .collect()
        }
        Err(problems) => panic!("{problems}\n{}", text(&work.files, &path)),
    }
}

fn text(files: &[(layout::Planned, zeroize::Zeroizing<Vec<u8>>)], path: &Path) -> String {
    let file = files.iter().find(|(file, _)| file.path == *path).unwrap();
    String::from_utf8(file.1.to_vec()).unwrap()
}

#[test]
fn every_choice_is_read_without_a_warning_that_nobody_was_told_of() {
    let keys = Keys::make();
    let (mut choices, mut in_clear) = (0, 0);
    for product in Product::ALL {
        for way in product.ways() {
            for place in Place::ALL {
                if way == Way::Password && place == Place::Internet {
                    continue;
                }
                let answers = answered(product, way, place);
                let found = problems(&answers, &keys);
                let expected: &[&str] = match place {
                    Place::NetworkPlain => &["may cross the network in clear"],
                    // Both are among the next steps.
                    Place::Internet => &["nobody can reach", "saslgate's own authority"],
                    _ => &[],
                };
                for words in expected {
                    let told = found.iter().filter(|what| what.contains(words)).count();
                    assert_eq!(
                        told,
                        answers.protocols.len(),
                        "{product:?} {way:?} {place:?}: {found:?}"
                    );
                }
                assert_eq!(
                    found.len(),
                    expected.len() * answers.protocols.len(),
                    "{product:?} {way:?} {place:?}: {found:?}"
                );
                choices += 1;
                in_clear += usize::from(place == Place::NetworkPlain);
            }
        }
    }
    assert_eq!((choices, in_clear), (204, 41));
}

/// What the portal has to have is what the configuration will ask for.
#[test]
fn the_portals_steps_are_those_of_the_choice() {
    let mut seen = 0;
    for product in Product::ALL {
        for way in product.ways() {
            let answers = answered(product, way, Place::ThisMachine);
            let registration = Registration::of(&answers);
            let steps = portal::steps(&registration);
            let case = format!("{product:?} {way:?}\n{steps}");
            assert_eq!(
                steps.contains("http://localhost:8425/\n"),
                way == Way::Browser,
                "{case}"
            );
            assert_eq!(
                steps.contains("> Web\n"),
                way == Way::Browser && answers.proof == Proof::Secret,
                "{case}"
            );
            assert_eq!(
                steps.contains("Allow public client flows: Yes"),
                answers.proof == Proof::None,
                "{case}"
            );
            assert_eq!(
                steps.contains("New client secret"),
                answers.proof == Proof::Secret,
                "{case}"
            );
            assert_eq!(
                steps.contains("app.cer"),
                answers.proof == Proof::Certificate,
                "{case}"
            );
            assert_eq!(
                steps.contains("AccessAsApp") || steps.contains("SendAsApp"),
                way.is_app_only(),
                "{case}"
            );
            assert_eq!(steps.contains("offline_access\n"), !way.is_app_only(), "{case}");
            assert_eq!(
                steps.contains("by the guide of"),
                product.facts().has_guide,
                "{case}"
            );
            assert!(steps.lines().all(|line| line.trim_end() == line), "{case}");
            let lines = powershell::lines(&answers).unwrap_or_default();
            assert_eq!(
                lines.contains("New-ServicePrincipal"),
                way.is_app_only(),
                "{lines}"
            );
            if !lines.is_empty() {
                assert!(lines.contains("'o''brien@contoso.com'"), "{lines}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 41);
}

/// Where the app acts for itself, one page consents to reading and sending, which are two services, and needs no redirect URI.
#[test]
fn one_link_asks_for_consent_to_all_of_it() {
    let base = "https://login.microsoftonline.com/contoso.onmicrosoft.com";
    let end = "&redirect_uri=http%3A%2F%2Flocalhost%3A8425%2F";
    let id = "client_id=11111111-2222-3333-4444-555555555555";
    let of = |answers: &Answers| portal::link(&Registration::of(answers)).unwrap();
    let everything = format!("{base}/adminconsent?{id}");
    let mut script = answered(Product::Script, Way::AppSecret, Place::ThisMachine);
    assert_eq!(of(&script), everything);
    script.preset = crate::provider::preset("microsoft365-china").unwrap();
    let of_china = "https://login.partner.microsoftonline.cn/contoso.onmicrosoft.com/adminconsent";
    assert_eq!(of(&script), format!("{of_china}?{id}"));
    let oracle = answered(Product::OracleB2c, Way::Browser, Place::ThisMachine);
    let scope = "https%3A%2F%2Foutlook.office.com%2FPOP.AccessAsUser.All+offline_access+openid+profile";
    assert_eq!(
        of(&oracle),
        format!("{base}/v2.0/adminconsent?{id}&scope={scope}{end}")
    );
    let efecte = answered(Product::EfecteEsm, Way::Password, Place::ThisMachine);
    assert_eq!(of(&efecte), everything);
    for answers in [&script, &oracle, &efecte] {
        let steps = portal::steps(&Registration::of(answers));
        let (told, link) = (steps.find("send this link"), steps.find("/adminconsent?"));
        assert!(told.unwrap() < link.unwrap(), "{steps}");
        assert_eq!(steps.matches("adminconsent?").count(), 1, "{steps}");
    }
}

/// Each thing that was left open is a step, before the one that needs it.
#[test]
fn what_was_left_open_comes_before_what_needs_it() {
    let mut answers = answered(Product::OracleB2c, Way::Browser, Place::Internet);
    (answers.client_id, answers.secret) = (None, None);
    let internet = Known {
        certs_are_new: true,
        ..Known::default()
    };
    let steps = next::steps(&answers, &internet);
    let words = [
        "The portal",
        "The client id, into",
        "The client secret's Value, into",
        "The addresses that may connect, into allow_from",
        "A certificate that the product trusts, for mail.contoso.com",
        "In this machine's firewall, if it has one: TCP port 995, open to the product's addresses alone.",
        "SASLGATE_CONFIG",
        "A privilege for port 995",
        "saslgate check",
        "saslgate run",
        "saslgate sign-in --all-needed",
        "saslgate test 'o'\\''brien@contoso.com'",
        "Oracle B2C Service, with the settings above",
        "`saslgate run` ends when you log out",
    ];
    assert_eq!(steps.len(), words.len(), "{steps:#?}");
    for (step, word) in steps.iter().zip(words) {
        assert!(step.contains(word), "{word}: {steps:#?}");
    }
    let found = next::steps(
        &answers,
        &Known {
            is_found: true,
            ..internet
        },
    );
    assert_eq!(
        found.len(),
        words.len() - 1,
        "what commands find needs no variable: {found:#?}"
    );
    let mut service = answered(Product::Script, Way::AppSecret, Place::ThisMachine);
    service.directory = "/etc/saslgate".into();
    let with_exchange = Known {
        has_exchange: true,
        answers_file: Some(Path::new("answers.toml")),
        ..Known::default()
    };
    let steps = next::steps(&service, &with_exchange).join("\n");
    assert!(
        steps.contains("sudo -u saslgate saslgate check") && !steps.contains("sign-in"),
        "{steps}"
    );
    assert!(
        steps.ends_with("names in answers.toml: the secret was copied, and is needed once."),
        "{steps}"
    );
}

/// Somebody's own mail program: their own mailbox, their own browser, their own machine.
#[test]
fn what_is_left_to_a_person_is_said_to_that_person() {
    let mut own = answered(Product::MailProgram, Way::Browser, Place::ThisMachine);
    own.mailboxes.truncate(1);
    let steps = next::steps(&own, &Known::default()).join("\n");
    for word in [
        "    # as yourself\n",
        "the user unit of docs/mail-program.md, step 7 with `--config /home/ann/.config/saslgate/saslgate.toml` behind run",
        "journalctl --user -u saslgate",
    ] {
        assert!(steps.contains(word), "{word}: {steps}");
    }
    assert!(!steps.contains("private window"), "{steps}");
    assert!(powershell::before(&own).starts_with("If you are no administrator, send these lines"));
    assert!(powershell::about(&own).contains("the mailbox > Mail > Manage email apps > Authenticated SMTP"));

    let mut desk = answered(Product::OsTicket, Way::Browser, Place::ThisMachine);
    desk.directory = "/home/ann/try".into();
    let steps = next::steps(&desk, &Known::default()).join("\n");
    for word in [
        "in a private window, as the mailbox itself",
        "sudo saslgate setup",
        "loginctl enable-linger",
    ] {
        assert!(steps.contains(word), "{word}: {steps}");
    }
    desk.directory = "/etc/saslgate".into();
    let steps = next::steps(&desk, &Known::default()).join("\n");
    assert!(steps.ends_with("Its log: journalctl -u saslgate"), "{steps}");
}

/// Java looks into its own store alone, and a product with two switches for TLS has to be told which.
#[test]
fn a_product_in_java_is_told_how_it_trusts_the_certificate() {
    let mut seen = 0;
    for product in Product::ALL {
        let answers = answered(product, Way::AppSecret, Place::NetworkTls);
        let steps = next::steps(&answers, &Known::default()).join("\n");
        assert_eq!(
            steps.contains("\n        keytool -importcert -cacerts -alias saslgate -file ca.pem\n"),
            product.is_java(),
            "{steps}"
        );
        seen += usize::from(product.is_java());
        let switches = card::switches(&answers);
        let smtp = answers.protocols.contains(&Protocol::Smtp);
        assert_eq!(
            switches.contains("SMTP: STARTTLS, not SSL/TLS."),
            smtp,
            "{switches}"
        );
    }
    assert_eq!(seen, 2);
    let here = answered(Product::EfecteEsm, Way::AppSecret, Place::ThisMachine);
    assert_eq!(card::switches(&here), "");
}

/// What somebody chose, `check` warns of for ever.
#[test]
fn a_warning_that_stays_is_told() {
    let cases = [
        (Product::Device, "# one warning stays: passwords may cross"),
        (Product::Script, "# 2 warnings stay: passwords may cross"),
    ];
    for (product, words) in cases {
        let answers = answered(product, Way::AppSecret, Place::NetworkPlain);
        let steps = next::steps(&answers, &Known::default()).join("\n");
        assert!(
            steps.contains(words) && !steps.contains("nothing is wrong"),
            "{steps}"
        );
    }
}

/// Outlook proposes what stands before the @. Where there is one account it can be nobody else's.
#[test]
fn a_mail_program_may_leave_the_domain_out() {
    let mut seen = 0;
    for product in Product::ALL {
        for count in [1, 2] {
            let mut answers = answered(product, Way::Browser, Place::ThisMachine);
            answers.mailboxes.truncate(count);
            let layout = layout::of(&answers, None, &Given::default());
            let work = made::work(&answers, layout, &Kept::default(), now()).unwrap();
            let text = text(&work.files, &answers.directory.join(layout::CONFIG));
            let has_it = text.contains("logins    = [\"o'brien\"]");
            assert_eq!(has_it, product == Product::MailProgram && count == 1, "{text}");
            seen += usize::from(has_it);
        }
    }
    assert_eq!(seen, 1);
}

/// What a shared mailbox needs: who signs in, in the configuration; the rights of that person, in Exchange.
#[test]
fn a_shared_mailbox_is_opened_by_whoever_signs_in_for_it() {
    let keys = Keys::make();
    let mut seen = 0;
    for product in Product::ALL {
        for way in product.ways().into_iter().filter(|way| way.has_sign_in()) {
            let mut answers = answered(product, way, Place::ThisMachine);
            answers.signs_in_as = Some("alice@contoso.com".to_owned());
            let case = format!("{product:?} {way:?}");
            assert_eq!(problems(&answers, &keys), [""; 0], "{case}");
            let lines = powershell::lines(&answers).unwrap();
            let of_person = "-Identity $mailbox -User 'alice@contoso.com' -AccessRights FullAccess\n";
            assert!(lines.contains(of_person), "{case}: {lines}");
            let sends = answers.protocols.contains(&Protocol::Smtp);
            for line in [
                "-Trustee 'alice@contoso.com' -AccessRights SendAs",
                "Set-CASMailbox -Identity 'alice@contoso.com'",
            ] {
                assert_eq!(lines.contains(line), sends, "{case}: {lines}");
            }
            let steps = next::steps(&answers, &Known::default()).join("\n");
            assert!(steps.contains("as alice@contoso.com"), "{case}: {steps}");
            seen += 1;
        }
    }
    assert_eq!(seen, 20);
}

/// What nobody chose listens nowhere.
#[test]
fn the_listeners_of_this_machine_are_those_that_were_chosen() {
    let mut seen = 0;
    for product in Product::ALL {
        let answers = answered(product, product.ways()[0], Place::ThisMachine);
        let text = super::super::config_text::of(&answers, &[]);
        for protocol in Protocol::ALL {
            let listener = format!("[[listener]]\nprotocol = \"{protocol}\"\nbind     = [\"localhost:");
            assert_eq!(
                text.contains(&listener),
                answers.protocols.contains(&protocol),
                "{text}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 30);
}

#[test]
fn nothing_is_said_of_sending_where_nothing_sends() {
    let pop3 = answered(Product::OracleB2c, Way::Browser, Place::Internet);
    assert_eq!(pop3.protocols, [Protocol::Pop3]);
    assert!(!powershell::about(&pop3).contains("SMTP"));
    let sends = answered(Product::OsTicket, Way::Browser, Place::ThisMachine);
    assert!(powershell::about(&sends).contains("SMTP AUTH"));
}
