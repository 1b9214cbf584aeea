//! This machine's clock beside the provider's: with a wrong one certificates are not believed, proofs are refused, and tokens
//! seem to end too early or too late.

use std::time::{Duration, SystemTime};

use url::Url;

use super::{Begun, Outcome, Step, Witness};
use crate::failure::Diagnosis;
use crate::oauth::Endpoint;

/// What does not matter: Entra ID forgives five minutes, others one.
const TOLERATED: Duration = Duration::from_secs(60);

/// Compares the clocks. `by` is a token endpoint. Where it does not answer, the token's own step says why.
pub async fn clock<W: Witness>(by: &Url, endpoint: &Endpoint, witness: &W) {
    let begun = Begun::at(Step::Clock, witness).await;
    let host = by.host_str().unwrap_or_default();
    let asked = SystemTime::now();
    let outcome = match endpoint.date(by).await {
        Ok(Some(theirs)) => {
            let took = asked.elapsed().unwrap_or_default();
            judge(host, asked + took / 2, theirs)
        }
        Ok(None) => Outcome::Skipped(format!("{host} does not say what time it is")),
        Err(error) => Outcome::Skipped(format!("{host} can't be asked what time it is: {error}")),
    };
    begun.ended(outcome).await;
}

/// `theirs` was told in whole seconds, so that it is half of one later on average.
fn judge(host: &str, ours: SystemTime, theirs: SystemTime) -> Outcome {
    let theirs = theirs + Duration::from_millis(500);
    let (offset, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = offset.as_secs();
    if offset <= TOLERATED {
        return Outcome::Passed(format!("{seconds} s off {host}"));
    }
    Outcome::Remarked(Diagnosis {
        code: None,
        what: format!("the clock of this machine is {seconds} s {direction} that of {host}"),
        why: "nobody sets the clock by the network, or the machine slept; certificates and signed proofs are refused by a wrong clock, and \
              tokens seem to last longer or shorter than they do"
            .into(),
        fix: "set the clock by the network: `timedatectl set-ntp true`, on the host if this is a container or a virtual machine".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_off_by_a_minute() {
        let now = SystemTime::now();
        let cases = [
            (0, None),
            (59, None),
            (-59, None),
            (62, Some("62 s behind that")),
            (-62, Some("61 s ahead of that")),
            (-7200, Some("7199 s ahead of that")),
        ];
        for (seconds, expected) in cases {
            let apart = Duration::from_secs(u64::from(i32::unsigned_abs(seconds)));
            let theirs = if seconds < 0 { now - apart } else { now + apart };
            match (judge("login.example", now, theirs), expected) {
                (Outcome::Passed(_), None) => {}
                (Outcome::Remarked(told), Some(words)) => assert!(told.what.contains(words), "{}", told.what),
                (other, _) => panic!("{seconds}: {other:?}"),
            }
        }
        assert_eq!(cases.len(), 6);
    }
}
