//! A sign-in is forgotten, and the configuration is read again: what an operator does and hears of at once.

use super::Admin;
use super::form::{Form, address, query};
use super::page::{Button, Page, trouble};
use super::prose::lines;
use super::routes::{Visitor, ended, forbidden, not_found};
use crate::audit;
use crate::control::{News, Order};
use crate::web::{Answer, Asked};

/// Asks before anything is forgotten.
pub(super) fn confirm_sign_out(visitor: &Visitor, asked: &Asked) -> Answer {
    let Some(account) = query(&asked.uri, "name") else {
        return not_found();
    };
    let app = query(&asked.uri, "app");
    Page::new("Sign out?").operator(&visitor.token).with(|html| {
        html.raw("<p>saslgate forgets the sign-in of <strong>").text(&account).raw("</strong>");
        if let Some(app) = &app {
            html.raw(" for the app ").text(app);
        }
        html.raw(" and ends the sessions of mail programs that were opened with it. Mail programs get no mail until somebody has signed in again.</p>");
        html.raw("<div class=\"actions\">");
        let button = Button::new("/sign-out", "Sign out").field("account", &account);
        match &app {
            Some(app) => button.field("app", app).put(&visitor.token, html),
            None => button.put(&visitor.token, html),
        }
        html.raw("<a class=\"button quiet\" href=\"").text(address("/account", "name", &account)).raw("\">Leave it</a></div>");
    })
}

impl Admin {
    /// Forgets it.
    pub(super) async fn sign_out(&self, visitor: &Visitor, form: &Form) -> Answer {
        let Some(account) = form.text("account") else {
            return forbidden();
        };
        audit::admin_order(&visitor.peer, "sign-out", &account);
        let app = form.text("app");
        let news = self.ask(Order::SignOut { account, app }).await;
        let page = |title| Page::new(title).operator(&visitor.token);
        match news {
            Some(News::SignedOut {
                account,
                sessions,
                apps,
            }) => page("Signed out").with(|html| {
                html.raw("<p role=\"status\">The sign-in of <strong>").text(&account).raw("</strong> is forgotten (app ").text(apps.join(", "));
                html.raw("). Sessions of mail programs that were ended: ").text(sessions.to_string());
                html.raw(".</p><p>The consent stays with the provider: the person, or an administrator, can withdraw it there.</p><p><a href=\"");
                html.text(address("/account", "name", &account)).raw("\">Back to the account</a></p>");
            }),
            Some(News::Refused(told)) => page("Not signed out").with(|html| trouble(&told, html)),
            _ => page("Not signed out").with(|html| trouble(&ended(), html)),
        }
    }

    /// Has the configuration read again.
    pub(super) async fn reload(&self, visitor: &Visitor) -> Answer {
        audit::admin_order(&visitor.peer, "reload", "-");
        let news = self.ask(Order::Reload).await;
        let page = |title| Page::new(title).operator(&visitor.token);
        let back = "<p><a href=\"/\">Back to the accounts</a></p>";
        match news {
            Some(News::Reloaded { plan, warnings, .. }) => page("Configuration read again").with(|html| {
                html.raw("<p role=\"status\">It is in use now: ")
                    .text(&plan)
                    .raw(".</p>");
                if !warnings.is_empty() {
                    html.element("h2", "Worth a look");
                    lines(&warnings, html);
                }
                html.raw(back);
            }),
            Some(News::NotReloaded { problems }) => page("Configuration not taken").with(|html| {
                html.raw(
                    "<p role=\"status\">The old configuration stays in use. What is wrong with the file:</p>",
                );
                lines(&problems, html);
                html.raw(back);
            }),
            Some(News::Refused(told)) => page("Configuration not read").with(|html| trouble(&told, html)),
            _ => page("Configuration not read").with(|html| trouble(&ended(), html)),
        }
    }
}
