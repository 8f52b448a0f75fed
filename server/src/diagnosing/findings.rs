//! What a page shows of a judgement on texts. Kept as JSON beside them.

use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_evidence::Reading;
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Diagnosis, Evidence},
};
use serde::{Deserialize, Serialize};

use super::{Judged, judge};
use crate::{
    bundles,
    import::{self, File, FileSummary},
};

/// What was found in the texts of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// What was read of each text, in the order in which they came.
    pub texts: Vec<ReadText>,
    /// The judgement.
    pub diagnosis: Diagnosis,
    /// Where the numbers of its facts stand; unknown of findings of before.
    #[serde(default)]
    pub places: Vec<FactPlaces>,
    /// What was observed beside it, in sentences.
    pub remarks: Vec<String>,
    /// The tags it is about.
    pub tags: Vec<FoundTag>,
    /// The machine that events name.
    pub computer: Option<String>,
}

/// A fact with the places of its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactPlaces {
    /// The fact.
    pub fact: Evidence,
    /// File and line of each (`pool.txt:14`).
    pub places: Vec<String>,
}

/// What was read of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadText {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: Bytes,
    /// What was understood of it.
    pub summary: FileSummary,
}

/// A tag with what is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundTag {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes outstanding; none where only counts are told.
    pub bytes: Option<Bytes>,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// What it counts, if anybody says.
    pub meaning: Option<String>,
    /// Who may own it.
    pub owners: Vec<String>,
}

impl Findings {
    /// Reads and judges texts, by what `catalogue` says of tags.
    #[must_use]
    pub fn of(files: &[File], catalogue: Catalogue) -> Self {
        let readings: Vec<Reading> =
            files.iter().map(|file| bundles::read_file(&file.name, &file.content)).collect();
        let texts = files.iter().zip(&readings).map(|(file, reading)| ReadText {
            name: file.name.clone(),
            size: Bytes(file.content.len() as u64),
            summary: import::summary(reading),
        });
        let texts = texts.collect();
        let judged = judge(readings, catalogue);
        Self {
            texts,
            tags: tags(&judged),
            diagnosis: judged.diagnosis,
            places: judged.places,
            remarks: judged.remarks,
            computer: judged.computer,
        }
    }

    /// Whether anything was understood.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.texts.iter().any(|text| text.summary.kind.is_some())
    }
}

fn tags(judged: &Judged) -> Vec<FoundTag> {
    let found = judged.diagnosis.tags.iter().map(|one| FoundTag {
        tag: one.tag,
        pool: one.pool,
        bytes: (one.bytes.0 > 0).then_some(one.bytes),
        outstanding: one.outstanding,
        meaning: judged.catalogue.describe(one.tag).map(|told| told.meaning.to_owned()),
        owners: judged.catalogue.owner_candidates(one.tag),
    });
    found.collect()
}
