//! saslgate
