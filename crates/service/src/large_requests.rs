//! Requests of more than 1 MiB, which few operations take. Such a request is received before its caller is known, so only
//! a few are received at once, and one from each source.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_model::SourceNetwork;

/// How many are received or answered at once.
const PLACES: usize = 2;

/// The sources whose large requests are being received or answered.
#[derive(Default)]
pub struct LargeRequests {
    sources: Mutex<Vec<SourceNetwork>>,
}

/// The permission to receive a large request, until it is dropped.
pub struct LargePlace {
    requests: Arc<LargeRequests>,
    source: SourceNetwork,
}

impl LargeRequests {
    /// The largest request, in bytes: 16 MiB. SAML metadata has at most ten million characters, some of them
    /// percent-encoded.
    pub const LARGEST: usize = 16 * 1024 * 1024;

    /// Takes a place for a client; none if all are taken, or its source has one.
    pub fn take(self: &Arc<Self>, client: IpAddr) -> Option<LargePlace> {
        let source = SourceNetwork::of(client);
        let mut sources = self.sources();
        if sources.len() >= PLACES || sources.contains(&source) {
            return None;
        }
        sources.push(source);
        Some(LargePlace { requests: Arc::clone(self), source })
    }

    fn sources(&self) -> MutexGuard<'_, Vec<SourceNetwork>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LargePlace {
    fn drop(&mut self) {
        self.requests.sources().retain(|source| *source != self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_place_and_all_sources_have_two() {
        let requests = Arc::<LargeRequests>::default();
        let take = |ip: &str| requests.take(ip.parse().unwrap());
        let first = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none());
        let second = take("2001:db8::1");
        assert!(second.is_some() && take("2001:db8::2").is_none() && take("192.0.2.2").is_none());
        drop(first);
        assert!(take("192.0.2.1").is_some());
        assert!(take("192.0.2.2").is_some());
    }
}
