//! Calls of the handlers, as the pipeline makes them.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_api::{Operation, SignedCall, question};
use bailiwick_model::{Region, Result};
use bailiwick_operation::{Cx, Handle, Planned, RequestInfo};
use bailiwick_sigv4 as sigv4;
use bailiwick_storage::Tx;
use bailiwick_testing::{Key, TestRequest};

use super::env::TestEnv;
use crate::{Authenticated, Authz, Proof, SignedRequest};

impl TestEnv {
    pub(crate) fn cx(&self, who: &Authenticated) -> Cx {
        let request = RequestInfo {
            id: "00000000-0000-4000-8000-000000000000".into(),
            source_ip: Some("192.0.2.7".parse().unwrap()),
            secure_transport: true,
            user_agent: Some("heron/1".into()),
            region: Some(Region::parse("eu-west-1").unwrap()),
        };
        let cx = Cx::new(self.deployment.clone(), who.caller.clone(), Arc::new(request));
        let current = self.snapshots.current().unwrap();
        cx.reading_at(current.revision()).with_view(current)
    }

    /// The caller that a key proves, by a signed request to IAM.
    pub(crate) async fn prove(&self, key: &Key) -> Result<Authenticated> {
        self.authenticate(&TestRequest::signed(self, key)).await
    }

    pub(crate) async fn authenticate(&self, sent: &TestRequest) -> Result<Authenticated> {
        let headers: Vec<_> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &sent.method, path: &sent.path, query: &sent.query, headers: &headers };
        let proof = Proof::Signature(SignedRequest {
            request,
            service: sent.service,
            body: &sent.body,
            unsigned_payload: sent.unsigned_payload,
            presigned_life: sent.query.contains("GetCallerIdentity").then_some(Duration::from_secs(15 * 60)),
        });
        self.authz.authenticate(&proof, self.now()).await
    }

    /// Does what the pipeline does with a call that changes nothing.
    pub(crate) async fn call<O: Operation<Call = SignedCall>>(
        &self,
        who: &Authenticated,
        req: O::Request,
    ) -> Result<O::Response>
    where
        Authz: Handle<O>,
    {
        self.called::<O>(who, req).await.map(|(answer, _)| answer)
    }

    /// The same with one that changes something.
    pub(crate) async fn change<O: Operation<Call = SignedCall>>(
        &self,
        who: &Authenticated,
        req: O::Request,
    ) -> Result<O::Response>
    where
        Authz: Handle<O>,
    {
        let (answer, tx) = self.called::<O>(who, req).await?;
        self.commit(tx).await;
        Ok(answer)
    }

    /// Checks, each decided, then the handler.
    pub(crate) async fn called<O: Operation<Call = SignedCall>>(
        &self,
        who: &Authenticated,
        req: O::Request,
    ) -> Result<(O::Response, Tx)>
    where
        Authz: Handle<O>,
    {
        if let Some(revision) = Handle::<O>::min_revision(&self.authz, &req) {
            self.snapshots.at_least(self.deployment.revisions.parse(revision)?).await?;
        }
        let mut tx = self.tx().await;
        self.snapshots.at_least(tx.revision()).await?;
        let mut who = who.clone();
        let cx = self.cx(&who);
        self.authz.prove_again(&cx.view().unwrap(), &mut who, cx.now())?;
        let cx = self.cx(&who).with_question(question::<O>(&req));
        let Planned { plan, checks, .. } = Handle::<O>::plan(&self.authz, &cx, &mut tx, req).await?;
        assert!(!checks.is_empty(), "nothing is free");
        let snapshot = cx.view().unwrap();
        checks.iter().for_each(|check| assert_eq!(check.undocumented(), None));
        for check in &checks {
            self.authz.decide(&snapshot, &who, &cx, check)?;
        }
        let answer = Handle::<O>::handle(&self.authz, &cx, &mut tx, plan).await?;
        Ok((answer, tx))
    }
}
