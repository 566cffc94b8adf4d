//! Locks memory, so that secrets are not written to swap.
//!
//! The kernel takes no page back from a process with locked memory: `madvise(MADV_DONTNEED)` fails, and what the
//! allocator has freed stays resident. So memory is locked only where it could be written to swap.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::CapabilitySet;

/// How often an unlocked server looks for swap.
const INTERVAL: Duration = Duration::from_secs(10);
/// Where the control groups are, version 2.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// When memory is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MemoryLock {
    /// While it could be written to swap: the system has swap, and no control group forbids it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Memory that is not locked, because nothing of it can be written to swap at present.
pub(crate) struct Unlocked(());

impl MemoryLock {
    /// Locks memory if it has to be. Best effort; logs the result. Otherwise [`Unlocked::follow`] locks it when it has to be.
    pub(crate) fn apply(self) -> Option<Unlocked> {
        match self {
            MemoryLock::Auto if !can_swap() => {
                tracing::info!("memory is not locked: the system has no swap, or a control group forbids it");
                return Some(Unlocked(()));
            }
            MemoryLock::Auto | MemoryLock::Always => lock(),
            MemoryLock::Never => {}
        }
        None
    }
}

impl Unlocked {
    /// Locks memory as soon as it could be written to swap.
    pub(crate) async fn follow(self) {
        while !can_swap() {
            tokio::time::sleep(INTERVAL).await;
        }
        lock();
    }
}

/// Whether pages of this process can be written to swap.
fn can_swap() -> bool {
    if rustix::system::sysinfo().totalswap == 0 {
        return false;
    }
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    !is_swap_forbidden(Path::new(CONTROL_GROUPS), &own)
}

/// Whether one of the control groups of a process, which `own` names as `/proc/self/cgroup` does, forbids swap.
fn is_swap_forbidden(control_groups: &Path, own: &str) -> bool {
    let Some(own) = own.lines().find_map(|line| line.strip_prefix("0::/")) else { return false };
    let folder = control_groups.join(own);
    folder
        .ancestors()
        .take_while(|folder| folder.starts_with(control_groups))
        .any(|folder| fs::read_to_string(folder.join("memory.swap.max")).is_ok_and(|most| most.trim_end() == "0"))
}

/// Locks memory. Pages are locked at their first use, so reserved pages cost nothing. If the system limits locked memory,
/// nothing is locked, since each allocation beyond the limit would fail.
fn lock() {
    let limit = getrlimit(Resource::Memlock).current;
    let is_privileged =
        rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if let Some(bytes) = limit
        && !is_privileged
    {
        tracing::info!(
            bytes,
            "memory is not locked and may be written to swap: locked memory is limited (RLIMIT_MEMLOCK); with systemd, LimitMEMLOCK=infinity allows it, or MemorySwapMax=0 makes it unnecessary"
        );
        return;
    }
    match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        Ok(()) => tracing::info!("memory is locked and not written to swap"),
        Err(error) => tracing::info!(%error, "memory could not be locked and may be written to swap"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_group_forbids_swap_to_all_in_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let inner = folder.path().join("system.slice/bailiwick.service");
        fs::create_dir_all(&inner).unwrap();
        let own = "4:memory:/old\n0::/system.slice/bailiwick.service\n";
        let check = |expected: bool| assert_eq!(is_swap_forbidden(folder.path(), own), expected);
        check(false);
        fs::write(inner.join("memory.swap.max"), "max\n").unwrap();
        check(false);
        fs::write(inner.join("memory.swap.max"), "1048576\n").unwrap();
        check(false);
        fs::write(inner.join("memory.swap.max"), "0\n").unwrap();
        check(true);
        fs::write(inner.join("memory.swap.max"), "max\n").unwrap();
        fs::write(folder.path().join("system.slice/memory.swap.max"), "0\n").unwrap();
        check(true);
    }

    #[test]
    fn other_groups_forbid_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let outer = folder.path().join("outer");
        fs::create_dir_all(outer.join("inner")).unwrap();
        fs::create_dir_all(outer.join("other")).unwrap();
        fs::write(folder.path().join("memory.swap.max"), "0\n").unwrap();
        fs::write(outer.join("other/memory.swap.max"), "0\n").unwrap();
        for own in ["", "4:memory:/other\n", "0::/inner\n", "0::/\n", "0::/gone/deeper\n"] {
            assert!(!is_swap_forbidden(&outer, own), "{own}");
        }
    }
}
