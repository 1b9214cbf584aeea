//! The proofs, one file each.

pub mod idle_memory;
pub mod relay_bytes;
