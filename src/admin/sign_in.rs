//! Pages of a sign-in: from the button to what came of it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::Admin;
use super::cookie::Cookie;
use super::form::{Form, address};
use super::look::span;
use super::page::{Page, is_still, look_again, notice, see_other, trouble};
use super::prose::{lines, sentence};
use super::routes::{SIGNING_IN, Visitor, forbidden, not_now, with_cookie};
use super::session::Sessions;
use super::signing_in::{End, Progress, SigningIn, Wanted};
use crate::audit;
use crate::control::{Order, SignInOrder, SignInWay};
use crate::web::html::Html;
use crate::web::{Answer, Asked};

/// How long the provider may take to give a code.
const BEGIN: Duration = Duration::from_secs(30);

/// How often a page that waits is loaded again, in seconds: not so often that nobody can read a code aloud from it.
const AGAIN: u16 = 8;

impl Admin {
    /// An operator has pressed the button.
    pub(super) async fn begin_sign_in(&self, visitor: &Visitor, form: &Form, asked: &Asked) -> Answer {
        let Some(account) = form.text("account") else {
            return forbidden();
        };
        let way = match form.text("way").as_deref() {
            Some("device") => SignInWay::Device,
            _ => SignInWay::Page,
        };
        audit::admin_order(&visitor.peer, "sign-in", &account);
        let order = Order::SignIn(SignInOrder {
            account,
            app: form.text("app"),
            way,
            accept_owner: false,
        });
        self.go(order, true, asked).await
    }

    /// Gives the order, and leads the browser to the provider, or to where the code is shown.
    pub(super) async fn go(&self, order: Order, by_operator: bool, asked: &Asked) -> Answer {
        let secure = self.is_secure();
        if let Some(before) = Cookie::SignIn.of(&asked.headers, secure) {
            self.sign_ins.make_way(&self.sessions.mark(&before)).await;
        }
        let Some(name) = Sessions::name() else {
            return not_now();
        };
        let sign_in = SigningIn::begin(self.give(order), by_operator, self.stop.clone());
        let so_far = sign_in
            .when(BEGIN, |now| now.wanted.is_some() || now.end.is_some())
            .await;
        self.sign_ins.keep(self.sessions.mark(&name), sign_in);
        let answer = match so_far {
            Progress {
                end: None,
                wanted: Some(Wanted::Open { url, owner }),
                ..
            } => onward(url.expose(), &owner),
            _ => see_other(SIGNING_IN),
        };
        with_cookie(answer, Cookie::SignIn.set(&name, secure))
    }

    /// The sign-in that a browser has begun.
    pub(super) fn own_sign_in(&self, asked: &Asked) -> Option<Arc<SigningIn>> {
        let name = Cookie::SignIn.of(&asked.headers, self.is_secure())?;
        self.sign_ins.of(&self.sessions.mark(&name))
    }

    /// How far it is.
    pub(super) fn signing_in(&self, asked: &Asked) -> Answer {
        let Some(sign_in) = self.own_sign_in(asked) else {
            let text = "This browser has begun no sign-in lately, or takes no cookies. Begin it again where you began it: by the link \
                        that you were sent, or on the account's page.";
            return notice(StatusCode::NOT_FOUND, "No sign-in here", text, false);
        };
        let now = sign_in.now();
        match (&now.end, &now.wanted) {
            (Some(end), _) => result(end, sign_in.by_operator),
            (None, wanted) => waiting(&now, wanted.as_ref(), sign_in.by_operator, asked),
        }
    }
}

/// The provider's page comes next. It is left to this page, and not to the answer to a form, to lead there.
fn onward(url: &str, owner: &str) -> Answer {
    Page::new("On to the sign-in").onward(url).with(|html| {
        html.raw("<p>The provider's own sign-in page opens now. Sign in there as <strong>")
            .text(owner)
            .raw("</strong>; then this browser comes back here by itself.</p><p><a class=\"button\" href=\"")
            .text(url)
            .raw("\">Go there</a></p>");
    })
}

fn waiting(now: &Progress, wanted: Option<&Wanted>, by_operator: bool, asked: &Asked) -> Answer {
    let page = Page::new("Signing in");
    let page = if is_still(asked) {
        page
    } else {
        page.again_after(AGAIN)
    };
    page.with(|html| {
        match (&now.probing, wanted) {
            (Some((mailbox, owner)), _) => {
                html.raw("<p role=\"status\">")
                    .text(owner)
                    .raw(" has signed in. Looking whether they may open ")
                    .text(mailbox);
                html.raw(" &hellip;</p>");
            }
            (None, Some(Wanted::Open { url, owner })) => {
                html.raw("<p role=\"status\">Waiting for <strong>")
                    .text(owner)
                    .raw("</strong> to sign in &hellip;</p>");
                html.raw("<p><a class=\"button\" href=\"")
                    .text(url.expose())
                    .raw("\">Go to the sign-in page</a></p>");
            }
            (
                None,
                Some(Wanted::Type {
                    code,
                    at,
                    owner,
                    until,
                }),
            ) => type_code(code.expose(), at, owner, *until, html),
            (None, None) => {
                html.raw("<p role=\"status\">Asking the provider &hellip;</p>");
            }
        }
        if let Some(redirect_uri) = now.silence.as_ref().filter(|_| by_operator) {
            silence(redirect_uri, html);
        }
        look_again(SIGNING_IN, asked, html);
    })
}

fn type_code(code: &str, at: &str, owner: &str, until: Instant, html: &mut Html) {
    let left = until.saturating_duration_since(Instant::now()).as_secs();
    html.raw("<ol><li>Open <a href=\"")
        .text(at)
        .raw("\" target=\"_blank\" rel=\"noreferrer\">")
        .text(at);
    html.raw("</a> in any browser, on any device.</li><li>Type this code:<p class=\"code\">")
        .text(code);
    html.raw("</p></li><li>Sign in as <strong>")
        .text(owner)
        .raw("</strong>.</li></ol>");
    html.raw("<p>The code is good for ")
        .text(span(left))
        .raw(". Give it to nobody but ")
        .text(owner);
    html.raw(": whoever types it signs in for this account.</p>");
}

/// Entra ID shows most of what is wrong with a registration in the browser alone, and never sends it back.
fn silence(redirect_uri: &str, html: &mut Html) {
    html.raw("<section class=\"panel\"><h2>Nothing has come back yet</h2><p>If the sign-in page shows AADSTS50011, the app \
              registration lacks this redirect URI. Add it, to the letter, at entra.microsoft.com under App registrations, \
              Authentication:</p><p class=\"copy\">");
    html.text(redirect_uri).raw(
        "</p><p>If it shows \u{201c}Need admin approval\u{201d}, an administrator has to consent: \
                                <code>saslgate sign-in ACCOUNT --admin-consent</code>.</p></section>",
    );
}

fn result(end: &End, by_operator: bool) -> Answer {
    match end {
        End::SignedIn {
            account,
            owner,
            remarks,
        } => Page::new("Signed in").with(|html| {
            html.raw("<p role=\"status\"><strong>").text(account).raw("</strong> is signed in");
            if let Some(owner) = owner.as_ref().filter(|owner| *owner != account) {
                html.raw(" as ").text(owner);
            }
            html.raw(". Mail programs get mail from their next login on; nothing has to be restarted.</p>");
            if by_operator {
                lines(&remarks.join("\n"), html);
                html.raw("<p><a href=\"").text(address("/account", "name", account)).raw("\">Back to the account</a></p>");
            } else {
                html.raw("<p>Thank you. You can close this page.</p>");
            }
        }),
        End::Refused(told) => Page::new("Not signed in").with(|html| {
            if by_operator {
                trouble(told, html);
                html.raw("<p><a href=\"/\">Back to the accounts</a></p>");
            } else {
                html.raw("<p role=\"status\">").text(sentence(&told.what)).raw("</p><p>").text(sentence(&told.why));
                html.raw("</p><p>You can open the link once more and try again. If that does not help, tell whoever sent it to you");
                if let Some(code) = &told.code {
                    html.raw(", with the code <strong>").text(code).raw("</strong>");
                }
                html.raw(".</p>");
            }
        }),
    }
}
