//! The parsers on real texts and on arbitrary ones.
#![cfg(feature = "texts")]

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod samples;
