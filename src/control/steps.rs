//! The steps of a test, as they are told: no token is in them.

use serde::{Deserialize, Serialize};

use super::TroubleTold;
use crate::probe::Outcome;
use crate::provider::Protocol;

/// A step of a test.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StepTold {
    /// The account; none where the step is about saslgate itself.
    pub account: Option<String>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// Which step.
    pub step: String,
}

/// A step that has ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TestStep {
    /// Which.
    #[serde(flatten)]
    pub of: StepTold,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: StepOutcome,
}

/// How a step ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It worked: what was found.
    Passed(String),
    /// It works and should be looked at.
    Remarked(TroubleTold),
    /// It does not work.
    Failed {
        /// What, why, fix.
        #[serde(flatten)]
        trouble: TroubleTold,
        /// How long it takes until the fix counts.
        takes: String,
        /// The commands of Exchange's PowerShell that the fix names, each to be pasted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        commands: Vec<String>,
    },
    /// It was not tried to its end, and why.
    Skipped(String),
}

impl From<Outcome> for StepOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed(found) => Self::Passed(found),
            Outcome::Remarked(diagnosis) => Self::Remarked(diagnosis.into()),
            Outcome::Failed {
                diagnosis,
                takes,
                commands,
            } => Self::Failed {
                trouble: diagnosis.into(),
                takes: takes.to_owned(),
                commands,
            },
            Outcome::Skipped(why) => Self::Skipped(why),
        }
    }
}
