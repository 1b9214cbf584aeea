//! A test alert by every way, so that it is known beforehand who will hear.

use super::{Desk, Refused, refused};
use crate::control::{News, Talk, TroubleTold};
use crate::hook::Way;

impl Desk {
    /// Tells each way what came of it, one after the other.
    pub(super) async fn test_alerts(&self, talk: &Talk) -> Result<(), Refused> {
        let mut tried = 0;
        for way in Way::ALL {
            let Some(by_way) = self.alerts.test(way, &self.context).await else {
                continue;
            };
            tried += 1;
            let trouble = by_way.outcome.err().map(|undelivered| TroubleTold {
                code: None,
                what: undelivered.what,
                why: undelivered.why,
                fix: undelivered.fix,
            });
            talk.tell(News::AlertTried {
                way: way.name().to_owned(),
                to: by_way.to,
                trouble,
            })
            .await;
        }
        if tried == 0 {
            return Err(refused(
                "nobody would hear an alert",
                "there is no [alert] in the configuration that is in use",
                "add [alert] with `command`, `webhook` or `mail_from` and `mail_to`",
            ));
        }
        talk.tell(News::AlertsTried).await;
        Ok(())
    }
}
