//! A page of a few words that needs nothing else: where a sign-in has ended, where nothing is.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};

use super::html::Html;
use super::{Answer, answer};

/// What HTML is sent as.
pub(super) const HTML: &str = "text/html; charset=utf-8";

const STYLE: &str = ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}";

/// The one style that a notice may have, by its hash: with `unsafe-inline` whatever is slipped into the page could style it, too.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A heading and a paragraph.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The status that it is answered with.
    pub status: StatusCode,
    /// The heading.
    pub title: &'static str,
    /// What happened, and what to do.
    pub text: String,
}

impl Notice {
    /// A notice.
    pub fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            title,
            text: text.into(),
        }
    }

    /// The page.
    pub fn answer(&self) -> Answer {
        let mut html = Html::default();
        html.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">")
            .raw("<title>")
            .text(self.title)
            .raw(" - saslgate</title><style>")
            .raw(STYLE)
            .raw("</style></head><body><main>")
            .element("h1", self.title)
            .element("p", &self.text)
            .raw("</main></body></html>\n");
        let mut answer = answer(self.status, HTML, html.into_string());
        answer
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        answer
    }
}
