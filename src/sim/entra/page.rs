//! What the browser shows when it is not sent back.

use hyper::{Response, StatusCode};

use super::error::EntraError;
use super::response::{self, Answer};

const HTML: &str = "text/html; charset=utf-8";

/// Entra's error page. Its status is 200: to the browser all went well.
pub(super) fn error(error: &EntraError) -> Response<Answer> {
    let text = format!(
        "Sorry, but we're having trouble signing you in. AADSTS{}: {}",
        error.code, error.text
    );
    self::text(StatusCode::OK, &text)
}

/// A page with one sentence.
pub(super) fn text(status: StatusCode, text: &str) -> Response<Answer> {
    let text = escaped(text);
    let body = format!(
        "<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body><p>{text}</p></body></html>"
    );
    response::whole(status, HTML, body)
}

/// A form that the browser sends to the redirect URI at once (`response_mode=form_post`).
pub(super) fn form_post(target: &str, fields: &[(&str, String)]) -> Response<Answer> {
    let inputs = fields.iter().fold(String::new(), |all, (name, value)| {
        let value = escaped(value);
        all + "<input type=\"hidden\" name=\"" + name + "\" value=\"" + &value + "\">"
    });
    let target = escaped(target);
    let body = format!(
        "<!DOCTYPE html><html><head><title>Working...</title></head><body onload=\"document.forms[0].submit()\">\
         <form method=\"POST\" action=\"{target}\">{inputs}</form></body></html>"
    );
    response::whole(StatusCode::OK, HTML, body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
