//! Object types whose tags count one object each, so that handles can be set against them.

use poolwatch_model::PoolTag;

const OBJECT_TYPES: [&str; 18] = [
    "Thread",
    "Process",
    "File",
    "Event",
    "Mutant",
    "Semaphore",
    "Token",
    "Key",
    "Section",
    "Timer",
    "ALPC Port",
    "EtwRegistration",
    "Desktop",
    "Job",
    "Directory",
    "SymbolicLink",
    "WaitCompletionPacket",
    "TpWorkerFactory",
];

/// Whether the tag counts kernel objects of one type, to which there are handles.
#[must_use]
pub fn is_object_tag(tag: PoolTag) -> bool {
    object_type(tag).is_some()
}

/// The tags that count kernel objects of one type.
pub fn object_tags() -> impl Iterator<Item = PoolTag> {
    OBJECT_TYPES.into_iter().map(PoolTag::of_object_type)
}

/// The type of the objects that a tag counts.
#[must_use]
pub fn object_type(tag: PoolTag) -> Option<&'static str> {
    OBJECT_TYPES.into_iter().find(|name| PoolTag::of_object_type(name) == tag.unprotected())
}

/// The tag of the objects of a type, where it counts them alone.
#[must_use]
pub fn tag_of(name: &str) -> Option<PoolTag> {
    OBJECT_TYPES.contains(&name).then(|| PoolTag::of_object_type(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_object_types_are_known_by_their_first_letters() {
        assert_eq!(object_type(PoolTag::new(*b"Thr\xe5")), Some("Thread"));
        assert_eq!(object_type(PoolTag::new(*b"Key ")), Some("Key"));
        assert!(!is_object_tag(PoolTag::new(*b"Fooo")));
    }
}
