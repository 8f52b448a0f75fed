//! What the scan of driver files has to be worth.

use poolwatch_evaluation::tag_scans::{Score, score};

#[test]
fn a_tag_leads_to_its_driver() {
    for seed in 1..4 {
        let score = score(seed);
        println!("{score:?}");
        assert!(score.tags > 300 && score.missed().is_empty(), "{score:?}");
    }
}

#[test]
fn too_little_is_said() {
    let score = Score { tags: 100, first: 79, among_three: 95 };
    assert_eq!(score.missed().len(), 1);
}
