//! Programs that print a secret: their time and their output are limited.

use std::io::Read as _;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// The pause between two looks at a program that has closed its output.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs a program to its end, or kills it at the limit. Programs that it has started itself are left, and their output is
/// not waited for. Of its output, `most` bytes are accepted.
///
/// # Errors
/// If it cannot be run, takes too long or prints more. The error never repeats its output.
pub(crate) fn output(
    command: &mut Command,
    name: &str,
    limit: Duration,
    most: u64,
) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), String> {
    let end = Instant::now() + limit;
    let mut child = command.spawn().map_err(|e| format!("cannot run `{name}`: {e}"))?;
    let printed = child.stdout.take().map(|stdout| printed(stdout, most));
    let stdout = printed.and_then(|printed| printed.recv_timeout(limit).ok());
    match stdout.zip(ended(&mut child, end)) {
        Some((stdout, status)) if stdout.len() as u64 <= most => Ok((status, stdout)),
        Some(_) => Err(format!("printed more than {} KiB", most / 1024)),
        None => {
            // The program may end by itself in this moment.
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("took too long: `{name}` was killed after {} seconds", limit.as_secs_f32()))
        }
    }
}

/// Reads the output on a thread of its own.
fn printed(stdout: ChildStdout, most: u64) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        // What cannot be read is missing in the output, which the caller then refuses.
        let _ = stdout.take(most + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// The status of a program, if it ends in time.
fn ended(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(PAUSE),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    const MAX_OUTPUT: u64 = 256 * 1024;

    #[test]
    fn a_program_has_a_limited_time_and_output() {
        let run = |script: &str, limit: f32| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            output(&mut command, "sh", Duration::from_secs_f32(limit), MAX_OUTPUT)
        };
        let (status, stdout) = run("echo one; exit 3", 60.0).unwrap();
        assert_eq!((status.code(), stdout.as_slice()), (Some(3), b"one\n".as_slice()));
        let late = "took too long: `sh` was killed after 0.2 seconds";
        for script in [
            "exec sleep 600",
            "exec sleep 600 >&-",
            "echo '{}'; exec sleep 600",
            // Its output stays open after it has ended.
            "sleep 5 & exit 0",
            "trap '' TERM; while :; do sleep 1; done",
        ] {
            assert_eq!(run(script, 0.2).unwrap_err(), late, "{script}");
        }
        assert_eq!(run("exec yes", 60.0).unwrap_err(), "printed more than 256 KiB");
        assert_eq!(run("exec head -c 1000000 /dev/zero", 60.0).unwrap_err(), "printed more than 256 KiB");
    }
}
