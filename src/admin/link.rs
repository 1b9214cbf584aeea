//! Links by which the owner of a mailbox signs in without being an operator.

use http::StatusCode;

use super::Admin;
use super::cookie::Cookie;
use super::form::{Form, address};
use super::look::{moment, until};
use super::page::{Page, begin_form, notice, trouble};
use super::prose::sentence;
use super::routes::{Visitor, ended, forbidden, not_now, with_cookie};
use crate::audit;
use crate::control::{News, Order, Told};
use crate::secret::Secret;
use crate::web::{Answer, Asked};

/// The longest that somebody can say who asks, in characters.
const MAX_ASKER: usize = 80;

impl Admin {
    /// Makes a link for an account. This page is the only place that ever shows it.
    pub(super) async fn make_link(&self, visitor: &Visitor, form: &Form) -> Answer {
        let Some(account) = form.text("account") else {
            return forbidden();
        };
        audit::admin_order(&visitor.peer, "link", &account);
        let asked_by = form
            .text("asked_by")
            .unwrap_or_else(|| "your administrator".into());
        let order = Order::MakeLink {
            account: Some(account),
            app: form.text("app"),
            asked_by: asked_by.trim().chars().take(MAX_ASKER).collect(),
        };
        match self.ask(order).await {
            Some(News::Link {
                account,
                mailbox,
                owner,
                url,
                expires,
                ..
            }) => {
                let message = Message {
                    account: &account,
                    mailbox: &mailbox,
                    owner: &owner,
                    url: &url,
                    until: moment(expires),
                };
                message.page(visitor)
            }
            Some(News::Refused(told)) => Page::new("No link")
                .operator(&visitor.token)
                .with(|html| trouble(&told, html)),
            _ => Page::new("No link")
                .operator(&visitor.token)
                .with(|html| trouble(&ended(), html)),
        }
    }

    /// What a link is for. Looking at it does not use it up: mail scanners open links before people do.
    pub(super) async fn look_at_link(&self, link: Told, asked: &Asked) -> Answer {
        let path = asked.uri.path().to_owned();
        let (mailbox, owner, provider, asked_by, expires) = match self.ask(Order::LookAtLink { link }).await {
            Some(News::LinkIs {
                mailbox,
                owner,
                sign_in_page,
                asked_by,
                expires,
                ..
            }) => (mailbox, owner, sign_in_page, asked_by, expires),
            Some(News::Refused(told)) => {
                let text = format!(
                    "{} Ask whoever sent it to you for another one.",
                    sentence(&told.why)
                );
                return notice(
                    StatusCode::NOT_FOUND,
                    "This link is not good any more",
                    text,
                    false,
                );
            }
            _ => return not_now(),
        };
        let Some((token, cookie)) = self.visit(asked) else {
            return not_now();
        };
        let answer = Page::new("Sign in for a mailbox").with_form().with(|html| {
            html.raw("<p><strong>").text(&asked_by).raw("</strong> asks you to sign in for the mailbox <strong>").text(&mailbox);
            html.raw("</strong>, so that the mail program that uses it goes on working.</p><p>The button leads to the provider's own \
                      sign-in page at <strong>");
            html.text(&provider).raw("</strong>. Sign in there as <strong>");
            html.text(&owner).raw("</strong>. Your password is typed there and nowhere else.</p>");
            begin_form(&path, &token, html);
            html.raw("<p><button>Sign in</button></p></form><p>The link ends ").text(until(expires));
            html.raw(", and can be used once. If you did not expect it, close this page and tell whoever sent it.</p>");
        });
        with_cookie(answer, cookie)
    }

    /// The owner signs in.
    pub(super) async fn use_link(&self, link: Told, asked: &Asked) -> Answer {
        let visit = Cookie::Visit.of(&asked.headers, self.is_secure());
        match self.form(asked, visit.as_ref()) {
            Some(_) => self.go(Order::SignInByLink { link }, false, asked).await,
            None => forbidden(),
        }
    }
}

/// A link, and what its owner is to be written.
struct Message<'a> {
    account: &'a str,
    mailbox: &'a str,
    owner: &'a str,
    url: &'a Told,
    until: String,
}

impl Message<'_> {
    fn page(&self, visitor: &Visitor) -> Answer {
        let Self {
            account,
            mailbox,
            owner,
            url: Told(url),
            until,
        } = self;
        Page::new("A link to sign in by").operator(&visitor.token).with(|html| {
            html.raw("<p>Send this to ").text(owner).raw(". The link is shown here once. It is good until ").text(until);
            html.raw(", and making another one for the same account withdraws it.</p><div class=\"copy message\" tabindex=\"0\" role=\"region\" \
                      aria-label=\"Text to forward\">");
            html.text(format!(
                "The mailbox {mailbox} is read by a mail program that needs your sign-in. Please open this link and sign in as {owner}. It \
                 is good until {until}, and works once.\n\n"
            ));
            html.text(url.expose());
            html.text("\n\nThe link shows which mailbox it is, then your provider's own sign-in page. Nobody asks you for your password by mail.");
            html.raw("</div><p><a href=\"").text(address("/account", "name", account)).raw("\">Back to the account</a></p>");
        })
    }
}

/// What a form calls whoever asks.
pub(super) fn asker_field(
    id: &str,
    token: &Secret<String>,
    account: &str,
    app: &str,
    html: &mut crate::web::html::Html,
) {
    begin_form("/link", token, html);
    html.raw("<input type=\"hidden\" name=\"account\" value=\"")
        .text(account);
    html.raw("\"><input type=\"hidden\" name=\"app\" value=\"")
        .text(app)
        .raw("\"><p><label for=\"")
        .text(id);
    html.raw("\">Who asks, as the owner will read it</label><input id=\"")
        .text(id);
    html.raw("\" name=\"asked_by\" value=\"your administrator\" maxlength=\"80\"></p><p><button class=\"quiet\">Make a link</button></p></form>");
}
