//! A trail in the format of the recorder. Its chain is left out: look-up does not read it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;

/// The account with nine tenths of the events.
pub const ACCOUNT: &str = "111122223333";
/// The size at which a segment ends.
const SEGMENT: u64 = 64 * 1024 * 1024;
/// The time of the first event, in microseconds.
const BEGIN: i64 = 1_735_689_600_000_000;
const YEAR: u64 = 365 * 24 * 3_600 * 1_000_000;
/// The access key of the user with 20 events.
pub const RARE_KEY: &str = "AKIARARE000000000000";
/// Operations with whether they only read, the most frequent first.
const OPERATIONS: [(&str, bool); 8] = [
    ("GetUser", true),
    ("ListUsers", true),
    ("GetRole", true),
    ("AssumeRole", false),
    ("ListAttachedUserPolicies", true),
    ("CreateUser", false),
    ("PutUserPolicy", false),
    ("DeleteAccessKey", false),
];

/// The time of an event.
pub fn time(number: u64, events: u64) -> i64 {
    BEGIN + (u128::from(YEAR) * u128::from(number) / u128::from(events)) as i64
}

/// The id of an event.
pub fn id(number: u64) -> String {
    let mixed = mix(number);
    format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}", mixed >> 32, mixed >> 16 & 0xffff, mixed >> 4 & 0xfff, mixed & 0xfff)
}

/// The access key of `user-0`.
pub fn common_key() -> String {
    key(0)
}

fn key(user: u64) -> String {
    format!("AKIA{:016X}", mix(user))
}

/// Numbers that look random.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Writes the segments of a trail.
pub fn generate(folder: &Path, events: u64) -> Result<()> {
    let mut file: Option<(BufWriter<File>, u64)> = None;
    for number in 0..events {
        if number > 0 && number % 1_000_000 == 0 {
            eprintln!("{} of {} million events written", number / 1_000_000, events / 1_000_000);
        }
        let full = file.as_ref().is_none_or(|(_, bytes)| *bytes >= SEGMENT);
        if full {
            if let Some((mut full, _)) = file.take() {
                full.flush()?;
            }
            let path = folder.join(format!("audit-{:020}.jsonl", number + 1));
            file = Some((BufWriter::with_capacity(1024 * 1024, File::create_new(path)?), 0));
        }
        if let Some((file, bytes)) = &mut file {
            let line = line(number, events);
            file.write_all(line.as_bytes())?;
            *bytes += line.len() as u64;
        }
    }
    if let Some((mut last, _)) = file {
        last.flush()?;
    }
    Ok(())
}

fn line(number: u64, events: u64) -> String {
    let mixed = mix(number);
    let pick = |shift: u32, count: u64| mixed >> shift & 0xffff & (count - 1) & mixed >> (shift + 7);
    // Some calls take long and are written late.
    let late = if mixed % 100 == 0 { 20_000_000 } else { 0 };
    let time = Timestamp::from_microsecond(time(number, events) - late).unwrap_or_default();
    let rare = events / 20;
    let (user, key) = if number % rare == rare / 2 {
        ("rare".to_owned(), RARE_KEY.to_owned())
    } else {
        (format!("user-{}", pick(3, 2_048)), key(pick(3, 2_048)))
    };
    let account = if mixed % 10 == 9 { "444455556666" } else { ACCOUNT };
    let (name, read_only) = OPERATIONS[pick(11, 8) as usize];
    let error = if mixed >> 40 & 63 == 0 {
        format!(r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::{account}:user/{user} is not authorized to perform: iam:{name} on resource: user {user} because no identity-based policy allows the iam:{name} action","#)
    } else {
        String::new()
    };
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDA{mixed:017x}","arn":"arn:aws:iam::{account}:user/{user}","accountId":"{account}","accessKeyId":"{key}","userName":"{user}"}},"eventTime":"{time:.6}","eventSource":"iam.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"10.{}.{}.1","userAgent":"aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe",{error}"requestParameters":{{"userName":"user-{}","tags":[{{"key":"department","value":"engineering"}},{{"key":"cost-center","value":"4711"}}]}},"responseElements":null,"requestID":"{}","eventID":"{}","readOnly":{read_only},"resources":[{{"ARN":"arn:aws:iam::{account}:user/user-{}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management","tlsDetails":{{}},"sequence":{},"previousSha256":"{mixed:064x}"}}
"#,
        pick(20, 32),
        pick(25, 256),
        mixed >> 20 & 2_047,
        id(number ^ 1),
        id(number),
        mixed >> 20 & 2_047,
        number + 1,
    )
}
