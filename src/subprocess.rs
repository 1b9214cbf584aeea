//! Programs that the operator names: that one of them ends with all that it has started, and that what it says is bounded.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;

/// The process group of a program that leads one, killed when this is dropped. It has to be dropped before the child: as
/// long as nobody has reaped the child, its number is nobody else's.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started with `process_group(0)`.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// The program has ended and its number may be given to another.
    pub fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.take() {
            // It may be gone already, and that is all that is wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Reads to the end and keeps the last `most` bytes or a little more, however much there is.
pub async fn read_end(
    from: Option<impl AsyncRead + Unpin>,
    most: usize,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    while from.read_buf(into).await? > 0 {
        let excess = into.len().saturating_sub(most);
        into.drain(..excess);
    }
    Ok(())
}
