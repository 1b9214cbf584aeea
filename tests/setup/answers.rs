//! `--answers`: what can't be used, all at once; files that are there; who may read what was written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use crate::run::{SECRET, answer, mode, setup};

const SOUND: &str = "
product = \"script\"
tenant = \"https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\"
client_id = \"11111111-2222-3333-4444-555555555555\"
mailboxes = [\"a@contoso.com\"]
client_secret_from = \"secret.txt\"
client_secret_expires = 2099-11-01
";

#[test]
fn every_bad_answer_is_told_at_once() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("new");
    let file = answer(
        place.path(),
        "product = \"fax\"\ntenant = \"contoso\"\nclient_id = \"saslgate\"\nmailboxes = [\"support\"]\nconnects_form = \"internet\"\n\
         client_secret = \"hunter2\"\nprotocols = 7\n",
    );
    let ran = setup(
        &["--answers", &file, "--directory", directory.to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.said, "");
    let words = [
        "product: that is no choice: write one of email-this-issue",
        "tenant: that is neither a GUID nor a domain",
        "client_id: that is not a client id",
        "mailboxes: support is no address",
        "connects_form: there is no such key; is connects_from meant?",
        "client_secret: a secret has no place in this file",
        "protocols: write text",
    ];
    for word in words {
        assert!(ran.complained.contains(word), "{word}: {}", ran.complained);
    }
    assert!(!ran.complained.contains("hunter2"), "{}", ran.complained);
    assert!(!directory.exists(), "something was written");
}

#[test]
fn an_answer_that_is_missing_is_asked_for_by_name() {
    let place = tempfile::tempdir().unwrap();
    let cases = [
        ("", "tenant: the tenant is needed"),
        (
            "product = \"many\"\ntenant = \"contoso.com\"\n",
            "mailboxes: it is missing",
        ),
        (
            "tenant = \"contoso.com\"\nmailboxes = \"a@contoso.com\"\nnetworks = \"10.0.0.1\"\n",
            "networks: it has no meaning",
        ),
        (
            "client_secret_from = \"gone\"\nproduct = \"script\"\ntenant = \"contoso.com\"\nmailboxes = \"a@contoso.com\"\n",
            "client_secret_from: ",
        ),
        ("product = [", "can't be used"),
    ];
    for (text, word) in cases {
        let file = answer(place.path(), text);
        let ran = setup(
            &["--answers", &file, "--directory", place.path().to_str().unwrap()],
            "",
        );
        assert_eq!(ran.code, Some(2), "{text}: {ran:?}");
        let word = word.replace("tenant: the tenant is needed", "tenant: it is missing");
        assert!(ran.complained.contains(&word), "{word}: {ran:?}");
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn files_that_are_there_are_replaced_only_if_somebody_says_so() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("etc");
    let at = directory.to_str().unwrap();
    let file = answer(place.path(), SOUND);
    let first = setup(&["--answers", &file, "--directory", at], "");
    assert_eq!(first.code, Some(0), "{first:?}");
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let before = read("saslgate.toml");
    assert_eq!(read("contoso.secret"), format!("{SECRET}\n"));
    for name in ["saslgate.toml", "contoso.secret"] {
        assert_eq!(mode(&directory.join(name)) & 0o007, 0, "{name}");
    }
    assert!(!first.said.contains(SECRET) && !before.contains(SECRET));

    let second = setup(&["--answers", &file, "--directory", at], "");
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(
        second
            .complained
            .contains("there already: saslgate.toml, contoso.secret"),
        "{second:?}"
    );
    assert_eq!(read("saslgate.toml"), before);

    let third = setup(&["--answers", &file, "--directory", at, "--replace"], "");
    assert_eq!(third.code, Some(0), "{third:?}");
    assert_eq!(read("saslgate.toml"), before, "the mail client's password stays");
    assert!(third.said.contains("password   as before"), "{}", third.said);
    assert!(!third.said.contains("shown this once"), "{}", third.said);
    let alone = "Left alone, because nothing in it changes: saslgate.toml, contoso.secret\n";
    assert!(third.said.contains(alone), "{}", third.said);
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        2,
        "no .old of what is the same"
    );

    // Its readers are part of a file.
    let secret = directory.join("contoso.secret");
    let meant = fs::metadata(&secret).unwrap().permissions();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o604)).unwrap();
    let mended = setup(&["--answers", &file, "--directory", at, "--replace"], "");
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert_eq!(fs::metadata(&secret).unwrap().permissions(), meant);
    fs::remove_file(directory.join("contoso.secret.old")).unwrap();

    let file = answer(place.path(), &SOUND.replace("2099-11-01", "2099-12-01"));
    let fourth = setup(&["--answers", &file, "--directory", at, "--replace"], "");
    assert_eq!(fourth.code, Some(0), "{fourth:?}");
    assert_eq!(read("saslgate.toml.old"), before);
    assert!(read("saslgate.toml").contains("2099-12-01"));
    assert!(
        fourth.said.contains("nothing in it changes: contoso.secret\n"),
        "{}",
        fourth.said
    );
    assert!(!directory.join("contoso.secret.old").exists());
}

/// Who answers twice and differently hears both keys; who says one thing has not to say the other.
#[test]
fn answers_that_contradict_each_other_are_both_named() {
    let place = tempfile::tempdir().unwrap();
    let base = "product = \"efecte-esm\"\ntenant = \"contoso.com\"\nmailboxes = \"esm@contoso.com\"\n";
    let person = "signs_in_as = \"alice@contoso.com\"\n";
    let cases = [
        (
            "mailboxes_are = \"shared\"\nway = \"password\"\n".to_owned(),
            ["way: ", "(mailboxes_are, signs_in_as)"],
        ),
        (
            format!("way = \"app-secret\"\n{person}"),
            ["signs_in_as: ", "way = \"app-secret\""],
        ),
        (
            format!("mailboxes_are = \"own\"\n{person}"),
            ["signs_in_as: ", "mailboxes_are = \"own\""],
        ),
        (
            "way = \"browser\"\nsigns_in_as = \"nobody\"\n".to_owned(),
            ["signs_in_as: ", "way = \"browser\""],
        ),
    ];
    let at = place.path().to_str().unwrap();
    let run = |text: &str| {
        let file = answer(place.path(), &format!("{base}{text}"));
        setup(&["--answers", &file, "--replace", "--directory", at], "")
    };
    for (text, words) in &cases {
        let ran = run(text);
        assert_eq!(ran.code, Some(2), "{text}: {ran:?}");
        for word in words {
            assert!(ran.complained.contains(word), "{text}: {word}: {ran:?}");
        }
    }
    assert_eq!(cases.len(), 4);
    let grant = |text: &str| {
        let ran = run(text);
        assert_ne!(ran.code, Some(2), "{text}: {ran:?}");
        let config = fs::read_to_string(place.path().join("saslgate.toml")).unwrap();
        let line = config.lines().find(|line| line.starts_with("grant")).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    assert_eq!(grant(person), "authorization_code");
    assert_eq!(grant("signs_in_as = \"nobody\"\n"), "client_credentials");
    assert_eq!(grant("mailboxes_are = \"shared\"\n"), "client_credentials");
    assert_eq!(grant(""), "password");
}

/// A script reads the password from a file of its own, which nothing overwrites.
#[test]
fn the_password_goes_into_its_file() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().join("etc");
    let text = format!("{SOUND}password_file = \"local.txt\"\n");
    let run = |text: &str, more: &[&str]| {
        let file = answer(place.path(), text);
        setup(
            &[&["--answers", &file, "--directory", at.to_str().unwrap()], more].concat(),
            "",
        )
    };
    let first = run(&text, &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let local = place.path().join("local.txt");
    let password = fs::read_to_string(&local).unwrap();
    assert_eq!(mode(&local), 0o600);
    assert_eq!(password.lines().count(), 1, "one line");
    assert!(!first.said.contains(password.trim()), "it is in its file alone");
    let card = format!("password   in {}", local.display());
    assert!(first.said.contains(&card), "{}", first.said);
    let config = fs::read_to_string(at.join("saslgate.toml")).unwrap();
    assert!(config.contains(&format!("\"sg1:{}:", &password[..4])), "{config}");

    // The password stays, and so does its file.
    let again = run(&text, &["--replace"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(fs::read_to_string(&local).unwrap(), password);
    // Whoever agrees to replace the rest is not to hear of this one only then.
    let both = run(&text.replace("a@contoso", "b@contoso"), &[]);
    assert_eq!(both.code, Some(2), "{both:?}");
    for word in [
        "is there and is never overwritten",
        "there already: saslgate.toml, contoso.secret;",
    ] {
        assert!(both.complained.contains(word), "{word}: {both:?}");
    }
    // Another mailbox would have a password of its own; of several, one file holds none.
    let cases = [
        ("a@contoso", "b@contoso", "is there and is never overwritten"),
        (
            "\"a@contoso.com\"",
            "\"a@contoso.com\", \"b@contoso.com\"",
            "product = \"many\" writes all of them into cards.csv",
        ),
        (
            "\"script\"",
            "\"many\"",
            "in cards.csv beside the configuration already",
        ),
    ];
    for (from, to, word) in cases {
        let no = run(&text.replace(from, to), &["--replace"]);
        assert_eq!(no.code, Some(2), "{no:?}");
        assert!(no.complained.contains(word), "{word}: {no:?}");
        assert_eq!(fs::read_to_string(&local).unwrap(), password);
    }
    assert_eq!(cases.len(), 3);
}

/// What is left open is told, by the exit code too, and is the first of the next steps.
#[test]
fn a_secret_may_come_later() {
    let place = tempfile::tempdir().unwrap();
    let text = SOUND.replace(
        "client_secret_from = \"secret.txt\"\nclient_secret_expires = 2099-11-01\n",
        "",
    );
    let file = answer(place.path(), &text);
    let ran = setup(
        &["--answers", &file, "--directory", place.path().to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.said.contains("there is no such file"), "{}", ran.said);
    assert!(
        ran.said.contains("The client secret's Value, into"),
        "{}",
        ran.said
    );
    assert!(!place.path().join("contoso.secret").exists());
}

/// Zeros have the form of a client id, and nobody's app is called so.
#[test]
fn a_client_id_may_come_later_and_check_says_so_until_then() {
    let place = tempfile::tempdir().unwrap();
    let text = SOUND.replace("11111111-2222-3333-4444-555555555555", "later");
    let file = answer(place.path(), &text);
    let ran = setup(
        &["--answers", &file, "--directory", place.path().to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for word in ["`client_id` is still to be filled in", "The client id, into"] {
        assert!(ran.said.contains(word), "{word}: {}", ran.said);
    }
    assert!(!ran.said.contains("is sound"), "{}", ran.said);
}

/// A certificate that mail clients trust already is not made anew.
#[test]
fn certificates_that_are_there_are_used() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().to_str().unwrap();
    let text =
        SOUND.replace("script", "device") + "way = \"app-certificate\"\nserver_name = \"mail.contoso.lan\"\n";
    let text = text.replace(
        "client_secret_from = \"secret.txt\"\nclient_secret_expires = 2099-11-01\n",
        "",
    );
    let file = answer(place.path(), &text);
    let first = setup(&["--answers", &file, "--directory", at], "");
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(
        first
            .said
            .contains("server mail.contoso.lan  port 1587  security STARTTLS"),
        "{}",
        first.said
    );
    let names = [
        "certs/ca.pem",
        "certs/server.pem",
        "certs/server.key",
        "contoso-app/app.pem",
        "contoso-app/app.key",
    ];
    let all = || names.map(|name| fs::read(place.path().join(name)).unwrap());
    let before = all();
    assert_eq!(mode(&place.path().join("certs/ca.key")), 0o600);
    assert_eq!(mode(&place.path().join("contoso-app/app.key")) & 0o007, 0);
    let again = setup(&["--answers", &file, "--directory", at, "--replace"], "");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(all(), before);

    // Half of a pair is nobody's to complete.
    fs::remove_file(place.path().join("contoso-app/app.key")).unwrap();
    let half = setup(&["--answers", &file, "--directory", at, "--replace"], "");
    assert_eq!(half.code, Some(2), "{half:?}");
    assert!(
        half.complained
            .contains("app.pem is there, and what belongs to it is not"),
        "{half:?}"
    );
}

/// Mail clients that verify refuse a certificate that is not for the name that the card gives them.
#[test]
fn another_server_name_is_one_of_the_certificates_names() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path().to_str().unwrap();
    let run = |name: &str| {
        let text = SOUND.replace("script", "device") + &format!("server_name = \"{name}\"\n");
        let file = answer(place.path(), &text);
        setup(&["--answers", &file, "--directory", at, "--replace"], "")
    };
    let read = |name: &str| fs::read(place.path().join("certs").join(name)).unwrap();
    let has = |name: &str| {
        let der = CertificateDer::from_pem_slice(&read("server.pem")).unwrap();
        let parsed = ParsedCertificate::try_from(&der).unwrap();
        verify_server_name(&parsed, &ServerName::try_from(name).unwrap()).is_ok()
    };
    assert_eq!(run("mail.contoso.lan").code, Some(0));
    let before = ["ca.pem", "server.key", "server.pem"].map(read);
    assert_eq!(run("mail.contoso.lan").code, Some(0));
    assert_eq!(
        ["ca.pem", "server.key", "server.pem"].map(read),
        before,
        "it has the name"
    );

    for name in ["relay.contoso.lan", "10.0.0.2"] {
        let renewed = run(name);
        assert_eq!(renewed.code, Some(0), "{renewed:?}");
        let words = format!("server.pem was renewed with its key and names, and {name} added");
        assert!(renewed.said.contains(&words), "{}", renewed.said);
        assert!(has(name) && has("mail.contoso.lan") && has("localhost"), "{name}");
    }
    assert_eq!(["ca.pem", "server.key"].map(read), before[..2]);

    // The authority's key is best kept elsewhere.
    fs::rename(place.path().join("certs/ca.key"), place.path().join("elsewhere")).unwrap();
    let left = run("third.contoso.lan");
    assert_eq!(left.code, Some(1), "{left:?}");
    let command = format!("saslgate certs --renew {at}/certs --name third.contoso.lan");
    assert!(left.said.contains(&command), "{}", left.said);
    assert!(!has("third.contoso.lan"));
    assert_eq!(
        run("relay.contoso.lan").code,
        Some(0),
        "it needs no key for a name that is there"
    );
}

/// Nobody here can renew what somebody else issued.
#[test]
fn a_foreign_certificate_for_another_name_is_left_to_do() {
    let place = tempfile::tempdir().unwrap();
    let certs = place.path().join("certs");
    fs::create_dir(&certs).unwrap();
    let made = rcgen::generate_simple_self_signed(["*.contoso.com".to_owned()]).unwrap();
    fs::write(certs.join("server.pem"), made.cert.pem()).unwrap();
    fs::write(certs.join("server.key"), made.signing_key.serialize_pem()).unwrap();
    let run = |name: &str| {
        let text = SOUND.replace("script", "device") + &format!("server_name = \"{name}\"\n");
        let file = answer(place.path(), &text);
        let at = place.path().to_str().unwrap();
        setup(&["--answers", &file, "--directory", at, "--replace"], "")
    };
    let words =
        "server.pem is not for mail.contoso.lan, and every mail client that verifies it will refuse it";
    let other = run("mail.contoso.lan");
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.said.contains(words), "{}", other.said);
    let wildcard = run("mail.contoso.com");
    assert!(!wildcard.said.contains("is not for"), "{}", wildcard.said);
    let kept = fs::read_to_string(certs.join("server.pem")).unwrap();
    assert_eq!(kept, made.cert.pem());
}

/// The template is filled in by itself: it shows what it would take.
#[test]
fn the_template_can_be_used_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let template = setup(&["--answers-template"], "");
    let of_oracle = setup(&["--answers-template", "oracle-b2c"], "");
    for line in [
        "product = \"oracle-b2c\"",
        "#protocols = [\"pop3\"]",
        "#connects_from = \"internet\"",
    ] {
        assert!(of_oracle.said.contains(line), "{line}: {of_oracle:?}");
    }
    let of_fax = setup(&["--answers-template", "fax"], "");
    assert_eq!(of_fax.code, Some(2), "{of_fax:?}");
    assert_eq!(template.code, Some(0));
    let keys = template.said.lines().filter(|line| {
        line.trim_start_matches('#')
            .split_once(" = ")
            .is_some_and(|(key, _)| !key.contains(' '))
    });
    assert_eq!(keys.count(), 14, "{}", template.said);
    let file = answer(place.path(), &template.said);
    let ran = setup(
        &["--answers", &file, "--directory", place.path().to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.said.contains("is sound"), "{}", ran.said);
}

/// Passwords and sign-ins cross that network in clear, and `check` says so to whoever has just chosen it.
#[test]
fn a_network_without_tls_is_written_with_its_warning() {
    let place = tempfile::tempdir().unwrap();
    let text = SOUND.replace("script", "device")
        + "connects_from = \"network-without-tls\"\nserver_name = \"10.0.0.2\"\nnetworks = [\"10.0.0.7\"]\n";
    let file = answer(place.path(), &text);
    let ran = setup(
        &["--answers", &file, "--directory", place.path().to_str().unwrap()],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.said
            .contains("passwords from 10.0.0.7/32 may cross the network in clear"),
        "{}",
        ran.said
    );
    assert!(
        ran.said.contains("one warning stays: passwords may cross"),
        "{}",
        ran.said
    );
    assert!(
        ran.said.contains("server 10.0.0.2  port 1587  security none"),
        "{}",
        ran.said
    );
}
