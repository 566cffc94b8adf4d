//! The log filter: a level for everything, and levels for parts of the program.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Levels, from none to everything.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// Parts that can have a level: our crates, by their name after `bailiwick_`, and the libraries for HTTP and TLS.
#[rustfmt::skip]
const OURS: [&str; 16] = [
    "audit", "authz", "aws_query", "decision", "directory", "grpc", "operation", "seal", "service", "snapshot",
    "storage", "storage_etcd", "storage_postgres", "storage_redb", "storage_remote", "sts",
];
const LIBRARIES: [&str; 5] = ["h2", "hyper", "hyper_util", "rustls", "tonic"];

/// A level for everything, and levels for parts, such as `info,bailiwick_authz=debug`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(Targets);

impl LogFilter {
    /// Warnings and errors, for commands that write their outcome to standard output.
    pub(crate) fn warnings() -> Self {
        LogFilter(Targets::new().with_default(LevelFilter::WARN))
    }

    /// Returns the filter for the subscriber.
    pub(crate) fn targets(&self) -> Targets {
        self.0.clone()
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut targets = Targets::new().with_default(LevelFilter::INFO);
        for directive in text.split(',').map(str::trim) {
            match directive.split_once('=') {
                None => targets = targets.with_default(level(directive)?),
                Some((part, wanted)) => targets = targets.with_target(target(part.trim())?, level(wanted.trim())?),
            }
        }
        Ok(LogFilter(targets))
    }
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let found = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, level)| *level).ok_or_else(|| {
        let names = LEVELS.map(|(name, _)| name).join(", ");
        format!("`{text}` is not a level: expected one of {names}; or PART=LEVEL for one part, as in `info,bailiwick_authz=debug`")
    })
}

fn target(text: &str) -> Result<String, String> {
    if parts().any(|part| part == text) {
        return Ok(text.to_owned());
    }
    let names = parts().collect::<Vec<_>>().join(", ");
    Err(format!("`{text}` is not a part that logs: expected one of {names}"))
}

fn parts() -> impl Iterator<Item = String> {
    let ours = OURS.iter().map(|name| format!("bailiwick_{name}"));
    // The name of the program stands for all our crates.
    std::iter::once("bailiwick".to_owned()).chain(ours).chain(LIBRARIES.iter().map(|&name| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[track_caller]
    fn check(text: &str, enabled: &[(&str, Level)], disabled: &[(&str, Level)]) {
        let filter: LogFilter = text.parse().unwrap();
        for (target, level) in enabled {
            assert!(filter.0.would_enable(target, level), "{text}: {target} at {level}");
        }
        for (target, level) in disabled {
            assert!(!filter.0.would_enable(target, level), "{text}: {target} at {level}");
        }
    }

    #[test]
    fn a_level_is_for_everything_and_a_part_may_have_its_own() {
        check("warn", &[("bailiwick", Level::WARN), ("h2", Level::ERROR)], &[("bailiwick", Level::INFO)]);
        check("INFO", &[("bailiwick_sts", Level::INFO)], &[("bailiwick_sts", Level::DEBUG)]);
        check("off", &[], &[("bailiwick", Level::ERROR)]);
        check(
            "warn, bailiwick_authz=debug",
            &[("bailiwick_authz::decide", Level::DEBUG), ("bailiwick_sts", Level::WARN)],
            &[("bailiwick_sts", Level::INFO)],
        );
        check("warn,bailiwick=debug", &[("bailiwick_sts", Level::DEBUG)], &[("h2", Level::INFO)]);
        check("rustls=off", &[("bailiwick_sts", Level::INFO)], &[("rustls::server", Level::ERROR)]);
    }

    #[test]
    fn unknown_filters_are_refused_with_the_known_ones() {
        for (text, words) in [
            ("verbose", "`verbose` is not a level: expected one of off, error, warn, info, debug, trace"),
            ("", "`` is not a level"),
            ("info,", "`` is not a level"),
            ("bailiwick_authz=loud", "`loud` is not a level"),
            (
                "bailiwick_auth=debug",
                "`bailiwick_auth` is not a part that logs: expected one of bailiwick, bailiwick_audit",
            ),
            ("[span]=debug", "`[span]` is not a part"),
            ("bailiwick_authz", "`bailiwick_authz` is not a level"),
        ] {
            let error = text.parse::<LogFilter>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    /// Every crate that logs is in the list.
    #[test]
    fn every_crate_that_logs_is_a_part() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut logging = Vec::new();
        for found in std::fs::read_dir(crates).unwrap() {
            let folder = found.unwrap().path();
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            if manifest.contains("\ntracing.workspace") {
                logging.push(folder.file_name().unwrap().to_str().unwrap().replace('-', "_"));
            }
        }
        let known: Vec<String> = parts().collect();
        for name in logging.iter().filter(|name| *name != "server") {
            assert!(known.contains(&format!("bailiwick_{name}")), "{name} logs and is not in the list");
        }
    }
}
