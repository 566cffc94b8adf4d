//! The questions of a sign-in.

use bailiwick_api::op;
use bailiwick_api::signin::{ChangeExpiredPasswordRequest, SignInRequest, SignInToken};
use bailiwick_grpc::client::{ClientError, Server};
use bailiwick_operation::Clock as _;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::system::SystemClock;
use crate::terminal;

/// New passwords that may be tried.
const ATTEMPTS: usize = 3;

/// A person who signs in.
pub(super) struct Dialogue<'a> {
    server: &'a Server,
    account: String,
    /// None for root.
    user: Option<String>,
    device: Option<String>,
}

/// A code and the device that it is of.
type Code = (Zeroizing<String>, Option<String>);

impl<'a> Dialogue<'a> {
    /// Asks for what is not given.
    pub(super) fn new(
        server: &'a Server,
        account: Option<String>,
        user: Option<String>,
        is_root: bool,
    ) -> Result<Self, Failure> {
        let asked = |given: Option<String>, question: &str| match given {
            Some(given) => Ok(given),
            None => terminal::ask_openly(question),
        };
        let account = asked(account, "Account (id or alias): ")?;
        let user = if is_root { None } else { Some(asked(user, "User name: ")?) };
        Ok(Dialogue { server, account, user, device: None })
    }

    /// The same with a chosen MFA device.
    pub(super) fn with_device(self, device: Option<String>) -> Self {
        Dialogue { device, ..self }
    }

    /// Signs in, with a change of the password if one is due.
    pub(super) async fn sign_in(self) -> Result<SignInToken, Failure> {
        let password = terminal::ask("Password: ")?;
        let answer = self.attempt(&password, None).await?;
        if let Some(session) = answer.session {
            return Ok(session);
        }
        if answer.password_change_required {
            return self.change(&password, answer.mfa_required.then_some(&*answer.mfa_serial_numbers)).await;
        }
        let code = self.code(&answer.mfa_serial_numbers)?;
        let answer = self.attempt(&password, Some(code)).await?;
        answer.session.ok_or_else(|| Failure::new("the server needs more than a password and a code to sign in"))
    }

    async fn attempt(
        &self,
        password: &str,
        code: Option<Code>,
    ) -> Result<bailiwick_api::signin::SignInResponse, Failure> {
        let (mfa_code, mfa_serial_number) = code.map(|(code, device)| (code.to_string(), device)).unzip();
        let request = SignInRequest {
            account: Some(self.account.clone()),
            user_name: self.user.clone(),
            root: self.user.is_none().then_some(true),
            password: Some(password.to_owned()),
            mfa_code,
            mfa_serial_number: mfa_serial_number.flatten(),
            passkey: None,
        };
        let answer = self.server.anonymous().call::<op::SignIn>(&request, SystemClock.now()).await;
        answer.map_err(|e| Failure::new(format!("cannot sign in: {e}")))
    }

    /// Asks for a new password until the password policy permits it.
    async fn change(&self, password: &str, devices: Option<&[String]>) -> Result<SignInToken, Failure> {
        terminal::show("The password must be changed.\n")?;
        let mut refusal = None;
        for _ in 0..ATTEMPTS {
            let new = terminal::ask("New password: ")?;
            if *terminal::ask("New password again: ")? != *new {
                terminal::show("The two passwords are different.\n")?;
                continue;
            }
            let code = devices.map(|devices| self.code(devices)).transpose()?;
            let (mfa_code, mfa_serial_number) = code.map(|(code, device)| (code.to_string(), device)).unzip();
            let request = ChangeExpiredPasswordRequest {
                account: Some(self.account.clone()),
                user_name: self.user.clone(),
                password: Some(password.to_owned()),
                new_password: Some(new.to_string()),
                mfa_code,
                mfa_serial_number: mfa_serial_number.flatten(),
                passkey: None,
            };
            match self.server.anonymous().call::<op::ChangeExpiredPassword>(&request, SystemClock.now()).await {
                Ok(answer) => {
                    let missing = || Failure::new("the server needs more than the new password and a code");
                    return answer.session.ok_or_else(missing);
                }
                Err(ClientError::Refused { code, message }) if code == "PasswordPolicyViolation" => {
                    terminal::show(&format!("{message}\n"))?;
                    refusal = Some(message);
                }
                Err(error) => return Err(Failure::new(format!("cannot change the password: {error}"))),
            }
        }
        Err(Failure::new(refusal.unwrap_or_else(|| "the password was not changed".to_owned())))
    }

    /// Asks for a code, and of several devices for the one that it is of.
    fn code(&self, devices: &[String]) -> Result<Code, Failure> {
        // A passkey is asked by a browser.
        let devices: Vec<String> = devices.iter().filter(|device| !device.contains(":u2f/")).cloned().collect();
        if devices.is_empty() {
            return Err(Failure::new(
                "the MFA devices are passkeys, which a terminal cannot ask: enable a virtual device",
            ));
        }
        let device = match (&self.device, &*devices) {
            (Some(device), _) => Some(device.clone()),
            (None, [] | [_]) => None,
            (None, several) => Some(choose(several)?),
        };
        let of = device.as_deref().or_else(|| devices.first().map(String::as_str)).unwrap_or("the device");
        let code = terminal::ask(&format!("MFA code of {of}: "))?;
        Ok((Zeroizing::new(code.trim().to_owned()), device))
    }
}

fn choose(devices: &[String]) -> Result<String, Failure> {
    for (number, device) in devices.iter().enumerate() {
        terminal::show(&format!("  {}  {device}\n", number + 1))?;
    }
    let answer = terminal::ask_openly("Number of the device: ")?;
    let chosen = answer.parse::<usize>().ok().and_then(|number| devices.get(number.checked_sub(1)?));
    chosen.cloned().ok_or_else(|| Failure::with_code(format!("`{answer}` is not the number of a device"), 2))
}
