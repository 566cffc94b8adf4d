//! Codes of MFA devices: verified against the stored device, each accepted once, guesses limited.
//!
//! A user or root has a budget of [`GUESSES`] wrong codes over all of their devices, passkeys included. It refills by one in 2 hours and 24
//! minutes, ten a day, so that a guesser has some 20 attempts on the first day. Beyond the budget no code is verified.
//! Right codes do not restore it: the codes that the owner enters give a guesser no further attempts.

use bailiwick_federation::{SEED_BYTES, Totp, TotpState};
use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_seal::{Sealer, Secret};
use bailiwick_storage::{KeyOwner, MfaAssignment, MfaDevice, MfaFailures, Tx};
use jiff::{SignedDuration, Timestamp};

use crate::Cx;
use crate::secrets::SecretPlace;

/// The number of wrong codes after which an owner has to wait.
pub const GUESSES: i32 = 10;
/// How long one wrong code counts.
const REFILL: SignedDuration = SignedDuration::from_mins(144);

/// Seals the seed of a device for the store. It is bound to the account, path and name of the device.
///
/// # Errors
/// `ServiceFailure` if sealing fails.
pub fn seal_seed(sealer: &Sealer, account: AccountId, path_and_name: &str, seed: &[u8; SEED_BYTES]) -> Result<Vec<u8>> {
    SecretPlace::of_mfa_seed(account, path_and_name).seal(sealer, seed)
}

/// Enables a device for a user or root, if the two codes are consecutive codes of the device.
///
/// # Errors
/// `InvalidAuthenticationCode`, `EntityAlreadyExists`, `LimitExceeded`; `Throttling` after too many wrong codes.
pub async fn enable<C>(cx: &Cx<C>, tx: &mut Tx, device: MfaDevice, owner: KeyOwner, codes: [&str; 2]) -> Result<()> {
    // What needs no code comes first: it costs no attempt.
    if device.assignment.is_some() {
        return tx.enable_mfa_device(device, MfaAssignment { owner, enabled: cx.date(), offset: 0 }, 0).await;
    }
    let state = synchronized(cx, tx, &device, &owner, codes).await?;
    let assignment = MfaAssignment { owner, enabled: cx.date(), offset: state.offset };
    tx.enable_mfa_device(device, assignment, state.last_step).await
}

/// Learns the clock of a device that is enabled for a user or root from two consecutive codes.
///
/// # Errors
/// `InvalidAuthenticationCode`; `Throttling` after too many wrong codes.
pub async fn resync<C>(cx: &Cx<C>, tx: &mut Tx, device: MfaDevice, codes: [&str; 2]) -> Result<()> {
    let Some(assignment) = device.assignment else { return Err(wrong_code()) };
    let state = synchronized(cx, tx, &device, &assignment.owner, codes).await?;
    store(tx, device, assignment, state);
    Ok(())
}

/// Verifies one code of the device with this path and name, which must be enabled for `owner`. The code is used up, and
/// a wrong one is counted, even though the operation then ends in the error: the caller must run in the pipeline, and in
/// an operation that may write.
///
/// # Errors
/// `InvalidAuthenticationCode`, also if there is no such device; `Throttling` after too many wrong codes.
pub async fn verify<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    account: AccountId,
    owner: &KeyOwner,
    path_and_name: &str,
    code: &str,
) -> Result<()> {
    let failures = admitted(cx, tx, account, owner).await?;
    if let Some(device) = tx.find_mfa_device(account, path_and_name).await?
        && let Some(assignment) = device.assignment
        && assignment.owner == *owner
        // Serial numbers are ARNs, which are case-sensitive.
        && device.path_and_name() == path_and_name
    {
        let state = TotpState { offset: assignment.offset, last_step: device.last_step.unwrap_or(0) };
        if let Some(state) = totp(cx, &device)?.verify(state, cx.now().as_second(), code) {
            store(tx, device, assignment, state);
            return Ok(());
        }
    }
    Err(refuse(cx, tx, account, owner, failures))
}

async fn synchronized<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    device: &MfaDevice,
    owner: &KeyOwner,
    [first, second]: [&str; 2],
) -> Result<TotpState> {
    let failures = admitted(cx, tx, device.account, owner).await?;
    match totp(cx, device)?.synchronize(device.last_step, cx.now().as_second(), first, second) {
        Some(state) => Ok(state),
        None => Err(refuse(cx, tx, device.account, owner, failures)),
    }
}

fn store(tx: &mut Tx, device: MfaDevice, assignment: MfaAssignment, state: TotpState) {
    let assignment = Some(MfaAssignment { offset: state.offset, ..assignment });
    tx.update_mfa_device(&MfaDevice { assignment, last_step: Some(state.last_step), ..device });
}

fn totp<C>(cx: &Cx<C>, device: &MfaDevice) -> Result<Totp> {
    let path_and_name = device.path_and_name();
    let seed: Secret = SecretPlace::of_mfa_seed(device.account, &path_and_name)
        .open(&cx.deployment().sealer, &device.sealed_seed)
        .map_err(IamError::internal)?;
    Ok(Totp::new(seed.expose()))
}

/// When the failures so far are forgotten, if another attempt is allowed.
///
/// # Errors
/// `Throttling`.
pub(crate) async fn admitted<C>(cx: &Cx<C>, tx: &mut Tx, account: AccountId, owner: &KeyOwner) -> Result<Timestamp> {
    let forgotten =
        tx.mfa_failures(account, owner).await?.map_or(cx.now(), |failures| failures.forgotten.max(cx.now()));
    let wait = forgotten.duration_since(cx.now()) - REFILL * (GUESSES - 1);
    if wait.is_positive() {
        let message = "too many wrong authentication codes; wait before the next one";
        return Err(IamError::new(ErrorCode::Throttling, message).retry_after(wait.unsigned_abs()));
    }
    Ok(forgotten)
}

/// Counts a wrong code.
fn refuse<C>(cx: &Cx<C>, tx: &mut Tx, account: AccountId, owner: &KeyOwner, forgotten: Timestamp) -> IamError {
    count_wrong(cx, tx, account, owner, forgotten);
    wrong_code()
}

/// Counts a wrong code or assertion, also if the operation ends in an error. `forgotten` is what [`admitted`] returned.
pub(crate) fn count_wrong<C>(cx: &Cx<C>, tx: &mut Tx, account: AccountId, owner: &KeyOwner, forgotten: Timestamp) {
    // A clock near the end of time counts no further failures.
    let forgotten = forgotten.checked_add(REFILL).unwrap_or(cx.now());
    tx.put_mfa_failures(account, owner, MfaFailures { forgotten });
    tx.keep_if_refused();
}

fn wrong_code() -> IamError {
    IamError::new(ErrorCode::InvalidAuthenticationCode, "Authentication code for device is not valid.")
}
