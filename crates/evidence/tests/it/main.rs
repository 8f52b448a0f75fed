//! The parsers on real texts, on changed and on arbitrary ones.
#![cfg(feature = "texts")]

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod variants;
