//! What the process sets for itself before it holds a secret.

/// What is written is for its owner alone, and memory is not dumped where secrets could be read.
pub(crate) fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}
