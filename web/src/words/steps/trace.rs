//! A trace that names the function which allocates a tag: a profile of Windows Performance Recorder,
//! and the lines that run it.

use poolwatch_model::{PoolTag, host::OsVersion};

use super::plain;
use crate::{
    figures::duration,
    steps::{NextStep as Step, StepFile},
};

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
    let file = has_wpr.then(|| StepFile { name: "poolwatch.wprp", content: profile(&pattern) });
    Step {
        file,
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
    use std::collections::BTreeMap;

    use quick_xml::{Reader, events::Event};

    use super::*;

    /// What an element of a recording profile may hold: attributes that it must have and may have, and
    /// its children in their order, each with how many there are at least and at most. Made after the
    /// published schema (WPRControlProfiles.xsd), of what Poolwatch uses of it.
    struct ProfileElement {
        must: &'static [&'static str],
        may: &'static [&'static str],
        children: &'static [(&'static str, usize, usize)],
    }

    const MANY: usize = usize::MAX;

    fn schema(name: &str) -> Option<ProfileElement> {
        let of = |must, may, children| Some(ProfileElement { must, may, children });
        match name {
            "WindowsPerformanceRecorder" => {
                of(&["Version"], &["Author", "Copyright", "Company"], &[("Profiles", 1, 1)])
            }
            "Profiles" => of(
                &[],
                &[],
                &[
                    ("SystemCollector", 0, MANY),
                    ("EventCollector", 0, MANY),
                    ("SystemProvider", 0, MANY),
                    ("EventProvider", 0, MANY),
                    ("Profile", 1, MANY),
                ],
            ),
            "SystemCollector" => of(
                &["Id", "Name"],
                &["Realtime", "Base"],
                &[("BufferSize", 1, 1), ("Buffers", 1, 1)],
            ),
            "BufferSize" => of(&["Value"], &[], &[]),
            "Buffers" => of(&["Value"], &["PercentageOfTotalMemory"], &[]),
            "SystemProvider" => {
                of(&["Id"], &["Base"], &[("Keywords", 1, 1), ("Stacks", 0, 1), ("PoolTags", 0, 1)])
            }
            "Keywords" => of(&[], &["Operation"], &[("Keyword", 1, MANY)]),
            "Stacks" => of(&[], &["Operation"], &[("Stack", 1, MANY)]),
            "PoolTags" => of(&[], &["Operation"], &[("PoolTag", 1, 4)]),
            "Keyword" | "Stack" | "PoolTag" | "SystemProviderId" => of(&["Value"], &[], &[]),
            "Profile" => of(
                &["Id", "Name", "Description", "DetailLevel", "LoggingMode"],
                &["Base", "Strict", "Default"],
                &[("ProblemCategories", 0, 1), ("Collectors", 1, 1)],
            ),
            "Collectors" => of(&[], &["Operation"], &[("SystemCollectorId", 0, 1)]),
            "SystemCollectorId" => of(
                &["Value"],
                &[],
                &[("BufferSize", 0, 1), ("Buffers", 0, 1), ("SystemProviderId", 0, 1)],
            ),
            _ => None,
        }
    }

    /// An element that was read.
    #[derive(Debug, Default)]
    struct ReadElement {
        name: String,
        attributes: BTreeMap<String, String>,
        children: Vec<ReadElement>,
    }

    fn read(text: &str) -> ReadElement {
        let mut reader = Reader::from_str(text);
        let mut stack = vec![ReadElement::default()];
        loop {
            let event = reader.read_event().unwrap();
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    let attributes = start.attributes().map(|one| {
                        let one = one.unwrap();
                        let value = quick_xml::escape::unescape(&one.value).unwrap().into_owned();
                        (one.key.as_ref().to_owned(), value)
                    });
                    let name = start.name().as_ref().to_owned();
                    let children = Vec::new();
                    stack.push(ReadElement { name, attributes: attributes.collect(), children });
                }
                Event::Eof => return stack.remove(0).children.remove(0),
                _ => {}
            }
            if matches!(event, Event::Empty(_) | Event::End(_)) {
                let done = stack.pop().unwrap();
                stack.last_mut().unwrap().children.push(done);
            }
        }
    }

    fn check(element: &ReadElement) {
        let name = &element.name;
        let schema = schema(name).unwrap_or_else(|| panic!("{name} is not in the schema"));
        for must in schema.must {
            assert!(element.attributes.contains_key(*must), "{name} lacks {must}");
        }
        for has in element.attributes.keys() {
            let has = has.as_str();
            assert!(schema.must.contains(&has) || schema.may.contains(&has), "{name} has {has}");
        }
        let place = |child: &ReadElement| {
            let place = schema.children.iter().position(|(of, ..)| *of == child.name);
            place.unwrap_or_else(|| panic!("{} in {name}", child.name))
        };
        let places: Vec<usize> = element.children.iter().map(place).collect();
        assert!(places.is_sorted(), "children of {name}: {places:?}");
        for (at, (child, least, most)) in schema.children.iter().enumerate() {
            let count = places.iter().filter(|place| **place == at).count();
            assert!((*least..=*most).contains(&count), "{count} of {child} in {name}");
        }
        element.children.iter().for_each(check);
    }

    fn find<'a>(element: &'a ReadElement, name: &str, found: &mut Vec<&'a ReadElement>) {
        if element.name == name {
            found.push(element);
        }
        element.children.iter().for_each(|child| find(child, name, found));
    }

    fn values(element: &ReadElement, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(element, name, &mut found);
        found.iter().map(|one| one.attributes["Value"].clone()).collect()
    }

    #[test]
    fn the_profile_follows_the_schema_and_names_what_it_refers_to() {
        let profile = read(&profile("Qvfz"));
        check(&profile);
        assert_eq!(values(&profile, "Keyword"), ["ProcessThread", "Loader", "Pool"]);
        let stacks = ["PoolAllocation", "PoolFree", "PoolAllocationSession", "PoolFreeSession"];
        assert_eq!(values(&profile, "Stack"), stacks);
        assert_eq!(values(&profile, "PoolTag"), ["Qvfz"]);
        let mut found = Vec::new();
        for name in ["SystemCollector", "SystemProvider", "Profile"] {
            find(&profile, name, &mut found);
        }
        let ids: Vec<&str> = found.iter().map(|one| one.attributes["Id"].as_str()).collect();
        assert_eq!(found[0].attributes["Name"], "NT Kernel Logger", "the kernel's own session");
        assert_eq!(values(&profile, "SystemCollectorId"), [ids[0]]);
        assert_eq!(values(&profile, "SystemProviderId"), [ids[1]]);
        // The name of a profile is followed by its level and mode.
        let of = &found[2].attributes;
        assert!(ids[2].ends_with(&format!(".{}.{}", of["DetailLevel"], of["LoggingMode"])));
    }

    #[test]
    fn tags_with_any_bytes_stay_tags() {
        for (tag, value) in [
            (*b"Irp ", Some("Irp*")),
            (*b"a<b>", Some("a<b>")),
            (*b"\"'&x", Some("\"'&x")),
            (*b"Thr\xe5", Some("Thr*")),
            (*b"\0abc", None),
        ] {
            let step = trace_tag(PoolTag::new(tag), 1800, None);
            let told = step.file.as_ref().map(|file| values(&read(&file.content), "PoolTag"));
            assert_eq!(told, value.map(|value| vec![value.to_owned()]), "{tag:?}");
            let Some(file) = step.file.as_ref() else { continue };
            check(&read(&file.content));
            assert!(!file.content.contains("'@"), "nothing ends the text early");
            assert!(file.url().chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '<'));
            // What is downloaded is what the command writes.
            assert!(step.script().contains(&file.content));
        }
        let step = trace_tag(PoolTag::new(*b"Q'@z"), 1800, None);
        assert_eq!(step.script().matches("'@").count(), 1, "{}", step.script());
        assert!(step.script().contains("Start-Sleep 1800"));
    }

    #[test]
    fn every_four_bytes_make_a_profile_or_none() {
        for seed in 0..20_000_u32 {
            let tag = PoolTag::new(seed.wrapping_mul(2_654_435_761).to_le_bytes());
            let step = trace_tag(tag, 60, None);
            let Some(file) = step.file else { continue };
            let told = values(&read(&file.content), "PoolTag");
            let [told] = told.as_slice() else { panic!("{tag:?}: {told:?}") };
            assert!((1..=4).contains(&told.len()), "{told:?}");
            assert!(told.bytes().zip(tag.bytes()).all(|(is, of)| is == of || is == b'*'));
        }
    }

    #[test]
    fn windows_before_ten_traces_by_xperf() {
        let os = OsVersion {
            product: "Windows 7".into(),
            major: 6,
            minor: 1,
            build: 7601,
            revision: 0,
            arch: poolwatch_model::host::Arch::X64,
        };
        let step = trace_tag(PoolTag::new(*b"Q'fz"), 900, Some(&os));
        assert_eq!(step.file, None);
        let script = step.script();
        assert!(script.contains("-PoolTag 'Q''fz'") && script.contains("xperf -d"), "{script}");
        assert!(step.caution.is_some_and(|caution| caution.contains("64 MB of nonpaged")));
    }
}
