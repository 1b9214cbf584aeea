//! Who is asked what: every address of the page.

use http::header::SET_COOKIE;
use http::{HeaderValue, Method, StatusCode};

use super::cookie::Cookie;
use super::form::{Form, TOKEN};
use super::page::{notice, see_other, style};
use super::session::Sessions;
use super::sign_out::confirm_sign_out;
use super::{Admin, CALLBACK, origin};
use crate::control::{Told, TroubleTold};
use crate::peer::Peer;
use crate::secret::Secret;
use crate::web::{Answer, Asked};

/// Where operators log in.
pub(super) const LOGIN: &str = "/login";

/// Where a sign-in that is going on is looked at.
pub(super) const SIGNING_IN: &str = "/signing-in";

/// What a link begins with, before its secret.
pub(super) const LINK: &str = "/sign-in/";

/// An operator who is logged in.
pub(super) struct Visitor {
    /// The session's name.
    pub(super) name: Secret<String>,
    /// The token of the forms that are shown now.
    pub(super) token: Secret<String>,
    /// Where the request comes from.
    pub(super) peer: Peer,
}

impl Admin {
    pub(super) async fn route(&self, asked: Asked) -> Answer {
        let path = asked.uri.path().to_owned();
        let is_post = asked.method == Method::POST;
        if !is_post && !matches!(asked.method, Method::GET | Method::HEAD) {
            return not_this_way();
        }
        match (is_post, path.as_str()) {
            (false, "/style.css") => style(),
            (false, LOGIN) => self.login_page(&asked),
            (true, LOGIN) => self.login(&asked).await,
            (false, CALLBACK) => self.callback(&asked).await,
            (false, SIGNING_IN) => self.signing_in(&asked),
            (_, path) if path.starts_with(LINK) => {
                let link = Told(Secret::new(path[LINK.len()..].to_owned()));
                if is_post {
                    self.use_link(link, &asked).await
                } else {
                    self.look_at_link(link, &asked).await
                }
            }
            (false, _) => self.look(&asked, &path).await,
            (true, _) => self.act(&asked, &path).await,
        }
    }

    /// Pages of operators.
    async fn look(&self, asked: &Asked, path: &str) -> Answer {
        let Some(visitor) = self.visitor(asked) else {
            return match path {
                "/" | "/account" | "/test" | "/sign-out" => see_other(LOGIN),
                _ => not_found(),
            };
        };
        match path {
            "/" => self.overview(&visitor, asked).await,
            "/account" => self.account(&visitor, asked).await,
            "/test" => self.test_page(&visitor, asked),
            "/sign-out" => confirm_sign_out(&visitor, asked),
            "/sign-in" | "/link" | "/reload" | "/logout" => not_this_way(),
            _ => not_found(),
        }
    }

    /// What operators do.
    async fn act(&self, asked: &Asked, path: &str) -> Answer {
        let name = Cookie::Session.of(&asked.headers, self.is_secure());
        let (form, visitor) = match (self.form(asked, name.as_ref()), self.visitor(asked)) {
            (Some(form), Some(visitor)) => (form, visitor),
            (None, _) => return forbidden(),
            (_, None) => return logged_out(),
        };
        match path {
            "/logout" => self.logout(&visitor),
            "/reload" => self.reload(&visitor).await,
            "/sign-in" => self.begin_sign_in(&visitor, &form, asked).await,
            "/sign-out" => self.sign_out(&visitor, &form).await,
            "/test" => self.begin_test(&visitor, &form),
            "/link" => self.make_link(&visitor, &form).await,
            CALLBACK | SIGNING_IN | "/" | "/account" | "/style.css" => not_this_way(),
            _ => not_found(),
        }
    }

    /// Who is logged in.
    pub(super) fn visitor(&self, asked: &Asked) -> Option<Visitor> {
        let name = Cookie::Session.of(&asked.headers, self.is_secure())?;
        self.sessions.knows(&name).then(|| Visitor {
            token: self.sessions.form_token(&name),
            name,
            peer: self.source(asked),
        })
    }

    /// Whether browsers reach the page by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.ground.load().secure
    }

    /// A form that was sent from a page of ours, which was shown to whoever has that cookie.
    pub(super) fn form(&self, asked: &Asked, bound_to: Option<&Secret<String>>) -> Option<Form> {
        if !origin::is_ours(&asked.headers, &self.ground.load().origin) {
            return None;
        }
        let (form, name) = Form::read(asked).zip(bound_to)?;
        let is_bound = |token| self.sessions.is_form_token(name, token);
        form.field(TOKEN).is_some_and(is_bound).then_some(form)
    }

    /// The token for a form that anybody may be shown, and the cookie that it is bound to: what the browser has already, or another.
    pub(super) fn visit(&self, asked: &Asked) -> Option<(Secret<String>, HeaderValue)> {
        let known = Cookie::Visit.of(&asked.headers, self.is_secure());
        let name = known
            .filter(|name| name.expose().len() == 43)
            .or_else(Sessions::name)?;
        let cookie = Cookie::Visit.set(&name, self.is_secure());
        Some((self.sessions.form_token(&name), cookie))
    }
}

/// An answer with a cookie.
pub(super) fn with_cookie(mut answer: Answer, cookie: HeaderValue) -> Answer {
    answer.headers_mut().append(SET_COOKIE, cookie);
    answer
}

pub(super) fn not_found() -> Answer {
    notice(
        StatusCode::NOT_FOUND,
        "Nothing here",
        "There is no such page.",
        true,
    )
}

fn not_this_way() -> Answer {
    let text = "This address is for buttons of other pages alone.";
    notice(StatusCode::METHOD_NOT_ALLOWED, "Not this way", text, true)
}

/// Whoever really pressed a button hears what to do.
pub(super) fn forbidden() -> Answer {
    let text = "This did not come from a page of saslgate that was shown to this browser. If you pressed a button here: the page \
                was too old, or the browser takes no cookies. Load it again, and press it once more.";
    notice(StatusCode::FORBIDDEN, "Not done", text, true)
}

fn logged_out() -> Answer {
    let text = "You are not logged in any more. Log in again on the first page.";
    notice(StatusCode::FORBIDDEN, "Not done", text, true)
}

/// The system has no random numbers.
pub(super) fn not_now() -> Answer {
    let text = "saslgate could not do that now. The log may say more.";
    notice(StatusCode::SERVICE_UNAVAILABLE, "Not now", text, false)
}

/// A running order ended without a word.
pub(super) fn ended() -> TroubleTold {
    TroubleTold {
        code: None,
        what: "saslgate gave no answer".into(),
        why: "it is about to end, or has a defect".into(),
        fix: "try again in a moment; if it comes back, look into the log".into(),
    }
}
