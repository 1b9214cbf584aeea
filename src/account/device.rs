//! A device that cannot authenticate: a listener's map says whose login it has, and the account's own rules hold.

use std::sync::Arc;

use super::check::way;
use super::throttle::Guess;
use super::{Accounts, Authorized, Entrance, RefusedLogin};
use crate::devices::{Device, Devices};

/// What devices are counted by beside their source: no login has a NUL in it, so that no guess at a password takes their places.
const COUNTED: &str = "\0device";

impl Accounts {
    /// The same accounts, with every listener's devices.
    #[must_use]
    pub fn with_devices(self, devices: Vec<Arc<Devices>>) -> Self {
        Self { devices, ..self }
    }

    /// Lets a device in, or says why not. There is nothing to guess; but one that is refused waits as long as others do.
    pub(super) async fn check_device(
        &self,
        entrance: Entrance<'_>,
        device: &Device,
    ) -> Result<Authorized, RefusedLogin> {
        let account = format!("{COUNTED} {} {}", device.address(), device.login());
        let guess = Guess {
            source: entrance.peer.source(),
            name: COUNTED.as_bytes(),
            account: Some(&account),
            claimed: None,
        };
        let admission = self.shared.throttle().admit(guess).await;
        let admission = admission.ok_or(RefusedLogin::TooManyGuesses)?;
        let judged = self.judge_device(entrance, device);
        match &judged {
            Ok(_) => admission.right(),
            Err(_) => admission.wrong().await,
        }
        judged
    }

    fn judge_device(&self, entrance: Entrance<'_>, device: &Device) -> Result<Authorized, RefusedLogin> {
        if !self.still_names(device) {
            return Err(RefusedLogin::UnknownDevice);
        }
        let account = self.find(device.login()).ok_or(RefusedLogin::UnknownUser)?;
        let way = way(account, device.login(), entrance, b"")?;
        let login = Authorized::new(Arc::clone(account), entrance.protocol, way, None);
        Ok(login.by_device(device.clone()))
    }

    /// Whether a listener of this configuration has the device: a listener that was moved to another port ends no session.
    pub(super) fn still_names(&self, device: &Device) -> bool {
        self.devices.iter().any(|map| map.names(device))
    }
}
