//! Runs the pipeline of a call with the handler of its operation.

use std::future::Future;
use std::pin::Pin;

use bailiwick_api::{for_each_operation, op};

use crate::caller::CallerOf;
use crate::handlers::handler;
use crate::shared::Shared;
use crate::steps::Typed;
use crate::{Answer, Incoming, pipeline};

type Run = for<'a> fn(&'a Shared, Incoming<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Answers one call.
pub(crate) async fn run(shared: &Shared, incoming: Incoming<'_>) -> Answer {
    // INVARIANT: the table of routes has the same operations in the same order.
    RUN[incoming.route.index](shared, incoming).await
}

macro_rules! table {
    ($(($module:ident $service:ident $operation:ident))*) => {
        /// By the index of the route.
        static RUN: &[Run] = &[
            $(|shared, incoming| {
                let target = Typed::<op::$operation, _>::new(handler!(shared $operation $service));
                Box::pin(async move { pipeline::run::<CallerOf<op::$operation>>(shared, &target, incoming).await })
            }),*
        ];
    };
}

for_each_operation!(table);
