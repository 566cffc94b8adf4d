//! The password that is asked for again before changes, with the time in hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use bailiwick_api::{iam, op};
use bailiwick_console::{Front, SessionLimits};
use bailiwick_service::Peer;
use bailiwick_testing::{ALLOW_ALL, MAIN, ManualClock, Pipeline};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use tempfile::TempDir;

const PASSWORD: &str = "heron-In-7-reeds";

/// A browser in which a person with all permissions is signed in.
struct Browser {
    front: Front,
    clock: Arc<ManualClock>,
    cookie: String,
    /// The audit trail, which refused changes are written to.
    _trail: TempDir,
}

/// Status, address that it leads to, and text of an answer.
type Answer = (StatusCode, String, String);

impl Browser {
    async fn new() -> Self {
        let pipeline = Pipeline::new().await;
        pipeline.user(&pipeline.root, "Heron").await;
        let policy = iam::PutUserPolicyRequest {
            user_name: Some("Heron".into()),
            policy_name: Some("all".into()),
            policy_document: Some(ALLOW_ALL.into()),
        };
        pipeline.call::<op::PutUserPolicy>(&pipeline.root, policy).await.unwrap();
        let profile = iam::CreateLoginProfileRequest {
            user_name: Some("Heron".into()),
            password: Some(PASSWORD.into()),
            ..Default::default()
        };
        pipeline.call::<op::CreateLoginProfile>(&pipeline.root, profile).await.unwrap();
        let Pipeline { folder, clock, service, .. } = pipeline;
        let front = Front::new(Arc::new(service), SessionLimits::default());
        let mut browser = Browser { front, clock, cookie: String::new(), _trail: folder };
        let members = [("account", MAIN), ("user_name", "Heron"), ("password", PASSWORD)];
        let (status, ..) = browser.post("/console/sign-in", &members).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        browser
    }

    async fn ask(&mut self, method: Method, path: &str, body: String) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::ORIGIN, "http://localhost")
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let answer = self.front.handle(request, Peer::direct([127, 0, 0, 1].into(), false)).await;
        let text = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        if let Some(cookie) = text(header::SET_COOKIE) {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        let (status, location) = (answer.status(), text(header::LOCATION).unwrap_or_default());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, location, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&mut self, path: &str, members: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
        self.ask(Method::POST, path, body).await
    }

    /// Sends a form of the page at that address, with the token that all forms of the session have.
    async fn change(&mut self, path: &str, members: &[(&str, &str)]) -> Answer {
        let (.., html) = self.ask(Method::GET, "/console/profile", String::new()).await;
        let token = html.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        self.post(path, &[members, &[("form_token", &token)]].concat()).await
    }

    /// Lets time pass with a request now and then, so that the session does not end.
    async fn pass(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.clock.advance(60);
            self.ask(Method::GET, "/console/profile", String::new()).await;
        }
    }
}

#[tokio::test]
async fn a_change_that_gives_rights_asks_for_the_password_after_half_an_hour() {
    let mut browser = Browser::new().await;
    let page = "/console/users/user?name=Heron";
    let attach = [("do", "attach-policies"), ("arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    browser.pass(30).await;
    let (status, location, _) = browser.change(page, &attach).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, page));
    browser.pass(1).await;
    let detach = [("do", "detach-policy"), ("arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    let (status, _, html) = browser.change(page, &detach).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("name=\"proof_password\"") && html.contains("value=\"detach-policy\""), "{html}");
    // A wrong password changes nothing, and asks again with the change.
    let wrong = [&detach[..], &[("proof_password", "otter-In-7-reeds")]].concat();
    let (status, _, html) = browser.change(page, &wrong).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{html}");
    assert!(html.contains("value=\"detach-policy\"") && !html.contains("otter"), "{html}");
    let (.., html) = browser.ask(Method::GET, page, String::new()).await;
    assert!(html.contains("policy/ReadOnlyAccess"), "{html}");
    let right = [&detach[..], &[("proof_password", PASSWORD)]].concat();
    let (status, location, _) = browser.change(page, &right).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, page));
    // It holds for the next half hour, and changes without rights never ask.
    browser.pass(29).await;
    assert_eq!(browser.change(page, &attach).await.0, StatusCode::SEE_OTHER);
    browser.pass(2).await;
    let show = [("do", "show"), ("user", "Heron")];
    assert_eq!(browser.change("/console/sessions", &show).await.1, "/console/sessions?user=Heron");
}

#[tokio::test]
async fn tags_names_and_deleted_documents_count_as_rights() {
    let mut browser = Browser::new().await;
    let page = "/console/users/user?name=Heron";
    browser.pass(31).await;
    let inline = "/console/inline?kind=user&name=Heron&policy=all";
    for (address, change) in [
        (page, vec![("do", "add-tag"), ("key", "team"), ("value", "reeds")]),
        (page, vec![("do", "remove-tag"), ("key", "team")]),
        (page, vec![("do", "rename"), ("new_name", "Egret")]),
        (inline, vec![("do", "delete"), ("confirm", "all")]),
        ("/console/settings", vec![("do", "delete-policy")]),
    ] {
        let (status, _, html) = browser.change(address, &change).await;
        assert_eq!(status, StatusCode::OK, "{change:?}");
        assert!(html.contains("name=\"proof_password\""), "{change:?}");
    }
}

#[tokio::test]
async fn a_change_of_credentials_asks_after_five_minutes_and_writes_no_password() {
    let mut browser = Browser::new().await;
    let page = "/console/users/user?name=Heron";
    browser.pass(6).await;
    let (status, location, _) = browser.change(page, &[("do", "create-key")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(location.starts_with("/console/prove?next="), "{location}");
    browser.pass(25).await;
    let create = [("do", "create"), ("name", "Otter"), ("password", "otter-In-7-reeds")];
    let (status, location, html) = browser.change("/console/users/create", &create).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(location.starts_with("/console/prove?next=") && html.is_empty(), "{location}{html}");
}
