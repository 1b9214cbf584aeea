//! email-oauth2-proxy's server sections: where mail clients connect, and which mail host is behind each.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::super::draft::{Draft, Listener, Tls};
use super::super::endpoint::mail_hosts;
use super::super::ini::{Ini, Options};
use crate::provider::{PRESETS, Protocol, UpstreamTls};

const OPTIONS: &[&str] = &[
    "server_address",
    "server_port",
    "local_address",
    "server_starttls",
    "starttls",
    "local_starttls",
    "local_certificate_path",
    "local_key_path",
];

/// A mail host that mail clients were led to.
pub(super) struct Server {
    pub(super) protocol: Protocol,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: UpstreamTls,
}

impl Server {
    /// Whether a preset has it.
    pub(super) fn is_of_preset(&self) -> bool {
        PRESETS
            .iter()
            .any(|preset| mail_hosts(preset).contains(&self.host.as_str()))
    }
}

/// Reads the server sections: their listeners go to the draft.
pub(super) fn read(ini: &Ini, folder: &Path, draft: &mut Draft) -> Vec<Server> {
    let mut servers = Vec::new();
    for (name, options) in ini.sections() {
        let Some((protocol, port)) = of_section(name) else {
            continue;
        };
        servers.extend(server(name, protocol, options, draft));
        for option in options
            .keys()
            .filter(|option| !OPTIONS.contains(&option.as_str()))
        {
            draft.note(
                format!("{option} of [{name}]"),
                "saslgate changes no mail, and has nothing by that name",
                "leave it out; docs/out-of-scope.md says why",
            );
        }
        let tls = tls(protocol, options, folder);
        let bind = bind(name, port, options, tls.is_some(), draft);
        draft.listeners.push(Listener {
            was: name.to_owned(),
            protocol,
            bind,
            tls,
        });
    }
    servers
}

/// `[IMAP-1993]` and its like.
fn of_section(name: &str) -> Option<(Protocol, u16)> {
    let (protocol, port) = name.split_once('-')?;
    let protocol = match protocol {
        "IMAP" => Protocol::Imap,
        "POP" => Protocol::Pop3,
        "SMTP" => Protocol::Smtp,
        _ => return None,
    };
    Some((protocol, port.parse().ok().filter(|port| *port > 0)?))
}

fn get<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options
        .get(name)
        .map(|value| value.as_str())
        .filter(|value| !value.is_empty())
}

fn is_on(options: &Options, name: &str) -> bool {
    let value = get(options, name).unwrap_or_default().to_lowercase();
    matches!(value.as_str(), "1" | "yes" | "true" | "on")
}

fn server(name: &str, protocol: Protocol, options: &Options, draft: &mut Draft) -> Option<Server> {
    let port = get(options, "server_port").and_then(|port| port.parse().ok());
    let Some((host, port)) = get(options, "server_address").zip(port) else {
        draft.note(
            format!("[{name}]"),
            "it does not say which mail host is behind it",
            "see `preset` in config/reference.toml",
        );
        return None;
    };
    let starts = is_on(options, "server_starttls") || is_on(options, "starttls");
    Some(Server {
        protocol,
        host: host.to_lowercase(),
        port,
        tls: if starts {
            UpstreamTls::StartTls
        } else {
            UpstreamTls::Implicit
        },
    })
}

fn tls(protocol: Protocol, options: &Options, folder: &Path) -> Option<Tls> {
    let certificate = folder.join(get(options, "local_certificate_path")?);
    let starts = protocol == Protocol::Smtp && is_on(options, "local_starttls");
    Some(Tls {
        mode: if starts { "starttls" } else { "implicit" },
        certificate,
        key: get(options, "local_key_path").map(|key| folder.join(key)),
    })
}

/// Where mail clients connect. Without `local_address` that program listens on every address.
fn bind(name: &str, port: u16, options: &Options, has_tls: bool, draft: &mut Draft) -> Vec<String> {
    let given = get(options, "local_address")
        .unwrap_or("::")
        .trim_matches(['[', ']']);
    let bind = match (given, given.parse::<IpAddr>()) {
        ("::", _) => vec![format!("0.0.0.0:{port}"), format!("[::]:{port}")],
        ("localhost", _) => vec![format!("localhost:{port}")],
        (_, Ok(address)) => vec![SocketAddr::new(address, port).to_string()],
        (_, Err(_)) => {
            let what = format!("saslgate listens at addresses, and {given} is a name");
            let fix =
                "write its address into `bind` of the listener if mail clients on other machines use it";
            draft.note(format!("local_address of [{name}]"), what, fix);
            vec![format!("localhost:{port}")]
        }
    };
    let is_here = bind
        .iter()
        .all(|at| at.starts_with("localhost") || at.starts_with("127.") || at.starts_with("[::1]"));
    if !is_here && !has_tls {
        draft.note(
            format!("[{name}]"),
            "it took passwords in clear from every machine that reaches it; saslgate does from this machine only",
            "if mail clients on other machines use it: add their networks to the listener as `plaintext_from` and `allow_from`, or give it a \
             certificate (`saslgate certs`); if none does, write bind = \"localhost:PORT\"",
        );
    }
    bind
}
