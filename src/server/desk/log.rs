//! The log is made louder or quieter while saslgate runs.

use super::{Desk, Refused, refused};
use crate::control::{News, Talk};
use crate::log::LogError;
use crate::{audit, log};

impl Desk {
    /// Tells the level, after it was set where one is given.
    pub(super) async fn log(&self, level: Option<&str>, talk: &mut Talk) -> Result<(), Refused> {
        self.needs_server()?;
        let before = log::level().map_err(|error| not_set(&error))?;
        if let Some(level) = level {
            log::set_level(level).map_err(|error| not_set(&error))?;
            audit::log_level_changed(level, &before);
        }
        let now = log::level().map_err(|error| not_set(&error))?;
        talk.tell(News::LogLevel(now)).await;
        Ok(())
    }
}

fn not_set(error: &LogError) -> Refused {
    refused(
        "the log is as it was",
        error.to_string(),
        "write one of error, warn, info, debug, trace, off, or per module \"info,saslgate::upstream=debug\"",
    )
}
