//! The sessions of browsers, in the memory of the server: a restart ends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use bailiwick_api::signin::{PasskeyRequest, SignInToken, SignInWithTokenResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// How long sessions of browsers last.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request of the person.
    pub idle: Duration,
    /// At most.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        SessionLimits { idle: Duration::from_secs(15 * 60), absolute: Duration::from_secs(12 * 60 * 60) }
    }
}

/// How long a correct password waits for a code or a new password.
const PENDING: Duration = Duration::from_secs(5 * 60);
/// How long a password counts as just given, before changes of credentials and before those that give rights.
pub(crate) const RECENT_PROOF: Duration = Duration::from_secs(5 * 60);
pub(crate) const RIGHTS_PROOF: Duration = Duration::from_secs(30 * 60);
/// How many sessions a server keeps, and one person may have.
const MAX_SESSIONS: usize = 50_000;
const MAX_OF_PERSON: usize = 50;
/// How many sessions with temporary credentials an account may have. Who assumes a role chooses the name of the session, and
/// would end the sessions of all others with enough names.
const MAX_TEMPORARY_OF_ACCOUNT: usize = 5_000;
/// How many roles a person may switch to, each from the one before.
const MAX_ROLES: usize = 10;

/// What a browser's session is.
#[derive(Clone)]
pub(crate) enum State {
    /// The password was correct, and something else is missing.
    Pending(Arc<Pending>),
    /// A person is signed in.
    SignedIn(Arc<SignedIn>),
}

impl State {
    /// The account of a session with temporary credentials; none for others.
    fn temporary_of(&self) -> Option<&str> {
        match self {
            State::SignedIn(session) if session.is_temporary => Some(&session.account),
            State::SignedIn(_) | State::Pending(_) => None,
        }
    }
}

/// A sign-in that waits for a code, a passkey or a new password.
pub(crate) struct Pending {
    pub(crate) account: String,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Zeroizing<String>,
    pub(crate) mfa_serial_numbers: Vec<String>,
    pub(crate) needs_code: bool,
    pub(crate) needs_password: bool,
    pub(crate) passkey_request: Option<PasskeyRequest>,
    pub(crate) next: String,
    until: Timestamp,
}

/// A person who is signed in.
pub(crate) struct SignedIn {
    /// The ARN of the user or of root; with temporary credentials, of the role session or federated user.
    pub(crate) arn: String,
    /// The account's id.
    pub(crate) account: String,
    /// The token of the forms of pages on which the person acts as themselves.
    pub(crate) form_token: String,
    /// Whether the person has a password. Root has none after the sign-in by the link of the first start, and the session ends
    /// when root gets one.
    pub(crate) has_password: bool,
    /// Whether a second factor was verified.
    pub(crate) has_second_factor: bool,
    /// Whether the person signed in with temporary credentials. Then there is no user with credentials of its own.
    pub(crate) is_temporary: bool,
    /// When the session ends at the latest.
    pub(crate) until: Timestamp,
    authorization: Zeroizing<String>,
    changing: Mutex<Changing>,
}

/// A session to begin.
pub(crate) struct NewSession {
    arn: String,
    authorization: Zeroizing<String>,
    expiration: Option<prost_types::Timestamp>,
    has_password: bool,
    has_second_factor: bool,
    is_temporary: bool,
}

impl NewSession {
    /// Of a person who signed in with a password, or as root with the link of the first start.
    pub(crate) fn of_person(token: SignInToken, has_password: bool) -> Self {
        NewSession {
            arn: token.arn,
            authorization: Zeroizing::new(format!("Bearer {}", *Zeroizing::new(token.token))),
            expiration: token.expiration,
            has_password,
            has_second_factor: token.mfa_authenticated,
            is_temporary: false,
        }
    }

    /// Of temporary credentials.
    pub(crate) fn of_credentials(answer: SignInWithTokenResponse) -> Self {
        NewSession {
            arn: answer.arn,
            authorization: Zeroizing::new(format!("Console {}", *Zeroizing::new(answer.console_token))),
            expiration: answer.expiration,
            has_password: false,
            has_second_factor: answer.mfa_authenticated,
            is_temporary: true,
        }
    }
}

struct Changing {
    proved: Timestamp,
    flash: Option<String>,
    roles: Vec<Arc<RoleSession>>,
}

/// A role that the person switched to.
pub(crate) struct RoleSession {
    /// The ARN of the role.
    pub(crate) arn: String,
    /// The id of the role's account.
    pub(crate) account: String,
    /// The token of the forms of pages on which the person acts as this role. A form of another identity would change what
    /// has the same name in another account.
    pub(crate) form_token: String,
    /// The credentials of the session, which sign calls.
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Zeroizing<String>,
    pub(crate) session_token: Zeroizing<String>,
}

impl SignedIn {
    /// The value of the header that proves the person.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// The role that the person switched to.
    pub(crate) fn role(&self) -> Option<Arc<RoleSession>> {
        self.changing().roles.last().cloned()
    }

    /// Acts as a role from now on. Returns false if the person has switched as often as a session allows.
    pub(crate) fn enter_role(&self, role: RoleSession) -> bool {
        let mut changing = self.changing();
        let has_room = changing.roles.len() < MAX_ROLES;
        if has_room {
            changing.roles.push(Arc::new(role));
        }
        has_room
    }

    /// Returns from this role, unless another request of the browser has already left it.
    pub(crate) fn leave_role(&self, role: &Arc<RoleSession>) {
        self.changing().roles.pop_if(|last| Arc::ptr_eq(last, role));
    }

    /// Shows a message on the next page.
    pub(crate) fn set_flash(&self, text: String) {
        self.changing().flash = Some(text);
    }

    /// Takes the message for this page.
    pub(crate) fn take_flash(&self) -> Option<String> {
        self.changing().flash.take()
    }

    /// Whether the person gave the password, or signed in, in the last minutes.
    pub(crate) fn is_proved(&self, now: Timestamp, within: Duration) -> bool {
        now.duration_since(self.changing().proved).unsigned_abs() <= within
    }

    /// Records that the person gave the password again.
    pub(crate) fn set_proved(&self, now: Timestamp) {
        self.changing().proved = now;
    }

    /// Whether the person is root.
    pub(crate) fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }

    /// The user's name; `root` for root; the name of the role with that of its session.
    pub(crate) fn name(&self) -> &str {
        match self.arn.split_once(":assumed-role/") {
            Some((_, name)) => name,
            None => self.arn.rsplit([':', '/']).next().unwrap_or(&self.arn),
        }
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    last_use: Timestamp,
    state: State,
}

impl Entry {
    fn is_alive(&self, idle: Duration, now: Timestamp) -> bool {
        match &self.state {
            State::Pending(pending) => now < pending.until,
            State::SignedIn(session) => now < session.until && now < later(self.last_use, idle),
        }
    }
}

/// All sessions, by the SHA-256 of their ids: the memory of the server has no id that a browser could send.
pub(crate) struct Sessions {
    limits: SessionLimits,
    entries: Mutex<HashMap<[u8; 32], Entry>>,
}

/// Makes random bytes; see `bailiwick_operation::Random`.
pub(crate) type Fill<'a> = &'a dyn Fn(&mut [u8]);

impl Sessions {
    /// No session yet.
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Sessions { limits, entries: Mutex::default() }
    }

    /// Keeps a sign-in that lacks something, and returns the id of the session.
    pub(crate) fn begin(&self, fill: Fill<'_>, now: Timestamp, mut pending: Pending) -> String {
        pending.until = later(now, PENDING);
        self.insert(fill, now, State::Pending(Arc::new(pending)))
    }

    /// Keeps a session of a person who signed in, and returns its id.
    pub(crate) fn sign_in(&self, fill: Fill<'_>, now: Timestamp, new: NewSession) -> String {
        let end = new.expiration.and_then(|end| Timestamp::from_second(end.seconds).ok());
        let account = new.arn.split(':').nth(4).unwrap_or_default().to_owned();
        let flash = new.is_temporary.then(|| format!("You are signed in as {}.", new.arn));
        let session = SignedIn {
            account,
            arn: new.arn,
            form_token: random_text(fill),
            has_password: new.has_password,
            has_second_factor: new.has_second_factor,
            is_temporary: new.is_temporary,
            until: later(now, self.limits.absolute).min(end.unwrap_or(now)),
            authorization: new.authorization,
            changing: Mutex::new(Changing { proved: now, flash, roles: Vec::new() }),
        };
        self.insert(fill, now, State::SignedIn(Arc::new(session)))
    }

    /// The session of that id. `is_used`: the person uses it now.
    pub(crate) fn find(&self, id: &str, now: Timestamp, is_used: bool) -> Option<State> {
        let mut sessions = self.lock();
        let entry = sessions.get_mut(&key(id)).filter(|entry| entry.is_alive(self.limits.idle, now))?;
        if is_used {
            entry.last_use = now;
        }
        Some(entry.state.clone())
    }

    /// Forgets a session.
    pub(crate) fn end(&self, id: &str) {
        self.lock().remove(&key(id));
    }

    fn insert(&self, fill: Fill<'_>, now: Timestamp, state: State) -> String {
        let id = random_text(fill);
        let mut sessions = self.lock();
        sessions.retain(|_, entry| entry.is_alive(self.limits.idle, now));
        let arn = |state: &State| match state {
            State::SignedIn(session) => session.arn.clone(),
            State::Pending(pending) => format!("{}/{:?}", pending.account, pending.user_name),
        };
        let own = arn(&state);
        let same: Vec<_> = sessions.iter().filter(|(_, entry)| arn(&entry.state) == own).collect();
        let account = state.temporary_of();
        let of_account: Vec<_> = match account {
            Some(_) => sessions.iter().filter(|(_, entry)| entry.state.temporary_of() == account).collect(),
            None => Vec::new(),
        };
        let oldest = |entries: Vec<(&[u8; 32], &Entry)>| {
            entries.into_iter().min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| *key)
        };
        let evicted = if same.len() >= MAX_OF_PERSON {
            oldest(same)
        } else if of_account.len() >= MAX_TEMPORARY_OF_ACCOUNT {
            oldest(of_account)
        } else if sessions.len() >= MAX_SESSIONS {
            oldest(sessions.iter().collect())
        } else {
            None
        };
        if let Some(key) = evicted {
            sessions.remove(&key);
        }
        sessions.insert(key(&id), Entry { last_use: now, state });
        id
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// A sign-in with a correct password, which lacks nothing yet.
    pub(crate) fn new(account: String, user_name: Option<String>, password: &str, next: String) -> Self {
        Pending {
            account,
            user_name,
            password: Zeroizing::new(password.to_owned()),
            mfa_serial_numbers: Vec::new(),
            needs_code: false,
            needs_password: false,
            passkey_request: None,
            next,
            until: Timestamp::UNIX_EPOCH,
        }
    }
}

fn key(id: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, id.as_bytes()).as_ref());
    key
}

/// A secret that cannot be guessed.
pub(crate) fn random_text(fill: Fill<'_>) -> String {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_or_old_whatever_scripts_ask() {
        let limits = SessionLimits { idle: Duration::from_secs(60), absolute: Duration::from_secs(150) };
        let sessions = Sessions::new(limits);
        let begin = Timestamp::UNIX_EPOCH;
        let at = |seconds| later(begin, Duration::from_secs(seconds));
        let sign_in = || {
            let expiration = Some(prost_types::Timestamp { seconds: 1000, nanos: 0 });
            let token = SignInToken { expiration, ..Default::default() };
            sessions.sign_in(&|buffer| buffer.fill(7), begin, NewSession::of_person(token, true))
        };
        let is_found = |id: &str, second, is_used| sessions.find(id, at(second), is_used).is_some();
        let id = sign_in();
        let used = [(59, true), (118, true), (149, true), (150, true)];
        assert_eq!(used.map(|(second, is_used)| is_found(&id, second, is_used)), [true, true, true, false]);
        let id = sign_in();
        let asked = [(30, false), (59, false), (60, false), (61, true)];
        assert_eq!(asked.map(|(second, is_used)| is_found(&id, second, is_used)), [true, true, false, false]);
    }

    #[test]
    fn temporary_credentials_of_an_account_end_only_sessions_of_their_kind() {
        let sessions = Sessions::new(SessionLimits::default());
        let begin = Timestamp::UNIX_EPOCH;
        let now = later(begin, Duration::from_secs(60));
        let expiration = Some(prost_types::Timestamp { seconds: 3600, nanos: 0 });
        let arn = |account: &str, name: usize| format!("arn:aws:sts::{account}:assumed-role/Reader/{name}");
        let temporary = |account: &str, name| {
            let answer = SignInWithTokenResponse { arn: arn(account, name), expiration, ..Default::default() };
            NewSession::of_credentials(answer)
        };
        let fill = |number: usize| move |buffer: &mut [u8]| buffer[..8].copy_from_slice(&number.to_be_bytes());
        let token = SignInToken { arn: "arn:aws:iam::1:user/Ann".to_owned(), expiration, ..Default::default() };
        let person = sessions.sign_in(&fill(0), begin, NewSession::of_person(token, true));
        let other = sessions.sign_in(&fill(1), begin, temporary("2", 0));
        let oldest = sessions.sign_in(&fill(2), begin, temporary("1", 0));
        let Some(State::SignedIn(session)) = sessions.find(&oldest, begin, true) else { panic!("no session") };
        for number in 1..MAX_TEMPORARY_OF_ACCOUNT {
            let state = State::SignedIn(Arc::clone(&session));
            sessions.lock().insert(key(&number.to_string()), Entry { last_use: now, state });
        }
        let newest = sessions.sign_in(&fill(3), now, temporary("1", 1));
        let is_found = |id: &String| sessions.find(id, now, false).is_some();
        assert_eq!([&person, &other, &oldest, &newest].map(is_found), [true, true, false, true]);
    }

    #[test]
    fn a_password_counts_as_just_given_for_five_minutes() {
        let sessions = Sessions::new(SessionLimits::default());
        let signed_in: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let end =
            Some(prost_types::Timestamp { seconds: later(signed_in, Duration::from_secs(3600)).as_second(), nanos: 0 });
        let token =
            SignInToken { arn: "arn:aws:iam::111122223333:root".to_owned(), expiration: end, ..Default::default() };
        let new = NewSession::of_person(token, true);
        let id = sessions.sign_in(&|buffer| buffer.fill(7), signed_in, new);
        let Some(State::SignedIn(session)) = sessions.find(&id, signed_in, true) else { panic!("no session") };
        let at = |seconds| later(signed_in, Duration::from_secs(seconds));
        assert_eq!([0, 300, 301].map(|seconds| session.is_proved(at(seconds), RECENT_PROOF)), [true, true, false]);
        assert!(session.is_proved(at(301), RIGHTS_PROOF) && !session.is_proved(at(1801), RIGHTS_PROOF));
        session.set_proved(at(600));
        assert_eq!([900, 901].map(|seconds| session.is_proved(at(seconds), RECENT_PROOF)), [true, false]);
    }
}
