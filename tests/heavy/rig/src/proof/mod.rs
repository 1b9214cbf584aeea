//! The proofs, one file each.

pub mod burst;
pub mod idle_memory;
pub mod login_cpu;
pub mod relay_bytes;
pub mod relay_cpu;
pub mod slow_reader;
