//! Prints what the judgement is worth.

use std::path::Path;

fn main() -> anyhow::Result<()> {
    for outcome in poolwatch_evaluation::cases::judge_all(Path::new("/work/shared/data/cases"))?
        .unwrap_or_default()
    {
        println!(
            "{} {:?} {:?} {:?}",
            outcome.id, outcome.diagnosis.verdict, outcome.wrong, outcome.culprit
        );
        for s in &outcome.diagnosis.suspects {
            println!("   {:?}", s);
        }
        println!("   tags {:?}", outcome.diagnosis.tags);
    }
    Ok(())
}
