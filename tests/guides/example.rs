//! A file of config/examples/, taken as it is shipped: only addresses, files and the password are exchanged.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use saslgate::provider::{Preset, Protocol, preset};
use saslgate::sim::Sim;

use crate::support::Tls;

/// The application (client) id that stands in all of them.
pub(crate) const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

/// Where a mail client finds the gate, in the order of the file.
pub(crate) const LISTENERS: [(Protocol, Tls); 3] = [
    (Protocol::Imap, "off"),
    (Protocol::Pop3, "off"),
    (Protocol::Smtp, "off"),
];

/// The line that says that it matches no password.
const NO_PASSWORD: &str = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Where the files stand that it names.
const FOLDER: &str = "/etc/saslgate/";

pub(crate) fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/examples/{name}.toml"));
    fs::read_to_string(path).unwrap()
}

/// The names of the secret files that a file wants.
pub(crate) fn secret_files(text: &str) -> Vec<&str> {
    let files = text.lines().filter_map(|line| line.split_once(FOLDER));
    let names = files.map(|(_, rest)| rest.split('"').next().unwrap());
    names.filter(|name| name.ends_with(".secret")).collect()
}

/// The same with the files in the configuration's own folder, and one that matches this password's hash.
pub(crate) fn moved(text: &str, hash: &str) -> String {
    text.replace(FOLDER, "").replace(NO_PASSWORD, hash)
}

/// The same for a simulator instead of Microsoft's own addresses. What the preset knows has to be written then: endpoints,
/// mail hosts, the scopes of these protocols where the file has none, and those that bring a refresh token.
pub(crate) fn for_simulator(text: &str, sim: &Sim, protocols: &[Protocol], redirect_uri: &str) -> String {
    let mut own = "preset = \"sim\"\n".to_owned();
    // Where the product connects is not what a guide is about; a listener is the last that stands in a file.
    let before = text.split("[[listener]]").next().unwrap();
    let mut text = before.to_owned();
    match text
        .lines()
        .find(|line| line.starts_with("scope "))
        .map(str::to_owned)
    {
        Some(line) => {
            let with_sign_in = format!("{},{}\"", line.trim_end_matches('"'), microsoft().scopes.sign_in);
            text = text.replace(&line, &with_sign_in);
        }
        None => {
            let _ = writeln!(own, "scope = \"{}\"", scope(&text, protocols));
        }
    }
    if text.contains("\"authorization_code\"") {
        let _ = writeln!(own, "redirect_uri = \"{redirect_uri}\"");
    }
    let exchanged = text.replace("[app]\n", &format!("[app]\n{own}"));
    assert_ne!(exchanged, text, "there is no [app] in it");
    exchanged + &tables(sim)
}

fn microsoft() -> &'static Preset {
    preset("microsoft365").unwrap()
}

/// What the preset asks for.
pub(crate) fn scope(text: &str, protocols: &[Protocol]) -> String {
    let microsoft = microsoft();
    // A comment tells of another way.
    let is_app_only = |line: &str| !line.starts_with('#') && line.contains("\"client_credentials\"");
    if text.lines().any(is_app_only) {
        return microsoft.app_scope.unwrap().to_owned();
    }
    let mut scopes: Vec<_> = protocols
        .iter()
        .map(|protocol| microsoft.scopes.of(*protocol))
        .collect();
    scopes.push(microsoft.scopes.sign_in);
    scopes.join(" ")
}

fn tables(sim: &Sim) -> String {
    let to = sim.addresses();
    let mut text = format!(
        "\n[provider.sim]\n\
         token_url = \"{authority}/{{tenant}}/oauth2/v2.0/token\"\n\
         authorize_url = \"{authority}/{{tenant}}/oauth2/v2.0/authorize\"\n\
         device_url = \"{authority}/{{tenant}}/oauth2/v2.0/devicecode\"\n",
        authority = to.authority()
    );
    let hosts: [(&str, SocketAddr, Tls); 3] = [
        ("imap", to.imap, "implicit"),
        ("pop3", to.pop3, "implicit"),
        ("smtp", to.smtp, "starttls"),
    ];
    for (protocol, host, tls) in hosts {
        let _ = write!(
            text,
            "{protocol} = \"localhost:{}\"\ntls.{protocol} = \"{tls}\"\n",
            host.port()
        );
    }
    text += "\n[upstream]\nca_file = \"ca.pem\"\nproxy = \"none\"\n";
    text += "\n[store]\npath = \"tokens\"\n\n[server]\ncontrol = \"control/socket\"\n";
    text += "\n[log]\nformat = \"json\"\nlevel = \"debug\"\n";
    for (protocol, tls) in LISTENERS {
        let _ = write!(
            text,
            "\n[[listener]]\nprotocol = \"{protocol}\"\nbind = \"127.0.0.1:0\"\ntls = \"{tls}\"\n"
        );
    }
    text
}
