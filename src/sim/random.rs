//! Identifiers and secrets of the simulated tenant, from a seed so that a run can be repeated.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A `SplitMix64` stream shared by all tasks. Nothing here protects anything: the tenant is thrown away.
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

impl Random {
    /// The stream that belongs to `seed`.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub(crate) fn next(&self) -> u64 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// `length` bytes.
    pub(crate) fn bytes(&self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    /// A version 4 GUID in its usual spelling.
    pub(crate) fn guid(&self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff,
        )
    }

    /// 16 upper-case hexadecimal digits, as Exchange numbers its SMTP sessions.
    pub(crate) fn session_id(&self) -> String {
        format!("{:016X}", self.next())
    }

    /// `length` characters of base64url.
    pub(crate) fn text(&self, length: usize) -> String {
        let mut text = URL_SAFE_NO_PAD.encode(self.bytes(length));
        text.truncate(length);
        text
    }
}
