//! A machine with what configurations refer to, and the parts that configurations are made of.

#![allow(dead_code, reason = "each test file needs some of it")]

use std::path::Path;

use saslgate::config::{Config, Given, Problems, load};

pub(crate) const APP: &str = r#"
[app]
tenant = "contoso.onmicrosoft.com"
client_id = "11111111-2222-3333-4444-555555555555"
client_secret_file = "secret"
grant = "client_credentials"
"#;

pub(crate) const SG1: &str = "sg1:2345:c2FsdHNhbHRzYWx0c2FsdA:DTdtJLapPYcjgTYHOZxUV3qJmZY3meND8KxSBoxCgKw";

pub(crate) fn account(login: &str, more: &str) -> String {
    format!("[[account]]\nlogin = \"{login}\"\npassword = \"{SG1}\"\n{more}\n")
}

pub(crate) fn machine() -> Given {
    let mut machine = Given::default()
        .file("/etc/saslgate/secret", "the-Value\r\n")
        .file("/etc/saslgate/ca.pem", authority())
        .variable("TENANT", "fabrikam.com")
        .variable("PORT", "2143");
    machine.programs.push("/usr/local/bin/token".into());
    machine
}

/// A self-signed certificate.
fn authority() -> String {
    rcgen::generate_simple_self_signed(["mail.example.com".to_owned()])
        .unwrap()
        .cert
        .pem()
}

pub(crate) fn try_load(text: &str) -> Result<Config, Problems> {
    let path = "/etc/saslgate/saslgate.toml";
    load(Path::new(path), &machine().file(path, text))
}

#[track_caller]
pub(crate) fn loaded(text: &str) -> Config {
    try_load(text).map_err(|problems| problems.to_string()).unwrap()
}
