//! What does not work: each cause once, with all whom it meets.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{first, heading, mark};
use crate::cli::paint::paint;
use crate::control::{StepOutcome, StepTold, TestStep, TroubleTold};

/// More causes are counted at the end, not said once more: they stand above.
const RECALLED: usize = 20;

/// How many others that have the same fault are named.
const NAMED: usize = 10;

/// The faults so far, in the order in which they were met.
#[derive(Default)]
pub(super) struct Faults {
    all: Vec<Fault>,
    /// Where each cause stands.
    known: HashMap<String, usize>,
}

struct Fault {
    first: TestStep,
    others: Vec<StepTold>,
}

impl Faults {
    /// Takes a step. Where it has a fault that was told already, whose it was.
    pub(super) fn take(&mut self, step: &TestStep) -> Option<StepTold> {
        let cause = cause(step)?;
        if let Some(known) = self.known.get(&cause).and_then(|at| self.all.get_mut(*at)) {
            known.others.push(step.of.clone());
            return Some(known.first.of.clone());
        }
        self.known.insert(cause, self.all.len());
        self.all.push(Fault {
            first: step.clone(),
            others: Vec::new(),
        });
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of it once more, in two or three lines for each cause.
    pub(super) fn recalled(&self) -> String {
        let mut text: String = self
            .all
            .iter()
            .take(RECALLED)
            .filter_map(Fault::recalled)
            .collect();
        if let more @ 1.. = self.all.len().saturating_sub(RECALLED) {
            let _ = writeln!(text, "  and {more} more");
        }
        text
    }
}

impl Fault {
    fn recalled(&self) -> Option<String> {
        let (mood, mark) = mark(&self.first.outcome);
        let trouble = trouble(&self.first)?;
        let mut text = format!(
            "  {}  {}, {}: {}\n          fix: {}\n",
            paint(mood, format!("{mark:<6}")),
            heading(&self.first.of),
            self.first.of.step,
            first(trouble),
            trouble.fix
        );
        if !self.others.is_empty() {
            let _ = writeln!(text, "          the same for {}", self.named());
        }
        Some(text)
    }

    /// The others that have it: by their protocols, where it is one account.
    fn named(&self) -> String {
        let name = |of: &StepTold| match of.protocol {
            Some(protocol) if of.account == self.first.of.account => protocol.to_string(),
            _ => heading(of),
        };
        let names: Vec<_> = self.others.iter().take(NAMED).map(name).collect();
        match self.others.len().saturating_sub(NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

const fn trouble(step: &TestStep) -> Option<&TroubleTold> {
    match &step.outcome {
        StepOutcome::Failed { trouble, .. } | StepOutcome::Remarked(trouble) => Some(trouble),
        StepOutcome::Passed(_) | StepOutcome::Skipped(_) => None,
    }
}

/// What two faults have in common that are one. Where there is a code, the sentence beside it may name a time or a request.
fn cause(step: &TestStep) -> Option<String> {
    let TroubleTold { code, what, why, fix } = trouble(step)?;
    let said = code.as_ref().unwrap_or(what);
    let commands = match &step.outcome {
        StepOutcome::Failed { commands, .. } => commands.join("\n"),
        _ => String::new(),
    };
    Some(
        [&step.of.step, said, why, fix, &commands]
            .map(String::as_str)
            .join("\0"),
    )
}
