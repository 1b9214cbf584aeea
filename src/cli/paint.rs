//! Colours, for whoever looks at a terminal. Everything is written through `anstream`, which takes them out again for a pipe, and
//! where `NO_COLOR` or `CLICOLOR=0` say so; each of them only repeats what a word says.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::account::state::State;

/// How good something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mood {
    /// Nothing to do.
    Good,
    /// Somebody should look at it.
    Fair,
    /// Somebody has to act.
    Bad,
}

impl Mood {
    const fn style(self) -> Style {
        let colour = match self {
            Self::Good => AnsiColor::Green,
            Self::Fair => AnsiColor::Yellow,
            Self::Bad => AnsiColor::Red,
        };
        colour.on_default()
    }
}

impl From<State> for Mood {
    fn from(state: State) -> Self {
        match state {
            State::Ready => Self::Good,
            State::Off | State::Waiting => Self::Fair,
            State::NeedsSignIn | State::NeedsAdmin => Self::Bad,
        }
    }
}

/// The text in the colour of its mood. What has to be aligned is padded before.
pub(super) fn paint(mood: impl Into<Mood>, text: impl Display) -> String {
    let style = mood.into().style();
    format!("{style}{text}{style:#}")
}
