use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::agent::{Obtain, Renewal, Session};
use crate::aws::Keys;
use crate::failure::Failure;
use crate::system::SystemRandomness;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
}

/// Obtains the same session each time, or fails.
struct Fake(bool);

impl Obtain for Fake {
    async fn obtain(&mut self) -> Result<Session, Failure> {
        if !self.0 {
            return Err(Failure::new("no answer from http://127.0.0.1:7470").temporary(true));
        }
        Ok(Session {
            keys: Keys {
                access_key_id: "ASIAEXAMPLE".to_owned(),
                secret_access_key: "hidden".to_owned().into(),
                session_token: Some("token".to_owned().into()),
                expiration: None,
            },
            obtained: Fixed.now(),
            expiration: Fixed.now() + SignedDuration::from_hours(1),
            account: "111122223333".to_owned(),
            arn: "arn:aws:iam::111122223333:role/a/deploy+1".to_owned(),
            name: "deploy+1".to_owned(),
        })
    }
}

struct World {
    agent: Agent,
    _folder: tempfile::TempDir,
    token: String,
}

async fn world(is_up: bool, with_metadata: bool) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let token = TokenFile::create(&path, &SystemRandomness::default()).unwrap();
    let (mut renewal, sessions) = Renewal::new(Fake(is_up), Arc::new(Fixed));
    renewal.begin().await.unwrap();
    let metadata = with_metadata.then(|| MetadataTokens::new(Box::new(SystemRandomness::default())));
    let around = Surroundings { region: "eu-central-1".to_owned(), token, metadata, clock: Arc::new(Fixed) };
    let token = std::fs::read_to_string(&path).unwrap();
    World { agent: Agent::new(sessions, around), _folder: folder, token }
}

impl World {
    /// Status and body of the answer; `*` in a value stands for the authorization token.
    async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(target).header("host", "127.0.0.1:7472");
        for (name, value) in headers {
            request = request.header(*name, value.replace('*', &self.token));
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let peer = Peer::direct("127.0.0.1".parse().unwrap(), false);
        let response = self.agent.respond(&head, &peer).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control")));
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A token of the instance metadata service.
    async fn metadata_token(&self) -> String {
        let (status, token) = self.ask("PUT", TOKEN_PATH, &[(LIFETIME, "60")]).await;
        assert_eq!(status, 200);
        token
    }
}

const TOKEN_PATH: &str = "/latest/api/token";
const LIFETIME: &str = "x-aws-ec2-metadata-token-ttl-seconds";

#[tokio::test]
async fn the_container_endpoint() {
    let world = world(true, false).await;
    let good = ("authorization", "*");
    let (status, body) = world.ask("GET", "/credentials", &[good]).await;
    assert_eq!(
        (status, &*body),
        (
            200,
            r#"{"RoleArn":"arn:aws:iam::111122223333:role/a/deploy+1","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"hidden","Token":"token","Expiration":"2027-01-15T09:00:00Z","AccountId":"111122223333"}"#
        )
    );
    for (method, target, headers, expected) in [
        ("GET", "/credentials", &[][..], 401),
        ("GET", "/credentials", &[("authorization", "")], 401),
        ("GET", "/credentials", &[("authorization", "wrong")], 401),
        ("GET", "/credentials", &[("authorization", "*x")], 401),
        ("GET", "/credentials", &[("authorization", "Bearer *")], 401),
        ("GET", "/credentials", &[good, good], 401),
        ("GET", "/credentials", &[good, ("x-forwarded-for", "127.0.0.1")], 403),
        ("GET", "/credentials", &[good, ("origin", "http://127.0.0.1:7472")], 403),
        ("GET", "/credentials", &[good, ("host", "attacker.example")], 400),
        ("POST", "/credentials", &[good], 405),
        ("OPTIONS", "/credentials", &[("access-control-request-method", "GET")], 405),
        ("GET", "/credentials/", &[good], 404),
        ("GET", "//credentials", &[good], 404),
        ("GET", "/Credentials", &[good], 404),
        ("GET", "/", &[good], 404),
        // The metadata service is off.
        ("PUT", TOKEN_PATH, &[(LIFETIME, "60")], 404),
        ("GET", "/latest/meta-data/iam/security-credentials/", &[], 404),
    ] {
        let (status, body) = world.ask(method, target, headers).await;
        assert_eq!(status, expected, "{method} {target} {headers:?}: {body}");
        assert!(!body.contains("hidden") && !body.contains(&world.token));
    }
}

#[tokio::test]
async fn tokens_of_the_metadata_service() {
    let world = world(true, true).await;
    for (headers, expected) in [
        (&[(LIFETIME, "1")][..], 200),
        (&[(LIFETIME, "21600")], 200),
        (&[(LIFETIME, "0")], 400),
        (&[(LIFETIME, "21601")], 400),
        (&[(LIFETIME, "99999999999999")], 400),
        (&[(LIFETIME, "-1")], 400),
        (&[(LIFETIME, "+60")], 400),
        (&[(LIFETIME, "60 ")], 400),
        (&[(LIFETIME, "")], 400),
        (&[(LIFETIME, "60"), (LIFETIME, "60")], 400),
        (&[], 400),
        (&[(LIFETIME, "60"), ("x-forwarded-for", "10.0.0.1")], 403),
        (&[(LIFETIME, "60"), ("x-forwarded-for", "")], 403),
        (&[(LIFETIME, "60"), ("origin", "https://attacker.example")], 403),
    ] {
        assert_eq!(world.ask("PUT", TOKEN_PATH, headers).await.0, expected, "{headers:?}");
    }
    for method in ["GET", "POST", "OPTIONS"] {
        assert_eq!(world.ask(method, TOKEN_PATH, &[(LIFETIME, "60")]).await.0, 405, "{method}");
    }
}

#[tokio::test]
async fn the_metadata_service() {
    let world = world(true, true).await;
    let token = world.metadata_token().await;
    let roles = "/latest/meta-data/iam/security-credentials";
    let credentials = r#"{"Code":"Success","LastUpdated":"2027-01-15T08:00:00Z","Type":"AWS-HMAC","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"hidden","Token":"token","Expiration":"2027-01-15T09:00:00Z"}"#;
    for (path, status, expected) in [
        ("/", 200, "latest"),
        ("/latest/meta-data/", 200, "iam/\nplacement/"),
        ("/latest/meta-data/iam", 200, "info\nsecurity-credentials/"),
        (roles, 200, "deploy+1"),
        (&format!("{roles}/"), 200, "deploy+1"),
        (&format!("{roles}/deploy+1"), 200, credentials),
        (&format!("{roles}/deploy%2B1"), 200, credentials),
        (&format!("{roles}/deploy+1/"), 200, credentials),
        (&format!("{roles}/other"), 404, "the session is of another role"),
        (&format!("{roles}/%ff"), 404, "the session is of another role"),
        (&format!("{roles}-extended/"), 404, "nothing is here"),
        ("/latest/meta-data/iam/info", 200, r#"{"Code":"Success","LastUpdated":"2027-01-15T08:00:00Z"}"#),
        ("/latest/meta-data/placement/region", 200, "eu-central-1"),
        (
            "/latest/dynamic/instance-identity/document",
            200,
            r#"{"accountId":"111122223333","region":"eu-central-1","version":"2017-09-30"}"#,
        ),
        // There is no instance that these could be true of.
        ("/latest/meta-data/instance-id", 404, "nothing is here"),
        ("/latest/meta-data/placement/availability-zone", 404, "nothing is here"),
        ("/latest/dynamic/instance-identity/signature", 404, "nothing is here"),
        ("/latest/user-data", 404, "nothing is here"),
        ("/latest//meta-data", 404, "nothing is here"),
        ("/latest/meta-data/../meta-data/iam", 404, "nothing is here"),
    ] {
        let found = world.ask("GET", path, &[("x-aws-ec2-metadata-token", &token)]).await;
        assert_eq!((found.0, &*found.1), (status, expected), "{path}");
        // Version 1, and every wrong token, whether the path exists or not.
        for headers in [
            &[][..],
            &[("x-aws-ec2-metadata-token", "")],
            &[("x-aws-ec2-metadata-token", "*")],
            &[("x-aws-ec2-metadata-token", &token[1..])],
            &[("x-aws-ec2-metadata-token", &token), ("x-aws-ec2-metadata-token", &token)],
            &[("authorization", "*")],
        ] {
            let (status, body) = world.ask("GET", path, headers).await;
            assert_eq!(status, 401, "{path} {headers:?}");
            assert!(!body.contains("hidden"));
        }
    }
    let with_token = [("x-aws-ec2-metadata-token", &*token)];
    assert_eq!(world.ask("DELETE", roles, &with_token).await.0, 405);
    // The token of one protocol is none of the other.
    assert_eq!(world.ask("GET", "/credentials", &[("authorization", &token)]).await.0, 401);
}

#[tokio::test]
async fn without_a_session_the_reason_is_shown() {
    let world = world(false, true).await;
    let (status, body) = world.ask("GET", "/credentials", &[("authorization", "*")]).await;
    let expected = r#"{"code":"CredentialsUnavailable","message":"no answer from http://127.0.0.1:7470"}"#;
    assert_eq!((status, &*body), (503, expected));
    let token = world.metadata_token().await;
    for path in ["/latest/meta-data/iam/security-credentials/", "/latest/dynamic/instance-identity/document"] {
        let (status, body) = world.ask("GET", path, &[("x-aws-ec2-metadata-token", &token)]).await;
        assert_eq!((status, &*body), (503, "no answer from http://127.0.0.1:7470"));
    }
    let region = "/latest/meta-data/placement/region";
    assert_eq!(world.ask("GET", region, &[("x-aws-ec2-metadata-token", &token)]).await.0, 200);
}
