//! `diagnose`: a judgement on what tools printed, without a database.

use std::{
    fmt::Write as _,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::exit,
};

use anyhow::{Context, bail};
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_evidence::{PieceContent, PooltagEntry, Reading, reading::MAX_TEXT_BYTES};

use crate::{
    bundles::{self, File},
    cli::DiagnoseOptions,
    diagnosing::{self, Judged, Report},
};

/// Files of one diagnosis, those in folders among them.
const MAX_FILES: usize = 10_000;
/// Folders inside folders.
const MAX_DEPTH: usize = 16;
/// Exit status when nothing was understood.
const NOTHING: i32 = 2;

pub(crate) fn run(options: &DiagnoseOptions) -> anyhow::Result<()> {
    let pooltag = options.pooltag.as_deref().map(pooltag).transpose()?.unwrap_or_default();
    let mut paths = Vec::new();
    for path in &options.files {
        gather(path, 0, &mut paths)?;
    }
    let mut readings = Vec::new();
    for path in &paths {
        readings.extend(read_file(path)?);
    }
    let mut catalogue = Catalogue::default();
    diagnosing::add(&mut catalogue, pooltag);
    let judged = diagnosing::judge(readings, catalogue);
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&Report::new(&judged))?)
    } else if judged.is_understood() {
        judged.to_string()
    } else {
        String::new()
    };
    // A broken pipe means that who reads has seen enough.
    if let Err(error) = std::io::stdout().write_all(text.as_bytes())
        && error.kind() != ErrorKind::BrokenPipe
    {
        return Err(error.into());
    }
    if !judged.is_understood() {
        eprint!("{}", nothing_understood(&judged));
        exit(NOTHING);
    }
    Ok(())
}

/// What was looked for in files of which nothing was understood, and how to get it.
fn nothing_understood(judged: &Judged) -> String {
    let files = match judged.files.len() {
        1 => "this file".to_owned(),
        count => format!("these {count} files"),
    };
    let mut told = format!("Nothing in {files} was understood. {}\n", diagnosing::LOOKED_FOR);
    for file in judged.files.iter().take(10) {
        let first = file.ignored.first();
        let why = first
            .map_or("it is empty".to_owned(), |one| format!("line {}: {}", one.line, one.reason));
        let _ = writeln!(told, "  {}: {why}", file.name);
    }
    let _ = writeln!(told, "One command on the machine gets it:\n  {}", diagnosing::GET_IT);
    told
}

/// The files at a path, those of a folder in the order of their names.
fn gather(path: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let told = || path.display().to_string();
    if !fs::metadata(path).with_context(told)?.is_dir() {
        if paths.len() == MAX_FILES {
            bail!("more than {MAX_FILES} files");
        }
        paths.push(path.to_owned());
        return Ok(());
    }
    if depth == MAX_DEPTH {
        bail!("{}: folders are nested too deep", path.display());
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(path)
        .with_context(told)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(told)?;
    inside.sort();
    inside.iter().try_for_each(|path| gather(path, depth + 1, paths))
}

/// What a file tells. Of one that is longer than what is read only the beginning is taken in.
fn read_file(path: &Path) -> anyhow::Result<Vec<Reading>> {
    use std::io::Read;
    let file = fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut content = Vec::new();
    // One byte more shows that there is more.
    let most = MAX_TEXT_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut content).with_context(|| path.display().to_string())?;
    let files = bundles::unpack(vec![File { name: path.display().to_string(), content }])?;
    Ok(files.iter().map(|file| bundles::read_file(&file.name, &file.content)).collect())
}

fn pooltag(path: &Path) -> anyhow::Result<Vec<PooltagEntry>> {
    let entries: Vec<PooltagEntry> = read_file(path)?
        .into_iter()
        .flat_map(|reading| reading.pieces)
        .filter_map(|piece| match piece.content {
            PieceContent::Catalogue(entries) => Some(entries),
            _ => None,
        })
        .flatten()
        .collect();
    if entries.is_empty() {
        bail!("{}: not a pooltag.txt: it has no lines `tag - owner - description`", path.display());
    }
    Ok(entries)
}
