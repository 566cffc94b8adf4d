//! Options that come from the environment.

use std::collections::BTreeSet;
use std::env;

use bailiwick_policy_lang::nearest;
use clap::Command;
use clap::error::{ContextKind, ContextValue};

use crate::{master_key, root_credentials};

/// Makes empty variables count as not set, as in `${NAME:-}` of a container.
pub(crate) fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &std::ffi::OsStr| env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Returns the variable that a refused value came from, if it is not from the command line.
pub(crate) fn refused_variable(command: &Command, error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    let long = option.strip_prefix("--")?.split([' ', '=']).next()?;
    let is_given = env::args().any(|arg| arg.strip_prefix("--").is_some_and(|a| a.split('=').next() == Some(long)));
    let name = variable_of(command, long)?;
    (!is_given && env::var(&name).is_ok_and(|found| found == *value)).then_some(name)
}

fn variable_of(command: &Command, long: &str) -> Option<String> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long)).and_then(clap::Arg::get_env);
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.or_else(|| command.get_subcommands().find_map(|command| variable_of(command, long)))
}

/// Bailiwick's variables that belong to no option.
const OTHERS: [&str; 3] = [master_key::VARIABLE, root_credentials::ID_VARIABLE, root_credentials::SECRET_VARIABLE];

/// Prefixes of the variables that Kubernetes sets in every container for a service named `bailiwick`.
const OF_KUBERNETES: [&str; 2] = ["BAILIWICK_PORT", "BAILIWICK_SERVICE_"];

/// Warns about unknown variables with the prefix `BAILIWICK_`, since a mistyped name would be ignored silently.
pub(crate) fn warn_of_unknown_variables(command: &Command) {
    let set = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (name, meant) in unknown(&variables(command), set) {
        match meant {
            Some(meant) => tracing::warn!("the environment variable {name} is unknown: did you mean {meant}?"),
            None => tracing::warn!("the environment variable {name} is unknown and ignored"),
        }
    }
}

/// Returns the names with the prefix `BAILIWICK_` that are not in `known`, each with the most similar known name.
fn unknown(known: &BTreeSet<String>, set: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let ours =
        set.filter(|name| name.starts_with("BAILIWICK_") && !OF_KUBERNETES.iter().any(|of| name.starts_with(of)));
    let unknown = ours.filter(|name| !known.contains(name));
    let meant = |name: &str| nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    unknown.map(|name| (name.clone(), meant(&name))).collect()
}

/// Returns the variables of a command, its subcommands, and [`OTHERS`].
fn variables(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()).map(str::to_owned);
    let mut all: BTreeSet<String> = own.chain(OTHERS.map(str::to_owned)).collect();
    command.get_subcommands().for_each(|command| all.extend(variables(command)));
    all
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn unknown_variables_are_found_with_the_known_name_that_is_similar() {
        let known = variables(&crate::Cli::command());
        let found = |name: &str| unknown(&known, std::iter::once(name.to_owned()));
        for name in ["BAILIWICK_DATA_DIR", "BAILIWICK_MASTER_KEY", "BAILIWICK_ROOT_ACCESS_KEY_ID", "BAILIWICK_LISTEN"] {
            assert_eq!(found(name), [], "{name}");
        }
        for name in ["AWS_REGION", "BAILIWICK", "BAILIWICK_PORT_7470_TCP_ADDR", "BAILIWICK_SERVICE_HOST", "PATH"] {
            assert_eq!(found(name), [], "{name}");
        }
        let meant = |name: &str| found(name).remove(0).1;
        assert_eq!(meant("BAILIWICK_DATADIR").as_deref(), Some("BAILIWICK_DATA_DIR"));
        assert_eq!(meant("BAILIWICK_TLS_CERTS").as_deref(), Some("BAILIWICK_TLS_CERT"));
        assert_eq!(meant("BAILIWICK_ALLOW_EVERYTHING"), None);
    }
}
