//! Temporary: handlers that are not yet moved to plans.

use std::future::Future;

use bailiwick_api::Operation;
use bailiwick_model::{AccessKeyId, Result};
use bailiwick_storage::Tx;

use crate::{Check, Cx, Handle, Planned};

/// A handler that names its checks apart from what it does.
pub trait Checked<O: Operation>: Send + Sync + 'static {
    /// As [`Handle::min_revision`].
    fn min_revision<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        let _ = req;
        None
    }
    /// An access key that becomes unusable.
    fn retires<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        let _ = req;
        None
    }
    /// The checks.
    fn checks(&self, cx: &Cx, tx: &mut Tx, req: &O::Request) -> impl Future<Output = Result<Vec<Check>>> + Send;
    /// The change.
    fn handle(&self, cx: &Cx, tx: &mut Tx, req: O::Request) -> impl Future<Output = Result<O::Response>> + Send;
}

impl<O: Operation, H: Checked<O>> Handle<O> for H
where
    O::Request: Send + Sync,
{
    type Plan = O::Request;

    fn min_revision<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        Checked::<O>::min_revision(self, req)
    }

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: O::Request) -> Result<Planned<O::Request>> {
        let checks = Checked::<O>::checks(self, cx, tx, &req).await?;
        let retired = Checked::<O>::retires(self, &req).and_then(|key| AccessKeyId::parse(key).ok());
        Ok(Planned { plan: req, checks, retired_key: retired })
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: O::Request) -> Result<O::Response> {
        Checked::<O>::handle(self, cx, tx, plan).await
    }
}
