//! What the kernel says of a process.

use std::fs;
use std::io;
use std::time::Duration;

/// The kernel counts processor time in hundredths of a second on every common system (`getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// A process that is measured.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Processor time, in user mode and in the kernel together.
    pub fn cpu(self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name before it may hold anything, so count from its closing parenthesis: fields 14 and 15 (proc(5)).
        let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let fields: Vec<u32> = behind_name
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        Ok(TICK * fields.iter().sum::<u32>())
    }

    /// Resident memory in KiB. Needs the right to trace the process: saslgate keeps its memory from its own user.
    pub fn resident_kib(self) -> io::Result<f64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        let number = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        number
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| io::Error::other("smaps_rollup has no Rss"))
    }

    /// Open descriptors.
    pub fn descriptors(self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0))?.count())
    }
}
