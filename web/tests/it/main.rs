//! Pages and mail as a browser and a mail client get them.

mod escaping;
mod lists;
mod mail;
#[cfg(test)]
mod pages;
#[path = "../../examples/gallery/samples.rs"]
mod samples;
mod snapshots;
