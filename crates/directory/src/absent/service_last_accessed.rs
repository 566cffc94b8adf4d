//! Reports on when services were last used: none was generated.

use super::{Place, absent, missing, text};

absent! {
    get GetServiceLastAccessedDetails GetServiceLastAccessedDetailsWithEntities GetOrganizationsAccessReport
        |req| Place::Account => |_, req| unknown(&req.job_id);
}

fn unknown(job: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The report with job id {} cannot be found.", text(job)))
}
