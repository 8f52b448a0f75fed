//! The parsers on real texts, on changed and on arbitrary ones.
#![cfg(feature = "texts")]

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod event_log;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod variants;
