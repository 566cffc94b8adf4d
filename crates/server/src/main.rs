//! `bailiwick`: identity and access management that you run yourself and that speaks AWS IAM.
//!
//! Flags and wiring only. Each command has a file in `commands`; `commands/serve.rs` assembles the server. Only this
//! crate reads the environment, the clock and the system's randomness.

mod agent;
mod aws;
mod backup;
mod commands;
mod control;
mod data_dir;
mod database;
mod deployment;
mod environment;
mod escapes;
mod failure;
mod first_start;
mod input;
mod issuers;
mod logging;
mod maintenance;
mod master_key;
mod memory_lock;
mod net;
mod new_store;
mod open_store;
mod options;
mod output;
mod private_file;
mod process;
mod progress;
mod readiness;
mod root_credentials;
mod rotation;
mod router;
mod shared_store;
mod signals;
mod sinks;
mod store;
mod store_password;
mod subprocess;
mod system;
mod terminal;
mod tls;
mod token_issuer;
mod token_keys;
mod traces;
mod version;

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// A call makes dozens of small allocations, which this allocator makes cheaper than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Identity and access management that you run yourself and that speaks AWS IAM.
#[derive(Parser)]
#[command(name = "bailiwick", version = version::line(), max_term_width = 100)]
struct Cli {
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are honoured
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN", display_order = 1000)]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<commands::serve::Options>),
    RecoverRoot(commands::recover_root::Options),
    Doctor(commands::doctor::Options),
    Backup(commands::backup::Options),
    Restore(commands::restore::Options),
    RotateMasterKey(commands::rotate_master_key::Options),
    #[command(subcommand)]
    Store(commands::store::Command),
    #[command(subcommand)]
    Audit(commands::audit::Command),
    #[command(subcommand)]
    Policy(commands::policy::Command),
    Evaluate(commands::evaluate::Options),
    #[command(subcommand)]
    Catalogue(commands::catalogue::Command),
    #[command(subcommand)]
    Import(commands::import::Command),
    Agent(Box<commands::agent::Options>),
    Login(Box<commands::login::Login>),
    Logout(Box<commands::login::Logout>),
    CredentialProcess(Box<commands::credential_process::Options>),
    Whoami(commands::whoami::Options),
    Authorize(Box<commands::authorize::Options>),
    Explain(Box<commands::explain::Options>),
    #[command(subcommand)]
    CredentialRules(commands::credential_rules::Command),
    Findings(commands::findings::Options),
    Health(commands::health::Options),
    Replay(Box<commands::replay::Options>),
    UnusedPermissions(commands::unused_permissions::Options),
    Version(commands::version::Options),
    WhatCan(Box<commands::review::what_can::Options>),
    WhoCan(Box<commands::review::who_can::Options>),
    Completions(commands::manual::Completions),
    Man(commands::manual::Man),
    #[command(hide = true)]
    Coverage,
}

/// Parses the command line and the environment. Ends the process if they are invalid or ask for help.
fn parsed() -> Cli {
    let mut command = environment::without_empty_variables(Cli::command().color(asked_color()));
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command)));
    parsed.unwrap_or_else(|error| {
        let variable = environment::refused_variable(&command, &error);
        // If the message cannot be written, the exit code remains.
        let _ = error.print();
        if let Some(variable) = variable {
            eprintln!("The value is from the environment variable {variable}.");
        }
        std::process::exit(error.exit_code());
    })
}

fn main() -> ExitCode {
    let cli = parsed();
    stream_color(cli.color).write_global();
    let outcome = match cli.command {
        Command::Serve(options) => commands::serve::run(*options),
        Command::RecoverRoot(options) => commands::recover_root::run(&options),
        Command::RotateMasterKey(options) => commands::rotate_master_key::run(&options),
        Command::Store(command) => commands::store::run(command),
        Command::Backup(options) => commands::backup::run(&options),
        Command::Restore(options) => commands::restore::run(&options),
        Command::Doctor(options) => commands::doctor::run(&options),
        Command::Audit(command) => commands::audit::run(command),
        Command::Policy(command) => commands::policy::run(command),
        Command::Evaluate(options) => commands::evaluate::run(&options),
        Command::Catalogue(command) => commands::catalogue::run(command),
        Command::Import(command) => commands::import::run(command),
        Command::Agent(options) => commands::agent::run(*options),
        Command::Login(options) => commands::login::login(&options),
        Command::Logout(options) => commands::login::logout(&options),
        Command::CredentialProcess(options) => commands::credential_process::run(&options),
        Command::Whoami(options) => commands::whoami::run(&options),
        Command::Authorize(options) => commands::authorize::run(&options),
        Command::Explain(options) => commands::explain::run(&options),
        Command::CredentialRules(command) => commands::credential_rules::run(&command),
        Command::Findings(options) => commands::findings::run(&options),
        Command::Health(options) => commands::health::run(&options),
        Command::Replay(options) => commands::replay::run(&options),
        Command::UnusedPermissions(options) => commands::unused_permissions::run(&options),
        Command::Version(options) => commands::version::run(&options),
        Command::WhatCan(options) => commands::review::what_can::run(&options),
        Command::WhoCan(options) => commands::review::who_can::run(&options),
        Command::Completions(options) => commands::manual::completions(&options, Cli::command()),
        Command::Man(options) => commands::manual::man(&options, Cli::command()),
        Command::Coverage => {
            commands::coverage::run();
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|failure| {
        anstream::eprintln!("{} {failure}", output::styled(output::BAD, "bailiwick:"));
        ExitCode::from(failure.code())
    })
}

/// Returns the value of `--color` before the arguments are parsed, so that it also applies to parse errors.
fn asked_color() -> ColorChoice {
    let arguments: Vec<String> = std::env::args().skip(1).take_while(|argument| argument != "--").collect();
    let after = |at: usize| arguments.get(at + 1).map(String::as_str);
    let value = arguments.iter().enumerate().rev().find_map(|(at, argument)| match argument.strip_prefix("--color") {
        Some("") => after(at),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    match value {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

fn stream_color(choice: ColorChoice) -> anstream::ColorChoice {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The width at which clap breaks lines, also of examples, which then cannot be copied.
    const WIDTH: usize = 100;

    fn check(command: &clap::Command, path: &str) {
        let texts = [command.get_after_help(), command.get_after_long_help()];
        for text in texts.into_iter().flatten().map(ToString::to_string) {
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "the help of `{path}` has a line that is too long: {line}");
            }
        }
        command.get_subcommands().for_each(|inner| check(inner, &format!("{path} {}", inner.get_name())));
    }

    #[test]
    fn examples_are_not_wrapped() {
        check(&Cli::command(), "bailiwick");
    }
}
