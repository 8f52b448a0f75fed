//! Cases: texts as people hand them in, each with what is right about them. One case is one file of
//! the folder `cases`: lines `key: value`, then its texts, each behind a line `=== NAME`.
//!
//! Keys: `why` (a sentence), `verdict` (those that are right, with `|` between them), `pool`, `tag`
//! (has to be told), `named` (has to be accused), `suspected` (has to be told, however weakly), `not`
//! (is never accused), `nobody` (nobody is accused), `step` and `no-step` (kinds of next steps that
//! have to be proposed, and must not), `fact` and `no-fact` (kinds of facts likewise). Names of steps
//! and facts are those of the JSON.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use poolwatch_analysis::{
    catalogue::{Catalogue, Note},
    confidence::NAMED,
};
use poolwatch_detection::texts::diagnose_texts;
use poolwatch_evidence::{CombinedEvidence, PooltagEntry, combine, read};
use poolwatch_model::diagnosis::{Diagnosis, SuspectKind, Verdict};
use serde::Serialize;
use serde_json::Value;

/// A case with what is right about it.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Its texts, each with its name.
    pub texts: Vec<(String, String)>,
    /// What is right.
    pub expected: Expectation,
}

/// What is right about a case. Lists that are empty ask for nothing.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// Verdicts, any of which is right.
    pub verdicts: Vec<String>,
    /// The pool that it is about.
    pub pool: Option<String>,
    /// A tag that has to be told.
    pub tag: Option<String>,
    /// Programs and drivers that have to be accused.
    pub named: Vec<String>,
    /// Those that have to be told, however weakly, and may be accused.
    pub suspected: Vec<String>,
    /// Those that must not be accused.
    pub innocent: Vec<String>,
    /// Whether nobody may be accused.
    pub nobody: bool,
    /// Steps that have to be proposed, and that must not.
    pub steps: [Vec<String>; 2],
    /// Facts that have to be told, and that must not.
    pub facts: [Vec<String>; 2],
}

/// What a diagnoser says of a machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// The pool.
    pub pool: Option<String>,
    /// Tags that are told.
    pub tags: Vec<String>,
    /// Programs and drivers that are accused.
    pub accused: Vec<String>,
    /// Those that are told, accused or not.
    pub suspected: Vec<String>,
    /// Kinds of next steps.
    pub steps: Vec<String>,
    /// Kinds of facts.
    pub facts: Vec<String>,
}

/// The cases of a folder, by name.
///
/// # Errors
/// When one cannot be read.
pub fn read_cases(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        cases.push(Case::parse(&id, &text).with_context(|| path.display().to_string())?);
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(cases)
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// When a key is not known, or there is no verdict or no text.
    pub fn parse(id: &str, text: &str) -> Result<Self> {
        let mut case = Self { id: id.to_owned(), ..Self::default() };
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("=== ") {
                case.texts.push((name.trim().to_owned(), String::new()));
            } else if let Some((_, text)) = case.texts.last_mut() {
                text.push_str(line);
            } else {
                case.expected.take(line.trim())?;
            }
        }
        if case.texts.is_empty() || case.expected.verdicts.is_empty() {
            bail!("a case needs a verdict and a text");
        }
        Ok(case)
    }

    /// What its texts tell together.
    #[must_use]
    pub fn read(&self) -> CombinedEvidence {
        combine(self.texts.iter().map(|(name, text)| read(name, text.as_bytes())))
    }
}

impl Expectation {
    fn take(&mut self, line: &str) -> Result<()> {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        let list = |sign: char| value.split(sign).map(|one| one.trim().to_owned());
        match key {
            "why" => {}
            "verdict" => self.verdicts.extend(list('|')),
            "pool" => self.pool = Some(value.to_owned()),
            "tag" => self.tag = Some(value.to_owned()),
            "named" => self.named.extend(list(',')),
            "suspected" => self.suspected.extend(list(',')),
            "not" => self.innocent.extend(list(',')),
            "nobody" => self.nobody = true,
            "step" => self.steps[0].extend(list(',')),
            "no-step" => self.steps[1].extend(list(',')),
            "fact" => self.facts[0].extend(list(',')),
            "no-fact" => self.facts[1].extend(list(',')),
            _ => bail!("unknown key {key:?}"),
        }
        Ok(())
    }

    /// What is wrong with an answer; empty when it is right. Only ours proposes steps and tells facts.
    #[must_use]
    pub fn wrongs(&self, answer: &Answer, is_ours: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        let verdict = answer.verdict.as_str();
        if !self.verdicts.iter().any(|one| one == verdict) {
            wrong.push(format!("verdict {verdict}"));
        }
        if self.pool.is_some() && answer.pool != self.pool {
            wrong.push(format!("pool {:?}", answer.pool));
        }
        if self.tag.as_ref().is_some_and(|tag| !answer.tags.contains(tag)) {
            wrong.push(format!("tags {:?}", answer.tags));
        }
        wrong.extend(missing("does not name", &self.named, &answer.accused));
        wrong.extend(missing("does not tell", &self.suspected, &answer.suspected));
        wrong.extend(self.false_blames(answer).map(|name| format!("blames {name}")));
        if is_ours {
            wrong.extend(missing("no step", &self.steps[0], &answer.steps));
            wrong.extend(present("step", &self.steps[1], &answer.steps));
            wrong.extend(missing("no fact", &self.facts[0], &answer.facts));
            wrong.extend(present("fact", &self.facts[1], &answer.facts));
        }
        wrong
    }

    /// Those that are accused and must not be.
    pub fn false_blames<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = &'a str> {
        let may = |name: &&String| {
            let known = self.named.iter().chain(&self.suspected);
            !self.nobody && !self.innocent.contains(name) && {
                let mut known = known.peekable();
                known.peek().is_none() || known.any(|one| one == *name)
            }
        };
        answer.accused.iter().filter(move |name| !may(name)).map(String::as_str)
    }

    /// Whether an answer calls a machine well that is not.
    #[must_use]
    pub fn is_false_all_clear(&self, answer: &Answer) -> bool {
        let clear = Verdict::NoLeakShown;
        answer.verdict == clear && !self.verdicts.iter().any(|one| one == clear.as_str())
    }
}

fn missing(what: &str, wanted: &[String], told: &[String]) -> Vec<String> {
    wanted.iter().filter(|one| !told.contains(one)).map(|one| format!("{what} {one}")).collect()
}

fn present(what: &str, unwanted: &[String], told: &[String]) -> Vec<String> {
    unwanted.iter().filter(|one| told.contains(one)).map(|one| format!("{what} {one}")).collect()
}

/// What Poolwatch says of a case, by what its texts say of tags as well.
#[must_use]
pub fn diagnose(combined: &CombinedEvidence) -> Answer {
    let mut catalogue = Catalogue::default();
    catalogue.add_pooltag(combined.catalogue.iter().cloned().map(|entry| {
        let PooltagEntry { pattern, owner, description } = entry;
        (pattern, Note { owner, meaning: description })
    }));
    Answer::from(&diagnose_texts(combined, &catalogue))
}

impl From<&Diagnosis> for Answer {
    fn from(diagnosis: &Diagnosis) -> Self {
        let accusable = || {
            let kinds = [SuspectKind::Process, SuspectKind::Driver];
            diagnosis.suspects.iter().filter(move |one| kinds.contains(&one.kind))
        };
        let of_suspects = diagnosis.suspects.iter().flat_map(|suspect| &suspect.tags);
        let tags = of_suspects.chain(diagnosis.tags.iter().map(|one| &one.tag));
        let facts = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
        Self {
            verdict: diagnosis.verdict,
            pool: diagnosis.pool.map(|pool| pool.as_str().to_owned()),
            tags: tags.map(|tag| tag.to_string().trim().to_owned()).collect(),
            accused: accusable()
                .filter(|one| one.confidence >= NAMED)
                .filter_map(|one| one.name.clone())
                .collect(),
            suspected: diagnosis.suspects.iter().filter_map(|one| one.name.clone()).collect(),
            steps: diagnosis.next_steps.iter().map(|step| kind(step, "step")).collect(),
            facts: facts.chain(&diagnosis.evidence).map(|fact| kind(fact, "fact")).collect(),
        }
    }
}

/// The kind of a step or fact, as its JSON names it.
fn kind(of: &impl Serialize, key: &str) -> String {
    let json = serde_json::to_value(of).unwrap_or(Value::Null);
    json[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_one_file_and_a_key_that_nobody_knows_is_an_error() {
        let text =
            "why: x\nverdict: leak | exhausted\nnamed: a.exe\n=== 1.txt\nabc\n=== 2.txt\nd\n";
        let case = Case::parse("x", text).unwrap();
        assert_eq!(case.expected.verdicts, ["leak", "exhausted"]);
        assert_eq!(case.texts[0], ("1.txt".to_owned(), "abc\n".to_owned()));
        assert_eq!(case.texts.len(), 2);
        assert!(Case::parse("x", "verdct: leak\n=== 1.txt\n").is_err());
        assert!(Case::parse("x", "verdict: leak\n").is_err());
    }
}
