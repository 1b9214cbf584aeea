//! An operator logs in and out.

use http::StatusCode;

use super::Admin;
use super::cookie::Cookie;
use super::page::{Page, begin_form, see_other};
use super::routes::{LOGIN, Visitor, forbidden, not_now, with_cookie};
use crate::account::Guessed;
use crate::audit;
use crate::secret::Secret;
use crate::web::{Answer, Asked};

impl Admin {
    pub(super) fn login_page(&self, asked: &Asked) -> Answer {
        if self.visitor(asked).is_some() {
            return see_other("/");
        }
        self.login_form(asked, StatusCode::OK, None)
    }

    /// Looks at the password. A session begins under a new name, whatever the browser had before.
    pub(super) async fn login(&self, asked: &Asked) -> Answer {
        let visit = Cookie::Visit.of(&asked.headers, self.is_secure());
        let Some(form) = self.form(asked, visit.as_ref()) else {
            return forbidden();
        };
        let peer = self.source(asked);
        let typed = form.text("password").unwrap_or_default();
        let ground = self.ground.load_full();
        match self
            .gate
            .guess(&ground.password, Secret::new(typed), peer.source())
            .await
        {
            Guessed::Right => {
                let Some(name) = self.sessions.begin() else {
                    return not_now();
                };
                audit::admin_logged_in(&peer);
                let secure = self.is_secure();
                let answer = with_cookie(see_other("/"), Cookie::Session.set(&name, secure));
                with_cookie(answer, Cookie::Visit.clear(secure))
            }
            Guessed::Wrong => {
                audit::admin_login_refused(&peer, "password");
                let why = "That is not the password. Try again.";
                self.login_form(asked, StatusCode::FORBIDDEN, Some(why))
            }
            Guessed::TooMany => {
                audit::admin_login_refused(&peer, "limit");
                let why = "Too many passwords were tried here lately. Wait a few seconds, and try again.";
                self.login_form(asked, StatusCode::TOO_MANY_REQUESTS, Some(why))
            }
        }
    }

    pub(super) fn logout(&self, visitor: &Visitor) -> Answer {
        self.sessions.end(&visitor.name);
        audit::admin_logged_out(&visitor.peer);
        with_cookie(see_other(LOGIN), Cookie::Session.clear(self.is_secure()))
    }

    fn login_form(&self, asked: &Asked, status: StatusCode, wrong: Option<&str>) -> Answer {
        let Some((token, cookie)) = self.visit(asked) else {
            return not_now();
        };
        let answer = Page::new("Log in").status(status).with_form().with(|html| {
            if let Some(wrong) = wrong {
                html.raw("<p class=\"panel\" role=\"alert\" id=\"wrong\">").text(wrong).raw("</p>");
            }
            begin_form(LOGIN, &token, html);
            html.raw("<p><label for=\"password\">Password of the admin page</label>")
                .raw("<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required autofocus>")
                .raw("</p><p><button>Log in</button></p></form>")
                .element(
                    "p",
                    "Whoever set saslgate up knows it: it is the password of [admin] in the configuration, or, where there is none, in the file that the log names.",
                );
        });
        with_cookie(answer, cookie)
    }
}
