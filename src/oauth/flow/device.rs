//! RFC 8628: the sign-in of a person at another machine, for those that have no browser.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::name;
use crate::oauth::endpoint::{Endpoint, Unanswered, Way};
use crate::oauth::error::{Kind, TokenError};
use crate::oauth::fault::Asked;
use crate::oauth::granted::Granted;
use crate::oauth::reply::{Seconds, TokenReply};
use crate::oauth::{Dialect, Proof, Registration, Scopes};
use crate::secret::Secret;

/// RFC 8628 3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The pause between two questions where the provider names none (RFC 8628 3.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// What `slow_down` adds to the pause, for good (RFC 8628 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// The longest pause: a person who has signed in should not wait for much longer.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a code is believed to live at most, and when nothing is said: Entra ID's live 15 minutes.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
const LONGEST_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The longest texts shown. Entra ID's message is a sentence of 130 characters.
const SHOWN: usize = 500;

/// A sign-in that has been asked for, and what the person has to be told.
#[derive(Debug)]
pub struct DeviceAuthorization {
    device_code: Secret<String>,
    /// What Entra ID's older endpoints want to hear with each question.
    resource: Option<Box<str>>,
    /// What the person types.
    pub user_code: Box<str>,
    /// Where: what the provider says and nothing else, because it differs between kinds of account.
    pub verification_uri: Box<str>,
    /// The same with the code in it, for a QR code; Entra ID gives none.
    pub verification_uri_complete: Option<Box<str>>,
    /// The provider's own sentence, in the provider's choice of language.
    pub message: Option<Box<str>>,
    /// How long there is for it.
    pub lifetime: Duration,
    interval: Duration,
}

/// What a question was answered with.
#[derive(Debug)]
pub enum Polled {
    /// The person has signed in.
    Granted(Box<Granted>),
    /// Not yet.
    Pending,
    /// Not yet, and we ask too often.
    SlowDown,
}

/// How often is asked, and for how long: without a clock of its own.
#[derive(Clone, Debug)]
pub struct Pace {
    interval: Duration,
    lifetime: Duration,
}

impl Pace {
    /// The pace that an authorization asks for.
    pub fn of(authorization: &DeviceAuthorization) -> Self {
        Self {
            interval: authorization.interval,
            lifetime: authorization.lifetime,
        }
    }

    /// How long to wait before the next question, `elapsed` after the codes came. None when they have expired by then.
    pub fn pause(&self, elapsed: Duration) -> Option<Duration> {
        (elapsed + self.interval < self.lifetime).then_some(self.interval)
    }

    /// Takes an answer into account. An error that passes is no end of it (RFC 8628 3.5 asks to double the pause then);
    /// any other is handed back.
    pub fn heard(&mut self, answer: Result<Polled, TokenError>) -> Result<Option<Box<Granted>>, TokenError> {
        match answer {
            Ok(Polled::Granted(granted)) => return Ok(Some(granted)),
            Ok(Polled::Pending) => {}
            Ok(Polled::SlowDown) => self.interval += SLOWER,
            Err(error) => match error.kind {
                Kind::Temporary { retry_after } => {
                    let doubled = (self.interval * 2).min(LONGEST);
                    self.interval = doubled.max(retry_after.unwrap_or_default());
                }
                _ => return Err(error),
            },
        }
        Ok(None)
    }
}

impl Endpoint {
    /// Begins a sign-in at `device_url`.
    ///
    /// RFC 8628 3.1 has the app prove itself here already. Entra ID, Google and Yandex document no proof at this endpoint,
    /// and want it with the questions; so it is shown here to a provider that says it is missing, and to no other.
    pub async fn device_authorization(
        &self,
        app: &Registration,
        device_url: &Url,
        scopes: &Scopes,
    ) -> Result<DeviceAuthorization, TokenError> {
        let mut way = self.way_unproven(device_url);
        let mut answer = codes(&way, app, device_url, scopes).await;
        let is_public = matches!(app.proof, Proof::None);
        if matches!(&answer, Err(Unanswered::Refused(reply)) if reply.error == "invalid_client" && !is_public)
        {
            way = self.way(app, device_url, &[]).await?;
            answer = codes(&way, app, device_url, scopes).await;
        }
        answer.map_err(|why| why.told(&way.asked))
    }

    /// Asks once whether the person has signed in.
    pub async fn device_token(
        &self,
        app: &Registration,
        authorization: &DeviceAuthorization,
    ) -> Result<Polled, TokenError> {
        let code = &authorization.device_code;
        let way = self.way(app, &app.token_url, &[code]).await?;
        let mut form = vec![("grant_type", GRANT_TYPE), ("client_id", &*app.client_id)];
        match &authorization.resource {
            // The older endpoints are from before the RFC.
            Some(resource) => form.extend([("code", code.expose().as_str()), ("resource", resource)]),
            None => form.push(("device_code", code.expose())),
        }
        // Not by `oauth2`: it asks until there is an end, with a clock and pauses of its own.
        match way.post::<TokenReply>(&app.token_url, &form).await {
            Ok(reply) => Granted::of(&way.asked, reply).map(|granted| Polled::Granted(Box::new(granted))),
            Err(why) => not_granted(&way.asked, why),
        }
    }
}

/// Asks once for the codes.
async fn codes(
    way: &Way,
    app: &Registration,
    device_url: &Url,
    scopes: &Scopes,
) -> Result<DeviceAuthorization, Unanswered> {
    let (name, value) = app.dialect.asks(&scopes.to_string());
    let form = [("client_id", &*app.client_id), (name, &value)];
    // Not by `oauth2`: it takes no times that are written as strings, as Entra ID's older endpoints write them.
    let reply: Json = way.post(device_url, &form).await?;
    let authorization = reply.checked(&way.asked).map_err(Unanswered::Failed)?;
    Ok(DeviceAuthorization {
        resource: (app.dialect == Dialect::Resource).then(|| value.into()),
        ..authorization
    })
}

/// The words of RFC 8628 3.5, and the two that Entra ID has for them.
fn not_granted(asked: &Asked, why: Unanswered) -> Result<Polled, TokenError> {
    let word = match &why {
        Unanswered::Refused(reply) => reply.error.clone(),
        Unanswered::Failed(_) => String::new(),
    };
    let (what, why_so, fix) = match word.as_str() {
        "authorization_pending" => return Ok(Polled::Pending),
        "slow_down" => return Ok(Polled::SlowDown),
        "access_denied" | "authorization_declined" => (
            "the sign-in was declined",
            "somebody chose Cancel or No where the code was typed, or a policy stands above it",
            "begin again, and accept; if a policy blocks sign-ins by code, sign in with a browser on this machine",
        ),
        "expired_token" | "bad_verification_code" | "code_expired" => (
            "the code has expired",
            "nobody typed it in time",
            "begin again: there will be a new code",
        ),
        _ => return Err(why.told(asked)),
    };
    let told = why.told(asked);
    Err(TokenError {
        kind: Kind::NeedsSignIn,
        what: what.into(),
        why: why_so.into(),
        fix: fix.into(),
        ..told
    })
}

/// RFC 8628 3.2, and the older spelling that Google and Entra ID's first version have.
#[derive(Deserialize)]
struct Json {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    expires_in: Seconds,
    #[serde(default)]
    interval: Seconds,
}

impl Json {
    fn checked(self, asked: &Asked) -> Result<DeviceAuthorization, TokenError> {
        let device_code = Secret::new(self.device_code);
        let is_sound = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sound(device_code.expose()) || self.user_code.trim().is_empty() {
            return Err(asked.malformed("there is no code in the reply"));
        }
        // A person is sent there: it should at least be a page, and not of this machine.
        let is_page = |text: &str| Url::parse(text).is_ok_and(|url| url.scheme() == "https");
        if !is_page(&self.verification_uri) {
            return Err(asked.malformed("verification_uri is not an https address"));
        }
        let shown = |text: String| name::shown(text.as_bytes(), SHOWN).into();
        Ok(DeviceAuthorization {
            device_code,
            resource: None,
            user_code: shown(self.user_code),
            verification_uri: shown(self.verification_uri),
            verification_uri_complete: self
                .verification_uri_complete
                .filter(|uri| is_page(uri))
                .map(shown),
            message: self.message.map(shown),
            lifetime: duration(self.expires_in, LIFETIME).min(LONGEST_LIFETIME),
            interval: duration(self.interval, INTERVAL).clamp(Duration::from_secs(1), LONGEST),
        })
    }
}

fn duration(said: Seconds, usual: Duration) -> Duration {
    match said {
        Seconds::Said(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(usual),
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked::new(&"https://login.example/devicecode".parse().unwrap(), [])
    }

    fn read(json: &str) -> Result<DeviceAuthorization, TokenError> {
        serde_json::from_str::<Json>(json).unwrap().checked(&asked())
    }

    const MINIMAL: &str =
        r#""device_code":"CANARY","user_code":"C45FGVYJR","verification_uri":"https://x/d""#;

    fn pace(interval: u64, lifetime: u64) -> Pace {
        let json = format!(r#"{{{MINIMAL},"expires_in":{lifetime},"interval":{interval}}}"#);
        Pace::of(&read(&json).unwrap())
    }

    #[test]
    fn codes_are_read_from_either_generation_of_endpoints() {
        let cases = [
            (
                r#"{"user_code":"C45FGVYJR","device_code":"d","verification_uri":"https://microsoft.com/devicelogin",
                    "expires_in":900,"interval":5,"message":"To sign in,\nuse"}"#,
                (900, 5),
            ),
            (
                r#"{"user_code":"C45FGVYJR","device_code":"d","verification_url":"https://microsoft.com/devicelogin",
                    "expires_in":"600","interval":"7"}"#,
                (600, 7),
            ),
            (
                r#"{"user_code":"C45FGVYJR","device_code":"d","verification_uri":"https://microsoft.com/devicelogin"}"#,
                (900, 5),
            ),
            (
                r#"{"user_code":"C45FGVYJR","device_code":"d","verification_uri":"https://microsoft.com/devicelogin",
                    "expires_in":1e9,"interval":-1}"#,
                (3600, 5),
            ),
        ];
        for (json, (lifetime, interval)) in cases {
            let codes = read(json).unwrap();
            assert_eq!(&*codes.user_code, "C45FGVYJR");
            assert_eq!(&*codes.verification_uri, "https://microsoft.com/devicelogin");
            assert_eq!(
                (codes.lifetime.as_secs(), codes.interval.as_secs()),
                (lifetime, interval)
            );
        }
        assert_eq!(cases.len(), 4);
        let first = read(cases[0].0).unwrap();
        assert_eq!(first.message.as_deref(), Some(r"To sign in,\nuse"));
    }

    #[test]
    fn what_a_person_could_not_use_or_should_not_is_refused() {
        let cases = [
            r#"{"device_code":"","user_code":"U","verification_uri":"https://x/d"}"#,
            r#"{"device_code":"CANARY b","user_code":"U","verification_uri":"https://x/d"}"#,
            r#"{"device_code":"CANARY","user_code":" ","verification_uri":"https://x/d"}"#,
            r#"{"device_code":"CANARY","user_code":"U","verification_uri":"http://x/d"}"#,
            r#"{"device_code":"CANARY","user_code":"U","verification_uri":"javascript:alert(1)"}"#,
            r#"{"device_code":"CANARY","user_code":"U","verification_uri":"microsoft.com/devicelogin"}"#,
        ];
        for json in cases {
            let error = read(json).unwrap_err();
            assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
        }
        assert_eq!(cases.len(), 6);
        let odd = format!(r#"{{{MINIMAL},"verification_uri_complete":"file:///etc"}}"#);
        let odd = read(&odd).unwrap();
        assert_eq!(odd.verification_uri_complete, None);
        assert!(!format!("{odd:?}").contains("CANARY"));
    }

    #[test]
    fn questions_are_asked_at_the_providers_pace_until_the_codes_expire() {
        let seconds = Duration::from_secs;
        let temporary = |retry_after: Option<u64>| TokenError {
            kind: Kind::Temporary {
                retry_after: retry_after.map(seconds),
            },
            ..TokenError::temporary("", "", "")
        };
        let mut pace = pace(5, 120);
        let conversation = [
            (Ok(Polled::Pending), 5),
            (Ok(Polled::SlowDown), 10),
            (Ok(Polled::Pending), 10),
            (Ok(Polled::SlowDown), 15),
            (Err(temporary(None)), 30),
            (Err(temporary(Some(45))), 60),
            (Err(temporary(None)), 60),
            (Err(temporary(Some(90))), 90),
        ];
        let count = conversation.len();
        for (answer, next) in conversation {
            assert!(pace.heard(answer).unwrap().is_none());
            assert_eq!(pace.pause(Duration::ZERO), Some(seconds(next)));
        }
        assert_eq!(count, 8);
        assert_eq!(pace.pause(seconds(29)), Some(seconds(90)));
        assert_eq!(pace.pause(seconds(30)), None, "they will have expired");
        let error = TokenError::misconfigured("wrong", "", "");
        assert_eq!(pace.heard(Err(error)).unwrap_err().what, "wrong");
    }

    #[test]
    fn each_word_of_the_rfc_leads_on_or_ends_it() {
        let said = |word: &str| {
            let reply = serde_json::from_str(&format!(r#"{{"error":"{word}"}}"#)).unwrap();
            not_granted(&asked(), Unanswered::Refused(Box::new(reply)))
        };
        assert!(matches!(said("authorization_pending"), Ok(Polled::Pending)));
        assert!(matches!(said("slow_down"), Ok(Polled::SlowDown)));
        let ends = [
            ("access_denied", "declined"),
            ("authorization_declined", "declined"),
            ("expired_token", "expired"),
            ("bad_verification_code", "expired"),
            ("invalid_grant", "no longer accepts the sign-in"),
        ];
        for (word, expected) in ends {
            let error = said(word).unwrap_err();
            assert_eq!(
                (error.kind, error.code.as_deref()),
                (Kind::NeedsSignIn, Some(word))
            );
            assert!(error.what.contains(expected), "{error}");
        }
        assert_eq!(ends.len(), 5);
        assert_eq!(said("invalid_client").unwrap_err().kind, Kind::Misconfigured);
    }
}
