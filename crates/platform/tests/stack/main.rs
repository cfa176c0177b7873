//! The supervisor against real servers; it starts its own.
