//! Options that come from the environment.

use std::env;

use clap::Command;
use clap::error::{ContextKind, ContextValue};

/// The same command, to which a variable that is empty counts as one that is not set, as in `${NAME:-}` of a container.
pub(crate) fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &std::ffi::OsStr| env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Names the variable that a refused value came from, if it did not come from the command line.
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
