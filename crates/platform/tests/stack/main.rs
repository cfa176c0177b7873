//! The supervisor against real servers; it starts its own.

// Said again, so that clippy sees that the helpers are tests too.
#[cfg(test)]
mod capture;
#[cfg(test)]
mod home;
#[cfg(test)]
mod library;
#[cfg(test)]
mod life;
#[cfg(test)]
mod postgres_log;
#[cfg(test)]
mod refusals;
