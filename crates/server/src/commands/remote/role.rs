//! The flags that name a role to assume.

use clap::Args;

use crate::aws::Role;

/// The group "Role".
#[derive(Args, Clone)]
#[command(next_help_heading = "Role")]
pub(crate) struct RoleOptions {
    /// Role to assume with the credentials of the profile
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Name of the role's session, which the audit trail shows [default: bailiwick-TIME]
    #[arg(long, value_name = "NAME", requires = "role_arn")]
    session_name: Option<String>,
    /// External id that the role's trust policy requires
    #[arg(long, value_name = "ID", requires = "role_arn")]
    external_id: Option<String>,
    /// Duration of the session in seconds [default: the server's, one hour for a role]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(900..=129_600))]
    duration: Option<i32>,
    /// MFA device whose code is asked for on the terminal
    #[arg(long, value_name = "ARN")]
    mfa_serial: Option<String>,
}

impl RoleOptions {
    /// The role to assume, if the flags name one.
    pub(crate) fn role(&self) -> Option<Role> {
        Some(Role {
            profile: None,
            arn: self.role_arn.clone()?,
            session_name: self.session_name.clone(),
            external_id: self.external_id.clone(),
            duration_seconds: self.duration,
            mfa_serial: self.mfa_serial.clone(),
        })
    }

    /// The requested duration in seconds.
    pub(crate) fn duration(&self) -> Option<i32> {
        self.duration
    }

    /// The MFA device.
    pub(crate) fn mfa_serial(&self) -> Option<&str> {
        self.mfa_serial.as_deref()
    }
}
