//! `[admin]`: where the admin page is, and who gets in.

use std::net::SocketAddr;

use url::{Host, Url};

use super::fingerprint::{Fingerprint, Sum};
use super::identity::{self, Certified, Whose};
use super::keys;
use super::network;
use super::password::{self, Password};
use super::reader::{Reader, Span};
use super::table::Table;
use crate::admin::Settings;

/// The port that nothing else of saslgate has.
const PORT: u16 = 8424;

const WHOSE: Whose = Whose {
    owner: "the admin page's",
    seen_by: "browsers",
};

/// What tells one `[admin]` from another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AdminPrint {
    whole: Fingerprint,
    /// Who knows another password has to log in again.
    pub(super) password: Option<Fingerprint>,
}

/// Reads `[admin]`, if it is there. `taken`: where this configuration listens already.
pub(super) fn read(
    root: &Table<'_>,
    taken: &[SocketAddr],
    reader: &mut Reader<'_>,
) -> Option<(Settings, AdminPrint)> {
    let table = root.sub("admin", &keys::ADMIN, reader)?;
    let errors = reader.errors();
    let bind = bind(&table, taken, reader);
    let certified = certified(&table, reader);
    let behind_proxy = table.flag("behind_proxy", reader).is_some_and(|at| at.value);
    let allow_from = network::list("allow_from", &table, reader).unwrap_or_default();
    let url = url(&table, &bind, certified.is_some(), reader);
    let password = password(&table, reader);
    let settings = |certified: Option<Certified>, url| {
        let (identity, read) = certified.unzip();
        let (files, print) = read.unzip();
        let (password, password_print) = password.unzip();
        let settings = Settings {
            bind,
            url,
            identity,
            files,
            password,
            behind_proxy,
            allow_from,
        };
        let password = password_print.map(|(_, print)| print);
        let print = AdminPrint {
            whole: whole(&settings, print, password),
            password,
        };
        (settings, print)
    };
    if reader.errors() > errors {
        return None;
    }
    let (settings, print) = settings(certified, url?);
    note_reach(&settings, &table, reader);
    Some((settings, print))
}

fn whole(settings: &Settings, identity: Option<Fingerprint>, password: Option<Fingerprint>) -> Fingerprint {
    let mut sum = Sum::new();
    let Settings {
        bind,
        url,
        behind_proxy,
        allow_from,
        ..
    } = settings;
    sum.add(format!("{bind:?} {url} {behind_proxy} {allow_from:?}").as_bytes());
    for print in [identity, password] {
        sum.add(print.as_ref().map_or(&[], Fingerprint::as_bytes));
    }
    sum.end()
}

/// Both families of this machine where nothing is said: a browser that is sent to localhost may try either first, and whoever had the
/// other one would get the password.
fn bind(table: &Table<'_>, taken: &[SocketAddr], reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    let span = table.key("bind").unwrap_or(table.span.clone());
    let addresses = match table.key("bind") {
        Some(_) => network::unshared(table, taken, reader),
        None => network::localhost(PORT),
    };
    if addresses.iter().any(|address| address.port() == 0) {
        reader.error(
            &span,
            "`bind` of [admin] has the port 0",
            "the system would choose another port at each start, and links and bookmarks would lead nowhere",
            "choose one, such as 8424",
        );
    }
    addresses
}

fn certified(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Certified> {
    let certificate = table.text("certificate", reader);
    let key = table.text("key", reader);
    for (name, other) in [("certificate", "key"), ("key", "certificate")] {
        if table.key(name).is_none() && table.key(other).is_some() {
            let why = "TLS needs a certificate and its key";
            table.missing(name, why, "name the PEM file of both", reader);
        }
    }
    identity::read(&certificate?, &key?, &WHOSE, reader)
}

/// By which address people reach the page: what was said, or this machine.
fn url(table: &Table<'_>, bind: &[SocketAddr], tls: bool, reader: &mut Reader<'_>) -> Option<Url> {
    let Some(span) = table.key("url") else {
        let scheme = if tls { "https" } else { "http" };
        let first = bind.first()?;
        if !first.ip().is_loopback() {
            let why = "links and redirects have to lead to it, and it answers to no other name";
            table.missing(
                "url",
                why,
                "add url = \"https://NAME\" as browsers write it",
                reader,
            );
            return None;
        }
        return format!("{scheme}://localhost:{}", first.port()).parse().ok();
    };
    let text = table.text("url", reader)?;
    let url = Url::parse(&text.value).ok();
    match url.as_ref().map_or(Some(NO_URL), |url| wrong(url, tls)) {
        None => url,
        Some((why, fix)) => {
            reader.error(&span, "`url` of [admin] cannot be used", why, fix);
            None
        }
    }
}

const NO_URL: (&str, &str) = ("it is no URL", "write \"https://NAME\" or \"https://NAME:PORT\"");

/// Why browsers can't reach the page by an address, and what mends it.
fn wrong(url: &Url, tls: bool) -> Option<(&'static str, &'static str)> {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Some(NO_URL),
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    match url.scheme() {
        "http" if tls => Some(("a certificate is given, so TLS is spoken there", "write https://")),
        "http" if !is_here => Some((
            "passwords and codes would cross the network in clear",
            "write https://, and give `certificate` and `key`, or put a proxy with TLS in front (`behind_proxy`)",
        )),
        "http" | "https" if !is_bare => Some((
            "it has a path, and the page is at the root of its name",
            "give the page a name or a port of its own",
        )),
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => Some((
            "a name or password is in it",
            "write \"https://NAME\" or \"https://NAME:PORT\"",
        )),
        "http" | "https" => None,
        _ => Some(NO_URL),
    }
}

fn password(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Password> {
    let (line, file) = (table.key("password"), table.key("password_file"));
    if let (Some(_), Some(file)) = (&line, &file) {
        reader.error(
            file,
            "both `password` and `password_file` are given",
            "only one can be meant",
            "remove one of them",
        );
    }
    if line.is_some() {
        let text = table.text("password", reader)?;
        return password::stored(&text, reader);
    }
    let plain = password::from_file(table, reader)?;
    password::hashed(&plain, reader)
}

/// What other machines may do.
fn note_reach(settings: &Settings, table: &Table<'_>, reader: &mut Reader<'_>) {
    let at = |key: &str| table.key(key).unwrap_or(table.span.clone());
    let beyond = settings.bind.iter().find(|address| !address.ip().is_loopback());
    let Some(address) = beyond else { return };
    let from_anywhere = settings.allow_from.is_empty();
    match (&settings.identity, settings.behind_proxy) {
        (None, false) => reader.error(
            &at("bind"),
            format!("the admin page at {address} could be reached from other machines without TLS"),
            "its password would cross the network in clear",
            "add `certificate` and `key`; or behind_proxy = true with `allow_from`, where a proxy in front does TLS; or keep to 127.0.0.1 \
             and come by `ssh -L 8424:localhost:8424`",
        ),
        (_, true) if from_anywhere => behind_nobody(&at("behind_proxy"), reader),
        (Some(_), false) if from_anywhere => reader.warning(
            &at("bind"),
            format!("the admin page at {address} can be reached from anywhere"),
            "whoever guesses its password can sign every account out",
            "add `allow_from` with the networks that need it",
        ),
        _ => {}
    }
}

fn behind_nobody(span: &Span, reader: &mut Reader<'_>) {
    reader.error(
        span,
        "`behind_proxy` without `allow_from`",
        "whoever passes the proxy by could claim to be any address, and be answered without TLS",
        "add allow_from = [\"10.0.0.5\"] with the addresses of the proxies",
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, Given, Problems, load};

    const REST: &str = "[app]\ngrant = \"command\"\npreset = \"own\"\ncommand = [\"/usr/local/bin/token\"]\n\
                        [provider.own]\nimap = \"imap.example:993\"\n\
                        [[account]]\nlogin = \"a@contoso.com\"\nprotocols = [\"imap\"]\n\
                        password = \"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";

    fn read(admin: &str) -> Result<Config, Problems> {
        let pair = rcgen::generate_simple_self_signed(["gate.example".to_owned()]).unwrap();
        let mut machine = Given::default()
            .file("saslgate.toml", format!("{REST}{admin}"))
            .file("admin.password", "correct horse")
            .file("page.pem", pair.cert.pem())
            .file("page.key", pair.signing_key.serialize_pem());
        machine.programs.push("/usr/local/bin/token".into());
        load(Path::new("saslgate.toml"), &machine)
    }

    #[test]
    fn there_is_no_page_unless_it_is_configured_and_then_on_this_machine_alone() {
        assert!(read("").unwrap().admin.is_none());
        let admin = read("[admin]\n").unwrap().admin.unwrap();
        assert!(admin.bind.len() == 2 && admin.bind.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(admin.url.as_str(), "http://localhost:8424/");
        assert!(admin.password.is_none() && !admin.behind_proxy);
        let admin = read("[admin]\nbind = \"127.0.0.1:9000\"\npassword_file = \"admin.password\"\n");
        let admin = admin.unwrap().admin.unwrap();
        assert_eq!(admin.url.as_str(), "http://localhost:9000/");
        assert!(admin.password.is_some());
    }

    /// B8: a page that other machines reach has TLS, its own or a proxy's.
    #[test]
    fn each_way_to_be_exposed_by_mistake_is_an_error() {
        let tls = "certificate = \"page.pem\"\nkey = \"page.key\"\n";
        let https = "url = \"https://gate.example\"\n";
        let table = [
            (
                "bind = \"0.0.0.0:8424\"\nurl = \"https://gate.example\"".to_owned(),
                "without TLS",
            ),
            (
                "bind = \"[::]:8424\"\nurl = \"https://gate.example\"".to_owned(),
                "without TLS",
            ),
            (
                "bind = \"192.0.2.1:8424\"\nurl = \"https://gate.example\"\nallow_from = [\"10.0.0.0/8\"]"
                    .to_owned(),
                "without TLS",
            ),
            (
                format!("bind = \"0.0.0.0:8424\"\n{https}behind_proxy = true"),
                "without `allow_from`",
            ),
            (
                format!("bind = \"0.0.0.0:8424\"\n{https}{tls}behind_proxy = true"),
                "without `allow_from`",
            ),
            (format!("bind = \"0.0.0.0:8424\"\n{tls}"), "has no `url`"),
            ("url = \"http://gate.example:8424\"".to_owned(), "in clear"),
            (
                format!("url = \"http://localhost:8424\"\n{tls}"),
                "write https://",
            ),
            ("url = \"https://gate.example/admin\"".to_owned(), "it has a path"),
            ("url = \"https://gate.example/?x=1\"".to_owned(), "it has a path"),
            (
                "url = \"https://a:b@gate.example\"".to_owned(),
                "a name or password is in it",
            ),
            ("url = \"gate.example\"".to_owned(), "no URL"),
            ("url = \"ftp://gate.example\"".to_owned(), "no URL"),
            ("bind = \"127.0.0.1:0\"".to_owned(), "port 0"),
            ("certificate = \"page.pem\"".to_owned(), "has no `key`"),
            ("key = \"page.key\"".to_owned(), "has no `certificate`"),
            (
                "certificate = \"page.key\"\nkey = \"page.key\"".to_owned(),
                "admin page's certificate",
            ),
            ("password = \"hunter2\"".to_owned(), "`password` cannot be used"),
            (
                "password = \"sg1:x\"\npassword_file = \"admin.password\"".to_owned(),
                "both",
            ),
            ("bind = \"127.0.0.1:1143\"".to_owned(), "is taken"),
        ];
        for (lines, expected) in &table {
            let problems = read(&format!("[admin]\n{lines}\n"))
                .err()
                .unwrap_or_else(|| panic!("taken: {lines}"));
            let shown = problems.to_string();
            assert!(shown.contains(expected), "{lines}: {shown}");
            assert!(shown.starts_with("saslgate.toml:"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(table.len(), 20);
    }

    #[test]
    fn each_way_to_be_reached_on_purpose_is_taken() {
        let tls = "certificate = \"page.pem\"\nkey = \"page.key\"\n";
        let table = [
            (format!("bind = \"0.0.0.0:8424\"\nurl = \"https://gate.example:8424\"\n{tls}"), true),
            (format!("bind = \"0.0.0.0:8424\"\nurl = \"https://gate.example\"\n{tls}allow_from = [\"10.0.0.0/8\"]"), false),
            ("bind = \"0.0.0.0:8424\"\nurl = \"https://gate.example\"\nbehind_proxy = true\nallow_from = [\"10.0.0.5\"]".into(), false),
            ("url = \"https://gate.example\"\nbehind_proxy = true".into(), false),
            ("url = \"https://gate.example\"".into(), false),
            ("url = \"http://127.0.0.1:8424\"".into(), false),
        ];
        for (lines, warned) in &table {
            let config = read(&format!("[admin]\n{lines}\n")).unwrap_or_else(|problems| panic!("{problems}"));
            let warnings = config.warnings.to_string();
            assert_eq!(
                warnings.contains("can be reached from anywhere"),
                *warned,
                "{lines}: {warnings}"
            );
        }
        assert_eq!(table.len(), 6);
    }
}
