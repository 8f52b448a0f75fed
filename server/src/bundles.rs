//! Files as they are handed in, before they are read: archives are unpacked, and what the agent itself
//! wrote on the machine becomes readings like those of texts.

use std::io::{Cursor, Read};

use jiff::Timestamp;
use poolwatch_evidence::{
    EvidencePiece, IgnoredReason, PieceContent, PieceKind, Reading, UnreadLine, read,
    reading::MAX_TEXT_BYTES,
};
use poolwatch_recording::recorded;

/// A file that is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Files of one archive, archives inside it not among them.
const MAX_FILES: usize = 1000;
/// Bytes of all files of an archive together.
const MAX_BYTES: u64 = 256 << 20;
/// Snapshots of one file of the agent: more moments show no more.
const MAX_SNAPSHOTS: usize = 300;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is no whole ZIP archive, or packed or locked in a way that is not read.
    #[error("{0}: the archive cannot be unpacked ({1}); unpack it and bring its files")]
    Unreadable(String, String),
    /// It unpacks to more than is taken in.
    #[error(
        "{0}: the archive holds more than {MAX_FILES} files or {mb} MB unpacked; bring the files that matter",
        mb = MAX_BYTES >> 20
    )]
    TooLarge(String),
}

/// The files, those of ZIP archives in place of the archives.
///
/// # Errors
/// When an archive cannot be unpacked, or not within bounds.
pub fn unpack(files: Vec<File>) -> Result<Vec<File>, ArchiveError> {
    let mut unpacked = Vec::with_capacity(files.len());
    for file in files {
        if file.content.starts_with(b"PK\x03\x04") {
            unpacked.extend(contents(&file)?);
        } else {
            unpacked.push(file);
        }
    }
    Ok(unpacked)
}

/// The files of an archive, in the order of their names. What it claims of their sizes is not believed.
fn contents(archive: &File) -> Result<Vec<File>, ArchiveError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ArchiveError::Unreadable(archive.name.clone(), error.to_string())
    };
    let mut packed =
        zip::ZipArchive::new(Cursor::new(&archive.content)).map_err(|error| unreadable(&error))?;
    if packed.len() > MAX_FILES {
        return Err(ArchiveError::TooLarge(archive.name.clone()));
    }
    let (mut files, mut left) = (Vec::new(), MAX_BYTES);
    for at in 0..packed.len() {
        let entry = packed.by_index(at).map_err(|error| unreadable(&error))?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(|error| unreadable(&error))?;
        let name = format!("{}/{name}", archive.name);
        let mut content = Vec::new();
        entry.take(left + 1).read_to_end(&mut content).map_err(|error| unreadable(&error))?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or_else(|| ArchiveError::TooLarge(archive.name.clone()))?;
        if !content.is_empty() {
            files.push(File { name, content });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// What a file tells, text or not.
#[must_use]
pub fn read_file(name: &str, content: &[u8]) -> Reading {
    if !recorded::is_recorded(content) {
        return read(name, content);
    }
    let (mut pieces, mut ignored, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    let mut ignore =
        |line: u32, text: String, reason| ignored.push(UnreadLine { line, text, reason });
    match recorded::read(&content[..content.len().min(MAX_TEXT_BYTES)], MAX_SNAPSHOTS) {
        Ok(recorded) => {
            let short = |name: String| name.split('.').next().unwrap_or_default().to_lowercase();
            hosts.extend(recorded.host.map(short));
            let piece = |line, content| EvidencePiece {
                kind: PieceKind::Agent,
                lines: (line, line),
                at_s: None,
                remark: None,
                is_torn: false,
                sources: Vec::new(),
                content,
            };
            let snapshots =
                recorded.snapshots.into_iter().map(|(line, at, snapshot)| EvidencePiece {
                    at_s: since_1900(at),
                    ..piece(line, PieceContent::Snapshot(Box::new(snapshot)))
                });
            pieces.extend(snapshots);
            let events = recorded.events.into_iter();
            pieces.extend(
                events.map(|(line, event)| piece(line, PieceContent::Event(Box::new(event)))),
            );
            if recorded.is_torn {
                let last = pieces.iter().map(|one: &EvidencePiece| one.lines.0).max().unwrap_or(0);
                ignore(last + 1, String::new(), IgnoredReason::CutOff);
            }
        }
        Err(error) => ignore(1, error.to_string(), IgnoredReason::CutOff),
    }
    Reading { name: name.to_owned(), pieces, ignored, hosts }
}

/// Seconds from the day from which those of dated pictures count until 1970.
const UNTIL_1970: i64 = 25_567 * 86_400;

fn since_1900(at: Timestamp) -> Option<u64> {
    u64::try_from(at.as_second() + UNTIL_1970).ok()
}

/// The moment of a dated picture.
pub(crate) fn moment(at_s: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(at_s).ok()? - UNTIL_1970).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use poolwatch_evidence::combine;
    use poolwatch_recording::synthetic::small_capture;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> File {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, content) in files {
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
        File { name: "all.zip".into(), content: archive.finish().unwrap().into_inner() }
    }

    #[test]
    fn archives_are_unpacked_within_bounds() {
        let archive = packed(&[("b.txt", b"two"), ("a/a.txt", b"one")]);
        let files = unpack(vec![archive.clone()]).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["all.zip/a/a.txt", "all.zip/b.txt"]);
        assert_eq!(files[0].content, b"one");
        let bomb = packed(&[("zeros.txt", &vec![0; (MAX_BYTES + 1) as usize])]);
        assert!(matches!(unpack(vec![bomb]), Err(ArchiveError::TooLarge(_))));
        let mut damaged = archive;
        damaged.content.truncate(30);
        assert!(matches!(unpack(vec![damaged]), Err(ArchiveError::Unreadable(..))));
    }

    #[test]
    fn a_capture_of_the_agent_is_read_as_the_past_of_its_host() {
        let capture = small_capture();
        let mut bytes = Vec::new();
        capture.write(&mut bytes).unwrap();
        let combined = combine([read_file("dead.pwcap", &bytes)]);
        assert_eq!(combined.snapshots.len(), capture.rounds.len());
        let first = &combined.snapshots[0];
        assert_eq!(first.at_s, since_1900(capture.rounds[0].now.wall));
        assert!(first.snapshot.tags.is_some() && first.sources.iter().count() > 0);
        let torn = read_file("dead.pwcap", &bytes[..60]);
        assert_eq!((torn.pieces.len(), torn.ignored.len()), (0, 1));
    }
}
