//! `--audit-sink`: a kind, and settings by name.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use bailiwick_audit::{SignInThreshold, SinkEvents, SinkFormat, SinkSettings, SinkStart};

use super::endpoint::Endpoint;
use super::file::FileSettings;
use super::syslog::{HostPort, SyslogSettings, Transport};
use super::webhook::{WebhookBody, WebhookSettings};

/// One sink, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SinkOption {
    pub(crate) name: String,
    pub(crate) start: SinkStart,
    pub(crate) events: SinkEvents,
    pub(crate) format: SinkFormat,
    pub(crate) max_records: usize,
    pub(crate) sign_ins: SignInThreshold,
    pub(crate) kind: SinkKind,
}

/// Where records are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SinkKind {
    File(FileSettings),
    Otlp(Endpoint),
    Stdout,
    Syslog(SyslogSettings),
    Webhook(WebhookSettings),
}

/// The kinds, each with its settings besides those of all kinds.
const KINDS: [(&str, &[&str]); 5] = [
    ("file", &["path", "max-bytes", "keep"]),
    ("otlp", &["url", "headers-file", "ca-file"]),
    ("stdout", &[]),
    ("syslog", &["to", "facility", "max-datagram", "ca-file"]),
    ("webhook", &["url", "secret-file", "headers-file", "ca-file", "body"]),
];
/// The settings of every kind.
const COMMON: [&str; 7] = ["name", "from", "events", "format", "max-records", "failed-sign-ins", "within"];

impl SinkOption {
    /// The settings for the engine.
    pub(crate) fn settings(&self) -> SinkSettings {
        let SinkOption { start, events, format, max_records, sign_ins, .. } = *self;
        SinkSettings { start, events, format, max_records, sign_ins, ..SinkSettings::named(self.name.clone()) }
    }
}

impl FromStr for SinkOption {
    type Err = String;

    /// Takes `KIND,NAME=VALUE,…`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let Some((kind, own)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            return Err(format!(
                "`{kind}` is no kind of sink: expected one of {}, then settings as in `,name=siem`",
                kinds.join(", ")
            ));
        };
        let mut given = Given { kind, values: Vec::new() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !COMMON.contains(&name) && !own.contains(&name) {
                let known: Vec<&str> = COMMON.iter().chain(own.iter()).copied().collect();
                return Err(format!("a {kind} sink has no setting `{name}`: expected {}", known.join(", ")));
            }
            if value.is_empty() {
                return Err(format!("the setting `{name}` is empty: expected `{name}=VALUE`"));
            }
            if given.values.iter().any(|(known, _)| *known == name) {
                return Err(format!("the setting `{name}` is given twice"));
            }
            given.values.push((name, value));
        }
        given.read()
    }
}

/// The settings that were given.
struct Given<'a> {
    kind: &'static str,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Given<'a> {
    fn read(mut self) -> Result<SinkOption, String> {
        let name = self.take("name").unwrap_or(self.kind);
        let is_name = |name: &str| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if !is_name(name) {
            return Err(format!(
                "`{name}` cannot be the name of a sink: expected up to 64 letters, digits, `-` and `_`"
            ));
        }
        let start = self.choice("from", &[("end", SinkStart::End), ("start", SinkStart::Start)])?;
        let events = self.choice("events", &[("all", SinkEvents::All), ("alerts", SinkEvents::Alerts)])?;
        let format = self.choice("format", &[("cloudtrail", SinkFormat::CloudTrail), ("ocsf", SinkFormat::Ocsf)])?;
        let mut max_records = self.number("max-records", SinkSettings::MAX_RECORDS, 1, 10_000)?;
        let has_threshold = self.take("failed-sign-ins").or(self.take("within")).is_some();
        if has_threshold && events != SinkEvents::Alerts {
            return Err("`failed-sign-ins` and `within` are for `events=alerts` only".to_owned());
        }
        let sign_ins = SignInThreshold {
            failures: self.number("failed-sign-ins", SignInThreshold::USUAL.failures, 1, 1_000_000)?,
            seconds: self.number("within", SignInThreshold::USUAL.seconds, 1, 86_400)?,
        };
        let kind = match self.kind {
            "file" => SinkKind::File(FileSettings {
                path: PathBuf::from(self.needed("path", "path=/var/log/bailiwick/audit.jsonl")?),
                max_bytes: self.number("max-bytes", FileSettings::MAX_BYTES, 4_096, u64::MAX)?,
                keep: self.number("keep", FileSettings::KEEP, 0, 10_000)?,
            }),
            "otlp" => SinkKind::Otlp(self.endpoint("url=https://collector.example.com:4318/v1/logs")?),
            "stdout" => SinkKind::Stdout,
            "syslog" => SinkKind::Syslog(self.syslog()?),
            _ => {
                let bodies =
                    [("array", WebhookBody::Array), ("lines", WebhookBody::Lines), ("single", WebhookBody::Single)];
                let body = self.choice("body", &bodies)?;
                if body == WebhookBody::Single {
                    max_records = 1;
                }
                SinkKind::Webhook(WebhookSettings {
                    endpoint: self.endpoint("url=https://siem.example.com/audit")?,
                    secret_file: PathBuf::from(
                        self.needed("secret-file", "secret-file=/etc/bailiwick/webhook.secret")?,
                    ),
                    body,
                    is_cloud_events: events == SinkEvents::Alerts,
                })
            }
        };
        Ok(SinkOption { name: name.to_owned(), start, events, format, max_records, sign_ins, kind })
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        self.values.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn needed(&mut self, name: &str, example: &str) -> Result<&'a str, String> {
        let kind = self.kind;
        self.take(name).ok_or_else(|| format!("a {kind} sink needs `{name}`, as in `{example}`"))
    }

    /// One of some values, of which the first is the default.
    fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Result<T, String> {
        let given = self.take(name);
        let found = choices.iter().find(|(known, _)| given.is_none_or(|given| given == *known));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            format!("`{name}={}` is unknown: expected one of {}", given.unwrap_or_default(), known.join(", "))
        })
    }

    fn number<T>(&mut self, name: &str, default: T, least: T, most: T) -> Result<T, String>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(given) = self.take(name) else { return Ok(default) };
        let number = given.parse().ok().filter(|number| *number >= least && *number <= most);
        number.ok_or_else(|| format!("`{name}={given}` is out of range: expected a number from {least} to {most}"))
    }

    fn syslog(&mut self) -> Result<SyslogSettings, String> {
        const EXPECTED: &str = "expected udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:/dev/log";
        let to = self.needed("to", "to=tls://logs.example.com:6514")?;
        let ca_file = self.take("ca-file").map(PathBuf::from);
        let is_tls = to.starts_with("tls://");
        let transport = if let Some(path) = to.strip_prefix("unix:").filter(|path| path.starts_with('/')) {
            Transport::Unix(path.into())
        } else {
            let wrong = || format!("`to={to}`: {EXPECTED}");
            let (scheme, authority) = to.split_once("://").ok_or_else(wrong)?;
            let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let port = port.parse().ok().filter(|port| *port > 0 && !host.is_empty()).ok_or_else(wrong)?;
            let at = HostPort { host, port };
            match scheme {
                "udp" => Transport::Udp(at),
                "tcp" => Transport::Tcp(at),
                "tls" => Transport::Tls(at, ca_file.clone()),
                _ => return Err(wrong()),
            }
        };
        if ca_file.is_some() && !is_tls {
            return Err("`ca-file` is for tls:// only".to_owned());
        }
        Ok(SyslogSettings {
            transport,
            facility: self.number("facility", SyslogSettings::FACILITY, 0, 23)?,
            max_datagram: self.number("max-datagram", SyslogSettings::MAX_DATAGRAM, 480, 65_000)?,
        })
    }

    fn endpoint(&mut self, example: &str) -> Result<Endpoint, String> {
        let url = self.needed("url", example)?;
        let ca_file = self.take("ca-file").map(PathBuf::from);
        let headers_file = self.take("headers-file").map(PathBuf::from);
        Endpoint::new(url, ca_file, headers_file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SinkOption, String> {
        text.parse()
    }

    #[test]
    fn kinds_and_defaults() {
        let file = read("file,path=/var/log/a.jsonl").unwrap();
        assert_eq!((file.name.as_str(), file.start, file.max_records), ("file", SinkStart::End, 500));
        let expected = FileSettings { path: "/var/log/a.jsonl".into(), max_bytes: 100 * 1024 * 1024, keep: 10 };
        assert_eq!(file.kind, SinkKind::File(expected));
        let file = read("file,name=b, path=b=c.jsonl ,max-bytes=4096,keep=0,from=start,max-records=1").unwrap();
        assert_eq!((file.name.as_str(), file.start, file.max_records), ("b", SinkStart::Start, 1));
        assert_eq!(file.kind, SinkKind::File(FileSettings { path: "b=c.jsonl".into(), max_bytes: 4_096, keep: 0 }));
        assert_eq!(read("stdout").unwrap().kind, SinkKind::Stdout);
        let hook = read("webhook,name=siem,url=https://siem.lan/x?y=z,secret-file=s,body=single").unwrap();
        let alerts = read("webhook,events=alerts,format=ocsf,url=http://[::1]:8/,secret-file=s").unwrap();
        assert_eq!((alerts.events, alerts.format), (SinkEvents::Alerts, SinkFormat::Ocsf));
        assert_eq!(alerts.sign_ins, SignInThreshold::USUAL);
        let own = read("stdout,events=alerts,failed-sign-ins=3,within=60").unwrap();
        assert_eq!(own.sign_ins, SignInThreshold { failures: 3, seconds: 60 });
        let SinkKind::Webhook(of) = alerts.kind else { panic!() };
        assert!(of.is_cloud_events);
        let at = |host: &str| HostPort { host: host.into(), port: 514 };
        for (to, expected) in [
            ("udp://10.0.0.1:514", Transport::Udp(at("10.0.0.1"))),
            ("tcp://[::1]:514", Transport::Tcp(at("::1"))),
            ("tls://logs.lan:514,ca-file=ca.pem", Transport::Tls(at("logs.lan"), Some("ca.pem".into()))),
            ("unix:/dev/log", Transport::Unix("/dev/log".into())),
        ] {
            let SinkKind::Syslog(syslog) = read(&format!("syslog,to={to}")).unwrap().kind else { panic!() };
            assert_eq!((syslog.transport, syslog.facility, syslog.max_datagram), (expected, 13, 65_000));
        }
        assert!(matches!(read("otlp,url=http://127.0.0.1:4318/v1/logs").unwrap().kind, SinkKind::Otlp(_)));
        let SinkKind::Webhook(settings) = hook.kind else { panic!() };
        assert!(!settings.is_cloud_events);
        assert_eq!((settings.body, hook.max_records), (WebhookBody::Single, 1));
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, expected) in [
            ("", "`` is no kind of sink: expected one of file, otlp, stdout"),
            ("kafka,url=x", "`kafka` is no kind of sink"),
            ("file", "a file sink needs `path`, as in `path=/var/log"),
            ("file,path", "the setting `path` is empty: expected `path=VALUE`"),
            ("file,path=a,url=b", "a file sink has no setting `url`: expected name, from"),
            ("file,path=a,path=b", "the setting `path` is given twice"),
            ("file,path=a,keep=-1", "`keep=-1` is out of range: expected a number from 0 to 10000"),
            ("file,path=a,max-bytes=1", "`max-bytes=1` is out of range"),
            ("file,path=a,from=middle", "`from=middle` is unknown: expected one of end, start"),
            ("syslog", "a syslog sink needs `to`"),
            ("syslog,to=logs.lan:514", "expected udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:/dev/log"),
            ("syslog,to=udp://logs.lan", "expected udp://HOST:PORT"),
            ("syslog,to=udp://logs.lan:1,ca-file=c", "`ca-file` is for tls:// only"),
            ("syslog,to=udp://logs.lan:1,facility=24", "expected a number from 0 to 23"),
            ("stdout,format=xml", "`format=xml` is unknown: expected one of cloudtrail, ocsf"),
            ("stdout,name=../x", "`../x` cannot be the name of a sink"),
            ("stdout,max-records=0", "`max-records=0` is out of range"),
            ("stdout,within=5", "`failed-sign-ins` and `within` are for `events=alerts` only"),
            ("stdout,events=alerts,failed-sign-ins=0", "`failed-sign-ins=0` is out of range"),
            ("webhook,secret-file=s", "a webhook sink needs `url`"),
            ("webhook,url=https://h/", "a webhook sink needs `secret-file`"),
            ("webhook,url=http://10.0.0.1/,secret-file=s", "would send records in clear text"),
            ("webhook,url=ftp://h/,secret-file=s", "expected https://host/path"),
            ("webhook,url=https://u:p@h/,secret-file=s", "has a user name or password"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
