//! How long something took, in buckets of atomics: the library's own histogram has a lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// The upper bounds of the buckets. A generated password is checked in microseconds, a chosen one in tens of milliseconds; Exchange
/// takes up to eight seconds to say yes.
const BOUNDS: [Duration; 13] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// A histogram.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// One for each bound, and one for what took longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Timing {
    pub(super) fn took(&self, time: Duration) {
        let bucket = BOUNDS.partition_point(|bound| *bound < time);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Timing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        // The sum of what was read, so that the buckets never say more or less than the count beside them.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_bucket_that_ends_at_or_above_it() {
        let timing = Timing::default();
        let table = [
            (0, 0),
            (1, 0),
            (2, 1),
            (5, 1),
            (6, 2),
            (1000, 8),
            (30_000, 12),
            (30_001, 13),
            (3_600_000, 13),
        ];
        for (millis, bucket) in table {
            let before = timing.buckets[bucket].load(Ordering::Relaxed);
            timing.took(Duration::from_millis(millis));
            assert_eq!(
                timing.buckets[bucket].load(Ordering::Relaxed),
                before + 1,
                "{millis} ms"
            );
        }
        let all: u64 = timing
            .buckets
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum();
        assert_eq!(all, 9);
        assert!(BOUNDS.is_sorted());
    }
}
