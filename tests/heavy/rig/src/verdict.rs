//! One line per figure, and whether all bars were met.

use std::process::ExitCode;

/// The figures of one proof.
#[derive(Default)]
pub struct Verdict {
    missed: usize,
}

impl Verdict {
    /// A figure that must not be above its bar.
    pub fn at_most(&mut self, what: &str, value: f64, bar: f64, unit: &str) {
        let good = value <= bar;
        self.line(
            good,
            what,
            &format!("{value:.3} {unit} (bar: at most {bar} {unit})"),
        );
    }

    /// Something that must be so.
    pub fn holds(&mut self, what: &str, good: bool, detail: &str) {
        self.line(good, what, detail);
    }

    /// A figure without a bar.
    pub fn report(&self, what: &str, value: f64, unit: &str) {
        println!("      {what}: {value:.3} {unit}");
    }

    /// 0 when every bar was met, else 1.
    pub fn exit_code(&self) -> ExitCode {
        if self.missed == 0 {
            println!("every bar was met");
            ExitCode::SUCCESS
        } else {
            println!("{} bars were missed", self.missed);
            ExitCode::FAILURE
        }
    }

    fn line(&mut self, good: bool, what: &str, detail: &str) {
        let word = if good { "ok  " } else { "MISS" };
        println!("{word}  {what}: {detail}");
        self.missed += usize::from(!good);
    }
}

/// The value below which that share of the sorted values lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
