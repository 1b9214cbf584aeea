//! One metric for every value of one or two labels, resolved once: what counts a login finds its number by an index,
//! without a lock, a hash or an allocation.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::label::Label;

/// One `M` for each pair of values. Clones share them.
#[derive(Debug)]
pub(super) struct Grid<A, B, M> {
    cells: Arc<[M]>,
    labels: PhantomData<fn() -> (A, B)>,
}

impl<A, B, M> Clone for Grid<A, B, M> {
    fn clone(&self) -> Self {
        Self {
            cells: Arc::clone(&self.cells),
            labels: PhantomData,
        }
    }
}

impl<A: Label, B: Label, M: Default> Grid<A, B, M> {
    pub(super) fn new() -> Self {
        let pairs = A::ALL.len() * B::ALL.len();
        Self {
            cells: (0..pairs).map(|_| M::default()).collect(),
            labels: PhantomData,
        }
    }

    /// The one for these values.
    pub(super) fn of(&self, one: A, other: B) -> &M {
        &self.cells[one.index() * B::ALL.len() + other.index()]
    }
}

impl<A, B, M> EncodeMetric for Grid<A, B, M>
where
    A: Label,
    B: Label,
    M: Default + EncodeMetric + TypedMetric,
{
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for one in A::ALL {
            for other in B::ALL {
                let mut labels = vec![(A::KEY, one.word()), (B::KEY, other.word())];
                labels.retain(|(key, _)| !key.is_empty());
                self.of(*one, *other).encode(encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
