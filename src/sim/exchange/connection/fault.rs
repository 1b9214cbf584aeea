//! Planned faults, when their moment has come.

use super::{Connection, Ended, Flow, READ};
use crate::sim::faults::{Action, Moment};

/// What follows a fault.
enum Then {
    /// The conversation goes on as if nothing had been.
    GoOn,
    /// The connection is lost.
    End,
}

impl Connection {
    /// Lets the fault happen that is planned for this moment, if there is one.
    pub(in crate::sim::exchange) async fn at(&mut self, moment: Moment) -> Flow {
        let Some(action) = self.world.exchange.faults.take(self.protocol, moment) else {
            return Ok(());
        };
        match self.suffer(action).await {
            Ok(Then::GoOn) => Ok(()),
            // A peer that leaves in the middle of a fault leaves because of it.
            Ok(Then::End) | Err(_) => Err(Ended::Fault(moment)),
        }
    }

    async fn suffer(&mut self, action: Action) -> Flow<Then> {
        self.flush().await?;
        match action {
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                return Ok(Then::GoOn);
            }
            Action::Inject(bytes) => {
                self.add(&bytes);
                self.flush().await?;
                return Ok(Then::GoOn);
            }
            Action::Flood { unit, times } => {
                self.flood(&unit, times).await?;
                return Ok(Then::GoOn);
            }
            Action::Garbage => {
                let mut garbage = self.world.random.bytes(200);
                garbage.extend_from_slice(b"\r\n");
                self.add(&garbage);
                self.flush().await?;
                self.stream()?.hung_up().await;
            }
            Action::Stall => self.stream()?.hung_up().await,
            Action::Finish => {
                self.stream()?.finish_abruptly()?;
                self.stream()?.hung_up().await;
            }
            Action::Reset => {
                if let Some(stream) = self.stream.take() {
                    stream.reset()?;
                }
            }
        }
        Ok(Then::End)
    }

    async fn flood(&mut self, unit: &[u8], times: u64) -> Flow {
        for _ in 0..times {
            self.add(unit);
            if self.outbound.len() > READ {
                self.flush().await?;
            }
        }
        self.flush().await
    }
}
