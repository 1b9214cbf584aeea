//! One request over HTTPS, its answer, and the sign-ins that the tests have in common.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use saslgate::sim::{Demo, Sim};
use serde_json::Value;
use url::Url;

use crate::sim_support::Conversation;

/// The pair of RFC 7636, Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) const IMAP_SCOPE: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";

/// Parameters of a query or a form, encoded exactly once.
#[derive(Clone)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(pairs.iter().map(owned).collect())
    }

    /// The same with this value in the place of another, or at the end.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|(found, _)| found != name);
        assert_eq!(self.0.len() + 1, before, "{name} is not there");
        self
    }

    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    fn read(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        Self {
            status: head
                .get(9..12)
                .and_then(|status| status.parse().ok())
                .unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// A member of the JSON body that is a text.
    pub(crate) fn text(&self, name: &str) -> String {
        let json = self.json();
        json[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {json}"))
            .to_owned()
    }

    /// The AADSTS number of a refusal: in the JSON, in the address that the browser is sent to, or on the page.
    pub(crate) fn code(&self) -> u64 {
        if let Ok(json) = serde_json::from_str::<Value>(&self.body) {
            return json["error_codes"][0].as_u64().unwrap_or(0);
        }
        let text = self
            .back("error_description")
            .unwrap_or_else(|| self.body.clone());
        let digits = text.split_once("AADSTS").map_or("", |(_, rest)| rest);
        digits
            .split(':')
            .next()
            .and_then(|code| code.parse().ok())
            .unwrap_or(0)
    }

    /// Where the browser is sent.
    pub(crate) fn location(&self) -> Option<Url> {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("location: "))?;
        Some(Url::parse(line).unwrap())
    }

    /// A parameter that the browser is sent back with.
    pub(crate) fn back(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        let found = location.query_pairs().find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned())
    }
}

/// Sends a request as it is.
pub(crate) async fn raw(sim: &Sim, request: &str) -> Reply {
    let mut https = Conversation::tls(sim, sim.addresses().entra).await;
    https.send_bytes(request.as_bytes()).await;
    Reply::read(&https.rest().await)
}

/// The same without TLS, to the machine's own endpoints.
pub(crate) async fn raw_to_machine(sim: &Sim, request: &str) -> Reply {
    let mut http = Conversation::plain(sim.addresses().machine).await;
    http.send_bytes(request.as_bytes()).await;
    Reply::read(&http.rest().await)
}

/// The `Host` of the simulator's endpoints.
pub(crate) fn host(sim: &Sim) -> String {
    format!("localhost:{}", sim.addresses().entra.port())
}

/// A browser goes to a page.
pub(crate) async fn visit(sim: &Sim, path: &str, query: &Pairs) -> Reply {
    let (host, query) = (host(sim), query.encoded());
    let request = format!("GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    raw(sim, &request).await
}

/// A browser goes to the authorize endpoint.
pub(crate) async fn authorize(sim: &Sim, realm: &str, query: &Pairs) -> Reply {
    visit(sim, &format!("/{realm}/oauth2/v2.0/authorize"), query).await
}

/// A program posts a form, with further header lines.
pub(crate) async fn post_with(sim: &Sim, path: &str, headers: &str, body: &str) -> Reply {
    let (host, length) = (host(sim), body.len());
    raw(
        sim,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

/// A program posts a form.
pub(crate) async fn post(sim: &Sim, path: &str, form: &Pairs) -> Reply {
    let kind = format!("Content-Type: {FORM}\r\n");
    post_with(sim, path, &kind, &form.encoded()).await
}

/// A token request of v2.
pub(crate) async fn token(sim: &Sim, realm: &str, form: &Pairs) -> Reply {
    post(sim, &format!("/{realm}/oauth2/v2.0/token"), form).await
}

/// What a program of the app with a secret asks for, Alice being expected.
pub(crate) fn asking() -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", Demo::REDIRECT_URI),
        ("scope", Demo::DELEGATED_SCOPE),
        ("state", "st at/e"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("login_hint", Demo::ALICE),
    ])
}

/// The same of the app without a secret, from another port than the registered one.
pub(crate) fn asking_without_secret() -> Pairs {
    asking()
        .with("client_id", Demo::PUBLIC_CLIENT_ID)
        .with("redirect_uri", "http://localhost:50123")
}

/// What goes with a code of [`asking`].
pub(crate) fn redeeming(code: &str) -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("client_secret", Demo::CLIENT_SECRET),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", Demo::REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ])
}

/// What goes with a code of [`asking_without_secret`].
pub(crate) fn redeeming_without_secret(code: &str) -> Pairs {
    redeeming(code)
        .without("client_secret")
        .with("client_id", Demo::PUBLIC_CLIENT_ID)
        .with("redirect_uri", "http://localhost:50123")
}

/// A code for these parameters.
pub(crate) async fn code(sim: &Sim, asking: &Pairs) -> String {
    let back = authorize(sim, Demo::TENANT, asking).await;
    back.back("code").unwrap_or_else(|| panic!("no code: {back:?}"))
}

/// Alice signs in, and the app with a secret gets its tokens.
pub(crate) async fn sign_in(sim: &Sim) -> Value {
    let code = code(sim, &asking()).await;
    let reply = token(sim, Demo::TENANT, &redeeming(&code)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// The same for the app without a secret.
pub(crate) async fn sign_in_without_secret(sim: &Sim) -> Value {
    let code = code(sim, &asking_without_secret()).await;
    let reply = token(sim, Demo::TENANT, &redeeming_without_secret(&code)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// What the app with a secret refreshes with.
pub(crate) fn refreshing(refresh_token: &str) -> Pairs {
    Pairs::of(&[
        ("client_id", Demo::CLIENT_ID),
        ("client_secret", Demo::CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ])
}

pub(crate) fn refreshing_without_secret(refresh_token: &str) -> Pairs {
    refreshing(refresh_token)
        .without("client_secret")
        .with("client_id", Demo::PUBLIC_CLIENT_ID)
}

/// The refresh token of a sign-in.
pub(crate) fn first(signed_in: &Value) -> String {
    text(signed_in, "refresh_token")
}

/// A text of a JSON object.
pub(crate) fn text(json: &Value, name: &str) -> String {
    json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {json}"))
        .to_owned()
}

/// The claims of a JWT.
pub(crate) fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
