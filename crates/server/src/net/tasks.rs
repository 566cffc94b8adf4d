//! The tasks of a listener, which end with it.

use std::future::Future;

use tokio::sync::watch;

/// Spawns tasks, and aborts those that are left.
pub(super) struct Tasks {
    abort: watch::Sender<bool>,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks { abort: watch::Sender::new(false) }
    }
}

impl Tasks {
    /// Spawns a task.
    pub(super) fn spawn(&self, task: impl Future<Output: Send> + Send + 'static) {
        self.executor().spawn(task);
    }

    /// Returns an executor for the HTTP library, which spawns a task for each stream of HTTP/2.
    pub(super) fn executor(&self) -> TaskExecutor {
        TaskExecutor { aborted: self.abort.subscribe() }
    }

    /// Aborts all tasks, and waits until they have ended. Call it when nothing else spawns tasks.
    pub(super) async fn abort(self) {
        self.abort.send_replace(true);
        // Each task holds a receiver.
        self.abort.closed().await;
    }
}

/// Spawns tasks that end with [`Tasks`].
#[derive(Clone)]
pub(super) struct TaskExecutor {
    aborted: watch::Receiver<bool>,
}

impl TaskExecutor {
    fn spawn<F: Future<Output: Send> + Send + 'static>(&self, task: F) {
        let mut aborted = self.aborted.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = aborted.wait_for(|aborted| *aborted) => {}
                _ = task => {}
            }
        });
    }
}

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for TaskExecutor {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use hyper::rt::Executor as _;

    use super::*;

    #[tokio::test]
    async fn no_task_outlives_its_listener() {
        let tasks = Tasks::default();
        let held = Arc::new(());
        for _ in 0..10 {
            let (one, other) = (Arc::clone(&held), Arc::clone(&held));
            tasks.spawn(async move {
                pending::<()>().await;
                drop(one);
            });
            tasks.executor().execute(async move {
                pending::<()>().await;
                drop(other);
            });
        }
        tasks.abort().await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
