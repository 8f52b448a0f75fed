//! A server that keeps what it is sent, and fails at first when told so.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use poolwatch_model::HostId;
use poolwatch_protocol::v1::{
    Batch, Decoder,
    messages::{
        EnrolReply, EnrolRequest, EventsReply, EventsRequest, FrameId, FramesReply,
        InventoryRequest, Suggestions,
    },
};
use sha2::{Digest, Sha256};

/// What a server keeps.
#[derive(Default)]
pub(crate) struct Kept {
    /// Requests that are still to fail.
    pub(crate) failures: usize,
    pub(crate) hosts: Vec<EnrolRequest>,
    decoders: BTreeMap<String, Decoder>,
    /// The frames of each host key, as lines of a record.
    pub(crate) frames: BTreeMap<String, Vec<String>>,
    pub(crate) events: Vec<u32>,
    pub(crate) inventories: usize,
}

/// Starts a server. Returns its address and what it keeps.
pub(crate) fn start(failures: usize) -> (String, Arc<Mutex<Kept>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Kept { failures, ..Kept::default() }));
    let for_server = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&for_server);
            std::thread::spawn(move || serve(stream, &kept));
        }
    });
    (address, kept)
}

/// Answers one request: status and body.
fn answer(kept: &mut Kept, path: &str, key: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
    if path != "/agent/v1/enrol" && kept.failures > 0 {
        kept.failures -= 1;
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
            let lines = kept.frames.entry(key.to_owned()).or_default();
            let number = key.rsplit('-').next().unwrap();
            let mut acknowledged = None;
            for frame in &batch.frames {
                let stamp = decoder.decode(frame).unwrap().stamp;
                acknowledged = Some(FrameId { boot: stamp.boot, seq: stamp.seq });
                let digest = hex::encode(Sha256::digest(frame));
                lines.push(format!("{number},{},{},{digest}", stamp.boot.0, stamp.seq));
            }
            serde_json::to_vec(&FramesReply {
                acknowledged,
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
