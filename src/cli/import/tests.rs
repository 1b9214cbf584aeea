//! What other programs' configurations become, as text.

use std::path::Path;

use zeroize::Zeroizing;

use super::apply::Plan;
use super::draft::{Draft, Password};
use super::render::render;
use super::{davmail, emailproxy, sasl_xoauth2};

/// A Fernet token that Python made.
fn token() -> &'static str {
    let vectors = include_str!("../../../tests/golden/fernet.txt");
    let line = vectors.lines().find(|line| !line.starts_with('#')).unwrap();
    line.rsplit('\t').next().unwrap()
}

fn config() -> String {
    let token = token();
    format!(
        "[IMAP-1993]\nserver_address = outlook.office365.com\nserver_port = 993\nlocal_address = 127.0.0.1\n\
         [SMTP-1587]\nserver_address = smtp.office365.com\nserver_port = 587\nserver_starttls = True\nlocal_address = ::1\n\
         [POP-1995]\nserver_address = outlook.office365.com\nserver_port = 995\nplugins = {{}}\n\
         [alice@contoso.com]\npermission_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize\n\
         token_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\n\
         oauth2_scope = https://outlook.office365.com/IMAP.AccessAsUser.All https://outlook.office365.com/SMTP.Send offline_access\n\
         redirect_uri = http://localhost\nclient_id = 11111111-2222-3333-4444-555555555555\nclient_secret = it's~\"secret\"\n\
         token_salt = fuqIrKWoBBiyQEcwFEbkeA==\ntoken_iterations = 1200000\naccess_token = {token}\nrefresh_token = {token}\nlast_activity = 1795000000\n\
         [bob@contoso.com]\npermission_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize\n\
         token_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\n\
         oauth2_scope = https://outlook.office365.com/IMAP.AccessAsUser.All https://outlook.office365.com/SMTP.Send offline_access\n\
         redirect_uri = http://localhost\nclient_id = 11111111-2222-3333-4444-555555555555\nclient_secret = it's~\"secret\"\n\
         [@fabrikam.com]\ntoken_url = https://login.microsoftonline.com/fabrikam.com/oauth2/v2.0/token\n\
         oauth2_scope = https://outlook.office365.com/.default\noauth2_flow = client_credentials\n\
         client_id = 11111111-2222-3333-4444-666666666666\nclient_secret = app\n\
         [carol@fabrikam.com]\ntoken_salt = fuqIrKWoBBiyQEcwFEbkeA==\naccess_token = {token}\n\
         [dave@contoso.com]\ntoken_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\n\
         oauth2_scope = https://outlook.office365.com/IMAP.AccessAsUser.All\noauth2_flow = password\n\
         client_id = 11111111-2222-3333-4444-555555555555\n\
         [erin@contoso.com]\ntoken_url = https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\n\
         [@]\nclient_id = none\n\
         [emailproxy]\nallow_catch_all_accounts = True\n"
    )
}

fn planned(draft: &Draft) -> (String, Vec<(String, String)>) {
    let folder = Path::new("/nowhere/at/all");
    let rendered = render(draft, folder);
    if let Err(why) = Plan::new(&folder.join("saslgate.toml"), &rendered, draft) {
        panic!("{why}\n{}", rendered.text);
    }
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let secrets = rendered
        .secrets
        .iter()
        .map(|(path, text)| (name(path), text.to_string()));
    (rendered.text, secrets.collect())
}

fn kinds(draft: &Draft) -> Vec<(&str, &str)> {
    let kind = |password: &Password| match password {
        Password::Imported(_) => "imported",
        Password::Made { .. } => "made",
        Password::Provider => "the provider's",
    };
    draft
        .accounts
        .iter()
        .map(|account| (account.login.as_str(), kind(&account.password)))
        .collect()
}

#[test]
fn a_configuration_of_email_oauth2_proxy_becomes_one_that_can_be_used() {
    let draft = emailproxy::draft(&config(), None, Path::new("/old")).unwrap();
    assert_eq!(
        kinds(&draft),
        [
            ("alice@contoso.com", "imported"),
            ("bob@contoso.com", "made"),
            ("*@fabrikam.com", "made"),
            ("carol@fabrikam.com", "imported"),
            ("dave@contoso.com", "the provider's"),
        ]
    );
    let (text, secrets) = planned(&draft);
    // One app for Alice and Bob, one for the domain and Carol, one by password.
    assert_eq!(draft.apps.len(), 3, "{text}");
    let secrets: Vec<_> = secrets
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        secrets,
        [
            ("microsoft365.secret", "it's~\"secret\""),
            ("microsoft365-2.secret", "app")
        ]
    );
    for expected in [
        "bind = \"127.0.0.1:1993\"",
        "bind = \"[::1]:1587\"",
        "bind = [\"0.0.0.0:1995\", \"[::]:1995\"]",
        "tenant = \"contoso.com\"",
        "redirect_uri = \"http://localhost:8425\"",
        "password = \"imported\"",
        "protocols = [\"imap\", \"smtp\"]",
        "login = \"*@fabrikam.com\"",
        "allow_any_mailbox = true",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    for secret in ["it's", token()] {
        assert!(!text.contains(secret), "a secret in\n{text}");
    }
}

#[test]
fn what_has_no_equivalent_is_told_with_what_to_do() {
    let draft = emailproxy::draft(&config(), None, Path::new("/old")).unwrap();
    let of: Vec<_> = draft.notes.iter().map(|note| note.of.as_str()).collect();
    for expected in [
        "plugins of [POP-1995]",
        "[POP-1995]",
        "[bob@contoso.com]",
        "[@fabrikam.com]",
        "[erin@contoso.com]",
        "[@]",
    ] {
        assert!(of.contains(&expected), "{expected} is missing in {of:?}");
    }
    assert!(draft.notes.iter().all(|note| !note.fix.is_empty()));
}

#[test]
fn tokens_come_from_a_cache_elsewhere_too() {
    let token = token();
    let (front, cached): (Vec<_>, Vec<_>) = {
        let text = config();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines
            .into_iter()
            .partition(|line| !line.starts_with("token_") || line.starts_with("token_url"))
    };
    assert_eq!(cached.len(), 3);
    let kept = front.iter().filter(|line| !line.contains(token));
    let front = kept.map(String::as_str).collect::<Vec<_>>().join("\n");
    let ini = format!(
        "[alice@contoso.com]\ntoken_salt = fuqIrKWoBBiyQEcwFEbkeA==\nrefresh_token = {token}\nclient_id = another\n"
    );
    let json = serde_json::json!({ "alice@contoso.com": { "token_salt": "fuqIrKWoBBiyQEcwFEbkeA==", "refresh_token": token } });
    for cache in [ini, json.to_string()] {
        let draft = emailproxy::draft(&front, Some(&cache), Path::new("/old")).unwrap();
        let alice = kinds(&draft)
            .into_iter()
            .find(|(login, _)| login.starts_with("alice"));
        assert_eq!(alice, Some(("alice@contoso.com", "imported")));
        assert!(
            draft
                .apps
                .iter()
                .all(|app| app.client_id.as_deref() != Some("another"))
        );
    }
}

#[test]
fn a_provider_that_no_preset_knows_has_the_mail_hosts_of_the_listeners() {
    let text = "[IMAP-1]\nserver_address = mail.example\nserver_port = 1993\nlocal_address = localhost\n\
        [a@mail.example]\ntoken_url = https://login.example/token\npermission_url = https://login.example/device\n\
        oauth2_flow = device\noauth2_scope = mail offline_access\nclient_id = x\n";
    let draft = emailproxy::draft(text, None, Path::new("/old")).unwrap();
    let (text, _) = planned(&draft);
    for expected in [
        "[provider.imported]",
        "device_url = \"https://login.example/device\"",
        "imap = \"mail.example:1993\"",
        "tls.imap = \"implicit\"",
        "grant = \"device_code\"",
        "preset = \"imported\"",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
}

#[test]
fn what_can_not_be_opened_by_anybody_gets_a_new_password() {
    let table = [
        ("token_salt = fuqIrKWoBBiyQEcwFEbkeA==", "token_salt = ?"),
        ("token_iterations = 1200000", "token_iterations = 4000000000"),
        (&format!("refresh_token = {}", token()), "refresh_token = gAAAAA"),
    ];
    for (whole, damaged) in table {
        let draft =
            emailproxy::draft(&config().replacen(whole, damaged, 1), None, Path::new("/old")).unwrap();
        assert_eq!(kinds(&draft)[0], ("alice@contoso.com", "made"), "{damaged}");
        assert_eq!(kinds(&draft)[3], ("carol@fabrikam.com", "imported"), "{damaged}");
    }
}

#[test]
fn a_token_file_of_sasl_xoauth2_becomes_a_sign_in() {
    let conf = "{\n  // a comment\n  \"client_id\": \"11111111-2222-3333-4444-555555555555\",\n  \"client_secret\": \"s\",\n\
        \"token_endpoint\": \"https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token\"}";
    let tokens =
        Zeroizing::new("{\"access_token\": \"\", \"expiry\": \"0\", \"refresh_token\": \"0.A\"}".to_owned());
    let file = sasl_xoauth2::TokenFile::read("/etc/tokens/alice@contoso.com");
    let draft = sasl_xoauth2::draft(conf, &[(file, tokens.clone())]).unwrap();
    assert_eq!(kinds(&draft), [("alice@contoso.com", "made")]);
    let (text, _) = planned(&draft);
    assert!(
        text.contains("protocols = [\"smtp\"]") && text.contains("grant = \"refresh_token\""),
        "{text}"
    );

    let nameless = sasl_xoauth2::TokenFile::read("/etc/tokens/token");
    assert!(sasl_xoauth2::draft(conf, &[(nameless, tokens.clone())]).is_err());
    let named = sasl_xoauth2::TokenFile::read("bob@contoso.com=/etc/tokens/token");
    let draft = sasl_xoauth2::draft(conf, &[(named, tokens)]).unwrap();
    assert_eq!(draft.accounts[0].login, "bob@contoso.com");
}

#[test]
fn davmail_leaves_its_ports_and_mailboxes_and_is_told_why_not_its_tokens() {
    let text = "# DavMail\ndavmail.imapPort=1143\ndavmail.smtpPort=1025\ndavmail.popPort=\ndavmail.caldavPort=1080\n\
        davmail.url=https\\://outlook.office365.com/EWS/Exchange.asmx\ndavmail.oauth.alice@contoso.com.refreshToken={AES}abc\n";
    let draft = davmail::draft(text).unwrap();
    assert_eq!(kinds(&draft), [("alice@contoso.com", "made")]);
    let (text, _) = planned(&draft);
    assert!(
        text.contains("bind = \"localhost:1143\"") && text.contains("bind = \"localhost:1025\""),
        "{text}"
    );
    let of: Vec<_> = draft.notes.iter().map(|note| note.of.as_str()).collect();
    assert_eq!(
        of,
        [
            "davmail.caldavPort",
            "davmail.oauth.clientId",
            "davmail.oauth.*.refreshToken"
        ]
    );
}

#[test]
fn another_file_is_told_apart() {
    for text in ["", "{}", "hello", "davmail.imapPort=1"] {
        assert!(
            emailproxy::draft(text, None, Path::new("/old")).is_err(),
            "{text}"
        );
    }
    assert!(davmail::draft("[IMAP-1993]").is_err());
    assert!(sasl_xoauth2::draft("[IMAP-1993]", &[]).is_err());
}
