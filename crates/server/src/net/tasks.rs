//! The tasks of a listener, which end with it.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

/// The time in which requests end after their connections have been closed: each wait within a call is shorter.
const REQUESTS_END: Duration = Duration::from_secs(10);

/// Spawns tasks, and ends those that are left.
pub(super) struct Tasks {
    abort: watch::Sender<bool>,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks { abort: watch::Sender::new(false) }
    }
}

impl Tasks {
    /// Spawns the task of a connection.
    pub(super) fn spawn(&self, task: impl Future<Output: Send> + Send + 'static) {
        let mut aborted = self.abort.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                _ = aborted.wait_for(|aborted| *aborted) => {}
                _ = task => {}
            }
        });
    }

    /// Returns an executor for the HTTP library, which spawns a task for each stream of HTTP/2.
    pub(super) fn executor(&self) -> TaskExecutor {
        TaskExecutor { alive: self.abort.subscribe() }
    }

    /// Aborts the tasks of connections, with which their streams end too, and waits until all tasks have ended. Call it
    /// when nothing else spawns tasks.
    pub(super) async fn abort(self) {
        self.abort.send_replace(true);
        // Each task holds a receiver.
        if tokio::time::timeout(REQUESTS_END, self.abort.closed()).await.is_err() {
            tracing::warn!("requests are still running {} seconds after their connections", REQUESTS_END.as_secs());
        }
    }
}

/// Spawns the tasks of streams.
#[derive(Clone)]
pub(super) struct TaskExecutor {
    alive: watch::Receiver<bool>,
}

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for TaskExecutor {
    fn execute(&self, task: F) {
        // Held and not awaited: a stream ends with its connection, and there is a task for each request.
        let alive = self.alive.clone();
        // Boxed, because a task is moved a few times before it runs and when it ends.
        let task = Box::pin(task);
        tokio::spawn(async move {
            task.await;
            drop(alive);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn no_task_outlives_its_listener() {
        let tasks = Tasks::default();
        let held = Arc::new(());
        for _ in 0..10 {
            let (one, other) = (Arc::clone(&held), Arc::clone(&held));
            let (connection, closed) = oneshot::channel::<()>();
            tasks.spawn(async move {
                pending::<()>().await;
                drop((one, connection));
            });
            tasks.executor().execute(async move {
                let _ = closed.await;
                // It goes on for a while after its connection was closed.
                tokio::task::yield_now().await;
                drop(other);
            });
        }
        tasks.abort().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_end_does_not_prevent_the_stop() {
        let tasks = Tasks::default();
        tasks.executor().execute(pending::<()>());
        tasks.abort().await;
    }
}
