//! Inputs by the thousand: made-up machines in every form that is read, whole and with parts missing.
//! What matters of them is that nobody is blamed falsely and nothing is called well that is not, or of which
//! nothing can be said.

use poolwatch_model::diagnosis::Verdict;

use crate::{
    cases::{Case, Expectation},
    formats::{POOLMON, PROCESSES, TAGS, TOTALS, poolmon_head},
    machine::MadeUpMachine,
    simulated::{Dice, MachineFault, machine},
};

/// What is missing of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InputLack {
    Nothing,
    Totals,
    Tags,
    Processes,
    /// The tags end in the middle of a row.
    RestOfTags,
    /// The first screen of the tags is there, by bytes.
    SmallTags,
}

/// Tags of a first screen.
const SCREEN: usize = 6;
/// The formats of totals that tell how much memory there is.
const TELLS_MEMORY: [usize; 2] = [0, 2];
/// Half of the inputs are whole.
const LACKS: [InputLack; 10] = [
    InputLack::Nothing,
    InputLack::Nothing,
    InputLack::Nothing,
    InputLack::Nothing,
    InputLack::Nothing,
    InputLack::Totals,
    InputLack::Tags,
    InputLack::Processes,
    InputLack::RestOfTags,
    InputLack::SmallTags,
];

/// So many inputs from a seed, each with what is right about it.
pub fn generated_cases(seed: u64, count: usize) -> impl Iterator<Item = Case> {
    (0..count).map(move |at| generated(seed, at, InputOrder::AsMade))
}

/// In which order an input tells what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InputOrder {
    AsMade,
    Turned,
}

fn generated(seed: u64, at: usize, order: InputOrder) -> Case {
    let mut dice = Dice(seed.rotate_left(32) ^ (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let fault = MachineFault::ALL[at % MachineFault::ALL.len()];
    let lack = dice.pick(&LACKS);
    let mut machine = machine(&mut dice, fault);
    let tags = dice.between(0, TAGS.len() as u64) as usize;
    let totals = dice.between(0, TOTALS.len() as u64) as usize;
    let processes = dice.between(0, PROCESSES.len() as u64) as usize;
    let id =
        format!("{at}: {fault:?}, {lack:?}, tags {tags}, totals {totals}, processes {processes}");
    if lack == InputLack::SmallTags {
        machine.rows.sort_by_key(|row| std::cmp::Reverse(row.3 * row.4));
        machine.rows.truncate(SCREEN);
    }
    if order == InputOrder::Turned {
        machine.rows.reverse();
        machine.processes.reverse();
    }
    let mut of_tags = TAGS[tags](&machine.rows);
    if lack == InputLack::RestOfTags {
        let most = of_tags.len() as u64;
        of_tags.truncate(dice.between(most / 3, most) as usize);
    }
    let mut texts = Vec::new();
    let mut tells_memory = TELLS_MEMORY.contains(&totals);
    if lack != InputLack::Tags {
        // Poolmon tells the totals in its own head.
        let has_head = tags == POOLMON && lack != InputLack::Totals && dice.between(0, 2) == 0;
        tells_memory |= has_head;
        let head = if has_head { poolmon_head(&machine) } else { String::new() };
        texts.push((format!("tags-{tags}.txt"), head + &of_tags));
    }
    if lack != InputLack::Totals {
        let text = TOTALS[totals](machine.memory_kb, machine.totals_kb);
        texts.push((format!("totals-{totals}.txt"), text));
    }
    if lack != InputLack::Processes {
        texts
            .push((format!("processes-{processes}.txt"), PROCESSES[processes](&machine.processes)));
    }
    texts.sort_by_key(|_| dice.next());
    if order == InputOrder::Turned {
        texts.reverse();
    }
    let mut expected = expected(fault, lack, machine);
    if fault == MachineFault::Cache && !tells_memory {
        // Nobody knows then how much of the memory it is.
        expected.verdicts.push(Verdict::HighUse.as_str().to_owned());
        expected.verdicts.push(Verdict::InsufficientEvidence.as_str().to_owned());
        expected.pool = None;
    }
    Case { id, texts, expected }
}

/// What is right about what is left of an input.
fn expected(fault: MachineFault, lack: InputLack, machine: MadeUpMachine) -> Expectation {
    let names = |verdicts: &[Verdict]| verdicts.iter().map(|one| one.as_str().to_owned()).collect();
    if lack == InputLack::Nothing {
        return machine.expected;
    }
    let verdicts = match (fault.is_healthy(), lack) {
        (true, InputLack::Totals | InputLack::Tags) => names(&[Verdict::InsufficientEvidence]),
        (true, _) => names(&[Verdict::InsufficientEvidence, Verdict::NoLeakShown]),
        (false, _) => {
            let open = [Verdict::Leak, Verdict::HighUse, Verdict::InsufficientEvidence];
            names(&open)
        }
    };
    // The guilty one may be found or not, everybody else is innocent.
    let guilty = &machine.expected.named;
    let file = |name: &String| if name == "System" { name.clone() } else { format!("{name}.exe") };
    let innocent = machine.processes.iter().map(|(name, ..)| file(name));
    let innocent = innocent.filter(|name| !guilty.contains(name)).collect();
    let nobody = guilty.is_empty();
    Expectation { verdicts, innocent, nobody, ..Expectation::default() }
}

#[cfg(test)]
mod tests {
    use crate::cases::diagnose;

    use super::*;

    #[test]
    fn the_order_of_files_and_rows_does_not_matter() {
        for at in 0..300 {
            let case = generated(9, at, InputOrder::AsMade);
            let turned = generated(9, at, InputOrder::Turned);
            // What is cut off is another part then.
            if case.id.contains("RestOfTags") {
                continue;
            }
            assert_ne!(case.texts, turned.texts, "{}", case.id);
            assert_eq!(diagnose(&case.read()), diagnose(&turned.read()), "{}", case.id);
        }
    }

    #[test]
    fn an_input_repeats_by_its_seed() {
        for at in 0..20 {
            let [one, again] =
                [generated(2, at, InputOrder::AsMade), generated(2, at, InputOrder::AsMade)];
            assert_eq!(one.texts, again.texts);
            assert_ne!(one.texts, generated(3, at, InputOrder::AsMade).texts);
        }
    }
}
