//! The questions as conversations, and what is written of every choice.

mod choices;
mod conversation;
mod network;
mod shared;
mod talk;

pub(super) use talk::Given;
