//! One line per figure, and whether all bars were met.

use std::process::ExitCode;

/// What a figure may be at most on the machine that the bar was set on, and what the floor cost there. A machine where
/// the floor costs more has a bar that is higher by as much.
#[derive(Clone, Copy)]
pub struct Bar {
    pub most: f64,
    pub floor: f64,
}

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

    /// A figure whose bar depends on what the floor costs here.
    pub fn at_most_beside(&mut self, what: &str, value: f64, bar: Bar, floor: f64, unit: &str) {
        let most = bar.most * floor / bar.floor;
        let detail = format!(
            "{value:.3} {unit} (bar: at most {most:.3} {unit}; that is {} where the floor costs {}, and here it costs {floor:.3})",
            bar.most, bar.floor
        );
        self.line(value <= most, what, &detail);
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
