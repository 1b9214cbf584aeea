//! What proves an app: a secret, a certificate, another issuer's word, or the platform's.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, account, machine};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use saslgate::config::{Config, Given, Problems, load};
use saslgate::oauth::{Grant, ManagedIdentity, Proof};

const CONFIG: &str = "/etc/saslgate/saslgate.toml";

const ID: &str = "client_id = \"11111111-2222-3333-4444-555555555555\"\n";

/// An app of that grant, and what else it says.
fn app(grant: &str, more: &str) -> String {
    format!("[app]\ngrant = \"{grant}\"\n{more}\n")
}

/// An app of contoso.com of that grant.
fn contoso(grant: &str, more: &str) -> String {
    app(grant, &format!("tenant = \"contoso.com\"\n{ID}{more}"))
}

/// On a machine with more in it.
fn try_on(machine: &Given, text: &str) -> Result<Config, Problems> {
    load(Path::new(CONFIG), &machine.clone().file(CONFIG, text))
}

#[track_caller]
fn on(machine: &Given, text: &str) -> Config {
    try_on(machine, text)
        .map_err(|problems| problems.to_string())
        .unwrap()
}

/// A certificate and its key.
fn certified() -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = CertificateParams::new(["saslgate".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn an_app_proves_itself_in_the_way_that_is_written() {
    let (certificate, key) = certified();
    let machine = machine()
        .file("/etc/saslgate/app.pem", certificate.clone())
        .file("/etc/saslgate/app.key", key.clone())
        .file("/etc/saslgate/both.pem", format!("{key}{certificate}"))
        .file("/run/token", "a.b.c")
        .variable("CLIENT_SECRET", "the-Value");
    let cases = [
        ("client_secret_file = \"secret\"", "Secret"),
        ("client_secret_env = \"CLIENT_SECRET\"", "Secret"),
        (
            "certificate = \"app.pem\"\nkey = \"app.key\"",
            "Certificate(CertificateFiles(\"/etc/saslgate/app.pem\", \"/etc/saslgate/app.key\"))",
        ),
        (
            "certificate = \"both.pem\"\ncertificate_algorithm = \"RS256\"",
            "Certificate(CertificateFiles(\"/etc/saslgate/both.pem\", \"/etc/saslgate/both.pem\"))",
        ),
        (
            "federated_token_file = \"/run/token\"\nmanaged_identity = false",
            "Federated(FederatedToken(\"/run/token\"))",
        ),
    ];
    for (proof, expected) in cases {
        for grant in ["client_credentials", "authorization_code"] {
            let text = contoso(grant, proof) + &account("a@contoso.com", "");
            let config = on(&machine, &text);
            let found = format!("{:?}", config.apps[0].app.grant.registration().unwrap().proof);
            assert!(found.starts_with(expected), "{proof}: {found}");
        }
    }
    assert_eq!(cases.len(), 5);
}

fn identity(config: &Config) -> &ManagedIdentity {
    match &config.apps[0].app.grant {
        Grant::ManagedIdentity(identity) => identity,
        other => panic!("{other:?}"),
    }
}

/// Variables, the key, and the platform or why there is none.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Result<&'a str, &'a str>);

#[test]
fn a_managed_identity_is_the_one_of_the_platform_that_the_environment_tells() {
    let app_service = [
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:41564/msi/token"),
        ("IDENTITY_HEADER", "CANARY"),
    ];
    let arc = [
        (
            "IDENTITY_ENDPOINT",
            "http://localhost:40342/metadata/identity/oauth2/token",
        ),
        ("IMDS_ENDPOINT", "http://localhost:40342"),
    ];
    let fabric = [
        app_service[0],
        app_service[1],
        ("IDENTITY_SERVER_THUMBPRINT", "00"),
    ];
    let far = [
        ("IDENTITY_ENDPOINT", "http://192.0.2.7/token"),
        ("IDENTITY_HEADER", "CANARY"),
    ];
    let user = "\"99999999-2222-3333-4444-555555555555\"";
    let cases: [Case<'_>; 7] = [
        (&[], "true", Ok("virtual machine")),
        (&[], user, Ok("virtual machine")),
        (&app_service, "true", Ok("App Service")),
        (&app_service, user, Ok("App Service")),
        (&arc, "true", Err("Azure Arc")),
        (&fabric, "true", Err("Service Fabric")),
        (&far, "true", Err("an address of this machine")),
    ];
    for (variables, which, expected) in cases {
        let mut machine = machine();
        for (name, value) in variables {
            machine = machine.variable(name, value);
        }
        let text = app("client_credentials", &format!("managed_identity = {which}"));
        let text = text + &account("a@contoso.com", "");
        match (try_on(&machine, &text), expected) {
            (Ok(config), Ok(platform)) => {
                assert!(config.warnings.list.is_empty(), "{}", config.warnings);
                let identity = identity(&config);
                assert_eq!(identity.platform.to_string(), platform);
                assert_eq!(&*identity.resource, "https://outlook.office365.com");
                assert_eq!(identity.client_id.is_some(), which == user);
                assert!(!format!("{config:?}").contains("CANARY"));
            }
            (Err(problems), Err(why)) => {
                assert!(problems.to_string().contains(why), "{problems}");
                assert!(!problems.to_string().contains("CANARY"));
            }
            (other, expected) => panic!("{variables:?} {which}: {other:?}, not {expected:?}"),
        }
    }
    assert_eq!(cases.len(), 7);
}

#[test]
fn a_service_account_asks_for_each_person() {
    let (_, key) = certified();
    let json = format!(
        r#"{{"type":"service_account","client_email":"mail@p.iam.gserviceaccount.com","private_key_id":"1","private_key":{key:?}}}"#
    );
    let machine = machine().file("/etc/saslgate/service.json", json);
    let more = "preset = \"google\"\nservice_account_file = \"service.json\"";
    let config = on(
        &machine,
        &(app("client_credentials", more) + &account("a@example.com", "")),
    );
    let Grant::ServiceAccount(service) = &config.apps[0].app.grant else {
        panic!("another grant")
    };
    assert_eq!(service.address(), "mail@p.iam.gserviceaccount.com");
    assert_eq!(
        service.token_url().as_str(),
        "https://oauth2.googleapis.com/token"
    );
    assert_eq!(service.scopes().to_string(), "https://mail.google.com/");
}

/// A cluster that gives its workloads an identity.
fn cluster() -> Given {
    machine()
        .file("/var/run/token", "a.b.c")
        .variable("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token")
        .variable("AZURE_CLIENT_ID", "22222222-2222-3333-4444-555555555555")
        .variable("AZURE_TENANT_ID", "0a0b0c0d-1111-2222-3333-444455556666")
}

#[test]
fn a_workload_identity_says_what_the_file_leaves_out() {
    let [file, client, tenant, host] = [
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_AUTHORITY_HOST",
    ];
    let with_host = |host: &str| cluster().variable("AZURE_AUTHORITY_HOST", host);
    let global = "https://login.microsoftonline.com/0a0b0c0d-1111-2222-3333-444455556666/oauth2/v2.0/token";
    let cases: [(Given, &str, &str, &[&str]); 5] = [
        (cluster(), "", global, &[file, client, tenant]),
        (
            with_host("https://login.microsoftonline.com/"),
            "",
            global,
            &[file, host, client, tenant],
        ),
        (
            with_host("https://login.partner.microsoftonline.cn/"),
            "",
            "https://login.partner.microsoftonline.cn/0a0b0c0d-1111-2222-3333-444455556666/oauth2/v2.0/token",
            &[file, host, client, tenant],
        ),
        // What the file says stands above the environment.
        (
            with_host("https://login.microsoftonline.us/"),
            "preset = \"microsoft365-dod\"\ntenant = \"contoso.us\"",
            "https://login.microsoftonline.us/contoso.us/oauth2/v2.0/token",
            &[file, client],
        ),
        (cluster(), ID, global, &[file, tenant]),
    ];
    for (machine, more, token_url, environment) in &cases {
        let text = app("client_credentials", more) + &account("a@contoso.com", "");
        let config = on(machine, &text);
        assert!(config.warnings.list.is_empty(), "{}", config.warnings);
        let registration = config.apps[0].app.grant.registration().unwrap();
        assert_eq!(registration.token_url.as_str(), *token_url);
        assert!(matches!(registration.proof, Proof::Federated(_)));
        assert_eq!(registration.client_id.starts_with("2222"), *more != ID);
        assert_eq!(config.apps[0].environment, *environment, "{more}");
    }
    assert_eq!(cases.len(), 5);
    let refused = try_on(
        &with_host("https://login.microsoftonline.us/"),
        &(app("client_credentials", "") + &account("a@contoso.com", "")),
    );
    let why = refused.unwrap_err().to_string();
    assert!(
        why.contains("add preset = \"microsoft365-gcc-high\" or \"microsoft365-dod\""),
        "{why}"
    );
}

#[test]
fn a_workload_identity_is_for_apps_that_have_no_proof_of_their_own() {
    let people = contoso("authorization_code", "") + &account("a@contoso.com", "");
    let config = on(&cluster(), &people);
    assert!(
        matches!(
            config.apps[0].app.grant.registration().unwrap().proof,
            Proof::None
        ),
        "a public app would be refused with a proof"
    );
    let config = on(&cluster(), &format!("{APP}{}", account("a@contoso.com", "")));
    assert!(matches!(
        config.apps[0].app.grant.registration().unwrap().proof,
        Proof::Secret(_)
    ));
    assert!(config.apps[0].environment.is_empty());
}

#[test]
fn a_token_that_the_platform_renews_is_no_change_of_the_configuration() {
    let text = app("client_credentials", "") + &account("a@contoso.com", "");
    let [old, new] =
        ["a.b.c", "a.b.d"].map(|token| on(&cluster().file("/var/run/token", token), &text).digest);
    assert!(old == new);
}
