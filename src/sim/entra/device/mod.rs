//! The device authorization grant (RFC 8628): codes for those without a browser, and the pace at which they may ask.

mod codes;
mod endpoint;

pub(super) use self::codes::{DeviceCodes, Poll};
pub use self::endpoint::DeviceSettings;
pub(super) use self::endpoint::{answer, enter};
