use bailiwick_api::{op, sts};
use bailiwick_audit::{Recorder, Settings};
use bailiwick_authz::Authz;
use bailiwick_directory::Directory;
use bailiwick_model::{Arn, ErrorCode, RoleName};
use bailiwick_operation::{FederatedPrincipal, Federation, Handle, Planned};
use bailiwick_signin::SignIn;
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::Role;
use bailiwick_sts::Sts;
use bailiwick_testing::{MAIN, World};
use http::{HeaderMap, Method, Uri};
use prost::Message as _;
use tempfile::TempDir;

use super::*;
use crate::steps::Typed;
use crate::{FrontEnd, Parts, Peer, Route, Service, pipeline};

static FRONT_END: FrontEnd = FrontEnd {
    name: "test",
    signing_service: None,
    accepts_certificate: false,
    accepts_bearer: false,
    accepts_console: false,
    accepts_query: true,
    accepts_unsigned_payload: false,
};

/// A handler that takes the text of the token for the domain of the provider.
struct Handler {
    /// Whether it names its check.
    has_check: bool,
    /// Whether it takes an access key out of use.
    retires: bool,
}

type Request = sts::AssumeRoleWithWebIdentityRequest;

impl Handle<op::AssumeRoleWithWebIdentity> for Handler {
    type Plan = String;

    async fn plan(&self, cx: &Cx<NoCaller>, tx: &mut Tx, req: Request) -> Result<Planned<String>> {
        let arn = Arn::parse(&req.role_arn.unwrap_or_default()).map_err(IamError::internal)?;
        let name = arn.as_str().rsplit('/').next().unwrap_or_default();
        let role = tx.find::<Role>(cx.deployment().management_account, &RoleName::parse(name)?).await?;
        let check = Check::new("sts:AssumeRoleWithWebIdentity", &arn).trust(role.map(|role| role.id));
        let plan = Planned::new(name.to_owned()).check_if(self.has_check, check);
        let plan = if self.retires { plan.retires(AccessKeyId::parse("AKIAEXAMPLEEXAMPLE00")?) } else { plan };
        Ok(match req.web_identity_token.as_deref() {
            Some("forged") => return Err(IamError::new(ErrorCode::InvalidIdentityToken, "it is forged")),
            Some("none") | None => plan,
            Some(provider) => plan.proven(FederatedPrincipal {
                kind: Federation::WebIdentity,
                provider: provider.to_owned(),
                issuer: provider.to_owned(),
                id: format!("{provider}:ponds:heron"),
                name: "heron".to_owned(),
            }),
        })
    }

    async fn handle(
        &self,
        _: &Cx<NoCaller>,
        _: &mut Tx,
        name: String,
    ) -> Result<sts::AssumeRoleWithWebIdentityResponse> {
        Ok(sts::AssumeRoleWithWebIdentityResponse { audience: Some(name), ..Default::default() })
    }
}

struct Env {
    folder: TempDir,
    service: Service,
}

const GOOD: Handler = Handler { has_check: true, retires: false };

impl Env {
    /// Roles that trust a provider, everyone, and an account.
    async fn new() -> Env {
        let world = World::new().await;
        for (name, principal) in [
            ("ByProvider", r#"{"Federated":"accounts.google.com"}"#),
            ("ByEveryone", r#"{"AWS":"*"}"#),
            ("ByAccount", r#"{"AWS":"111122223333"}"#),
        ] {
            let trust = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:*"}}}}"#
            );
            world.role(MAIN, name, &trust, "").await;
        }
        let folder = TempDir::new().unwrap();
        let (deployment, store) = (world.deployment.clone(), world.store.clone());
        let snapshots = Arc::new(Snapshots::start(store.clone(), deployment.partition).await.unwrap());
        let settings = Settings::in_folder(folder.path());
        let recorder = Recorder::start(store.clone(), &deployment, settings).await.unwrap();
        let authz = Authz::new(deployment.clone(), snapshots.clone());
        let service = Service::new(Parts {
            deployment,
            store,
            snapshots,
            authz,
            directory: Directory,
            sts: Sts,
            sign_in: SignIn,
            recorder,
        });
        Env { folder, service }
    }

    async fn call(&self, handler: &Handler, role: &str, token: &str) -> &'static str {
        let message = Request {
            role_arn: Some(format!("arn:aws:iam::{MAIN}:role/ponds/{role}")),
            role_session_name: Some("swim".into()),
            web_identity_token: Some(token.into()),
            ..Default::default()
        };
        let mut headers = HeaderMap::new();
        // A revision that never comes: the call must not wait for it.
        headers.insert("x-bailiwick-min-revision", "pond.0.ffffffff".parse().unwrap());
        let incoming = Incoming {
            front_end: &FRONT_END,
            route: Route::find(op::AssumeRoleWithWebIdentity::PATH).unwrap(),
            message: Ok(message.encode_to_vec().into()),
            method: &Method::POST,
            uri: &Uri::from_static("/"),
            headers: &headers,
            body: b"",
            peer: Peer::direct("192.0.2.1".parse().unwrap(), false),
        };
        let target = Typed::<op::AssumeRoleWithWebIdentity, _>::new(handler);
        let answer = pipeline::run::<Unsigned>(self.service.shared(), &target, incoming).await;
        answer.result.map_or_else(|error| error.code().wire(), |_| "OK")
    }

    /// The audit records, after the last call.
    async fn records(self) -> Vec<String> {
        self.service.close().await;
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap());
        let segments = files.filter(|file| {
            file.file_name().to_string_lossy().starts_with("audit-")
                && file.path().extension() == Some("jsonl".as_ref())
        });
        let text: String = segments.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn checks_of_unsigned_calls_are_allowed_by_trust_policies_only() {
    let env = Env::new().await;
    for (role, token, expected) in [
        ("ByProvider", "accounts.google.com", "OK"),
        ("ByProvider", "accounts.example.com", "AccessDenied"),
        ("ByProvider", "none", "AccessDenied"),
        ("ByProvider", "****", "AccessDenied"),
        ("ByProvider", "forged", "InvalidIdentityToken"),
        ("ByAccount", "accounts.google.com", "AccessDenied"),
        ("ByAccount", "none", "AccessDenied"),
        ("ByAccount", "111122223333", "AccessDenied"),
        // No trust policy replaces a proof.
        ("ByEveryone", "none", "AccessDenied"),
        // `*` under `AWS` names everyone but the principals of identity providers.
        ("ByEveryone", "accounts.google.com", "AccessDenied"),
        ("Absent", "accounts.google.com", "AccessDenied"),
        ("Absent", "none", "AccessDenied"),
    ] {
        assert_eq!(env.call(&GOOD, role, token).await, expected, "{role} {token}");
    }
}

#[tokio::test]
async fn plans_of_unsigned_calls_are_refused_without_checks_or_with_a_retired_key() {
    let env = Env::new().await;
    for (handler, role, token) in [
        (Handler { has_check: false, retires: false }, "ByProvider", "accounts.google.com"),
        (Handler { has_check: false, retires: false }, "ByEveryone", "none"),
        (Handler { has_check: true, retires: true }, "ByProvider", "accounts.google.com"),
    ] {
        assert_eq!(env.call(&handler, role, token).await, "ServiceFailure", "{role} {token}");
    }
}

#[tokio::test]
async fn records_of_unsigned_calls_name_the_federated_principal() {
    let env = Env::new().await;
    env.call(&GOOD, "ByProvider", "accounts.google.com").await;
    env.call(&GOOD, "ByProvider", "none").await;
    let records = env.records().await;
    let find = |text: &str| records.iter().filter(|record| record.contains(text)).count();
    let web = r#""userIdentity":{"type":"WebIdentityUser","principalId":"accounts.google.com:ponds:heron","userName":"heron","identityProvider":"accounts.google.com"}"#;
    let anonymous = r#""userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#;
    assert_eq!((find(web), find(anonymous)), (1, 1), "{records:#?}");
    assert_eq!(find("recipientAccountId"), 0);
}

#[tokio::test]
async fn failed_unsigned_calls_count_for_their_source() {
    let env = Env::new().await;
    let mut codes = Vec::new();
    for _ in 0..600 {
        codes.push(env.call(&GOOD, "ByProvider", "forged").await);
    }
    let refused = codes.iter().filter(|code| **code == "InvalidIdentityToken").count();
    // Fifty a second, ten seconds at once. The clock of the test stands still.
    assert_eq!(refused, 501);
    assert!(codes[501..].iter().all(|code| *code == "Throttling"));
    assert_eq!(env.call(&GOOD, "ByProvider", "accounts.google.com").await, "Throttling");
}

#[tokio::test]
async fn denials_of_a_proven_principal_do_not_count_for_its_source() {
    let env = Env::new().await;
    for _ in 0..600 {
        assert_eq!(env.call(&GOOD, "ByAccount", "accounts.google.com").await, "AccessDenied");
    }
    assert_eq!(env.call(&GOOD, "ByProvider", "accounts.google.com").await, "OK");
}
