//! An account is tested: every step from DNS to the opened mailbox, as it comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Admin;
use super::form::{Form, address};
use super::page::{Button, Page, is_still, look_again, see_other, trouble};
use super::routes::{Visitor, ended, forbidden};
use super::table::Table;
use crate::audit;
use crate::control::{News, Operator, Order, StepOutcome, StepTold, TestStep, TroubleTold};
use crate::web::html::Html;
use crate::web::{Answer, Asked};

/// How often the page is loaded again while steps are still to come, in seconds.
const AGAIN: u16 = 3;

/// A test that goes on, or has ended. It ends when it is dropped.
pub(super) struct Testing {
    account: String,
    told: Arc<Mutex<Told>>,
    _hearing: AbortOnDropHandle<()>,
}

/// What is known of it.
#[derive(Default)]
struct Told {
    steps: Vec<TestStep>,
    /// The step that goes on now.
    now: Option<StepTold>,
    trouble: Option<TroubleTold>,
    is_over: bool,
}

impl Admin {
    /// Begins a test, in place of the one before.
    pub(super) fn begin_test(&self, visitor: &Visitor, form: &Form) -> Answer {
        let Some(account) = form.text("account") else {
            return forbidden();
        };
        audit::admin_order(&visitor.peer, "test", &account);
        let order = Order::Test {
            account: Some(account.clone()),
            protocol: None,
        };
        let (operator, _) = self.give(order);
        let test = Testing::begin(account, operator, self.stop.clone());
        self.sessions.keep_test(&visitor.name, Arc::new(test));
        see_other("/test")
    }

    /// How far the test is that was begun last.
    pub(super) fn test_page(&self, visitor: &Visitor, asked: &Asked) -> Answer {
        let Some(test) = self.sessions.test(&visitor.name) else {
            return see_other("/");
        };
        let told = test.told();
        let page = Page::new("Test").operator(&visitor.token);
        let page = if told.is_over || is_still(asked) {
            page
        } else {
            page.again_after(AGAIN)
        };
        page.with(|html| {
            html.raw("<p>Account: <strong>")
                .text(&test.account)
                .raw("</strong></p>");
            told.show(html);
            if !told.is_over {
                look_again("/test", asked, html);
            }
            if told.is_over {
                Button::new("/test", "Test again")
                    .field("account", &test.account)
                    .put(&visitor.token, html);
            }
            html.raw("<p><a href=\"")
                .text(address("/account", "name", &test.account))
                .raw("\">Back to the account</a></p>");
        })
    }
}

impl Testing {
    fn begin(account: String, operator: Operator, stop: CancellationToken) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let hearing = hear(operator, Arc::clone(&told));
        let hearing = async move {
            tokio::select! {
                () = hearing => {}
                () = stop.cancelled() => {}
            }
        };
        Self {
            account,
            told,
            _hearing: AbortOnDropHandle::new(tokio::spawn(hearing)),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn hear(mut operator: Operator, told: Arc<Mutex<Told>>) {
    loop {
        let news = operator.hear().await;
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            Some(News::StepBegun(step)) => told.now = Some(step),
            Some(News::Step(step)) => {
                told.now = None;
                told.steps.push(*step);
            }
            Some(News::Refused(trouble)) => told.trouble = Some(trouble),
            Some(News::Tested) => told.is_over = true,
            Some(News::Done) | None => {
                if !told.is_over && told.trouble.is_none() {
                    told.trouble = Some(ended());
                }
                told.is_over = true;
                return;
            }
            Some(_) => {}
        }
    }
}

impl Told {
    fn failed(&self) -> usize {
        let failed = |step: &&TestStep| matches!(step.outcome, StepOutcome::Failed { .. });
        self.steps.iter().filter(failed).count()
    }

    fn show(&self, html: &mut Html) {
        html.raw("<p role=\"status\">");
        match (self.is_over, self.failed(), &self.now) {
            (true, 0, _) if self.trouble.is_none() => html.raw("Done: everything works."),
            (true, failed, _) => html
                .raw("Done. Steps that failed: ")
                .text(failed.to_string())
                .raw("."),
            (false, _, Some(step)) => html.raw("Going on: ").text(name(step)).raw(" &hellip;"),
            (false, _, None) => html.raw("Going on &hellip;"),
        };
        html.raw("</p>");
        if let Some(told) = &self.trouble {
            trouble(told, html);
        }
        if self.steps.is_empty() {
            return;
        }
        let mut table = Table::begin("Steps", &["Step", "Result", "Found", "Took"], html);
        for step in &self.steps {
            let name = |html: &mut Html| {
                html.text(name(&step.of));
            };
            table.row(name, |row| {
                row.cell(|html| verdict(&step.outcome, html))
                    .cell(|html| found(&step.outcome, html))
                    .text(format!("{} ms", step.millis));
            });
        }
        table.end();
    }
}

fn name(step: &StepTold) -> String {
    match &step.protocol {
        Some(protocol) => format!("{}: {}", protocol.name().to_uppercase(), step.step),
        None => step.step.clone(),
    }
}

fn verdict(outcome: &StepOutcome, html: &mut Html) {
    html.raw(match outcome {
        StepOutcome::Passed(_) => "<span class=\"state ready\">passed</span>",
        StepOutcome::Skipped(_) => "<span class=\"state off\">skipped</span>",
        StepOutcome::Remarked(_) => "<span class=\"state waiting\">look at it</span>",
        StepOutcome::Failed { .. } => "<span class=\"state admin\">failed</span>",
    });
}

fn found(outcome: &StepOutcome, html: &mut Html) {
    match outcome {
        StepOutcome::Passed(said) | StepOutcome::Skipped(said) => {
            html.text(said);
        }
        StepOutcome::Remarked(told) => trouble(told, html),
        StepOutcome::Failed {
            trouble: told,
            takes,
            commands,
        } => {
            trouble(told, html);
            if !takes.is_empty() {
                html.raw("<p>How long until that counts: ")
                    .text(takes)
                    .raw("</p>");
            }
            if !commands.is_empty() {
                html.element("pre", commands.join("\n"));
            }
        }
    }
}
