//! Where a secret could be seen. What a page is there to show is taken out of it first, and counted.

use std::collections::HashSet;

use super::known::Secrets;
use crate::http::Answer;

/// Everything that anybody could have read.
#[derive(Default)]
pub(super) struct Places {
    all: Vec<(String, Vec<u8>)>,
    /// What is the same on two pages is looked at once.
    known: HashSet<Vec<u8>>,
    /// Answers of the page.
    pub(super) pages: usize,
    /// Lines of the log.
    pub(super) lines: usize,
    /// Tokens of forms that were shown in forms.
    pub(super) forms: usize,
    /// Cookies that were set.
    pub(super) cookies: usize,
    /// Ways to the provider, which have the state in them.
    pub(super) ways_on: usize,
    /// Codes that somebody has to type.
    pub(super) codes_shown: usize,
    /// Links that were shown to whoever had them made.
    pub(super) links_shown: usize,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places")
            .field("forms", &self.forms)
            .field("cookies", &self.cookies)
            .field("ways_on", &self.ways_on)
            .finish_non_exhaustive()
    }
}

impl Places {
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.all
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    pub(super) fn bytes(&mut self, name: &str, bytes: Vec<u8>) {
        if self.known.insert(bytes.clone()) {
            self.all.push((name.to_owned(), bytes));
        }
    }

    /// A text as it is written, and as a browser reads it.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        let decoded = text
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let readings = [
            text.as_bytes().to_vec(),
            decoded.into_bytes(),
            percent_decoded(text),
        ];
        for reading in readings {
            self.bytes(name, reading);
        }
    }

    /// An answer of the page, with the cookies and tokens that come by it.
    pub(super) fn page(&mut self, page: &Answer, secrets: &mut Secrets) {
        self.pages += 1;
        let mut head = String::new();
        for line in page.head.lines() {
            match line.strip_prefix("set-cookie: ") {
                Some(cookie) => self.cookie(cookie, secrets),
                None => head = head + line + "\n",
            }
        }
        let name = format!("page {}, {}", self.pages, head.lines().next().unwrap_or_default());
        self.text(&format!("the head of {name}"), &head);
        let body = self.without_what_it_is_for(&page.body, secrets);
        self.text(&name, &body);
    }

    fn cookie(&mut self, line: &str, secrets: &mut Secrets) {
        let (name, rest) = line.split_once('=').unwrap();
        let (value, attributes) = rest.split_once(';').unwrap();
        self.text("the attributes of a cookie", attributes);
        if !value.is_empty() {
            self.cookies += 1;
            secrets.add(&format!("cookie {name}"), value);
        }
    }

    fn without_what_it_is_for(&mut self, body: &str, secrets: &mut Secrets) -> String {
        let (body, tokens) = without(body, "name=\"token\" value=\"", "\"");
        let (body, ways_on) = without(&body, "href=\"https://localhost:", "\"");
        let (body, goes_on) = without(&body, "content=\"0;url=https://localhost:", "\"");
        let (body, own) = without(&body, "<form method=\"post\" action=\"/sign-in/", "\"");
        let (body, codes) = without(&body, "<p class=\"code\">", "<");
        let making = "aria-label=\"Text to forward\">";
        let (body, links) = without(&body, making, "</div>");
        self.forms += tokens.len();
        self.ways_on += goes_on.len();
        self.codes_shown += usize::from(!codes.is_empty());
        self.links_shown += links.len();
        for token in tokens {
            secrets.add("form token", token);
        }
        for way in ways_on.into_iter().chain(goes_on) {
            let state = way.split("state=").nth(1).and_then(|rest| rest.split('&').next());
            let state = state.unwrap_or("none");
            self.text("a way to the provider", &way.replace(state, ""));
            secrets.add("state", state);
        }
        for link in own {
            secrets.add("link", link);
        }
        for text in links {
            let (_, link) = text.split_once("/sign-in/").unwrap();
            let link = link.split_whitespace().next().unwrap();
            self.text("the text to forward", &text.replace(link, ""));
            secrets.add("link", link);
        }
        for code in codes {
            secrets.add("user code", code);
        }
        body
    }
}

/// A text without what stands between two others, wherever they are; and what that was.
fn without(text: &str, before: &str, after: &str) -> (String, Vec<String>) {
    let (mut left, mut taken) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((kept, behind)) = rest.split_once(before) {
        let (out, behind) = behind.split_once(after).unwrap_or((behind, ""));
        left = left + kept + before + after;
        taken.push(out.to_owned());
        rest = behind;
    }
    (left + rest, taken)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| byte == b'%');
        let hex = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(hex.unwrap_or(byte));
        rest = if hex.is_some() { &behind[2..] } else { behind };
    }
    decoded
}
