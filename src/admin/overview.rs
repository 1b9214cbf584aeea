//! The first page: how everything stands, what is wrong first.

use std::cmp::Reverse;

use http::StatusCode;

use super::Admin;
use super::form::{address, query};
use super::look::{ago, state, until};
use super::page::{Button, Page, trouble};
use super::prose::{lines, sentence};
use super::routes::{Visitor, ended};
use super::table::Table;
use crate::account::state::State;
use crate::control::{AccountStatus, ConfigurationStatus, Expiry, News, Order, Status};
use crate::secret::Secret;
use crate::web::html::Html;
use crate::web::{Answer, Asked};

/// Accounts on one page: more is nothing that anybody reads.
const SHOWN: usize = 100;

const COLUMNS: [&str; 6] = [
    "Account",
    "State",
    "What is wrong",
    "Signed in",
    "Last login",
    "Sessions",
];

impl Admin {
    /// How everything stands, as `saslgate status` tells it.
    pub(super) async fn status(&self) -> Option<Box<Status>> {
        match self.ask(Order::Status).await {
            Some(News::Status(status)) => Some(status),
            _ => None,
        }
    }

    pub(super) async fn overview(&self, visitor: &Visitor, asked: &Asked) -> Answer {
        let Some(mut status) = self.status().await else {
            return nothing_told(visitor);
        };
        status.accounts.sort_by(|one, other| {
            (Reverse(one.state), &one.account).cmp(&(Reverse(other.state), &other.account))
        });
        let wanted = query(&asked.uri, "q").unwrap_or_default();
        let page = query(&asked.uri, "page")
            .and_then(|page| page.parse().ok())
            .unwrap_or(1_usize)
            .max(1);
        Page::new("Accounts").operator(&visitor.token).with(|html| {
            counts(&status, html);
            accounts(&status.accounts, &wanted, page, html);
            configuration(status.configuration.as_ref(), &visitor.token, html);
            store(&status, html);
            ends(&status.expiries, html);
            html.raw("<p>saslgate ").text(&status.version);
            if let Some(since) = status.running_since {
                html.raw(", started ").text(ago(since));
            }
            html.raw("</p>");
        })
    }
}

/// The page of an order without an answer.
pub(super) fn nothing_told(visitor: &Visitor) -> Answer {
    let page = Page::new("No answer").operator(&visitor.token);
    page.status(StatusCode::SERVICE_UNAVAILABLE)
        .with(|html| trouble(&ended(), html))
}

fn counts(status: &Status, html: &mut Html) {
    let of = |state: State| {
        status
            .accounts
            .iter()
            .filter(|account| account.state == state)
            .count()
    };
    html.raw("<p class=\"counts\" role=\"status\">");
    for one in State::ALL.into_iter().rev() {
        let count = of(one);
        if count > 0 {
            html.raw("<span>");
            state(one, html);
            html.text(format!(": {count} ")).raw("</span>");
        }
    }
    html.raw("</p>");
    legend(html);
}

/// What the states ask of whoever looks.
fn legend(html: &mut Html) {
    html.raw("<details><summary>What do these states mean?</summary><dl>");
    for (one, meaning) in [
        (State::Ready, "Mail works."),
        (
            State::Waiting,
            "Something does not answer at the moment. saslgate tries again by itself: look again in a few minutes.",
        ),
        (
            State::NeedsSignIn,
            "The owner of the mailbox has to sign in. Open the account: it can be done there, or by a link for the owner.",
        ),
        (
            State::NeedsAdmin,
            "An administrator has to change something, at the provider or in the configuration. The account says what.",
        ),
        (
            State::Off,
            "No mail program can log in: the account has no password.",
        ),
    ] {
        html.raw("<dt>");
        state(one, html);
        html.raw("</dt>").element("dd", meaning);
    }
    html.raw("</dl></details>");
}

fn accounts(all: &[AccountStatus], wanted: &str, page: usize, html: &mut Html) {
    let folded = wanted.to_lowercase();
    let is_wanted = |account: &&AccountStatus| account.account.to_lowercase().contains(&folded);
    let found: Vec<_> = all.iter().filter(is_wanted).collect();
    html.raw("<form method=\"get\" action=\"/\" role=\"search\"><label for=\"q\">Find an account</label><div class=\"beside\"><input id=\"q\" name=\"q\" value=\"");
    html.text(wanted)
        .raw("\"><button class=\"quiet\">Find</button></div></form>");
    if found.is_empty() {
        html.raw("<p>No account has that in its name. <a href=\"/\">Show all</a></p>");
        return;
    }
    html.raw("<div class=\"accounts\">");
    let mut table = Table::begin("What needs somebody comes first", &COLUMNS, html);
    for account in found.iter().skip((page - 1) * SHOWN).take(SHOWN) {
        row(account, &mut table);
    }
    table.end();
    html.raw("</div>");
    pages(found.len(), wanted, page, html);
}

fn row(account: &AccountStatus, table: &mut Table<'_>) {
    let owners = account.sign_ins.iter();
    let owners = owners.filter_map(|sign_in| sign_in.owner.as_deref());
    // A column of names that stand in the first one already would hide the one that does not.
    let owners = owners.map(|owner| if owner == account.account { "yes" } else { owner });
    let owners: Vec<_> = owners.collect();
    let protocols = || account.protocols.iter();
    let last = protocols().filter_map(|protocol| protocol.last_login).max();
    let wrong = protocols().find_map(|protocol| protocol.trouble.as_ref());
    let link = |html: &mut Html| {
        html.raw("<a href=\"")
            .text(address("/account", "name", &account.account))
            .raw("\">")
            .name(&account.account)
            .raw("</a>");
    };
    table.row(link, |row| {
        row.cell(|html| state(account.state, html))
            .cell(|html| {
                // The whole of it is on the account's page.
                if let Some(told) = wrong {
                    html.raw("<div class=\"brief\">")
                        .text(sentence(&told.what))
                        .raw("</div>");
                }
            })
            .text(owners.join(", "))
            .text(last.map_or("none yet".to_owned(), ago))
            .text(account.sessions.to_string());
    });
}

fn pages(count: usize, wanted: &str, page: usize, html: &mut Html) {
    let last = count.div_ceil(SHOWN);
    if last < 2 {
        return;
    }
    html.raw("<nav aria-label=\"Further accounts\"><ul class=\"actions\">");
    let to = |number: usize, label: &'static str, html: &mut Html| {
        let to = format!("{}&page={number}", address("/", "q", wanted));
        html.raw("<li><a href=\"")
            .text(to)
            .raw("\">")
            .raw(label)
            .raw("</a></li>");
    };
    if page > 1 {
        to(page - 1, "Before", html);
    }
    html.raw("<li>Page ")
        .text(page.to_string())
        .raw(" of ")
        .text(last.to_string())
        .raw("</li>");
    if page < last {
        to(page + 1, "Next", html);
    }
    html.raw("</ul></nav>");
}

fn configuration(status: Option<&ConfigurationStatus>, token: &Secret<String>, html: &mut Html) {
    let Some(status) = status else { return };
    html.element("h2", "Configuration");
    html.raw("<p>The configuration in use was read ")
        .text(ago(status.since))
        .raw(" (number ")
        .number(status.generation)
        .raw(" since the start). Whoever has changed the file has it read again here.</p>");
    if let Some(problems) = &status.refused {
        html.raw("<div class=\"panel\"><p><strong>What the file says now is not in use.</strong> What is wrong with it:</p>");
        lines(problems, html);
        html.raw("</div>");
    }
    Button::new("/reload", "Read it again").quiet().put(token, html);
}

fn store(status: &Status, html: &mut Html) {
    let Some(store) = &status.store else { return };
    html.element("h2", "Token store");
    html.raw("<p>").text(&store.path).raw("</p>");
    if let Some(told) = &store.trouble {
        trouble(told, html);
    }
    if !store.unsaved.is_empty() {
        html.raw("<p>In memory only, and lost by a restart: ")
            .text(store.unsaved.join(", "))
            .raw("</p>");
    }
    for orphan in &status.orphans {
        html.raw("<p>A sign-in that no account uses: ")
            .text(&orphan.account)
            .raw(", app ")
            .text(&orphan.app);
        html.raw(". <a href=\"")
            .text(address("/sign-out", "name", &orphan.account))
            .raw("\">Forget it</a></p>");
    }
}

fn ends(expiries: &[Expiry], html: &mut Html) {
    let now = crate::control::seconds(std::time::SystemTime::now());
    let is_told = |expiry: &&Expiry| expiry.told_from.min(expiry.at) <= now;
    let soon: Vec<_> = expiries.iter().filter(is_told).collect();
    if soon.is_empty() {
        return;
    }
    html.element("h2", "What ends soon").raw("<ul>");
    for expiry in soon {
        html.raw("<li><strong>")
            .text(&expiry.what)
            .raw("</strong>: ")
            .text(until(expiry.at))
            .raw(". ")
            .text(&expiry.fix)
            .raw("</li>");
    }
    html.raw("</ul>");
}
