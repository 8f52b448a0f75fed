//! The executable against a server that fails at first.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
};

use poolwatch_model::HostId;
use poolwatch_protocol::v1::{
    Batch, Decoder,
    messages::{
        EnrolReply, EnrolRequest, EventsReply, EventsRequest, FramesReply, InventoryRequest,
        Suggestions,
    },
};
use poolwatch_simulator::Truth;

/// What a server keeps.
#[derive(Default)]
struct Kept {
    failures: usize,
    hosts: Vec<EnrolRequest>,
    decoders: BTreeMap<String, Decoder>,
    frames: BTreeMap<String, usize>,
    events: Vec<u32>,
    inventories: usize,
}

/// Answers one request: status and body.
fn answer(kept: &mut Kept, path: &str, key: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
    if path != "/agent/v1/enrol" && kept.failures < 2 {
        kept.failures += 1;
        return ("503 Service Unavailable\r\nRetry-After: 0", Vec::new());
    }
    let json = match path {
        "/agent/v1/enrol" => {
            kept.hosts.push(serde_json::from_slice(body).unwrap());
            let number = kept.hosts.len();
            serde_json::to_vec(&EnrolReply {
                host_id: HostId(number as i32),
                host_key: format!("key-{number}"),
                pending: false,
                suggestions: Suggestions::default(),
            })
        }
        "/agent/v1/frames" => {
            let batch = Batch::parse(body).unwrap();
            let decoder = kept.decoders.entry(key.to_owned()).or_default();
            for frame in &batch.frames {
                decoder.decode(frame).unwrap();
            }
            *kept.frames.entry(key.to_owned()).or_default() += batch.frames.len();
            serde_json::to_vec(&FramesReply {
                acknowledged: None,
                need_key: false,
                refused: vec![],
                suggestions: Suggestions::default(),
            })
        }
        "/agent/v1/events" => {
            let request: EventsRequest = serde_json::from_slice(body).unwrap();
            kept.events.extend(request.events.iter().map(|event| event.event_id));
            let stored = request.events.len();
            serde_json::to_vec(&EventsReply { stored, known: 0, refused: vec![] })
        }
        "/agent/v1/inventory" => {
            let request: InventoryRequest = serde_json::from_slice(body).unwrap();
            assert!(request.inventory.drivers.len() > 40);
            kept.inventories += 1;
            return ("204 No Content", Vec::new());
        }
        other => panic!("no such path: {other}"),
    };
    ("200 OK", json.unwrap())
}

/// Serves the requests of one connection.
fn serve(stream: TcpStream, kept: &Mutex<Kept>) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => key = value.to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, body) = answer(&mut kept.lock().unwrap(), &path, &key, &body);
        write!(writer, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        writer.write_all(&body)?;
    }
}

#[test]
fn a_demo_sends_everything_though_the_server_fails_at_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Kept::default()));
    let for_server = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&for_server);
            std::thread::spawn(move || serve(stream, &kept));
        }
    });
    let truth = std::env::temp_dir().join(format!("poolwatch-sim-{}.json", std::process::id()));
    let status = Command::new(env!("CARGO_BIN_EXE_poolwatch-sim"))
        .args(["demo", "--server", &server, "--token", "secret", "--hosts", "5"])
        .args(["--history-hours", "2", "--interval", "1", "--duration", "4", "--truth"])
        .arg(&truth)
        .status()
        .unwrap();
    assert!(status.success());
    let written: Truth = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
    std::fs::remove_file(&truth).unwrap();

    let kept = kept.lock().unwrap();
    assert_eq!(kept.failures, 2);
    assert!(kept.hosts.iter().all(|host| host.token == "secret"));
    let mut enrolled: Vec<_> = kept.hosts.iter().map(|host| host.instance_id).collect();
    let mut planned: Vec<_> = written.hosts.iter().map(|host| host.instance_id).collect();
    enrolled.sort_unstable();
    planned.sort_unstable();
    assert_eq!(enrolled, planned);
    // 25 of history, then one a second.
    assert!(kept.frames.values().all(|frames| *frames > 25), "{:?}", kept.frames);
    assert_eq!(kept.frames.len(), 5);
    assert_eq!(kept.inventories, 5);
    assert!(kept.events.contains(&2004), "{:?}", kept.events);
}
