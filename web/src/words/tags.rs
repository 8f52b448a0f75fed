//! What is known of tags, and from where.

use std::borrow::Borrow;

use poolwatch_analysis::catalogue::{Certainty, Source};
use poolwatch_model::driver_scan::FoundTag;

use crate::figures;

/// Who says what a tag stands for.
#[must_use]
pub fn tag_source(source: impl Borrow<Source>) -> &'static str {
    match source.borrow() {
        Source::Group => "built-in catalogue, by tags that are named like it",
        Source::BuiltIn => "built-in catalogue",
        Source::Pooltag => "your own pooltag.txt",
        Source::Note => "a note of yours",
    }
}

/// How sure that is.
#[must_use]
pub fn certainty(certainty: impl Borrow<Certainty>) -> &'static str {
    match certainty.borrow() {
        Certainty::Guess => "a guess",
        Certainty::Likely => "likely",
        Certainty::Documented => "documented",
        Certainty::Seen => "seen in public analyses",
    }
}

/// What a driver's code does with a tag.
#[must_use]
pub fn found_in_code(found: &FoundTag) -> String {
    let signs = [
        (found.allocations, "allocates with it"),
        (found.frees, "frees with it"),
        (found.arguments, "passes it on"),
        (found.numbers, "has it as a number"),
    ];
    let mut told: Vec<String> = signs
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, does)| match count {
            1 => format!("{does} once"),
            _ => format!("{does} {} times", figures::grouped(count.into())),
        })
        .collect();
    if found.is_service_name {
        told.push("KMDF derives it from the service's name".to_owned());
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use poolwatch_model::PoolTag;

    use super::*;

    #[test]
    fn what_code_does_with_a_tag_is_said_with_how_often() {
        let tag = FoundTag::new(PoolTag::new(*b"Fooq"));
        let found = FoundTag { allocations: 3, frees: 1, ..tag };
        assert_eq!(found_in_code(&found), "allocates with it 3 times, frees with it once");
        let found = FoundTag { is_service_name: true, ..tag };
        assert_eq!(found_in_code(&found), "KMDF derives it from the service's name");
    }
}
