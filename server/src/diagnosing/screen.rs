//! The judgement as a page of text, for people at a terminal.

use std::fmt;

use poolwatch_web::{figures::grouped, words};

use super::{Judged, ReadFile};

/// Facts, suspects, tags and ignored lines that are shown, so that all of it fits on a screen.
const FACTS: usize = 5;
const SUSPECTS: usize = 3;
const TAGS: usize = 5;
const IGNORED: usize = 3;

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diagnosis = &self.diagnosis;
        let pool = match diagnosis.pool {
            Some(_) if diagnosis.both => ", both pools".to_owned(),
            Some(pool) => format!(", {pool} pool"),
            None => String::new(),
        };
        writeln!(f, "{}{pool}", words::verdict(&diagnosis.verdict).to_uppercase())?;
        writeln!(f, "{}", words::headline(diagnosis))?;
        let facts = diagnosis.evidence.iter().map(|fact| self.sentence(fact));
        let facts: Vec<String> = facts.chain(self.remarks.clone()).collect();
        section(f, "Observed", &facts, FACTS)?;
        self.suspects(f)?;
        self.tags(f)?;
        self.steps(f)?;
        writeln!(f, "\nRead")?;
        self.files.iter().try_for_each(|file| read(f, file))
    }
}

impl Judged {
    fn suspects(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suspects = &self.diagnosis.suspects;
        if suspects.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nSuspects")?;
        for suspect in suspects.iter().take(SUSPECTS) {
            writeln!(
                f,
                "  {:>3.0} %  {} ({})",
                suspect.confidence * 100.0,
                words::suspect_name(suspect),
                words::suspect_kind(&suspect.kind)
            )?;
            for fact in suspect.evidence.iter().take(2) {
                writeln!(f, "         {}", self.sentence(fact))?;
            }
        }
        more(f, suspects.len(), SUSPECTS)
    }

    fn tags(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = &self.diagnosis.tags;
        if tags.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nTags")?;
        for one in tags.iter().take(TAGS) {
            let meaning = self.catalogue.describe(one.tag).map_or("not in any list", |d| d.meaning);
            let bytes = if one.bytes.0 > 0 { one.bytes.to_string() } else { "-".to_owned() };
            writeln!(
                f,
                "  {:<4} {:<8} {bytes:>8} {:>12}  {meaning}",
                one.tag,
                one.pool.as_str(),
                grouped(one.outstanding)
            )?;
        }
        more(f, tags.len(), TAGS)
    }

    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = self.next_steps().peekable();
        if steps.peek().is_none() {
            return Ok(());
        }
        writeln!(f, "\nWhat to do")?;
        for (method, step) in steps {
            writeln!(f, "  {method}  {}", step.title)?;
            for command in &step.commands {
                writeln!(f, "       {command}")?;
            }
        }
        Ok(())
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String], most: usize) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    for line in lines.iter().take(most) {
        writeln!(f, "  {line}")?;
    }
    more(f, lines.len(), most)
}

fn more(f: &mut fmt::Formatter<'_>, all: usize, shown: usize) -> fmt::Result {
    if all > shown { writeln!(f, "  and {} more", all - shown) } else { Ok(()) }
}

fn read(f: &mut fmt::Formatter<'_>, file: &ReadFile) -> fmt::Result {
    let kinds =
        if file.kinds.is_empty() { "not understood".to_owned() } else { file.kinds.join(", ") };
    writeln!(f, "  {}: {kinds}", file.name)?;
    for ignored in file.ignored.iter().take(IGNORED) {
        let text: String = ignored.text.chars().take(60).filter(|c| !c.is_control()).collect();
        writeln!(f, "    line {}: {}: {text}", ignored.line, ignored.reason)?;
    }
    let left = file.ignored.len().saturating_sub(IGNORED);
    if left > 0 { writeln!(f, "    and {left} more lines ignored") } else { Ok(()) }
}
