//! Takes requests: checks transport, origin, session and form token, and gives the rest to the pages.

use std::borrow::Cow;
use std::sync::Arc;

use bailiwick_api::op;
use bailiwick_api::sts::GetCallerIdentityRequest;
use bailiwick_model::{ErrorCode, IamError};
use bailiwick_service::{Peer, Refused, Service};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri, header};
use http_body_util::Full;

use crate::context::Context;
use crate::cookie::session_id;
use crate::form::Form;
use crate::lists::Lists;
use crate::person::Person;
use crate::reply::{self, Reply};
use crate::request::{FEDERATION, Request};
use crate::session::{SessionLimits, Sessions, State};
use crate::watches::Watches;
use crate::{assets, guard, pages};

/// The console.
#[derive(Clone)]
pub struct Front {
    context: Arc<Context>,
}

impl Front {
    /// Serves pages over `service`, with no session yet.
    pub fn new(service: Arc<Service>, limits: SessionLimits) -> Self {
        Front {
            context: Arc::new(Context {
                service,
                sessions: Sessions::new(limits),
                lists: Lists::default(),
                watches: Watches::default(),
            }),
        }
    }

    /// Returns whether a request belongs to the console, by its address: its own pages, and the sign-in of AWS's federation
    /// endpoint, whose other action is for programs.
    pub fn takes(head: &Uri) -> bool {
        let path = head.path();
        let mut members = form_urlencoded::parse(head.query().unwrap_or_default().as_bytes());
        let is_sign_in = |(name, value): (Cow<'_, str>, Cow<'_, str>)| name == "Action" && value == "login";
        path == "/console" || path.starts_with("/console/") || (path == FEDERATION && members.any(is_sign_in))
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: HttpRequest<B>, peer: Peer) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let mut reply = match self.read(&head, body, &peer).await {
            Ok(Read::Asset(asset)) => reply::asset(asset),
            Ok(Read::Form(form)) => Box::pin(self.answer(&head, form, &peer)).await,
            Err(error) => self.refuse(&head, &peer, &error),
        };
        reply::secure(reply.headers_mut(), peer.secure);
        reply
    }

    /// Refuses a request before it becomes a call, and records it.
    pub fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Full<Bytes>> {
        let (method, path) = (&head.method, head.uri.path());
        let user_agent = head.headers.get(header::USER_AGENT);
        let request_id = self.context.service.refused(Refused { method, path, user_agent, peer, error });
        let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut reply = pages::refusal(status, error, &request_id);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        reply::secure(reply.headers_mut(), peer.secure);
        reply
    }

    async fn read<B>(&self, head: &Parts, body: B, peer: &Peer) -> Result<Read, IamError>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let is_read = matches!(head.method, Method::GET | Method::HEAD);
        if is_read && let Some(asset) = assets::find(head.uri.path()) {
            return Ok(Read::Asset(asset));
        }
        if !guard::is_private(peer, &head.headers) {
            let message = "the console needs TLS: a password or a session would be readable on the way. Start the server \
                           with a certificate, or behind a proxy that is trusted and has one";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        if is_read {
            return Ok(Read::Form(Form::default()));
        }
        if head.method != Method::POST {
            return Err(IamError::new(ErrorCode::MethodNotAllowed, "pages are read with GET and changed with POST"));
        }
        guard::check_origin(head, peer)?;
        guard::read_form(head, body).await.map(Read::Form)
    }

    async fn answer(&self, head: &Parts, form: Form, peer: &Peer) -> Reply {
        let query = match Form::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            Ok(query) => query,
            Err(error) => return self.refuse(head, peer, &error),
        };
        let request = Request { context: &self.context, head, peer, query, form, now: self.context.now() };
        let id = session_id(head, peer).unwrap_or_default();
        // What a script asks by itself does not keep the session of an absent person alive.
        let is_used = !pages::asks_by_itself(request.path());
        let state = if id.is_empty() { None } else { self.context.sessions.find(id, request.now, is_used) };
        let session = match state {
            state if request.path() == "federation" => return pages::federation::answer(&request, id, state).await,
            Some(State::SignedIn(session)) if request.path() != "sign-in" => session,
            state => {
                if request.path() == "sign-in" {
                    return pages::sign_in::answer(&request, id, state).await;
                }
                if request.path() == "first" && !request.query.raw("link").is_empty() {
                    return pages::first::answer(&request).await;
                }
                if matches!(state, Some(State::Pending(_))) {
                    return reply::redirect("/console/sign-in");
                }
                if guard::is_link_from_elsewhere(&head.headers) {
                    return pages::continued(&request);
                }
                return pages::sign_in::lead(&request, if id.is_empty() { "" } else { "ended" });
            }
        };
        let person = Person::new(&request, session);
        if request.is_post() && !has_token(&person) {
            let message = "the form is of another session or role: go back, load the page again and repeat the change";
            return self.refuse(head, peer, &IamError::new(ErrorCode::AccessDenied, message));
        }
        if request.path() == "sign-out" && request.is_post() {
            return pages::sign_in::sign_out(&person, id).await;
        }
        if person.role.is_some() {
            // What ends the person's own session ends the page of the role as well. Only that error counts here.
            let _ = person.call_as_self::<op::GetCallerIdentity>(GetCallerIdentityRequest {}).await;
            if person.has_ended() {
                self.context.sessions.end(id);
                return pages::sign_in::lead(&request, "revoked");
            }
        }
        let page = pages::answer(&person).await;
        if person.has_left() {
            self.context.sessions.end(id);
        } else if person.has_ended() {
            // A role's session ends earlier than the person's own.
            if let Some(role) = &person.role {
                person.session.leave_role(role);
                person.session.set_flash("The session of the role has ended.".to_owned());
                return reply::redirect("/console");
            }
            self.context.sessions.end(id);
            return pages::sign_in::lead(&request, "revoked");
        }
        page.unwrap_or_else(|error| person.error_page(&error))
    }
}

/// Whether a form is of this session, and of the identity that the person acts as now.
fn has_token(person: &Person<'_>) -> bool {
    let given = person.form().raw("form_token");
    let is_same_for_all = matches!(person.request.path(), "sign-out" | "switch");
    guard::is_token(given, person.form_token())
        || (is_same_for_all && guard::is_token(given, &person.session.form_token))
}

enum Read {
    Asset(&'static assets::Asset),
    Form(Form),
}
