//! What all pages have in common: head, navigation, style, forms.

use http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, REFRESH};
use http::{HeaderValue, StatusCode};

use super::form::{TOKEN, address, query};
use super::prose::prose;
use crate::control::TroubleTold;
use crate::secret::Secret;
use crate::web::html::Html;
use crate::web::{self, Answer, Asked};

const HTML: &str = "text/html; charset=utf-8";

/// Nothing but our own style and our own forms. A form whose answer leads to another site would be stopped by `form-action` (Chromium
/// follows its redirects with that in mind), so that the way to a provider begins on a page.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page before its content.
pub(super) struct Page<'a> {
    title: &'a str,
    status: StatusCode,
    /// The token of an operator's forms, who gets the navigation.
    operator: Option<&'a Secret<String>>,
    has_form: bool,
    /// After so many seconds the browser looks again.
    refresh: Option<u16>,
    /// Where the browser goes at once.
    onward: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// A page for anybody.
    pub(super) const fn new(title: &'a str) -> Self {
        Self {
            title,
            status: StatusCode::OK,
            operator: None,
            has_form: false,
            refresh: None,
            onward: None,
        }
    }

    /// The same for an operator who is logged in.
    pub(super) const fn operator(mut self, token: &'a Secret<String>) -> Self {
        self.operator = Some(token);
        self.with_form()
    }

    /// The same with a form in it. Where a page keeps to itself where it is, browsers send `Origin: null` with its forms (Fetch,
    /// "append a request Origin header"), and Safari before 16.4 sends nothing else that tells whose form it was.
    pub(super) const fn with_form(mut self) -> Self {
        self.has_form = true;
        self
    }

    /// The same with another status than 200.
    pub(super) const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, looked at again after so many seconds.
    pub(super) const fn again_after(mut self, seconds: u16) -> Self {
        self.refresh = Some(seconds);
        self
    }

    /// The same, from which the browser goes on at once.
    pub(super) const fn onward(mut self, to: &'a str) -> Self {
        self.onward = Some(to);
        self
    }

    /// The page with its content, below the heading.
    pub(super) fn with(self, content: impl FnOnce(&mut Html)) -> Answer {
        let mut html = Html::default();
        self.head(&mut html);
        html.raw("<body><a class=\"skip\" href=\"#main\">Skip to the content</a>");
        html.raw("<header><p class=\"brand\">saslgate</p>");
        if let Some(token) = self.operator {
            navigation(token, &mut html);
        }
        html.raw("</header><main id=\"main\" tabindex=\"-1\">")
            .raw("<h1>")
            .name(self.title)
            .raw("</h1>");
        content(&mut html);
        html.raw("</main></body></html>\n");
        let mut answer = web::answer(self.status, HTML, html.into_string());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        if self.has_form {
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        }
        if let Some(seconds) = self.refresh {
            headers.insert(REFRESH, seconds.into());
        }
        answer
    }

    fn head(&self, html: &mut Html) {
        html.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            .raw("<meta name=\"color-scheme\" content=\"light dark\"><title>")
            .text(self.title)
            .raw(" - saslgate</title><link rel=\"stylesheet\" href=\"/style.css\">");
        if let Some(to) = self.onward {
            html.raw("<meta http-equiv=\"refresh\" content=\"0;url=")
                .text(to)
                .raw("\">");
        }
        html.raw("</head>");
    }
}

fn navigation(token: &Secret<String>, html: &mut Html) {
    html.raw("<nav aria-label=\"Main\"><ul><li><a href=\"/\">Accounts</a></li><li>");
    Button::new("/logout", "Log out").quiet().put(token, html);
    html.raw("</li></ul></nav>");
}

/// A form that is one button.
pub(super) struct Button<'a> {
    action: &'a str,
    label: &'a str,
    fields: Vec<(&'static str, &'a str)>,
    quiet: bool,
}

impl<'a> Button<'a> {
    pub(super) const fn new(action: &'a str, label: &'a str) -> Self {
        Self {
            action,
            label,
            fields: Vec::new(),
            quiet: false,
        }
    }

    /// The same with one more field.
    pub(super) fn field(mut self, name: &'static str, value: &'a str) -> Self {
        self.fields.push((name, value));
        self
    }

    /// The same for what is not the first thing to do.
    pub(super) const fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Writes it, with the token of the page.
    pub(super) fn put(&self, token: &Secret<String>, html: &mut Html) {
        begin_form(self.action, token, html);
        for (name, value) in &self.fields {
            html.raw("<input type=\"hidden\" name=\"")
                .raw(name)
                .raw("\" value=\"")
                .text(value)
                .raw("\">");
        }
        let class = if self.quiet {
            "<button class=\"quiet\">"
        } else {
            "<button>"
        };
        html.raw(class).text(self.label).raw("</button></form>");
    }
}

/// Whether somebody wants a page that waits to stay as it is: one that is loaded again loses the place of whoever has it read aloud
/// (WCAG 2.2, 2.2.2).
pub(super) fn is_still(asked: &Asked) -> bool {
    query(&asked.uri, "still").is_some()
}

/// How a page that waits is looked at again, and kept still.
pub(super) fn look_again(path: &str, asked: &Asked, html: &mut Html) {
    html.raw("<p><a href=\"").text(path);
    if is_still(asked) {
        html.raw("\">Look again, from now on by itself</a> or <a href=\"")
            .text(address(path, "still", "1"))
            .raw("\">once</a></p>");
    } else {
        html.raw("\">Look again</a>. This page does so by itself, every few seconds. <a href=\"")
            .text(address(path, "still", "1"))
            .raw("\">Keep it still</a></p>");
    }
}

/// The begin of a form, with its token.
pub(super) fn begin_form(action: &str, token: &Secret<String>, html: &mut Html) {
    html.raw("<form method=\"post\" action=\"")
        .text(action)
        .raw("\"><input type=\"hidden\" name=\"")
        .raw(TOKEN);
    html.raw("\" value=\"").text(token.expose()).raw("\">");
}

/// Tells a trouble: what, why, fix.
pub(super) fn trouble(told: &TroubleTold, html: &mut Html) {
    trouble_with(told, &told.fix, html);
}

/// The same with another fix: what to do about it on this page.
pub(super) fn trouble_with(told: &TroubleTold, fix: &str, html: &mut Html) {
    html.raw("<dl class=\"trouble\">");
    for (name, said) in [
        ("What happened", told.what.as_str()),
        ("Why", &told.why),
        ("What to do", fix),
    ] {
        html.element("dt", name).raw("<dd>");
        prose(said, html);
        html.raw("</dd>");
    }
    if let Some(code) = &told.code {
        html.element("dt", "Code").element("dd", code);
    }
    html.raw("</dl>");
}

/// A page that says no in a few words. `back`: an operator's, who goes on from the first page.
pub(super) fn notice(status: StatusCode, title: &str, text: impl AsRef<str>, back: bool) -> Answer {
    Page::new(title).status(status).with(|html| {
        html.element("p", text);
        if back {
            html.raw("<p><a href=\"/\">Go to the first page</a></p>");
        }
    })
}

/// Sends a browser to another page of ours, which it asks for by GET.
pub(super) fn see_other(to: &str) -> Answer {
    let mut answer = web::answer(StatusCode::SEE_OTHER, HTML, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        answer.headers_mut().insert(LOCATION, to);
    }
    answer
}

/// The style of all pages.
pub(super) fn style() -> Answer {
    web::answer(
        StatusCode::OK,
        "text/css; charset=utf-8",
        include_str!("style.css"),
    )
}
