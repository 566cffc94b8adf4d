//! Settings of the process that protect secrets, and its metrics.

use bailiwick_operation::Clock as _;
use bailiwick_service::Metrics;
use rustix::process::{Resource, getrlimit};

use crate::system::SystemClock;
use crate::version;

/// Restricts new files to their owner and disables core dumps, which could contain secrets.
pub(crate) fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}

/// Registers the metrics of the process, under Prometheus's standard names, and the version.
pub(crate) fn measure(metrics: &Metrics) {
    let started = SystemClock.now().as_millisecond() as f64 / 1_000.0;
    metrics.gauge("process_start_time_seconds", "When the process started, in Unix time.", &[], move |samples| {
        samples.add(&[], started);
    });
    metrics.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", &[], |samples| {
        if let Some(bytes) = resident_memory() {
            samples.add(&[], bytes as f64);
        }
    });
    metrics.gauge("process_open_fds", "Open file descriptors.", &[], |samples| {
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // The folder itself is open while it is read.
            samples.add(&[], open.count().saturating_sub(1) as f64);
        }
    });
    metrics.gauge("process_max_fds", "File descriptors that may be open at once.", &[], |samples| {
        if let Some(most) = getrlimit(Resource::Nofile).current {
            samples.add(&[], most as f64);
        }
    });
    metrics.counter("process_cpu_seconds_total", "Processor time used, in user and system mode.", &[], |samples| {
        if let Some(seconds) = processor_time() {
            samples.add(&[], seconds);
        }
    });
    metrics.gauge("bailiwick_build_info", "The version that runs; always 1.", &["version", "commit"], |samples| {
        samples.add(&[version::VERSION, version::COMMIT.unwrap_or_default()], 1.0);
    });
}

/// Resident memory in bytes, if the system reports it.
fn resident_memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Processor time in seconds, if the system reports it.
fn processor_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in parentheses and may have spaces; two fields of clock ticks follow eleven others.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
