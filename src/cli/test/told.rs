//! What a test says to a person, or to a program as JSON: step by step, and at the end once more what does not work.

mod fault;

use std::io::Write as _;

use crate::cli::paint::{Mood, paint};
use crate::cli::progress::Progress;
use crate::control::{News, Operator, StepOutcome, StepTold, TestStep, TroubleTold};
use fault::Faults;

/// What was told so far.
pub(super) struct Told {
    json: bool,
    /// Whether a login that works is one line.
    brief: bool,
    progress: Progress,
    /// What goes on at the moment.
    doing: String,
    /// What the steps belong to that come now.
    login: Option<Login>,
    count: Count,
    code: u8,
    faults: Faults,
    /// Whether no server runs.
    is_absent: bool,
}

/// The steps of one account by one protocol, or of the listeners.
struct Login {
    heading: String,
    is_account: bool,
    /// Steps that were not shown, because all is well so far.
    held: String,
    millis: u64,
    passed: bool,
    /// Whether it was not logged in, because that can't be tried.
    left_out: bool,
    code: u8,
}

/// How many logins came to what.
#[derive(Default)]
struct Count {
    work: usize,
    look: usize,
    fail: usize,
    left_out: usize,
}

impl Count {
    const fn tested(&self) -> usize {
        self.work + self.look + self.fail
    }
}

impl Told {
    /// `brief` for many accounts.
    pub(super) fn new(json: bool, brief: bool) -> Self {
        Self {
            json,
            brief,
            progress: Progress::new(),
            doing: "saslgate begins".into(),
            login: None,
            count: Count::default(),
            code: 0,
            faults: Faults::default(),
            is_absent: false,
        }
    }

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        self.code
    }

    /// The next news; what lasts is shown.
    pub(super) async fn hear(&mut self, operator: &mut Operator) -> Option<News> {
        self.progress.hear(operator, &self.doing).await
    }

    pub(super) fn begun(&mut self, step: &StepTold) {
        self.doing = format!("{}: {}", heading(step), step.step);
        self.progress.show(&format!("{} …", self.doing));
    }

    pub(super) fn ended(&mut self, step: &TestStep) {
        self.progress.clear();
        let text = self.take(step);
        print(&text);
    }

    /// No server runs: in the place of its listeners, and last, because nobody can log in whatever works.
    pub(super) fn absent(&mut self, trouble: TroubleTold) {
        self.is_absent = true;
        self.ended(&TestStep {
            of: StepTold {
                account: None,
                protocol: None,
                step: "listener".into(),
            },
            millis: 0,
            outcome: StepOutcome::Remarked(trouble),
        });
    }

    pub(super) fn summed_up(&mut self) {
        self.progress.clear();
        let text = self.rest();
        print(&text);
    }

    /// What is to be printed when a step has ended.
    fn take(&mut self, step: &TestStep) -> String {
        let code = code(&step.outcome);
        self.code = self.code.max(code);
        if self.json {
            return serde_json::to_string(step).unwrap_or_default() + "\n";
        }
        let heading = heading(&step.of);
        let mut text = String::new();
        if self.login.as_ref().is_none_or(|login| login.heading != heading) {
            if self.login.is_some() && !self.brief {
                text.push('\n');
            }
            text += &self.login_over();
            self.login = Some(Login::new(heading, step.of.account.is_some()));
        }
        let known = self.faults.take(step);
        if let Some(login) = &mut self.login {
            let shown = known.map_or_else(|| text_of(step), |known| again(step, &known));
            text += &login.take(step, code, self.brief, &shown);
        }
        text
    }

    /// What is left to say of a login that has no further steps.
    fn login_over(&mut self) -> String {
        let Some(login) = self.login.take() else {
            return String::new();
        };
        if login.is_account {
            let count = match (login.code, login.opened()) {
                (0, false) => &mut self.count.left_out,
                (0, true) => &mut self.count.work,
                (1, _) => &mut self.count.look,
                _ => &mut self.count.fail,
            };
            *count += 1;
        }
        login.over(self.brief)
    }

    /// What is said when everything was tested: the faults once more, then the count, then the verdict.
    fn rest(&mut self) -> String {
        if self.json {
            return String::new();
        }
        let mut text = self.login_over();
        let one = self.count.tested() + self.count.left_out <= 1;
        if !one && !self.faults.is_empty() {
            text += "\nWhat does not work, or should be looked at:\n";
            text += &self.faults.recalled();
        }
        if !one && (self.brief || self.code > 0) {
            text += &self.counted();
        }
        text + &format!("\n{}\n", self.verdict())
    }

    fn counted(&self) -> String {
        let Count {
            work,
            look,
            fail,
            left_out,
        } = self.count;
        let parts = [
            (work, Mood::Good, "fine"),
            (look, Mood::Fair, "to be looked at"),
            (fail, Mood::Bad, "failing"),
            (left_out, Mood::Fair, "left out"),
        ];
        let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
        let parts: Vec<_> = parts
            .map(|(count, mood, what)| paint(mood, format!("{count} {what}")))
            .collect();
        format!("\n{} logins tested: {}.\n", self.count.tested(), parts.join(", "))
    }

    fn verdict(&self) -> &'static str {
        let Count { left_out, .. } = self.count;
        match (self.count.tested() + left_out, self.code) {
            (_, 0 | 1) if self.is_absent => {
                "The way to the mailbox was tested, and no mail client can log in: no saslgate is running, see above. Nothing was sent."
            }
            (0, 0) => "There was nothing to test.",
            (_, 0) if left_out > 0 => {
                "What could be tested works. No mailbox was opened where a step was left out: the line with - says why. Nothing was sent."
            }
            (_, 0) => "All of it works. Nothing was sent.",
            (_, 1) => "All of it works; what is marked with ! should be looked at. Nothing was sent.",
            _ => "Something does not work: do what the fix says, and test again. Nothing was sent.",
        }
    }
}

impl Login {
    fn new(heading: String, is_account: bool) -> Self {
        let held = format!("{heading}\n");
        Self {
            heading,
            is_account,
            held,
            millis: 0,
            passed: false,
            left_out: false,
            code: 0,
        }
    }

    /// What is shown of a step now: nothing as long as it may all become one line.
    fn take(&mut self, step: &TestStep, code: u8, brief: bool, shown: &str) -> String {
        self.millis += step.millis;
        let skipped = matches!(step.outcome, StepOutcome::Skipped(_));
        // Without a token nobody has logged in, whatever was reached on the way there.
        self.left_out |= skipped && ["token", "login"].contains(&&*step.of.step);
        self.passed |= matches!(step.outcome, StepOutcome::Passed(_));
        self.code = self.code.max(code);
        self.held += shown;
        if brief && self.code == 0 {
            return String::new();
        }
        std::mem::take(&mut self.held)
    }

    /// Whether its mailbox was opened, if nothing failed.
    const fn opened(&self) -> bool {
        self.passed && !self.left_out
    }

    /// What is shown at its end.
    fn over(mut self, brief: bool) -> String {
        match (brief && self.code == 0, self.opened()) {
            (false, _) => String::new(),
            (true, true) => format!(
                "{}  {}  {} ms\n",
                paint(Mood::Good, "ok    "),
                self.heading,
                self.millis
            ),
            // Why it was left out is told.
            (true, false) => std::mem::take(&mut self.held),
        }
    }
}

/// The account and protocol that a step belongs to.
fn heading(step: &StepTold) -> String {
    let protocol = step
        .protocol
        .map_or(String::new(), |protocol| format!(" {protocol}"));
    match &step.account {
        Some(account) => format!("{account}{protocol}"),
        None => "saslgate".to_owned(),
    }
}

/// Whoever has closed standard output needs to be told nothing.
fn print(text: &str) {
    let mut out = anstream::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

const fn code(outcome: &StepOutcome) -> u8 {
    match outcome {
        StepOutcome::Passed(_) | StepOutcome::Skipped(_) => 0,
        StepOutcome::Remarked(_) => 1,
        StepOutcome::Failed { .. } => 2,
    }
}

fn text_of(step: &TestStep) -> String {
    match &step.outcome {
        StepOutcome::Passed(found) => line(step, found),
        StepOutcome::Skipped(why) => line(step, why),
        StepOutcome::Remarked(trouble) => line(step, &first(trouble)) + &why_and_fix(trouble),
        StepOutcome::Failed {
            trouble,
            takes,
            commands,
        } => {
            line(step, &first(trouble))
                + &why_and_fix(trouble)
                + &format!("    takes: {takes}\n")
                + &pasted(commands)
        }
    }
}

/// A step whose fault stands above.
fn again(step: &TestStep, known: &StepTold) -> String {
    let by = known
        .protocol
        .map_or(String::new(), |protocol| format!(" by {protocol}"));
    match &known.account {
        Some(account) if known.account != step.of.account => {
            line(step, &format!("the same as for {account}{by}, above"))
        }
        _ => line(step, &format!("the same as{by}, above")),
    }
}

fn line(step: &TestStep, said: &str) -> String {
    let (mood, mark) = mark(&step.outcome);
    let mark = paint(mood, format!("{mark:<6}"));
    let time = format!("{} ms", step.millis);
    format!("  {:<9} {mark} {time:>8}  {said}\n", step.of.step)
}

const fn mark(outcome: &StepOutcome) -> (Mood, &'static str) {
    match outcome {
        StepOutcome::Passed(_) => (Mood::Good, "ok"),
        StepOutcome::Skipped(_) => (Mood::Fair, "-"),
        StepOutcome::Remarked(_) => (Mood::Fair, "!"),
        StepOutcome::Failed { .. } => (Mood::Bad, "FAILED"),
    }
}

fn first(trouble: &TroubleTold) -> String {
    let code = trouble.code.as_deref();
    let code = code.map_or(String::new(), |code| format!(" [{code}]"));
    format!("{}{code}", trouble.what)
}

fn why_and_fix(trouble: &TroubleTold) -> String {
    format!("    why:   {}\n    fix:   {}\n", trouble.why, trouble.fix)
}

/// What can be pasted stands by itself, one command a line.
fn pasted(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let lines = commands.iter().map(|command| format!("      {command}\n"));
    "    paste: (as an administrator, in PowerShell with the module ExchangeOnlineManagement)\n      Connect-ExchangeOnline\n".to_owned()
        + &lines.collect::<String>()
}

#[cfg(test)]
mod tests;
