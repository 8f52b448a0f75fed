//! Writes the small synthetic capture: `cargo run -p poolwatch-agent --example make_capture FILE`.

use std::{env, error::Error, fs::File, io::BufWriter};

use poolwatch_agent::synthetic::small_capture;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("name the file to write")?;
    small_capture().write(BufWriter::new(File::create(path)?))?;
    Ok(())
}
