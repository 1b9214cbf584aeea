//! `redirect_uri`, `domain_hint` and `prompt`: what a sign-in by browser needs beside the app registration.

use url::{Host, Url};

use super::super::provider::Provider;
use super::super::reader::{Reader, Text};
use super::super::table::{Table, one_of};

/// The redirect URI if nothing is said. A fixed port, because Entra ID alone looks past it, and there not for every kind of
/// registration; and with its slash, which browsers add.
const REDIRECT_URI: &str = "http://localhost:8425/";

/// The longest redirect URI that Entra ID registers.
const LONGEST: usize = 256;

/// What `OpenID` Connect Core 3.1.2.1 has and somebody at a browser can use.
const PROMPTS: &[(&str, &str)] = &[
    ("login", "login"),
    ("select_account", "select_account"),
    ("consent", "consent"),
];

/// What the address that a browser is sent to has beside the app.
pub(super) struct Browser {
    pub(super) redirect_uri: Box<str>,
    pub(super) extra: Vec<(Box<str>, Box<str>)>,
}

impl Browser {
    pub(super) fn read(table: &Table<'_>, provider: &Provider, reader: &mut Reader<'_>) -> Self {
        let redirect_uri = match table.text("redirect_uri", reader) {
            Some(text) => {
                note_redirect(&text, provider.is_entra(), reader);
                text.value.into()
            }
            None => REDIRECT_URI.into(),
        };
        let prompt = table.text("prompt", reader);
        let prompt = prompt.and_then(|text| one_of("prompt", text, PROMPTS, reader));
        let domain = table
            .text("domain_hint", reader)
            .filter(|text| is_domain(text, reader));
        let own = [
            ("prompt", prompt.map(|at| at.value.into())),
            ("domain_hint", domain.map(|text| text.value.into())),
        ];
        let mut extra: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in provider.preset.map_or(&[][..], |preset| preset.authorize_extra) {
            let is_own = own.iter().any(|(known, value)| known == name && value.is_some());
            if !is_own {
                extra.push(((*name).into(), (*value).into()));
            }
        }
        extra.extend(
            own.into_iter()
                .filter_map(|(name, value)| Some((name.into(), value?))),
        );
        Self { redirect_uri, extra }
    }
}

fn is_domain(text: &Text, reader: &mut Reader<'_>) -> bool {
    let sound = !text.value.is_empty() && text.value.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        reader.error(
            &text.span,
            format!("`domain_hint` = {} is not a domain", text.shown()),
            "it tells Entra ID which sign-in page to show",
            "write a domain of the tenant, \"organizations\" or \"consumers\"",
        );
    }
    sound
}

/// It is kept to the letter, because providers compare letters; what is looked at is whether it can work.
fn note_redirect(text: &Text, is_entra: bool, reader: &mut Reader<'_>) {
    let fix = "write \"http://localhost:8425/\", or the https address that is registered";
    if let Err(why) = usable(&text.value, is_entra) {
        reader.error(
            &text.span,
            format!("`redirect_uri` = {} cannot be used", text.shown()),
            why,
            fix,
        );
    } else if is_entra && text.value.starts_with("http:") && !text.value.starts_with("http://localhost:") {
        reader.warning(
            &text.span,
            format!("the portal does not take `redirect_uri` = {}", text.shown()),
            "of http addresses its form knows only those with localhost, in lower case",
            "write http://localhost with the same port and path, or enter this one in the registration's manifest",
        );
    }
}

/// RFC 6749 3.1.2 and RFC 8252 7.3: a code that crosses a network does so in TLS.
fn usable(text: &str, is_entra: bool) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if url.fragment().is_some() {
        return Err("a `#` and what follows it never reaches a server");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or password in it");
    }
    if is_entra && (text.len() > LONGEST || text.contains(['!', '$', '\'', '(', ')', ',', ';', '*'])) {
        return Err("Entra ID registers at most 256 characters, and none of ! $ ' ( ) , ; *");
    }
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    };
    match url.scheme() {
        "http" if !is_here => {
            Err("http is for this machine alone: the code would cross the network in clear")
        }
        "http" if !has_port(text) => {
            Err("it has no port, so it means port 80, where saslgate does not wait for a browser")
        }
        "https" | "http" => Ok(()),
        _ => Err("it is neither https nor http"),
    }
}

/// Whether a port is written, be it the scheme's own, which a parsed URL forgets.
fn has_port(text: &str) -> bool {
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    port.parse::<u16>().is_ok_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_this_machine_or_https() {
        let cases = [
            ("http://localhost:8425/", true),
            ("http://localhost:8425", true),
            ("http://LocalHost:8425/Path?x=1", true),
            ("http://127.0.0.1:80/", true),
            ("http://[::1]:8425/", true),
            ("https://desk.example.net/Callback", true),
            (
                "https://login.microsoftonline.com/common/oauth2/nativeclient",
                true,
            ),
            ("http://localhost/", false),
            ("http://localhost", false),
            ("http://localhost:0/", false),
            ("http://[::1]/", false),
            ("http://127.0.0.2:8425/", false),
            ("http://desk.example.net:8425/", false),
            ("http://localhost.example.net:8425/", false),
            ("https://localhost/#here", false),
            ("https://user@localhost/", false),
            ("https://localhost/(x)", false),
            ("urn:ietf:wg:oauth:2.0:oob", false),
            ("localhost:8425", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(usable(text, true).is_ok(), expected, "{text}");
        }
        assert_eq!(cases.len(), 20);
        assert!(usable("https://localhost/(x)", false).is_ok());
        assert!(usable(&format!("https://x/{}", "a".repeat(250)), true).is_err());
    }
}
