//! Looks up names without making a thread, and keeps what it found.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tracing::debug;

/// Names that are kept: the server's, and a proxy's.
const KEPT: usize = 8;

type Lookup = Box<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Asks the system on the thread that sends. A name that cannot be looked up now has the addresses
/// that it had last.
pub(super) struct KeepingResolver {
    lookup: Arc<Lookup>,
    known: Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>,
}

impl Default for KeepingResolver {
    fn default() -> Self {
        Self::asking(Box::new(|name| Ok((name, 0).to_socket_addrs()?.collect())))
    }
}

impl KeepingResolver {
    fn asking(lookup: Lookup) -> Self {
        Self { lookup: Arc::new(lookup), known: Arc::default() }
    }
}

impl Resolve for KeepingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, known) = (Arc::clone(&self.lookup), Arc::clone(&self.known));
        Box::pin(async move {
            let found = lookup(name.as_str());
            let mut known = known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let addresses = match found {
                Ok(addresses) if !addresses.is_empty() => {
                    if known.len() >= KEPT {
                        known.clear();
                    }
                    known.insert(name.as_str().to_owned(), addresses.clone());
                    addresses
                }
                failed => match known.get(name.as_str()) {
                    Some(addresses) => {
                        debug!(name = name.as_str(), ?failed, "The name's last addresses are used");
                        addresses.clone()
                    }
                    None => {
                        failed?;
                        return Err("the name has no address".into());
                    }
                },
            };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_name_that_was_known_is_reached_when_nobody_can_be_asked() {
        let fails = Arc::new(AtomicBool::new(true));
        let is_failing = Arc::clone(&fails);
        let resolver = KeepingResolver::asking(Box::new(move |_| {
            if is_failing.load(Ordering::Relaxed) {
                // WSAENOBUFS
                return Err(io::Error::from_raw_os_error(10055));
            }
            Ok(vec![([192, 0, 2, 7], 0).into()])
        }));
        let addresses = async |name: &str| {
            let found = resolver.resolve(name.parse().unwrap()).await;
            found.map(Iterator::collect::<Vec<_>>).map_err(|error| error.to_string())
        };
        assert!(addresses("pool.example.net").await.is_err());
        fails.store(false, Ordering::Relaxed);
        let known = addresses("pool.example.net").await.unwrap();
        fails.store(true, Ordering::Relaxed);
        assert_eq!(addresses("pool.example.net").await.unwrap(), known);
        assert!(addresses("other.example.net").await.is_err());
    }
}
