//! Runs a tool as one step: quiet while it goes well, everything it said when it does not.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How many checks passed and failed; a step without a count of its own is one check.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) const ONE: Tally = Tally { passed: 1, failed: 0 };
    pub(crate) const FAILED: Tally = Tally { passed: 0, failed: 1 };

    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The root of the workspace, whatever folder the command was called in.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Where cargo builds, as the environment may have set it.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Whether a program is there and answers `--version`.
pub(crate) fn installed(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a tool said, standard output and error in the order they came, and whether it was content.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) success: bool,
}

/// Runs a tool to its end. With `loud`, its words are shown as they come; otherwise a sign of life every half minute.
pub(crate) fn capture(mut command: Command, loud: bool) -> Result<Said> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{name}`; is it installed?"))?;
    let (lines, said) = mpsc::channel::<String>();
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
        child.stdout.take().map(|s| Box::new(s) as Box<dyn std::io::Read + Send>),
        child.stderr.take().map(|s| Box::new(s) as Box<dyn std::io::Read + Send>),
    ];
    for stream in streams.into_iter().flatten() {
        let lines = lines.clone();
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
                if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
    drop(lines);
    let mut text = String::new();
    let mut last_sign = Instant::now();
    loop {
        match said.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => {
                if loud {
                    print!("{line}");
                }
                text.push_str(&line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if !loud && last_sign.elapsed() > Duration::from_secs(30) {
            last_sign = Instant::now();
            println!("      … {} s", begun.elapsed().as_secs());
            std::io::stdout().flush().ok();
        }
    }
    let success = child.wait().with_context(|| format!("cannot wait for `{name}`"))?.success();
    Ok(Said { text, success })
}

/// Runs a tool whose words matter only when it fails.
///
/// # Errors
/// All that the tool said, when it could not run or was not content.
pub(crate) fn quiet(command: Command) -> Result<()> {
    let shown = format!("{command:?}");
    let said = capture(command, false)?;
    if !said.success {
        bail!("{}\n{}", shown, said.text.trim_end());
    }
    Ok(())
}

/// Standard output of a tool.
///
/// # Errors
/// When it could not run or was not content.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::piped()).output().with_context(|| format!("cannot run `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
