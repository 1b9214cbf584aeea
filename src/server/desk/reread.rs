//! The configuration is read again because somebody asks for it.

use super::{Desk, Refused, refused};
use crate::control::{News, Talk};

impl Desk {
    pub(super) async fn reread(&self, talk: &Talk) -> Result<(), Refused> {
        let Some((_, requests, _)) = &self.running else {
            return Err(refused(
                "no saslgate is running with this configuration",
                "each command reads the configuration by itself, and only a server keeps it",
                "start it with `saslgate run`; `saslgate check` shows what it would find",
            ));
        };
        let news = match requests.ask().await {
            Some(Ok(applied)) => News::Reloaded {
                plan: applied.plan,
                warnings: applied.warnings,
                generation: applied.generation,
            },
            Some(Err(problems)) => News::NotReloaded { problems },
            None => {
                return Err(refused(
                    "the configuration was not read again",
                    "saslgate is about to end",
                    "nothing: the next start reads it",
                ));
            }
        };
        talk.tell(news).await;
        Ok(())
    }
}
