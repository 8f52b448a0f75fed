//! `import`: what tools printed on a machine without agent.

use std::fs;

use anyhow::{Context, bail};
use poolwatch_model::Clock;

use crate::{
    bundles,
    cli::ImportOptions,
    clock::SystemClock,
    database::Database,
    evidence_uploads,
    import::{self, File},
};

pub(crate) async fn run(options: ImportOptions) -> anyhow::Result<()> {
    let mut files = Vec::with_capacity(options.files.len());
    for path in &options.files {
        let size = fs::metadata(path).with_context(|| path.display().to_string())?.len();
        if size > evidence_uploads::BYTES as u64 {
            bail!("{}: larger than {} bytes", path.display(), evidence_uploads::BYTES);
        }
        let content = fs::read(path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        files.push(File { name, content });
    }
    let files = bundles::unpack(files)?;
    let database = Database::open(&options.database).await?;
    let imported = import::import(&database.pool, &options.host, &files, SystemClock.now()).await;
    let closed = database.close(false).await;
    let imported = imported.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    closed?;
    for (file, (summary, new)) in files.iter().zip(&imported.files) {
        let kind = summary.kind.as_deref().unwrap_or("not recognised");
        let known = if *new { "" } else { " (imported before)" };
        println!(
            "{}: {kind}, {} lines used, {} ignored{known}",
            file.name, summary.used, summary.ignored
        );
        for line in &summary.ignored_lines {
            println!("  line {}: {}: {}", line.number, line.reason, line.text);
        }
    }
    println!(
        "{}: {} snapshots, {} events stored (host {})",
        options.host, imported.snapshots, imported.events, imported.host
    );
    Ok(())
}
