//! `saslgate test`: an account from the clock to an opened mailbox, step by step.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Args;

use super::operator::{self, Which};
use super::token::Spoken;
use crate::control::{News, Order, StepOutcome, StepTold, TestStep, TroubleTold};

const EXAMPLES: &str = "Examples:
  saslgate test alice@contoso.com                     by every protocol that the account has
  saslgate test alice@contoso.com --protocol smtp     up to the recipient: nothing is sent
  saslgate test --all                                 every account
  saslgate test --all --json                          for scripts: one line for each step

Nobody logs in and no password is needed; the steps are those of a login. With a running server its listeners are tried too.

Exit codes: 0 all works, 1 all works and something should be looked at, 2 something does not work.";

/// What `test` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TestArgs {
    /// The account: what its mail program types as user name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    account: Option<String>,
    /// Every account
    #[arg(long)]
    all: bool,
    /// By this protocol only
    #[arg(long, value_enum)]
    protocol: Option<Spoken>,
    /// One line of JSON for each step
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// Tests.
pub(super) fn run(args: TestArgs) -> ExitCode {
    operator::run(async move {
        let order = Order::Test {
            account: args.account,
            protocol: args.protocol.map(Into::into),
        };
        let mut operator = operator::give(&args.which, order).await?;
        let mut told = Told::new(args.json);
        loop {
            match operator.hear().await {
                Some(News::StepBegun(step)) => told.begun(&step),
                Some(News::Step(step)) => told.ended(&step),
                Some(News::Tested) => break,
                Some(News::Refused(trouble)) => return Err(operator::refused(&trouble)),
                Some(other) => return Err(operator::unexpected(&other)),
                None => return Err(operator::hung_up()),
            }
        }
        told.summed_up();
        Ok(ExitCode::from(told.code))
    })
}

/// What was told so far.
struct Told {
    json: bool,
    /// Whether a line may be written over when its step ends.
    live: bool,
    /// What the steps below the last heading belong to.
    heading: Option<String>,
    code: u8,
    steps: usize,
}

impl Told {
    fn new(json: bool) -> Self {
        Self {
            json,
            live: !json && io::stdout().is_terminal(),
            heading: None,
            code: 0,
            steps: 0,
        }
    }

    fn begun(&mut self, step: &StepTold) {
        if self.live {
            let heading = self.heading(step);
            print(&format!("{heading}  {:<9} …", step.step));
        }
    }

    fn ended(&mut self, step: &TestStep) {
        self.steps += 1;
        self.code = self.code.max(code(&step.outcome));
        if self.json {
            let line = serde_json::to_string(step).unwrap_or_default();
            return print(&format!("{line}\n"));
        }
        let heading = self.heading(&step.of);
        let again = if self.live { "\r" } else { "" };
        print(&format!("{heading}{again}{}", text(step)));
    }

    /// The account and protocol that a step belongs to, where the step before belonged to another.
    fn heading(&mut self, step: &StepTold) -> String {
        let protocol = step
            .protocol
            .map_or(String::new(), |protocol| format!(" {protocol}"));
        let heading = match &step.account {
            Some(account) => format!("{account}{protocol}"),
            None => "saslgate".to_owned(),
        };
        if self.heading.as_ref() == Some(&heading) {
            return String::new();
        }
        let gap = if self.heading.is_some() { "\n" } else { "" };
        let line = format!("{gap}{heading}\n");
        self.heading = Some(heading);
        line
    }

    fn summed_up(&self) {
        if self.json {
            return;
        }
        let verdict = match (self.steps, self.code) {
            (0, _) => "There was nothing to test.",
            (_, 0) => "All of it works. Nothing was sent.",
            (_, 1) => "All of it works; what is marked with ! should be looked at. Nothing was sent.",
            _ => "Something does not work: do what the fix says, and test again. Nothing was sent.",
        };
        print(&format!("\n{verdict}\n"));
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

fn text(step: &TestStep) -> String {
    let name = &step.of.step;
    let time = format!("{} ms", step.millis);
    let line = |mark: &str, said: &str| format!("  {name:<9} {mark:<6} {time:>8}  {said}\n");
    match &step.outcome {
        StepOutcome::Passed(found) => line("ok", found),
        StepOutcome::Skipped(why) => line("-", why),
        StepOutcome::Remarked(trouble) => line("!", &first(trouble)) + &why_and_fix(trouble),
        StepOutcome::Failed {
            trouble,
            takes,
            commands,
        } => {
            line("FAILED", &first(trouble))
                + &why_and_fix(trouble)
                + &format!("    takes: {takes}\n")
                + &pasted(commands)
        }
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
mod tests {
    use super::*;

    fn step(account: Option<&str>, step: &str, outcome: StepOutcome) -> TestStep {
        TestStep {
            of: StepTold {
                account: account.map(Into::into),
                protocol: Some(crate::provider::Protocol::Imap),
                step: step.into(),
            },
            millis: 12,
            outcome,
        }
    }

    fn failed() -> StepOutcome {
        StepOutcome::Failed {
            trouble: TroubleTold {
                code: Some("AuthenticateFailed".into()),
                what: "no".into(),
                why: "because".into(),
                fix: "do this".into(),
            },
            takes: "an hour".into(),
            commands: vec!["Do-This -Now".into()],
        }
    }

    #[test]
    fn a_failed_step_says_what_why_fix_and_how_long() {
        assert_eq!(
            text(&step(Some("a@x"), "login", failed())),
            "  login     FAILED    12 ms  no [AuthenticateFailed]\n    why:   because\n    fix:   do this\n    takes: an hour\n    paste: \
             (as an administrator, in PowerShell with the module ExchangeOnlineManagement)\n      Connect-ExchangeOnline\n      Do-This -Now\n"
        );
        assert_eq!(
            text(&step(Some("a@x"), "dns", StepOutcome::Passed("1.1.1.1".into()))),
            "  dns       ok        12 ms  1.1.1.1\n"
        );
    }

    /// Scripts read it, so its shape is a promise.
    #[test]
    fn json_has_a_key_for_each_outcome() {
        let line = serde_json::to_string(&step(Some("a@x"), "login", failed())).unwrap();
        assert_eq!(
            line,
            r#"{"account":"a@x","protocol":"imap","step":"login","millis":12,"failed":{"code":"AuthenticateFailed","what":"no","why":"because","fix":"do this","takes":"an hour","commands":["Do-This -Now"]}}"#
        );
        let back: TestStep = serde_json::from_str(&line).unwrap();
        assert_eq!(code(&back.outcome), 2);
    }

    #[test]
    fn steps_stand_below_what_they_belong_to() {
        let mut told = Told::new(false);
        let at = |account| step(account, "dns", StepOutcome::Skipped("x".into())).of;
        assert_eq!(told.heading(&at(None)), "saslgate\n");
        assert_eq!(told.heading(&at(Some("a@x"))), "\na@x imap\n");
        assert_eq!(told.heading(&at(Some("a@x"))), "");
        assert_eq!(told.heading(&at(Some("b@x"))), "\nb@x imap\n");
    }
}
