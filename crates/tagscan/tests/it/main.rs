//! Scans of driver files.

mod hostile;
mod real;
mod synthetic;
