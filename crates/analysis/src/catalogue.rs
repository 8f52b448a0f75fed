//! What tags stand for: the built-in catalogue, publicly known leaks, and what the administrator's own
//! pooltag.txt and notes say, which count more.

mod built_in;
mod known_leaks;
mod own;

pub use built_in::{Certainty, Entry, entry, group, owned_by};
pub use known_leaks::{KnownLeak, LeakKind, known_leaks, known_leaks_of_driver};
pub use own::{Catalogue, Description, Note, Source, to_pooltag_txt};
