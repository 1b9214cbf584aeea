//! What the browser brings back (RFC 6749 4.1.2): read, whoever may have sent it, and not believed yet.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::oauth::reply::ErrorReply;
use crate::secret::Secret;

/// The longest text read. Codes of Entra ID have about 1 KiB.
const MAX_TEXT: usize = 16 * 1024;

/// What a text says. Its state has not been compared with anything.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) state: Option<Secret<String>>,
    /// Which provider says so, by RFC 9207, where it names itself.
    pub(super) issuer: Option<Box<str>>,
    pub(super) said: Said,
}

/// What came of a sign-in.
#[derive(Debug)]
pub(super) enum Said {
    Code(Secret<String>),
    /// An administrator has consented for everybody; there is no code then.
    AdminConsent {
        tenant: Option<Box<str>>,
    },
    Refused(ErrorReply),
}

/// Reads the path and query of a request to the redirect URI. None if it has nothing of a sign-in in it, as when a
/// browser asks for an icon.
pub(super) fn of_request(target: &str) -> Option<Brought> {
    let (_path, query) = bounded(target)?.split_once('?')?;
    of_query(query)
}

/// Reads what a person copied: the whole address, a part of it that has the query, or the code alone. Terminals and mail
/// programs break long lines, so white space counts for nothing.
pub(super) fn of_paste(text: &str) -> Option<Brought> {
    let text: String = bounded(text)?.split_whitespace().collect();
    let text = text.trim_matches(['"', '\'', '<', '>']);
    let has_fields = ["code=", "error=", "admin_consent="]
        .iter()
        .any(|field| text.starts_with(field) || text.contains(&format!("&{field}")));
    match text.split_once('?') {
        Some((_address, query)) => of_query(query),
        None if has_fields => of_query(text),
        // An address of a page on the way there.
        None if text.contains("://") => None,
        None => Some(Brought {
            state: None,
            issuer: None,
            said: Said::Code(code(text.into())?),
        }),
    }
}

fn bounded(text: &str) -> Option<&str> {
    (text.len() <= MAX_TEXT).then_some(text)
}

fn of_query(query: &str) -> Option<Brought> {
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let fields = Fields::parse(query)?;
    let said = if let Some(error) = fields.get("error") {
        Said::Refused(refusal(error, &fields))
    } else if let Some(text) = fields.get("code") {
        Said::Code(code(text.into())?)
    } else if fields
        .get("admin_consent")
        .is_some_and(|said| said.eq_ignore_ascii_case("true"))
    {
        let tenant = fields
            .get("tenant")
            .map(|tenant| crate::name::shown(tenant.as_bytes(), 100).into());
        Said::AdminConsent { tenant }
    } else {
        return None;
    };
    let state = fields.get("state").map(|state| Secret::new(state.to_owned()));
    let issuer = fields.get("iss").map(Into::into);
    Some(Brought { state, issuer, said })
}

fn refusal(error: &str, fields: &Fields<'_>) -> ErrorReply {
    let text = |name| fields.get(name).map(str::to_owned);
    ErrorReply {
        error: error.to_owned(),
        error_description: text("error_description"),
        error_codes: Vec::new(),
        suberror: text("error_subcode"),
        claims: None,
        correlation_id: None,
    }
}

/// RFC 6749 A.11.
fn code(text: Cow<'_, str>) -> Option<Secret<String>> {
    let is_code = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_code.then(|| Secret::new(text.into_owned()))
}

/// The fields of a query, of which none may be there twice (RFC 6749 3.1): whoever adds one could not say which counts.
struct Fields<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Fields<'q> {
    fn parse(query: &'q str) -> Option<Self> {
        let fields: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let is_twice = |at: usize, name: &str| fields[..at].iter().any(|(known, _)| known == name);
        let any_twice = fields
            .iter()
            .enumerate()
            .any(|(at, (name, _))| is_twice(at, name));
        (!any_twice).then_some(Self(fields))
    }

    /// A field that is not empty.
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was read: the state, then what it says.
    fn shown(brought: Option<Brought>) -> String {
        let Some(Brought { state, said, .. }) = brought else {
            return "nothing".to_owned();
        };
        let state = state.map_or("-".to_owned(), |state| state.expose().clone());
        match said {
            Said::Code(code) => format!("{state} code {}", code.expose()),
            Said::AdminConsent { tenant } => format!("{state} admin {}", tenant.unwrap_or_default()),
            Said::Refused(reply) => format!("{state} {}: {}", reply.error, reply.said()),
        }
    }

    #[test]
    fn a_request_is_read_as_the_provider_sent_the_browser_here() {
        let cases = [
            ("/?code=0.AX_y-z&state=st&session_state=7", "st code 0.AX_y-z"),
            ("/callback?state=st&code=4%2F0AbC%2Bd", "st code 4/0AbC+d"),
            ("/?code=a", "- code a"),
            ("/?code=a&state=", "- code a"),
            (
                "/?error=access_denied&error_description=AADSTS65004%3a+declined.%0d%0aTrace+ID%3a+7&state=st",
                "st access_denied: AADSTS65004: declined.\r\nTrace ID: 7",
            ),
            ("/?error=server_error&state=st", "st server_error: server_error"),
            (
                "/?error=access_denied&error_subcode=cancel",
                "- access_denied: access_denied suberror: cancel",
            ),
            // Where both are there, the error counts.
            (
                "/?code=a&error=access_denied&state=st",
                "st access_denied: access_denied",
            ),
            ("/?admin_consent=True&tenant=t-1&state=st&scope=x", "st admin t-1"),
            ("/?admin_consent=true", "- admin "),
            ("/?admin_consent=False&state=st", "nothing"),
            (
                "/?admin_consent=True&error=consent_required&error_description=no&state=st",
                "st consent_required: no",
            ),
            ("/favicon.ico", "nothing"),
            ("/", "nothing"),
            ("/?", "nothing"),
            ("/?state=st", "nothing"),
            ("/?code=&state=st", "nothing"),
            ("/?code=a%0d%0ab&state=st", "nothing"),
            ("/?code=a%20b&state=st", "nothing"),
            ("/?code=a&code=b&state=st", "nothing"),
            ("/?code=a&state=st&state=other", "nothing"),
            ("/?code=a%FF&state=st", "nothing"),
            ("code=a&state=st", "nothing"),
        ];
        for (target, expected) in cases {
            assert_eq!(shown(of_request(target)), expected, "{target}");
        }
        assert_eq!(cases.len(), 23);
        assert_eq!(
            shown(of_request(&format!("/?code={}", "a".repeat(MAX_TEXT)))),
            "nothing"
        );
    }

    #[test]
    fn a_paste_is_read_in_whichever_form_it_was_copied() {
        let cases = [
            ("http://localhost:8425/?code=a&state=st", "st code a"),
            (" \"http://localhost:8425/?code=a&state=st#\"\n", "st code a"),
            (
                "<https://x/nativeclient?code=a&state=st&session_state=1>",
                "st code a",
            ),
            (
                "http://localhost:8425/?code=0.AX\n  yz&sta\r\nte=st",
                "st code 0.AXyz",
            ),
            ("/?code=a&state=st", "st code a"),
            ("?code=a&state=st", "st code a"),
            ("code=a&state=st", "st code a"),
            ("state=st&code=a", "st code a"),
            ("error=access_denied&state=st", "st access_denied: access_denied"),
            ("http://localhost:8425/?admin_consent=True&tenant=t", "- admin t"),
            // The code alone, of Entra ID, of a personal account and of Google.
            ("0.AX_y-z", "- code 0.AX_y-z"),
            ("M.C123_BAY.2.U.1a2b!x*y$", "- code M.C123_BAY.2.U.1a2b!x*y$"),
            ("4/0AbC-d", "- code 4/0AbC-d"),
            // The address on which the sign-in began, and one without anything.
            (
                "https://login.microsoftonline.com/c/oauth2/v2.0/authorize?client_id=1&state=st",
                "nothing",
            ),
            ("http://localhost:8425/", "nothing"),
            ("", "nothing"),
            (" \r\n", "nothing"),
            ("cödé", "nothing"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(of_paste(text)), expected, "{text}");
        }
        assert_eq!(cases.len(), 18);
    }
}
