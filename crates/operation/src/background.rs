//! Threads for long computations, which the threads that answer calls must not wait for.

use std::io;

use tokio::sync::oneshot;

/// How much of a busy processor a thread gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// What no other thread wants. Any other thread takes its place at once: on Linux, its policy is `SCHED_IDLE`. Next to
    /// nothing on a busy machine.
    Idle,
    /// A tenth of what another thread gets, so that it ends on a busy machine too. Other threads may wait for a few
    /// milliseconds until it is suspended.
    Tenth,
}

/// The nice value of [`Share::Tenth`]: each step is a factor of 1.25.
const NICE: i32 = 10;

/// Runs `work` on a thread of its own. The receiver returns its result; or an error if it panicked.
///
/// Where the priority of a thread can't be lowered, it is that of all others.
///
/// # Errors
/// If the system has no more threads.
pub fn spawn<T: Send + 'static>(
    name: &str,
    share: Share,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        lower_priority(share);
        // The caller may have given up.
        let _ = done.send(work());
    })?;
    Ok(result)
}

/// Lowers the priority of this thread, for good: without privileges, a thread can't raise it again.
fn lower_priority(share: Share) {
    // Elsewhere the priority is that of the whole process.
    #[cfg(target_os = "linux")]
    match share {
        Share::Idle => {
            use thread_priority::{
                NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
                thread_native_id,
            };

            let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
            let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
        }
        Share::Tenth => {
            // `None` is the calling thread, which keeps a priority that is already lower.
            if rustix::process::getpriority_process(None).is_ok_and(|nice| nice < NICE) {
                let _ = rustix::process::setpriority_process(None, NICE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    /// Policy and nice value of this thread, as the kernel shows them.
    fn scheduled() -> (String, i32) {
        let text = std::fs::read_to_string("/proc/thread-self/stat").expect("/proc is there");
        let after_name: Vec<&str> = text.rsplit(')').flat_map(str::split_whitespace).take(45).collect();
        (after_name[38].to_owned(), after_name[16].parse().expect("a number"))
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_thread_that_computes_has_a_low_priority() {
        let before = scheduled();
        assert_eq!(before.0, "0");
        // The kernel ignores the nice value of an idle thread.
        let (policy, _) = spawn("test", Share::Idle, scheduled).unwrap().await.unwrap();
        assert_eq!(policy, "5");
        let found = spawn("test", Share::Tenth, scheduled).unwrap().await.unwrap();
        assert_eq!(found, ("0".to_owned(), NICE.max(before.1)));
        assert_eq!(scheduled(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let outcome = spawn("test", Share::Idle, || -> u8 { panic!("as expected") }).unwrap().await;
        assert!(outcome.is_err());
    }
}
