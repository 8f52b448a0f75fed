//! A trace that names the function which allocates a tag: a profile of Windows Performance Recorder,
//! and the lines that run it.

use poolwatch_model::{PoolTag, host::OsVersion};

use super::plain;
use crate::{figures::duration, steps::NextStep as Step};

/// Size of one buffer of the trace, kB, and their number: 64 MB of nonpaged memory.
const BUFFER_KB: u32 = 1024;
const BUFFERS: u32 = 64;

pub(super) fn trace_tag(tag: PoolTag, seconds: u64, os: Option<&OsVersion>) -> Step {
    let Some(pattern) = pattern(tag) else {
        return plain("Record who allocates the tag", "Its bytes are not printable.", Vec::new());
    };
    let has_wpr = os.is_none_or(|os| os.major >= 10);
    let wait = format!("Start-Sleep {seconds}");
    let commands = if has_wpr {
        vec![
            format!("@'\n{}'@ | Set-Content poolwatch.wprp -Encoding UTF8", profile(&pattern)),
            "wpr -start poolwatch.wprp -filemode".to_owned(),
            wait,
            "wpr -stop poolwatch.etl".to_owned(),
        ]
    } else {
        vec![
            format!(
                "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolFree+PoolAllocSession+PoolFreeSession -PoolTag '{}' -BufferSize {BUFFER_KB} -MinBuffers {BUFFERS} -MaxBuffers {BUFFERS} -MaxFile 1024 -FileMode Circular",
                pattern.replace('\'', "''")
            ),
            wait,
            "xperf -d poolwatch.etl".to_owned(),
        ]
    };
    Step {
        caution: Some(format!(
            "Its buffers take {} MB of nonpaged memory: do not start it while nonpaged pool is low, and stop it when the time is over. The file may grow to some hundred megabytes; lost events make it worthless.",
            BUFFER_KB * BUFFERS / 1024
        )),
        ..plain(
            format!("Record for {} who allocates tag {tag}", duration(seconds)),
            "In PowerShell as administrator. So long it should show 30 allocations that are not freed. Open the file in Windows Performance Analyzer (Pool, grouped by tag and stack): the driver above the kernel's own functions is the one. Stacks of the kernel may be missing unless DisablePagingExecutive is set.",
            commands,
        )
    }
}

/// A tag as a pattern of one to four characters: from its first space or byte that is no visible
/// character on, anything goes. None when it begins with one.
fn pattern(tag: PoolTag) -> Option<String> {
    let bytes = tag.bytes();
    let visible = bytes.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let text: String = bytes[..visible].iter().map(|byte| char::from(*byte)).collect();
    match visible {
        0 => None,
        4 => Some(text),
        _ => Some(format!("{text}*")),
    }
}

/// The profile, in the shape of the published schema.
fn profile(pattern: &str) -> String {
    let tag: String = pattern
        .chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let of = |name: &str, values: &[&str]| -> String {
        let each = values.iter().map(|value| format!("        <{name} Value=\"{value}\"/>\n"));
        format!("      <{name}s>\n{}      </{name}s>\n", each.collect::<String>())
    };
    let stacks = ["PoolAllocation", "PoolFree", "PoolAllocationSession", "PoolFreeSession"];
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <WindowsPerformanceRecorder Version=\"1.0\" Author=\"Poolwatch\">\n  <Profiles>\n    \
         <SystemCollector Id=\"Collector\" Name=\"NT Kernel Logger\">\n      \
         <BufferSize Value=\"{BUFFER_KB}\"/>\n      <Buffers Value=\"{BUFFERS}\"/>\n    \
         </SystemCollector>\n    <SystemProvider Id=\"Provider\">\n{}{}{}    </SystemProvider>\n    \
         <Profile Id=\"Poolwatch.Verbose.File\" Name=\"Poolwatch\" Description=\"Who allocates a pool tag\" \
         LoggingMode=\"File\" DetailLevel=\"Verbose\">\n      <Collectors>\n        \
         <SystemCollectorId Value=\"Collector\">\n          <SystemProviderId Value=\"Provider\"/>\n        \
         </SystemCollectorId>\n      </Collectors>\n    </Profile>\n  </Profiles>\n\
         </WindowsPerformanceRecorder>\n",
        of("Keyword", &["ProcessThread", "Loader", "Pool"]),
        of("Stack", &stacks),
        of("PoolTag", &[&tag]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_has_the_shape_of_the_schema() {
        let text = profile("Qvfz");
        let order = [
            "<WindowsPerformanceRecorder Version=\"1.0\"",
            "<Profiles>",
            "<SystemCollector Id=",
            "<BufferSize Value=\"1024\"/>",
            "<Buffers Value=\"64\"/>",
            "<SystemProvider Id=",
            "<Keywords>",
            "<Keyword Value=\"Pool\"/>",
            "<Stacks>",
            "<Stack Value=\"PoolAllocation\"/>",
            "<PoolTags>",
            "<PoolTag Value=\"Qvfz\"/>",
            "<Profile Id=\"Poolwatch.Verbose.File\"",
            "<SystemCollectorId Value=\"Collector\">",
            "<SystemProviderId Value=\"Provider\"/>",
        ];
        let places: Vec<_> = order.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{text}");
        assert_eq!(text.matches("<PoolTag ").count(), 1);
    }

    #[test]
    fn tags_with_any_bytes_stay_tags() {
        for (tag, value) in [
            (*b"Irp ", Some("Irp*")),
            (*b"a<b>", Some("a&lt;b&gt;")),
            (*b"\"'&x", Some("&quot;&apos;&amp;x")),
            (*b"Thr\xe5", Some("Thr*")),
            (*b"\0abc", None),
        ] {
            let told = pattern(PoolTag::new(tag)).map(|pattern| profile(&pattern));
            let expected = value.map(|value| format!("<PoolTag Value=\"{value}\"/>"));
            assert_eq!(told.is_some(), expected.is_some(), "{tag:?}");
            if let (Some(text), Some(expected)) = (told, expected) {
                assert!(text.contains(&expected), "{text}");
                assert!(!text.contains("'@"), "nothing ends the text early");
            }
        }
        let step = trace_tag(PoolTag::new(*b"Q'@z"), 1800, None);
        assert_eq!(step.script().matches("'@").count(), 1, "{}", step.script());
        assert!(step.script().contains("Start-Sleep 1800"));
    }
}
