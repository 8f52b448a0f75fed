//! Detection over simulated hosts and time.

mod schedule;
