//! What tools would print of a made-up machine: its tags, its totals and its processes, each in many forms.

use std::fmt::Write;

use crate::machine::{MadeUpMachine, Row};

/// Prints the tags of a machine.
pub(crate) type TagFormat = fn(&[Row]) -> String;
/// Prints the totals of a machine: memory and both pools, nonpaged first, all in kB.
pub(crate) type TotalFormat = fn(u64, [u64; 2]) -> String;
/// Prints the processes of a machine.
pub(crate) type ProcessFormat = fn(&[(String, u64, u64)]) -> String;

/// The place of poolmon among the formats of tags.
pub(crate) const POOLMON: usize = 0;
pub(crate) const TAGS: [TagFormat; 9] = [
    poolmon,
    poolused,
    markdown_tags,
    comma_tags,
    tab_tags,
    semicolon_tags,
    html_tags,
    verbose_poolused,
    live_rows,
];
pub(crate) const TOTALS: [TotalFormat; 10] = [
    debugger_totals,
    get_counter,
    task_manager,
    exported_totals,
    counter_log,
    stamped_totals,
    item_history,
    influx_line,
    metric_rows,
    memory_map,
];
pub(crate) const PROCESSES: [ProcessFormat; 8] = [
    get_process,
    listed_processes,
    comma_processes,
    json_processes,
    debugger_processes,
    markdown_processes,
    process_explorer,
    exported_processes,
];

/// Lines put together.
fn text(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The head of a screen of poolmon, with the totals.
pub(crate) fn poolmon_head(machine: &MadeUpMachine) -> String {
    let MadeUpMachine { memory_kb, totals_kb: [nonpaged, paged], .. } = machine;
    format!(
        " Memory:{memory_kb}K Avail: {}K  PageFlts: 40211873   InRam Krnl:61204K P:734003K\n \
         Commit:{}K Limit:{}K Peak:{}K            Pool N:{nonpaged}K P:{paged}K\n\n",
        memory_kb / 2,
        memory_kb / 3,
        memory_kb * 5 / 4,
        memory_kb / 2
    )
}

pub(crate) fn poolmon(rows: &[Row]) -> String {
    let head = " Tag  Type     Allocs            Frees            Diff   Bytes      Per Alloc\n\n";
    let row = |(tag, pool, allocs, held, each): &Row| {
        format!(" {tag} {pool} {allocs} {} {held} {} {each}", allocs - held, held * each)
    };
    format!("{head}{}", text(rows.iter().map(row)))
}

fn poolused(rows: &[Row]) -> String {
    let head = "   Sorting by NonPaged Pool Consumed\n  Pool Used:\n            NonPaged            \
                Paged\n Tag    Allocs     Used    Allocs     Used\n";
    let row = |(tag, pool, _, held, each): &Row| {
        let (of_pool, other) = (format!("{held:>9} {:>11}", held * each), "        0           0");
        let (first, second) = match *pool {
            "Nonp" => (of_pool.as_str(), other),
            _ => (other, of_pool.as_str()),
        };
        format!(" {tag} {first} {second}\tUNKNOWN pooltag '{tag}', please update pooltag.txt")
    };
    format!("{head}{}", text(rows.iter().map(row)))
}

fn verbose_poolused(rows: &[Row]) -> String {
    let head = "   Sorting by NonPaged Pool Consumed\n\n  Pool Used:\n            NonPaged                     \
                Paged\n Tag Allocs Frees Diff Used Allocs Frees Diff Used\n";
    let row = |(tag, pool, allocs, held, each): &Row| {
        let (of_pool, other) =
            (format!("{allocs} {} {held} {}", allocs - held, held * each), "0 0 0 0".to_owned());
        let (first, second) = if *pool == "Nonp" { (of_pool, other) } else { (other, of_pool) };
        format!(" {tag} {first} {second}\tUNKNOWN pooltag '{tag}', please update pooltag.txt")
    };
    format!("{head}{}", text(rows.iter().map(row)))
}

fn live_rows(rows: &[Row]) -> String {
    let of_pool = |wanted: &'static str, heading: &str| {
        let row = |(tag, _, allocs, held, each): &Row| {
            let mb = (held * each).div_ceil(1 << 20);
            format!("{tag}: {allocs} allocs / {} frees / {held} live ({mb} MB)", allocs - held)
        };
        let of_pool = rows.iter().filter(move |row| row.1 == wanted).map(row);
        text(std::iter::once(heading.to_owned()).chain(of_pool))
    };
    [of_pool("Nonp", "Nonpaged pool"), of_pool("Paged", "Paged pool")].join("\n")
}

/// A table with some sign between its cells.
fn tags_between(rows: &[Row], sign: &str) -> String {
    let head = ["Tag", "Pool", "Allocs", "Frees", "Outstanding", "Bytes"].join(sign);
    let row = |(tag, pool, allocs, held, each): &Row| {
        let pool = if *pool == "Nonp" { "Nonpaged" } else { "Paged" };
        let numbers = [*allocs, allocs - held, *held, held * each].map(|number| number.to_string());
        format!("{tag}{sign}{pool}{sign}{}", numbers.join(sign))
    };
    text(std::iter::once(head).chain(rows.iter().map(row)))
}

fn comma_tags(rows: &[Row]) -> String {
    tags_between(rows, ",")
}

fn tab_tags(rows: &[Row]) -> String {
    tags_between(rows, "\t")
}

fn semicolon_tags(rows: &[Row]) -> String {
    tags_between(rows, ";")
}

fn markdown_tags(rows: &[Row]) -> String {
    let plain = tags_between(rows, " | ");
    let mut lines = plain.lines().map(|line| format!("| {line} |"));
    let head = lines.next().unwrap_or_default();
    text([head, "|---|---|---:|---:|---:|---:|".to_owned()].into_iter().chain(lines))
}

fn html_tags(rows: &[Row]) -> String {
    let plain = tags_between(rows, "</td><td>");
    let rows = plain.lines().map(|line| format!("<tr><td>{line}</td></tr>"));
    format!("<table>\n{}</table>\n", text(rows))
}

fn debugger_totals(memory_kb: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let line = |name: &str, kb: u64| format!(" {name:<25} {:>10} ({:>10} Kb)", kb / 4, kb / 4 * 4);
    text([
        "*** Virtual Memory Usage ***".to_owned(),
        line("Physical Memory:", memory_kb),
        line("Available Pages:", memory_kb / 2),
        line("NonPagedPool Usage:", nonpaged),
        line("PagedPool Usage:", paged),
    ])
}

fn get_counter(memory_kb: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let of = |name: &str, value: u64| {
        format!("            \\\\fs07\\memory\\{name} :\n            {value}\n")
    };
    text([
        "Timestamp                 CounterSamples".to_owned(),
        "---------                 --------------".to_owned(),
        of("pool nonpaged bytes", nonpaged * 1024),
        of("pool paged bytes", paged * 1024),
        of("available mbytes", memory_kb / 2048),
    ])
}

fn task_manager(memory_kb: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let gb = |kb: u64| format!("{:.1} GB", kb as f64 / 1_048_576.0);
    let mb = |kb: u64| format!("{:.0} MB", kb as f64 / 1024.0);
    text([
        "In use (Compressed)".to_owned(),
        format!("{} (0 MB)", gb(memory_kb / 2)),
        "Available".to_owned(),
        gb(memory_kb / 2),
        "Paged pool".to_owned(),
        mb(paged),
        "Non-paged pool".to_owned(),
        mb(nonpaged),
    ])
}

fn exported_totals(_: u64, [nonpaged, paged]: [u64; 2]) -> String {
    text([
        format!("windows_memory_pool_nonpaged_bytes {:e}", (nonpaged * 1024) as f64),
        format!("windows_memory_pool_paged_bytes {:e}", (paged * 1024) as f64),
    ])
}

fn counter_log(_: u64, [nonpaged, paged]: [u64; 2]) -> String {
    text([
        "\"(PDH-CSV 4.0) (UTC)(0)\",\"\\\\FS07\\Memory\\Pool Nonpaged Bytes\",\"\\\\FS07\\Memory\\Pool Paged Bytes\"".to_owned(),
        format!("\"05/11/2026 08:00:00.000\",\"{}\",\"{}\"", nonpaged * 1024, paged * 1024),
    ])
}

fn stamped_totals(_: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let mb = |kb: u64| kb as f64 / 1024.0;
    text([
        "Stamp               PoolPagedMB PoolNonpagedMB".to_owned(),
        "-----               ----------- --------------".to_owned(),
        format!("2026-05-11 08:00:00 {:>15.1} {:>15.1}", mb(paged), mb(nonpaged)),
    ])
}

fn item_history(_: u64, totals_kb: [u64; 2]) -> String {
    let of = |name: &str, kb: u64| {
        format!("fs07: Memory: {name} bytes\n2026-05-11 08:00:00 1778486400 {}\n", kb * 1024)
    };
    text([of("Pool nonpaged", totals_kb[0]), of("Pool paged", totals_kb[1])])
}

fn influx_line(_: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let [nonpaged, paged] = [nonpaged * 1024, paged * 1024];
    format!(
        "win_mem,host=fs07 Pool_Nonpaged_Bytes={nonpaged},Pool_Paged_Bytes={paged} 1778486400000000000\n"
    )
}

fn metric_rows(memory_kb: u64, [nonpaged, paged]: [u64; 2]) -> String {
    let row = |name: &str, kb: u64| format!("2026-05-11 08:00:00;{name};{}", kb * 1024);
    text([
        "time;metric;value".to_owned(),
        row("Available Bytes", memory_kb / 2),
        row("Pool Nonpaged Bytes", nonpaged),
        row("Pool Paged Bytes", paged),
    ])
}

fn memory_map(_: u64, [nonpaged, paged]: [u64; 2]) -> String {
    text([
        "Usage\tTotal\tActive\tStandby".to_owned(),
        format!("Paged Pool\t{paged} K\t{paged} K\t0 K"),
        format!("Nonpaged Pool\t{nonpaged} K\t{nonpaged} K\t0 K"),
    ])
}

pub(crate) fn get_process(processes: &[(String, u64, u64)]) -> String {
    let mut list = "Name            Id HandleCount\n----            -- -----------\n".to_owned();
    for (name, pid, handles) in processes {
        let _infallible = writeln!(list, "{name:<12} {pid:>6} {handles:>11}");
    }
    list
}

fn listed_processes(processes: &[(String, u64, u64)]) -> String {
    let one = |(name, pid, handles): &(String, u64, u64)| {
        format!("Name        : {name}\nId          : {pid}\nHandleCount : {handles}\n")
    };
    text(processes.iter().map(one))
}

fn comma_processes(processes: &[(String, u64, u64)]) -> String {
    let row =
        |(name, pid, handles): &(String, u64, u64)| format!("\"{name}\",\"{pid}\",\"{handles}\"");
    let head = "\"Name\",\"Id\",\"HandleCount\"".to_owned();
    text(std::iter::once(head).chain(processes.iter().map(row)))
}

fn json_processes(processes: &[(String, u64, u64)]) -> String {
    let one = |(name, pid, handles): &(String, u64, u64)| serde_json::json!({ "Name": name, "Id": pid, "HandleCount": handles });
    format!("{:#}\n", serde_json::Value::Array(processes.iter().map(one).collect()))
}

fn debugger_processes(processes: &[(String, u64, u64)]) -> String {
    let one = |(at, (name, pid, handles)): (usize, &(String, u64, u64))| {
        let image = if name == "System" { name.clone() } else { format!("{name}.exe") };
        format!(
            "PROCESS ffffc0{at:02x}5d2e4080\n    SessionId: 0  Cid: {pid:04x}    Peb: 7ff5d000  ParentCid: 0004\n    \
             DirBase: 1ad002  ObjectTable: ffffe20{at:02x}1c46b40  HandleCount: {handles}.\n    Image: {image}\n"
        )
    };
    format!("**** NT ACTIVE PROCESS DUMP ****\n{}", text(processes.iter().enumerate().map(one)))
}

fn markdown_processes(processes: &[(String, u64, u64)]) -> String {
    let row = |(name, pid, handles): &(String, u64, u64)| format!("| {name} | {pid} | {handles} |");
    let head = ["| Process | PID | Handles |".to_owned(), "|---|---:|---:|".to_owned()];
    text(head.into_iter().chain(processes.iter().map(row)))
}

fn process_explorer(processes: &[(String, u64, u64)]) -> String {
    let row = |(name, pid, handles): &(String, u64, u64)| match name.as_str() {
        "System" => format!("System\t0.80\t{pid}\t{handles}"),
        name => format!(" {name}.exe\t< 0.01\t{pid}\t{handles}\tSome program\tSome company"),
    };
    let head = "Process\tCPU\tPID\tHandles\tDescription\tCompany Name".to_owned();
    text(std::iter::once(head).chain(processes.iter().map(row)))
}

fn exported_processes(processes: &[(String, u64, u64)]) -> String {
    let row = |(name, pid, handles): &(String, u64, u64)| {
        format!("windows_process_handles{{process=\"{name}\",process_id=\"{pid}\"}} {handles}")
    };
    text(processes.iter().map(row))
}
