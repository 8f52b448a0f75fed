//! What people say of tags.

use poolwatch_model::{PoolTag, tag::TagPattern};
use poolwatch_store::{
    tag_notes::{self, NoteSource, TagNote},
    testing,
};

use crate::{later, noon};

fn note(pattern: TagPattern, owner: Option<&str>, meaning: &str) -> TagNote {
    TagNote { pattern, owner: owner.map(str::to_owned), meaning: meaning.to_owned() }
}

fn spelled(text: &str) -> TagPattern {
    TagPattern::new(text.parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_note_takes_the_place_of_an_earlier_one_whatever_the_bytes_of_its_tag() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let odd = TagPattern::of(PoolTag::new([0, 0xff, b'\\', b' ']));
    let star = TagPattern::of(PoolTag::new(*b"ab*c"));
    let group = spelled("ab*c");
    for (pattern, meaning) in [(odd, "first"), (odd, "bytes"), (star, "a star"), (group, "many")] {
        let note = note(pattern, None, meaning);
        tag_notes::write(&mut db, &note, "ana", noon()).await.unwrap();
    }
    let told: Vec<_> =
        tag_notes::all(&mut db).await.unwrap().into_iter().map(|one| one.note).collect();
    let said = |pattern| told.iter().find(|one| one.pattern == pattern).map(|one| &*one.meaning);
    assert_eq!(told.len(), 3);
    assert_eq!((said(odd), said(star), said(group)), (Some("bytes"), Some("a star"), Some("many")));
    assert!(tag_notes::remove(&mut db, group).await.unwrap());
    assert!(!tag_notes::remove(&mut db, group).await.unwrap());
    assert_eq!(tag_notes::all(&mut db).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_imported_list_takes_the_place_of_the_one_before_and_of_no_note() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let foo = spelled("Fooo");
    let written = note(foo, Some("foo.sys"), "ours");
    tag_notes::write(&mut db, &written, "ana", noon()).await.unwrap();
    let lists = [
        vec![note(foo, Some("old.sys"), "old"), note(spelled("Gone"), None, "gone")],
        vec![
            note(foo, None, "no owner"),
            note(foo, Some("new.sys"), "new"),
            note(foo, Some("late.sys"), "late"),
        ],
    ];
    for (list, kept) in lists.iter().zip([2, 1]) {
        let done = tag_notes::replace_pooltag(&mut db, list, "ben", later(1)).await.unwrap();
        assert_eq!(done, kept);
    }
    let all = tag_notes::all(&mut db).await.unwrap();
    let [first, second] = &all[..] else { panic!("{all:?}") };
    assert_eq!((&first.note, first.source, first.by.as_str()), (&written, NoteSource::Note, "ana"));
    assert_eq!(second.source, NoteSource::Pooltag);
    assert_eq!(second.note.owner.as_deref(), Some("new.sys"));
    assert_eq!((second.by.as_str(), second.at), ("ben", later(1)));
}
